"""Passwords and passphrases that are made up here, with the random numbers of the operating system."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from bot.screen.pieces import Phrase, say, say_count
from bot.secret import Secret

PasswordKind = Literal["words", "characters", "digits"]
PASSWORD_KINDS: Final[tuple[PasswordKind, ...]] = get_args(PasswordKind)

AMBIGUOUS = "Il1O0"  # left out of characters, since people copy passwords by eye too
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"
_ALPHABETS = tuple(
    "".join(sorted(set(alphabet) - set(AMBIGUOUS)))
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+-=?@_")
)

# How many words, characters or digits can be chosen. A word has 16.6 bits, a character 6, a digit 3.3.
LENGTHS: Final[Mapping[PasswordKind, tuple[int, ...]]] = MappingProxyType({
    "words": (4, 5, 6, 8),
    "characters": (12, 16, 20, 32),
    "digits": (4, 6, 8, 12),
})  # fmt: skip
DEFAULT_LENGTHS: Final[Mapping[PasswordKind, int]] = MappingProxyType({
    "words": 5,  # 83 bits
    "characters": 20,  # about 120 bits
    "digits": 6,  # 20 bits: enough only where few guesses are allowed
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PasswordSpec:
    """What kind of password to make up. `length` counts words, characters or digits; it is one of `LENGTHS`."""

    kind: PasswordKind
    length: int

    def make_up(self) -> Secret:
        """Another password each time."""
        match self.kind:
            case "words":
                return Secret("-".join(_word() for _ in range(self.length)))
            case "characters":
                return _characters(self.length)
            case "digits":
                return Secret("".join(secrets.choice(string.digits) for _ in range(self.length)))

    def in_words(self) -> Phrase:
        """“5 words”."""
        return length_words(self.kind, self.length)


def length_words(kind: PasswordKind, length: int) -> Phrase:
    match kind:
        case "words":
            return say_count("{count} word", "{count} words", length)
        case "characters":
            return say_count("{count} character", "{count} characters", length)
        case "digits":
            return say_count("{count} digit", "{count} digits", length)


def use_words(kind: PasswordKind) -> Phrase:
    """What passwords of this kind are good for."""
    match kind:
        case "words":
            return say(
                "Invented words, to be read aloud or typed by hand. They mean nothing, so nobody can guess them."
            )
        case "characters":
            return say("Letters, digits and signs, to be copied. Those that look alike are left out.")
        case "digits":
            return say(
                "For a PIN or a door code that is locked after a few wrong tries. For anything else it is too weak."
            )


def _word() -> str:
    """Five letters that can be spoken, such as “tulok”: 102,400 of them, all equally likely."""
    return "".join(secrets.choice(letters) for letters in (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS))


def _characters(length: int) -> Secret:
    """Lower-case and upper-case letters, digits and signs, at least one of each, since many sites want that."""
    while True:
        text = "".join(secrets.choice("".join(_ALPHABETS)) for _ in range(length))
        if all(set(alphabet) & set(text) for alphabet in _ALPHABETS):
            return Secret(text)


def generate_passphrase() -> Secret:
    """A passphrase that is easy to read aloud: ten syllables, 63 bits."""
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(10)]
    return Secret("-".join("".join(syllables[at : at + 2]) for at in range(0, 10, 2)))
