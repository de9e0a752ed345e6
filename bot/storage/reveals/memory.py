"""What this process knows about reveals and their rows do not say. It lasts as long as the process.

- Changes that the database did not take: a secret that was shown has been shown, although its row says something else.
- The ends of the escrows that this process stored, by a clock that nobody can set.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.errors import StorageUnavailable

IMPLAUSIBLE_JUMP = 1_800.0  # seconds; a clock that is moved by more was wrong before, or is wrong now

WrittenT = TypeVar("WrittenT")

# Seconds that nobody can set, and that go on while the machine sleeps. Not all systems have the better one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _steady_time() -> float:
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class _Escrow:
    stored_at: float  # by the clock of the database
    steady_stored_at: float
    steady_end: float


class RevealMemory:
    def __init__(self, clock: Callable[[], float] = _steady_time) -> None:
        self._clock = clock
        self._escrows: dict[str, _Escrow] = {}
        self._unwritten: dict[str, Callable[[], Awaitable[object]]] = {}

    # --- changes that the database did not take

    async def write(self, id: str, change: Callable[[], Awaitable[WrittenT]]) -> WrittenT:
        """Make a change of the reveal, or remember it for `write_all`. Raises what `change` raises."""
        try:
            result = await change()
        except StorageUnavailable:
            self._unwritten[id] = change
            raise
        self._unwritten.pop(id, None)
        return result

    async def write_all(self) -> None:
        """Make the changes that were not written. Raises `StorageUnavailable`; the rest is tried the next time."""
        for row_id, change in list(self._unwritten.items()):
            await self.write(row_id, change)

    @property
    def unwritten(self) -> list[str]:
        """The ids of reveals whose rows say less than is known."""
        return list(self._unwritten)

    # --- ends of escrows

    def begin_escrow(self, id: str, stored_at: float, life: float) -> None:
        """`stored_at` is the time of the database; `life` is in seconds."""
        steady = self._clock()
        self._escrows[id] = _Escrow(stored_at, steady, steady + life)

    def end_escrow(self, id: str) -> None:
        self._escrows.pop(id, None)

    def running(self) -> list[str]:
        """The ids of escrows of this process whose time is not over."""
        now = self._clock()
        return [row_id for row_id, escrow in self._escrows.items() if now < escrow.steady_end]

    def over(self) -> list[str]:
        """The ids of escrows of this process whose time is over, whatever the database's clock says."""
        now = self._clock()
        return [row_id for row_id, escrow in self._escrows.items() if now >= escrow.steady_end]

    def spared(self, database_time: float) -> list[str]:
        """The ids of escrows whose time is not over, while the database's clock has jumped: they must not be wiped."""
        now = self._clock()
        return [
            row_id
            for row_id, escrow in self._escrows.items()
            if now < escrow.steady_end
            and abs(database_time - escrow.stored_at - (now - escrow.steady_stored_at)) > IMPLAUSIBLE_JUMP
        ]
