"""The machine's clock is ahead for a while, and is set right: nothing waits for the time that it showed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

HOUR = 3_600.0  # seconds

# Without a lease: what the wrong clock said is written, and nobody is about to write something else.
LATER = "> julianday('now', '+30 minutes') * 86400 - 210866760000"
POLLED = f"SELECT count(*) FROM watches WHERE lease IS NULL AND next_poll_at {LATER}"
RESCHEDULED = f"SELECT count(*) FROM notifications WHERE lease IS NULL AND sent_at IS NULL AND due_at {LATER}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world():
    async with World(own_clock=True, settings={"WATCH_EVERY": "5"}) as started:
        yield started


def query(world, statement):
    with closing(sqlite3.connect(f"file:{world.directory}/bot.db?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchone()[0]


async def track(world, person):
    """The person tracks a secret, and the bot polls for it."""
    held = world.onetime.share(None, "the text")
    await person.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    await person.until(lambda: person.dm)
    await eventually(lambda: world.onetime.posts_of(held.secret_key) == 0 and world.onetime.calls)
    return held


@pytest.mark.parametrize("restarts", [pytest.param(False, marks=pytest.mark.slow), True], ids=["running", "restarted"])
async def test_a_clock_that_was_an_hour_ahead_delays_no_poll(world, restarts):
    ada = world.workspace.person(f"U0ADA{restarts:04}", f"ada{restarts}")
    world.clock.move(HOUR)
    try:
        held = await track(world, ada)
        await eventually(lambda: query(world, POLLED))
    finally:
        world.clock.move(-HOUR)
    if restarts:
        await world.bot.kill()
        await world.start_bot()

    world.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: len(ada.dm) > 1)


async def test_a_clock_that_was_an_hour_ahead_delays_no_notification(world):
    ben = world.workspace.person("U0BEN0001", "ben1")
    held = await track(world, ben)
    world.workspace.plan("chat.postMessage", SlackFault.error("internal_error"), None)
    world.onetime.open_as_outsider(held.secret_key)
    world.clock.move(HOUR)
    try:
        await eventually(lambda: query(world, RESCHEDULED))
    finally:
        world.clock.move(-HOUR)
    world.workspace.clear_faults()

    await ben.until(lambda: len(ben.dm) > 1)
