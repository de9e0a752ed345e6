"""Polls the accounts that are due, each once, and writes down what changed. Any number of watchers may run.

A look that comes late is late, not doubled: the next one is counted from its end. What is being looked at is leased,
and only who holds the lease may write what was seen.
"""

from __future__ import annotations

import asyncio

from bot.interaction.services import Services
from bot.logs import Log
from bot.periodic import PeriodicTask
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import Watch
from bot.watch.batch_writer import BatchWriter
from bot.watch.host_poller import HostPoller, PollerDependencies
from bot.watch.lease_renewer import LeaseRenewer

PURGE = 600.0  # seconds between two

log = Log("watch")


class Watcher:
    """One `HostPoller` for each host that is allowed. `every` is WATCH_EVERY, in seconds."""

    def __init__(self, services: Services, polls: Polls, every: float) -> None:
        self._polls = polls
        self._held: LeaseRenewer[Watch] = LeaseRenewer(polls.renew)
        shared = PollerDependencies(services, polls, every, self._held, BatchWriter(polls.record_unchanged))
        self._rounds = [HostPoller(shared, host) for host in services.hosts.all]
        self._purging = PeriodicTask(self._purge, PURGE, log, "not_purged")

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
        await self._polls.purge()
        return False
