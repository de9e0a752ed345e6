"""Which hosts have watches that are due. One question serves the pollers of all hosts: most of the time none is due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection

FRESH_FOR = 0.5  # seconds; half of what a poller waits between two claims


class DueHosts:
    """`ask` returns the base URLs of the hosts that have a watch which is due."""

    def __init__(
        self, ask: Callable[[], Awaitable[Collection[str]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._hosts: Collection[str] = ()
        self._asked_at = -FRESH_FOR
        self._asking = asyncio.Lock()

    async def include(self, host_url: str) -> bool:
        """Whether this host had a watch that was due, less than FRESH_FOR seconds ago. Raises what `ask` raises."""
        async with self._asking:
            if self._clock() - self._asked_at >= FRESH_FOR:
                self._hosts = await self._ask()
                self._asked_at = self._clock()
        return host_url in self._hosts
