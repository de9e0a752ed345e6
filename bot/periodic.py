"""A task that repeats a step until the process ends: watcher, notifier and recovery run in one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.errors import BotError
from bot.logs import Log


class PeriodicTask:
    """Calls `step` until `stop`: again at once if it returned True, else after `pause` seconds.

    An error of a step is logged as the event `failure_event`, and the next step follows after the pause.
    """

    def __init__(self, step: Callable[[], Awaitable[bool]], pause: float, log: Log, failure_event: str) -> None:
        self._step = step
        self._pause = pause
        self._log = log
        self._failure_event = failure_event
        self._stopping = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Begin no more steps. A step that is under way goes on to its end."""
        self._stopping.set()

    async def run(self) -> None:
        """Run steps until `stop`."""
        while not self.is_stopping:
            if not await self._step_guarded():
                await self.wait(self._pause)

    async def wait(self, seconds: float) -> bool:
        """Wait so many seconds or until `stop`. Returns whether the task was stopped."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _step_guarded(self) -> bool:
        try:
            return await self._step()
        except BotError as error:
            self._log.warning(self._failure_event, error=str(error))
        except Exception as error:  # noqa: BLE001 - the next step may work
            self._log.error(self._failure_event, cause=error)
        return False
