"""A string that cannot be printed, pickled or logged.

Everything that must never reach a log, a traceback, a message or a file as plain text is wrapped in a `Secret` as soon
as it is read. Only `reveal()` unwraps it, and a test allows `reveal()` in a few modules.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import NoReturn, Self, TypeVar

from bot.characters import is_blank

HIDDEN = "[hidden]"
SHORT_ID = 8  # characters of a metadata key that may be shown, as on the pages of Onetime Secret
OLD_SHORT_ID = 6  # characters; servers up to 0.23 show so many
OLD_KEY = 31  # characters; the longest key that servers up to 0.23 make

SecretKind = TypeVar("SecretKind", bound="Secret")


class Secret:
    """Text that shows as `[hidden]` wherever Python would print it.

    Comparing takes the same time wherever the texts differ, and two kinds of secret are never equal. A copy is the
    object itself; pickling, JSON and `vars()` fail or show nothing.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. tests/unit/test_secret.py lists the modules that may call this."""
        return self.__text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __len__(self) -> int:
        """The number of characters."""
        return len(self.__text)

    def __contains__(self, part: str) -> bool:
        return part in self.__text

    @property
    def size(self) -> int:
        """The number of bytes in UTF-8."""
        return len(self.__text.encode("utf-8", "surrogatepass"))

    @classmethod
    def join(cls, parts: Iterable[Secret]) -> Self:
        """One secret of several, with nothing between them."""
        return cls("".join(part.reveal() for part in parts))

    @property
    def is_blank(self) -> bool:
        """Whether a reader would see nothing at all: there are only blanks, line breaks and invisible characters."""
        return is_blank(self.__text)

    @property
    def has_capitals(self) -> bool:
        return self.__text != self.__text.lower()

    def is_printable(self) -> bool:
        """Whether there are no control characters and no line breaks in the text."""
        return self.__text.isprintable()

    def as_kind(self, kind: type[SecretKind]) -> SecretKind:
        """The same text as another kind of secret, such as a `MetadataKey`."""
        return kind(self.__text)

    def strip(self) -> Self:
        """The same kind of secret without white space at its ends."""
        return type(self)(self.__text.strip())

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        ours, theirs = self.__text, other.reveal()
        return hmac.compare_digest(ours.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass"))

    def __hash__(self) -> int:
        return hash((type(self), self.__text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a Secret is never pickled")


class SecretKey(Secret):
    """The key in a `/secret/KEY` link: anybody who has it can open the secret, once."""


class MetadataKey(Secret):
    """The key in a `/private/KEY` or `/receipt/KEY` link: anybody who has it can see the secret's state and burn it."""

    @property
    def is_old(self) -> bool:
        """Whether a server up to 0.23 made the key: later ones make longer keys."""
        return len(self) <= OLD_KEY

    @property
    def short_id(self) -> str:
        """The first characters, as on Onetime Secret's own pages: they name a secret and open nothing."""
        length = OLD_SHORT_ID if self.is_old else SHORT_ID
        return self.reveal()[:length] if len(self) >= 2 * SHORT_ID else ""

    def may_be_called(self, short_id: str) -> bool:
        """Whether this is a short name of the key. It is none if more of the key is in it than may be shown."""
        fits = OLD_SHORT_ID <= len(short_id) <= SHORT_ID and len(self) >= 2 * SHORT_ID
        return fits and self.reveal().startswith(short_id)
