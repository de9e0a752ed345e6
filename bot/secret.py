"""A string that cannot be printed, pickled or logged.

Everything that must never reach a log, a traceback, a message or a file in the clear is wrapped
in a `Secret` from the moment it is read, and unwrapped only by `reveal()`, which a test allows in
a handful of modules.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import NoReturn, Self, TypeVar

HIDDEN = "[hidden]"

SecretKind = TypeVar("SecretKind", bound="Secret")


class Secret:
    """Text that shows as `[hidden]` wherever Python would print it.

    Equality takes the same time whatever differs. Copies are the object itself; pickling,
    JSON and `vars()` fail or show nothing.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Where this may be called is listed in tests/unit/test_secret.py."""
        return self.__text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __len__(self) -> int:
        """How many characters; never their values."""
        return len(self.__text)

    def __contains__(self, part: str) -> bool:
        return part in self.__text

    @property
    def size(self) -> int:
        """How many bytes it has in UTF-8."""
        return len(self.__text.encode("utf-8", "surrogatepass"))

    @classmethod
    def join(cls, parts: Iterable[Secret]) -> Self:
        """One text of several, with nothing between them."""
        return cls("".join(part.reveal() for part in parts))

    def is_printable(self) -> bool:
        """No control characters and no line breaks."""
        return self.__text.isprintable()

    def as_kind(self, kind: type[SecretKind]) -> SecretKind:
        """The same text as another kind of secret, such as a `MetadataKey`."""
        return kind(self.__text)

    def strip(self) -> Self:
        """Without white space around it."""
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
    """The key in a `/secret/KEY` link: whoever has it can open the secret, once."""


class MetadataKey(Secret):
    """The key in a `/private/KEY` or `/receipt/KEY` link: whoever has it can look at the secret and burn it."""
