"""The unchanged-response cache: a list that is the same as at the last poll needs no row to be read.

Nearly all polls find the same list as the poll before. The cache keeps only a digest of the fields of the list that we
read, and those values of our rows that decide the time of the next poll.

    poll found nothing new ──▶ store ──▶ cached ──▶ find: the digest, the watch's version and its options are the same
                                           │              ──▶ the poll ends here
                                           ├─ the list or the watch is another ──▶ compare with the rows ──▶ discard
                                           └─ `valid_until` is over: an expiry or a reminder is due, or MAX_AGE is over

The cache is only in the memory of this process: without an entry, the list is compared with the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from cachetools import LRUCache

from bot.onetime.wire import Entry
from bot.storage.tracking.rows import Watch

MAX_ENTRIES = 50_000  # watches, some 500 bytes each
MAX_AGE = 600.0  # seconds that an entry is valid at most


@dataclass(frozen=True, slots=True)
class UnchangedResponse:
    """What is kept of a poll that found nothing new. Times are seconds since the epoch."""

    watch: Watch
    digest: bytes  # of the list: `digest_entries`
    valid_until: float  # after this time something may be due although the list is the same
    newest_made_at: float | None  # None if the account has no open secret
    first_expires_at: float | None  # None if no open secret has an end that is still to come


class UnchangedResponseCache:
    """The last poll of each watch, if it found nothing new. Holds MAX_ENTRIES; the longest unused one goes first."""

    def __init__(self) -> None:
        self._responses: LRUCache[str, UnchangedResponse] = LRUCache(maxsize=MAX_ENTRIES)  # by the watch's id

    def has(self, watch: Watch, now: float) -> bool:
        """Whether there is a valid entry: the rows are needed only if the list has changed. `now` in epoch seconds."""
        return self._find_valid(watch, now) is not None

    def find(self, watch: Watch, digest: bytes | None, now: float) -> UnchangedResponse | None:
        """The valid entry if the list has this digest; None otherwise, and always for a digest that is None."""
        response = self._find_valid(watch, now)
        return response if response is not None and response.digest == digest else None

    def store(self, response: UnchangedResponse) -> None:
        """Replaces the entry of the watch."""
        self._responses[response.watch.id] = response

    def discard(self, watch: Watch) -> None:
        self._responses.pop(watch.id, None)

    def _find_valid(self, watch: Watch, now: float) -> UnchangedResponse | None:
        response = self._responses.get(watch.id)
        if response is None or now >= response.valid_until or not _is_same_task(response.watch, watch):
            return None
        return response


def digest_entries(entries: Sequence[Entry]) -> bytes | None:
    """A digest of every field that we read. Times that count down are not read, so they do not change it.

    None for a list that cannot be encoded: numbers without bounds, text that is not Unicode. Only a hostile host sends
    such a list.
    """
    try:
        return hashlib.sha256(_ENCODER.encode(entries)).digest()
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None


def _is_same_task(one: Watch, other: Watch) -> bool:
    """Whether polls of the two compare the same rows in the same way. Their leases may differ."""
    return (one.version, one.everything, one.zone) == (other.version, other.everything, other.zone)


_ENCODER = msgspec.msgpack.Encoder()
