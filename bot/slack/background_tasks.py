"""Work that goes on after Slack has its answer. Tracked, so that a shutdown can wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.logs import Log

TaskT = TypeVar("TaskT")

log = Log("background_tasks")


class BackgroundTasks:
    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._stop_by = 0.0  # monotonic seconds

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, TaskT]) -> asyncio.Task[TaskT]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", cause=error)

    def stop_within(self, seconds: float) -> None:
        """Set the time limit for `drain`, which counts from now."""
        self._stop_by = time.monotonic() + seconds

    async def drain(self) -> int:
        """Wait for the tasks until the limit of `stop_within`, then cancel the rest. Returns how many it cancelled."""
        while self._running and (left_time := self._stop_by - time.monotonic()) > 0:  # a task may start another one
            await asyncio.wait(set(self._running), timeout=left_time)
        left = set(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1)
        return len(left)
