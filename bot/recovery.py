"""Polls after what was interrupted, at the start and every minute: each feature says what there is to do for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.errors import BotError
from bot.interaction.feature import Recover
from bot.interaction.services import Services
from bot.logs import Log
from bot.periodic import PeriodicTask

INTERVAL = 60.0  # seconds

log = Log("recovery")


class Recovery:
    """Runs the rounds one after the other. One that goes wrong keeps none of the others back."""

    def __init__(self, recoveries: Sequence[Recover], services: Services) -> None:
        self._recoveries = recoveries
        self._services = services
        self._started = time.monotonic()
        self._alone = False
        self._loop = PeriodicTask(self._recover_all, INTERVAL, log, "recovery_failed")
        self._task: asyncio.Task[None] | None = None

    def start(self, *, alone: bool) -> None:
        """`alone`: no other process can be doing anything (SQLite), so what is older than this one was left."""
        self._alone = alone
        self._task = asyncio.create_task(self._loop.run())

    async def stop(self) -> None:
        """Let a round that is under way end: a database call that is cancelled may not say so."""
        self._loop.stop()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=2)
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
