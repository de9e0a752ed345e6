"""What lists said at the last look: an account whose list says the same again has no news, and its rows stay unread.

Nearly all looks are such. Nothing of a list is kept but a digest of the fields that are read, and of our rows what
the next look's time is made of. It is this process's own: without it, or with another's version of the rows, all is
compared as ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bot.onetime.wire import Entry
from bot.storage.tracking.rows import Watch

MAX_ENTRIES = 50_000  # watches, some 400 bytes each
MAX_AGE = 600.0  # seconds until rows are compared all the same


@dataclass(frozen=True, slots=True)
class UnchangedResponse:
    """A look that found nothing. Times are seconds since the epoch."""

    watch: Watch
    answer: bytes  # `digest` of the list
    until: float  # from then on the clock alone may be news
    youngest: float | None  # when the youngest secret was made; None if there is none
    ends: float | None  # when the first one ends


class UnchangedResponseCache:
    """The last look at each watch, if it found nothing."""

    def __init__(self) -> None:
        self._looks: dict[str, UnchangedResponse] = {}

    def knows(self, watch: Watch, now: float) -> bool:
        """Whether its rows are needed only if its list says something else."""
        return self._of(watch, now) is not None

    def same(self, watch: Watch, answer: bytes | None, now: float) -> UnchangedResponse | None:
        """The look that this one need not repeat."""
        before = self._of(watch, now)
        return before if before is not None and before.answer == answer else None

    def keep(self, look: UnchangedResponse) -> None:
        """In place of the one before."""
        self.forget(look.watch)
        if len(self._looks) >= MAX_ENTRIES:
            del self._looks[next(iter(self._looks))]
        self._looks[look.watch.id] = look

    def forget(self, watch: Watch) -> None:
        self._looks.pop(watch.id, None)

    def _of(self, watch: Watch, now: float) -> UnchangedResponse | None:
        before = self._looks.get(watch.id)
        return before if before is not None and now < before.until and _alike(before.watch, watch) else None


def digest(entries: Sequence[Entry]) -> bytes | None:
    """Another one if anything that is read of a list is another; times that count down are not read.

    None of what only a hostile host says: numbers beyond all bounds, text that is none.
    """
    try:
        return hashlib.sha256(_ENCODER.encode(entries)).digest()
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None


def _alike(one: Watch, other: Watch) -> bool:
    """The same rows, and the same wanted of them."""
    return (one.version, one.everything, one.zone) == (other.version, other.everything, other.zone)


_ENCODER = msgspec.msgpack.Encoder()
