"""Draws pieces as text for Slack, in the reader's language. The one place where text is escaped and cut.

Source of the limits: docs.slack.dev, reference of blocks, of composition objects and of views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, assert_never

from bot.language import Language
from bot.screen import localization
from bot.screen.pieces import (
    Bold,
    Code,
    Duration,
    HostName,
    Listing,
    Mark,
    Phrase,
    Piece,
    Plain,
    SecretNamed,
    Sentences,
    Value,
    When,
    Where,
    Who,
)
from bot.screen.words import defang

# Markup of mrkdwn that works although the text is escaped: emphasis, code, emoji.
_MARKUP = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)|:(?=[a-z0-9_+'-]+:)", re.IGNORECASE)
# Invisible characters that change how the other text reads: controls, direction overrides, zero widths.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Where nothing is escaped, a name must not look like a mention.
_NO_MENTION = str.maketrans("<>", "‹›")
_OWN_MARKUP = re.compile(r"[*`]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# A text is in a block, which has markup; or in a message's `text`, which notifications and screen readers
# read, perhaps without the names of secrets; or in a button, a title or a label, where Slack shows no markup, no names
# of people and no times.
TextStyle = Literal["mrkdwn", "summary", "nameless summary", "plain"]


def escape(text: str) -> str:
    """`& < >` as Slack wants them, so that no mention, link or channel can be formed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(plain: Plain) -> str:
    """Text that is not ours, for mrkdwn: cut and escaped, so that nothing in it formats, hides or becomes a link."""
    return _MARKUP.sub(lambda found: found.group() + "\u200b", escape(_readable(plain)))


def cut(text: str, max_length: int) -> str:
    """The text, as much of it as Slack takes."""
    return text[:max_length]


def moment(when: When, language: Language) -> str:
    """Slack's date token: shown in the reader's time zone, or in UTC where a client does not understand the token."""
    shape = "{time}"
    if when.style == "moment":
        shape = localization.day_and_time(language).replace("{day}", "{date_short_pretty}")
    fallback = localization.moment(when.at, when.style, language)
    return f"<!date^{int(when.at.timestamp())}^{shape}|{fallback}>"


def mrkdwn(pieces: Iterable[Piece], language: Language) -> str:
    """Pieces as text with markup, for a block."""
    return "".join(draw(piece, language, "mrkdwn") for piece in pieces)


def summary(pieces: Iterable[Piece], language: Language, *, hides_names: bool = False) -> str:
    """Pieces as the `text` of a message, perhaps without the names of secrets."""
    style: TextStyle = "nameless summary" if hides_names else "summary"
    return "".join(draw(piece, language, style) for piece in pieces)


def plain_text(piece: Piece, max_length: int, language: Language) -> dict[str, Any]:
    """A text object without markup, of at most so many characters."""
    return {"type": "plain_text", "text": cut(draw(piece, language, "plain"), max_length), "emoji": True}


def mrkdwn_text(pieces: Iterable[Piece], max_length: int, language: Language) -> dict[str, Any]:
    """A text object with markup. `verbatim` keeps Slack from finding links and mentions in it by itself."""
    return {"type": "mrkdwn", "text": cut(mrkdwn(pieces, language), max_length), "verbatim": True}


def draw(piece: Value, language: Language, style: TextStyle) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each kind
    """A piece as text of this style. Raises `ValueError` for a name or channel where Slack shows none."""
    match piece:
        case int():
            return localization.number(piece, language)
        case Phrase():
            return _phrase(piece, language, style)
        case Plain():
            return _readable(piece).translate(_NO_MENTION) if style == "plain" else literal(piece)
        case HostName(name):
            return name if style == "plain" else escape(name)
        case When():
            return localization.moment(piece.at, piece.style, language) if style == "plain" else moment(piece, language)
        case Duration(seconds):
            return localization.duration(seconds, language)
        case Listing(items, conjunction):
            return localization.listing([draw(item, language, style) for item in items], conjunction, language)
        case Sentences(sentences):
            return " ".join(filter(None, (draw(sentence, language, style) for sentence in sentences)))
        case Mark(text):
            return text
        case Bold(inner):
            drawn = draw(inner, language, style)
            can_be_bold = style == "mrkdwn" and "*" not in drawn  # an asterisk that somebody typed would end it
            return f"*{drawn}*" if can_be_bold else drawn
        case Code(inner):
            drawn = draw(inner, language, style)
            return f"`{drawn}`" if style == "mrkdwn" else drawn
        case SecretNamed(inner, instead):
            shown = instead if style == "nameless summary" else inner
            return "" if shown is None else draw(shown, language, style)
        case Who() | Where():
            if style == "plain":
                raise ValueError("a name is shown in blocks and in a message's text only")
            return f"<@{escape(piece.user_id)}>" if isinstance(piece, Who) else f"<#{escape(piece.channel_id)}>"
        case _:
            assert_never(piece)


def _phrase(phrase: Phrase, language: Language, style: TextStyle) -> str:
    text = localization.translate(phrase, language)
    if style != "mrkdwn":
        text = _OWN_MARKUP.sub("", text)
    if style != "plain":
        text = escape(text)
    values = dict(phrase.values)
    return _PLACEHOLDER.sub(
        lambda found: draw(values[found[1]], language, style) if found[1] in values else found[0], text
    )


def _readable(plain: Plain) -> str:
    """Without what hides or becomes a link, and cut."""
    shown = defang(plain.text)
    text = shown if len(shown) <= plain.max_length else shown[: plain.max_length - 1] + "…"
    return _UNSEEN.sub("\ufffd", text)
