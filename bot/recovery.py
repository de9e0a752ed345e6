"""Finishes work that a crash interrupted, at the start and every minute. Each feature has its own recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.errors import BotError
from bot.interaction.feature import Recover
from bot.interaction.services import Services
from bot.logs import Log
from bot.periodic import PeriodicTask

INTERVAL = 60.0  # seconds between two rounds of all recoveries
STOP_TIME = 2.0  # seconds

log = Log("recovery")


class Recovery:
    """Runs the recoveries one after the other. An error of one is logged, and the others still run."""

    def __init__(self, recoveries: Sequence[Recover], services: Services) -> None:
        self._recoveries = recoveries
        self._services = services
        self._started = time.monotonic()
        self._alone = False
        self._loop = PeriodicTask(self._recover_all, INTERVAL, log, "recovery_failed")
        self._task: asyncio.Task[None] | None = None

    def start(self, *, alone: bool) -> None:
        """Begin. `alone` means that no other process works on this database (SQLite).

        Then all unfinished work of earlier processes is interrupted work, and the first round does not wait for leases.
        """
        self._alone = alone
        self._task = asyncio.create_task(self._loop.run())

    async def stop(self) -> None:
        """Wait up to STOP_TIME for a round that is under way: a cancelled database call may have had its effect."""
        self._loop.stop()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_TIME)
            self._task.cancel()

    async def _recover_all(self) -> bool:
        alone, self._alone = self._alone, False
        for recover in self._recoveries:
            await self._recover_guarded(recover, time.monotonic() - self._started if alone else None)
        return False

    async def _recover_guarded(self, recover: Recover, alone_for: float | None) -> None:
        try:
            await recover(self._services, alone_for)
        except BotError as error:
            log.warning("recovery_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - the others go on
            log.error("recovery_failed", cause=error)
