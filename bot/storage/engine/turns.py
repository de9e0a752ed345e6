"""A lock that people take in turns, so that one who waits with many tasks does not keep the others waiting."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from contextvars import ContextVar

from bot.person import Person

# Whose work the running task does. None: the bot's own work.
acting_person: ContextVar[Person | None] = ContextVar("acting_person", default=None)


class Turns:
    """The tasks of one person get the lock in the order in which they came; people get it one after the other."""

    def __init__(self) -> None:
        self._is_held = False
        self._waiting: OrderedDict[Person | None, deque[asyncio.Future[None]]] = OrderedDict()

    async def acquire(self) -> None:
        if not self._is_held:
            self._is_held = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(acting_person.get(), deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        while self._waiting:
            person, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[person] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._is_held = False
