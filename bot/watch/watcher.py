"""Polls the watches that are due, each by one worker, and writes down what changed. Any number of watchers may run.

Late polls do not pile up: the time of the next poll counts from the end of this one. A watch that
is being polled is leased, and only the worker that has the lease may write what the poll found.
"""

from __future__ import annotations

import asyncio

from bot.interaction.services import Services
from bot.logs import Log
from bot.periodic import PeriodicTask
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import Watch
from bot.watch.batch_writer import BatchWriter
from bot.watch.due_hosts import DueHosts
from bot.watch.host_poller import HostPoller, PollerDependencies
from bot.watch.lease_renewer import LeaseRenewer

PURGE_INTERVAL = 600.0  # seconds between two deletions of old rows

log = Log("watch")


class Watcher:
    """One `HostPoller` for each allowed host. `min_interval` is WATCH_EVERY, in seconds."""

    def __init__(self, services: Services, polls: Polls, min_interval: float) -> None:
        self._polls = polls
        self._lease_renewer: LeaseRenewer[Watch] = LeaseRenewer(polls.renew)
        batch_writer = BatchWriter(polls.record_unchanged)
        due_hosts = DueHosts(polls.due_hosts)
        shared = PollerDependencies(services, polls, min_interval, self._lease_renewer, batch_writer, due_hosts)
        self._pollers = [HostPoller(shared, host) for host in services.hosts.all]
        self._purging = PeriodicTask(self._purge, PURGE_INTERVAL, log, "purge_failed")

    def stop(self) -> None:
        """Claim no more watches. `run` returns a few seconds later, when polls under way have ended."""
        self._purging.stop()
        for poller in self._pollers:
            poller.stop()

    async def run(self) -> None:
        """Poll until `stop`. When this returns, the process has no lease on a watch any more."""
        async with self._lease_renewer.renew_in_background():
            await asyncio.gather(self._purging.run(), *(poller.run() for poller in self._pollers))

    async def run_once(self) -> bool:
        """Poll every watch that is due now, on all hosts. Returns whether any was due."""
        async with self._lease_renewer.renew_in_background():
            return any(await asyncio.gather(*(poller.run_once() for poller in self._pollers)))

    async def _purge(self) -> bool:
        await self._polls.purge()
        return False
