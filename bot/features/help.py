"""`/ots help`, and the answer to a verb that does not exist."""

from __future__ import annotations

import difflib

from bot.interaction.feature import Feature, Verb
from bot.screen.parts import Buttons, Message, Note, Part, Text
from bot.status.buttons import connect_button

PROMISES = (
    "Secrets, passphrases and tokens are typed into windows only, never behind `/ots` and never in a message. "
    "Slash commands do not work in threads: use them in the channel or in any direct message."
)


def help_words(verbs: tuple[Verb, ...]) -> Message:
    """Every verb, one line each, grouped as they are listed."""
    lines = "\n".join(f"`/ots {verb.name}{' ' + verb.usage if verb.usage else ''}` {verb.does}" for verb in verbs)
    return Message.of(
        "Onetime Secret in Slack: " + ", ".join(f"/ots {verb.name}" for verb in verbs),
        Text.of("*Onetime Secret in Slack*\nA one-time link shows its secret once, to one person, and then is empty."),
        Text.of(lines),
        Text.of("Paste a link after `/ots` without a verb, and I say what it is and what can be done with it."),
        Buttons.of(connect_button()),
        Note.of(PROMISES),
    )


def no_such_verb(typed: str, verbs: tuple[Verb, ...]) -> Message:
    """The closest verb and the list. The answer does not repeat what was typed, which may be a secret."""
    names = [name for verb in verbs for name in (verb.name, *verb.aliases)]
    first = typed.split(maxsplit=1)[0].lower()
    close = difflib.get_close_matches(first[:40], names, n=1)
    hint = f" Did you mean `/ots {close[0]}`?" if close else ""
    parts: list[Part] = [
        Text.of(f"I don't know that.{hint}"),
        Text.of("I know " + ", ".join(f"`{verb.name}`" for verb in verbs) + ". `/ots help` says what they do."),
        Note.of(
            "If that was a secret: Slack has seen it now, so change it. Secrets belong in the windows that I open, "
            "never behind `/ots`."
        ),
    ]
    return Message("I don't know that." + hint.replace("`", ""), tuple(parts))


FEATURE = Feature(name="help", verbs=(Verb("help", "shows this", words=help_words),))
