"""Looks at the accounts that are due, each once, and writes down what changed. Any number of watchers may run.

A look that comes late is late, not doubled: the next one is counted from its end. What is being looked at is leased,
and only who holds the lease may write what was seen.
"""

from __future__ import annotations

import asyncio

from bot.feature import Services
from bot.logs import Log
from bot.loop import Loop
from bot.storage.looks import Watch
from bot.watch.held import Held
from bot.watch.quiet import Quiet
from bot.watch.round import Round, Shared

PURGE = 600.0  # seconds between two

log = Log("watch")


class Watcher:
    """One `Round` for each host that is allowed. `every` is WATCH_EVERY, in seconds."""

    def __init__(self, services: Services, every: float) -> None:
        self._tracking = services.tracking
        self._held: Held[Watch] = Held(services.tracking.renew)
        shared = Shared(services, every, self._held, Quiet(services.tracking.settle_quiet))
        self._rounds = [Round(shared, host) for host in services.hosts.all]
        self._purging = Loop(self._purge, PURGE, log, "not_purged")

    def stop(self) -> None:
        """Claim nothing more; what is being looked at ends, or is given back within seconds."""
        self._purging.stop()
        for one in self._rounds:
            one.stop()

    async def run(self) -> None:
        """Until `stop`, and until nothing is held any more."""
        async with self._held.kept():
            await asyncio.gather(self._purging.run(), *(one.run() for one in self._rounds))

    async def once(self) -> bool:
        """Look at what is due now; whether there was anything."""
        async with self._held.kept():
            return any(await asyncio.gather(*(one.once() for one in self._rounds)))

    async def _purge(self) -> bool:
        await self._tracking.purge()
        return False
