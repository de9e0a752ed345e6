"""Writes polls that found nothing new, which are nearly all polls: many of them in one transaction.

write ──▶ waiting ──BATCH_DELAY──▶ at most MAX_BATCH go into a transaction ──▶ their `write` calls return or raise
             ▲                            │
             └── what comes meanwhile ────┘ the task goes on until nothing is waiting, then it ends
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bot.storage.tracking.rows import Watch

MAX_BATCH = 100  # polls in one transaction: larger ones keep other writers waiting
BATCH_DELAY = 0.1  # seconds that the first poll of a batch waits for others

UnchangedPoll = tuple[Watch, float | None]  # and in how many seconds its next poll is due; None: never


class BatchWriter:
    """`record` writes one batch: all of it or nothing."""

    def __init__(self, record: Callable[[Sequence[UnchangedPoll]], Awaitable[None]]) -> None:
        self._record = record
        self._waiting: list[tuple[UnchangedPoll, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, watch: Watch, next_poll_in: float | None) -> None:
        """Returns when the poll is committed. `next_poll_in` is in seconds; None stops polling the watch.

        Raises what `record` raises (`StorageUnavailable`): then nothing of the batch is written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((watch, next_poll_in), done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(BATCH_DELAY)
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._write_batch([poll for poll, _ in batch], [done for _, done in batch])
        finally:
            self._writing = None

    async def _write_batch(self, polls: Sequence[UnchangedPoll], waiting: Sequence[asyncio.Future[None]]) -> None:
        try:
            await self._record(polls)
        except BaseException as error:
            for done in waiting:
                if not done.done():
                    done.set_exception(error) if isinstance(error, Exception) else done.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for done in waiting:
                if not done.done():
                    done.set_result(None)
