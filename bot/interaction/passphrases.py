"""Passphrases that keyboards change: blanks at the ends, curly quotes, long dashes, other forms of é.

A passphrase is tried exactly as it was typed. Only if it is refused, and another form of it differs, is that form
offered, in words. A passphrase is never kept: the person types it again, and ticked boxes say how it is read.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from bot.characters import TYPOGRAPHIC, has_typographic, is_composed, remove_invisible
from bot.interaction.feature import Interaction
from bot.screen.parts import Checkboxes
from bot.screen.pieces import Phrase, Sentences, say
from bot.secret import Secret

FORMS: Final = "passphrase_forms"  # the field with the boxes

TRIMMED, SEEN, PLAIN, CURLY, COMPOSED, DECOMPOSED = "trimmed", "seen", "plain", "curly", "composed", "decomposed"

# For each form: what was different about the text, and the words of its box.
_WORDS: Final = {
    TRIMMED: (say("It begins or ends with a space."), say("Without spaces at its ends")),
    SEEN: (say("It has characters that cannot be seen."), say("Without characters that cannot be seen")),
    PLAIN: (say("It has curly quotes, a long dash or an ellipsis."), say("With plain quotes, dashes and dots")),
    CURLY: (say("It has plain quotes, dashes or dots."), say("With the curly quotes and long dashes of phones")),
    COMPOSED: (say("It has letters such as é as two characters."), say("With letters such as é as one character")),
    DECOMPOSED: (say("It has letters such as é as one character."), say("With letters such as é as two characters")),
}
# These undo what happens to a text by accident, so they are ticked. The others are as likely to be wrong as right.
_LIKELY: Final = frozenset({TRIMMED, SEEN, PLAIN, COMPOSED})


def read_passphrase(interaction: Interaction) -> Secret | None:
    """The passphrase that was typed, in the form that the ticked boxes say. None if nothing was typed."""
    typed = interaction.text_inputs.get("passphrase")
    if not typed:
        return None
    text = typed.reveal()
    ticked = interaction.checkboxes.get(FORMS, frozenset())
    for form in _WORDS:
        if form in ticked:
            text = _change(text, form)
    return Secret(text)


def offer_other_forms(interaction: Interaction) -> tuple[Sentences, Checkboxes] | None:
    """Sentences and boxes for the other forms of what was typed and refused. None if no other form differs."""
    typed = interaction.text_inputs.get("passphrase", Secret("")).reveal()
    forms = [form for form in _WORDS if _change(typed, form) != typed]
    if not forms:
        return None
    ticked = interaction.checkboxes.get(FORMS, _LIKELY.intersection(forms))
    boxes = tuple((form, _WORDS[form][1]) for form in forms)
    return _describe(forms), Checkboxes(
        FORMS, say("Try it in another form"), boxes, frozenset(ticked).intersection(forms)
    )


def describe_other_forms(typed: Secret | None) -> tuple[Sentences, ...]:
    """What is unusual about a passphrase that was refused, for an error at its field. Empty if nothing is."""
    text = typed.reveal() if typed else ""
    forms = [form for form in _WORDS if form in _LIKELY and _change(text, form) != text]
    return (_describe(forms),) if forms else ()


def find_problem(passphrase: Secret) -> Phrase | None:
    """Why a passphrase that is being set would be hard to type again, and what to do. None if it is not."""
    text = passphrase.reveal()
    if text != text.strip():
        return say("It begins or ends with a space, which gets lost on the way. Please remove that space.")
    if remove_invisible(text) != text or re.search(r"[^\S ]", text):
        return say("It has characters that cannot be seen, and nobody could type those. Please type it again.")
    if has_typographic(text):
        return say(
            "It has curly quotes, a long dash or an ellipsis, which not every keyboard can type. Use plain ones."
        )
    if not is_composed(text):
        return say("Its letters with accents are in a form that not every keyboard types. Please type it again.")
    return None


def _describe(forms: list[str]) -> Sentences:
    return Sentences.of(say("What you typed may have been changed on the way."), *(_WORDS[form][0] for form in forms))


def _change(text: str, form: str) -> str:
    match form:
        case "trimmed":
            return text.strip()
        case "seen":
            return re.sub(r"\s", " ", remove_invisible(text))
        case "plain":
            return text.translate(TYPOGRAPHIC)
        case "curly":
            text = text.replace("...", "…").replace("--", "—").replace("'", "’")
            return re.sub(r'"([^"]*)"?', "“\\1”", text)
        case "composed":
            return unicodedata.normalize("NFC", text)
        case _:
            return unicodedata.normalize("NFD", text)
