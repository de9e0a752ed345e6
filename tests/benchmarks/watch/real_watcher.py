"""The real watcher on a real database, polling all the time: `python -m tests.benchmarks.watch.real_watcher JOB`.

Settings come from the environment. What is due is due again at once, so that there is always more than it can do.
At the end the host says that secrets were opened, and the watcher has to find every one: what was measured was work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass

from sqlalchemy import func, select

from bot.onetime.links import Hosts
from bot.proxy import ProxyRule
from bot.secret import Secret
from bot.settings import read_settings
from bot.slack.web import SlackClient
from bot.slack.workspaces import OneWorkspace
from bot.storage.engine.database import Database
from bot.storage.leases import free_leases
from bot.storage.notifications import Notifications
from bot.storage.tables import tracked
from bot.storage.tracking.polls import Polls
from bot.watch.watcher import Watcher
from bot.wiring import services
from tests.benchmarks.watch.processes import Done, Host, cpu

EVERY = 0.05  # seconds: less than polling all accounts once takes
FOUND_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Job:
    port: int  # of the load server
    each: int  # secrets to an account
    accounts: int
    warm: int  # polls of each account before the window
    window: float  # seconds
    received: int  # how many accounts have a secret opened at the end


async def work(job: Job) -> Done:
    host = Host(job.port)
    workspace = OneWorkspace(SlackClient(Secret("none"), "http://127.0.0.1:9/"))  # never used
    settings = read_settings()
    hosts = Hosts(settings.onetime_hosts, settings.onetime_default_host)
    async with services(settings, hosts, lambda _db, _sealer: workspace, ProxyRule()) as (
        given,
        _messenger,
        _members,
        db,
        sealer,
        _,
    ):
        await free_leases(db)
        watcher, before = Watcher(given, Polls(db, sealer), EVERY), host.calls()
        running = asyncio.create_task(watcher.run())
        try:
            while host.calls() < before + job.warm * job.accounts:  # noqa: ASYNC110 - the load server tells nobody
                await asyncio.sleep(0.05)
            calls, started, used = host.calls(), time.perf_counter(), cpu()
            await asyncio.sleep(job.window)
            done = Done((host.calls() - calls) * job.each, time.perf_counter() - started, cpu() - used)
            host.received(job.received)
            await _all_found(db, Notifications(db, sealer), job)
        finally:
            watcher.stop()
            await asyncio.wait_for(running, FOUND_WITHIN)
    return done


async def _all_found(db: Database, notifications: Notifications, job: Job) -> None:
    """Wait until all that was opened is known, with one notification for each. Raises `RuntimeError`."""
    states = select(tracked.c.state, func.count()).group_by(tracked.c.state)
    stop = time.monotonic() + FOUND_WITHIN
    while time.monotonic() < stop:
        async with db.reading() as connection:
            found = {row[0]: row[1] for row in (await connection.execute(states)).all()}
        told = await notifications.waiting_count()
        if found.get("received", 0) == told == job.received:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not all was found: {job.received} were opened, {told} notifications, {found}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(asyncio.run(work(Job(**json.loads(sys.argv[1])))).said())
