"""Polls that found nothing new, which are nearly all: written down together, a transaction for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bot.storage.tracking.rows import Watch

MAX_BATCH = 100  # looks in a transaction: others wait to write meanwhile
GATHER = 0.1  # seconds that the first waits for others

UnchangedPoll = tuple[Watch, float | None]  # and in how many seconds the next one is due


class BatchWriter:
    """The first waits a moment for others, and what comes while a transaction is under way waits for the next."""

    def __init__(self, settle: Callable[[Sequence[UnchangedPoll]], Awaitable[None]]) -> None:
        self._settle = settle
        self._waiting: list[tuple[UnchangedPoll, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, watch: Watch, next_poll_in: float | None) -> None:
        """Returns when it is written. Raises `StorageUnavailable`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((watch, next_poll_in), done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER)
                some, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._write_some([look for look, _ in some], [done for _, done in some])
        finally:
            self._writing = None

    async def _write_some(self, looks: Sequence[UnchangedPoll], waiting: Sequence[asyncio.Future[None]]) -> None:
        try:
            await self._settle(looks)
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
