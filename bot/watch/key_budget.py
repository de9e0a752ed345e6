"""How many secrets may be asked for by key: a token bucket for each watch, and a time for each secret.

An account's list costs one call for all its secrets. A secret that the list does not name costs a call of its own, and
hosts refuse too many of those: servers up to 0.23 take 1,000 in 20 minutes from one caller, later servers take as many
from one address without an account.

    bucket of a watch    calls left: at most BURST    +REFILL_RATE a second    -1 for each secret that is asked for
    a secret             due again when `poll_interval` of its age is over; among several the longest waiting is first

A change of the watch (its `version`) makes every secret due at once, but fills no bucket. The buckets are only in the
memory of this process: another worker begins with full ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cachetools import LRUCache

from bot.storage.tracking.rows import OpenRow, Watch
from bot.watch.schedule import JITTER, poll_interval

BURST = 200  # calls that a full bucket allows at once
REFILL_RATE = 0.5  # calls a second: with a full bucket 800 in 20 minutes, which leaves room for a person's clicks
MAX_WATCHES = 10_000  # buckets kept; beyond that, the longest unused one is dropped, and full when it is used again


@dataclass(slots=True)
class _Bucket:
    updated_at: float  # seconds since the epoch
    calls_left: float = BURST  # at `updated_at`
    watch_version: int = 0
    requested_at: dict[str, float] = field(default_factory=dict)  # row id -> seconds since the epoch


class KeyBudget:
    """`min_interval` is WATCH_EVERY, in seconds."""

    def __init__(self, min_interval: float) -> None:
        self._min_interval = min_interval
        self._buckets: LRUCache[str, _Bucket] = LRUCache(maxsize=MAX_WATCHES)  # by the watch's id

    def consume(self, watch: Watch, rows: Sequence[OpenRow], now: float) -> list[OpenRow]:
        """The rows to ask for by key now, the longest waiting first. They count as asked for.

        `rows` are all rows of the watch that its list does not name. `now` is in seconds since the epoch.
        """
        bucket = self._buckets.get(watch.id) or _Bucket(updated_at=now)
        known = bucket.requested_at if bucket.watch_version == watch.version else {}
        requested_at = {row.id: known[row.id] for row in rows if row.id in known}
        calls_left = min(BURST, bucket.calls_left + max(0.0, now - bucket.updated_at) * REFILL_RATE)
        due = [row for row in rows if self._is_due(row, requested_at.get(row.id), now)]
        due.sort(key=lambda row: requested_at.get(row.id, 0.0))
        chosen = due[: int(max(0.0, calls_left))]
        requested_at |= {row.id: now for row in chosen}
        self._buckets[watch.id] = _Bucket(now, calls_left - len(chosen), watch.version, requested_at)
        return chosen

    def _is_due(self, row: OpenRow, requested_at: float | None, now: float) -> bool:
        if requested_at is None or requested_at > now or (row.expires_at is not None and row.expires_at <= now):
            return True
        # A poll comes up to JITTER early and the poll before it came up to JITTER late.
        return now - requested_at >= poll_interval(now - row.made_at, self._min_interval) * (1 - 2 * JITTER)
