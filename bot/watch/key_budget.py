"""What has to be asked for one by one: each secret as often as its age deserves, all together less than hosts refuse.

Servers up to 0.23 take 1,000 such calls in 20 minutes of one caller, and later ones as many from one address without
an account. It is this process's own knowledge: another worker begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.storage.tracking.rows import OpenRow, Watch
from bot.watch.schedule import JITTER, interval

BURST = 200  # calls of one watch after a while without any
RATE = 0.5  # calls more as time goes by: with those at once 800 in 20 minutes
MAX_WATCHES = 10_000  # watches


@dataclass(slots=True)
class _Asked:
    left: float = BURST  # calls
    at: float = 0.0  # when so many were left
    version: int = 0  # of the watch then
    rows: dict[str, float] = field(default_factory=dict)  # when each was asked for, by id


class KeyBudget:
    """Times are seconds since the epoch; `every` is WATCH_EVERY, in seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._watches: dict[str, _Asked] = {}

    def due(self, watch: Watch, rows: Sequence[OpenRow], now: float) -> list[OpenRow]:
        """Those to ask for now, counted as asked for; all after a change of the watch. Who waits longest is first."""
        before = self._watches.pop(watch.id, None) or _Asked(at=now)
        known = before.rows if before.version == watch.version else {}
        asked = {row.id: known[row.id] for row in rows if row.id in known}
        left = min(BURST, before.left + (now - before.at) * RATE)
        waiting = [row for row in rows if self._is_due(row, asked.get(row.id), now)]
        chosen = sorted(waiting, key=lambda row: asked.get(row.id, 0.0))[: int(max(0.0, left))]
        asked |= {row.id: now for row in chosen}
        if len(self._watches) >= MAX_WATCHES:
            del self._watches[next(iter(self._watches))]
        self._watches[watch.id] = _Asked(left - len(chosen), now, watch.version, asked)
        return chosen

    def _is_due(self, row: OpenRow, asked_at: float | None, now: float) -> bool:
        if asked_at is None or (row.expires_at is not None and row.expires_at <= now):
            return True
        # Polls come a little early and a little late.
        return now - asked_at >= interval(now - row.made_at, self._every) * (1 - 2 * JITTER)
