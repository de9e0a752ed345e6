"""Characters that nobody sees, and characters that phones and chats change while somebody types or pastes."""

from __future__ import annotations

import re
import unicodedata

# Characters without any width: formatting, direction, fillers, variation selectors, and controls that are no white
# space. Source: Unicode's categories Cf and Cc and its property Default_Ignorable_Code_Point.
_NO_WIDTH = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_NO_WIDTH}]")
_BLANKS = re.compile(rf"[\s\u2800{_NO_WIDTH}]*")

# In an emoji, joiners and variation selectors choose the picture: they are nothing that a reader misses.
_EMOJI = r"[\u2190-\u2bff\U0001f000-\U0001faff\u00a9\u00ae0-9#*]"
_PARTS_OF_EMOJI = re.compile(rf"(?<={_EMOJI})\ufe0f?\u20e3?(?:\u200d(?={_EMOJI}))?")
# What a reader cannot see or takes for an ordinary blank. Line breaks and tabs are seen by what they do.
_UNSEEN = re.compile(rf"[{_NO_WIDTH}\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]")

# Keyboards of phones write these in the place of the characters on the right while somebody types.
TYPOGRAPHIC = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
    "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "…": "...",
})  # fmt: skip
_CURLY = re.compile("[{}]".format("".join(map(chr, TYPOGRAPHIC))))


def remove_invisible(text: str) -> str:
    """The text without characters that have no width. White space stays."""
    return _INVISIBLE.sub("", text)


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing at all."""
    return _BLANKS.fullmatch(text) is not None


def count_unseen(text: str) -> int:
    """How many characters of the text a reader cannot see, or takes for an ordinary blank."""
    return len(_UNSEEN.findall(_PARTS_OF_EMOJI.sub("", text)))


def has_typographic(text: str) -> bool:
    """Whether there are curly quotes, long dashes or an ellipsis in the text, as phones write them."""
    return _CURLY.search(text) is not None


def is_composed(text: str) -> bool:
    """Whether letters with accents are one character each, which is what keyboards write (Unicode's form NFC)."""
    return unicodedata.is_normalized("NFC", text)
