"""How many secrets may be asked for by key: a token bucket for each watch, and a time for each secret.

An account's list costs one call for all its secrets. A secret that the list does not name costs a call of its own, and
hosts refuse too many of those: servers up to 0.23 take 1,000 in 20 minutes from one caller, later servers take as many
from one address without an account.

    bucket of a watch    calls left: at most BURST    +REFILL_RATE a second    -1 for each secret that is asked for
    a secret             due again when `poll_interval` of its age is over; among several the longest waiting is first

A change of the watch (its `version`) makes every secret due at once, but fills no bucket. Buckets and times are in the
database, for all processes together. A poll counts all its calls in one transaction before it makes the first. So no
call is made while the database is away, and a process that dies has counted at least as many calls as it made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.storage.engine.database import CLOCK_TOLERANCE
from bot.storage.tracking.key_calls import CountedCalls, KeyCalls
from bot.storage.tracking.rows import OpenRow, Watch
from bot.watch.schedule import JITTER, poll_interval

BURST: Final = 200  # calls that a full bucket allows at once
REFILL_RATE: Final = 0.5  # calls a second: 800 in 20 minutes with a full bucket, which leaves room for people's clicks


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """`min_interval` is WATCH_EVERY, in seconds."""

    key_calls: KeyCalls
    min_interval: float

    async def consume(self, watch: Watch, rows: Sequence[OpenRow]) -> list[OpenRow]:
        """The rows to ask for by key now, the longest waiting first. They count as asked for.

        `rows` are all rows of the watch that its list does not name. Raises `StorageUnavailable`.
        """
        now, counted = await self.key_calls.read(watch)
        chosen, counted = choose(counted, watch, rows, now, self.min_interval)
        return chosen if chosen and await self.key_calls.write(watch, counted) else []


def choose(
    counted: CountedCalls | None, watch: Watch, rows: Sequence[OpenRow], now: float, min_interval: float
) -> tuple[list[OpenRow], CountedCalls]:
    """The rows to ask for, and what is counted then. `now` is in seconds since the epoch, `min_interval` in seconds."""
    known = counted.asked_at if counted and counted.watch_version == watch.version else {}
    asked_at = {row.id: known[row.id] for row in rows if row.id in known}
    calls_left = _refilled(counted, now)
    due = [row for row in rows if _is_due(row, asked_at.get(row.id), now, min_interval)]
    due.sort(key=lambda row: asked_at.get(row.id, 0.0))
    chosen = due[: int(calls_left)]
    asked_at |= {row.id: now for row in chosen}
    return chosen, CountedCalls(calls_left - len(chosen), now, watch.version, asked_at)


def _refilled(counted: CountedCalls | None, now: float) -> float:
    """The calls left now. A bucket is full before its first call, and when a clock far ahead was set right."""
    if counted is None or counted.counted_at > now + CLOCK_TOLERANCE:
        return BURST
    return min(BURST, max(0.0, counted.calls_left) + max(0.0, now - counted.counted_at) * REFILL_RATE)


def _is_due(row: OpenRow, asked_at: float | None, now: float, min_interval: float) -> bool:
    if asked_at is None or asked_at > now or (row.expires_at is not None and row.expires_at <= now):
        return True
    # A poll comes up to JITTER early and the poll before it came up to JITTER late.
    return now - asked_at >= poll_interval(now - row.made_at, min_interval) * (1 - 2 * JITTER)
