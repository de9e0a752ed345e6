"""Times that only a wrong clock explains hold nothing up. Times that a pause or a lease explains stay."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from bot.secret import MetadataKey
from bot.storage.engine.database import now
from bot.storage.leases import MAX_LEASE, MAX_PAUSE, correct_future_times, free_leases
from bot.storage.notifications import Notifications
from bot.storage.tables import notifications, watches
from bot.storage.tracking.changes import Change
from bot.watch.host_poller import DEFAULT_RATE_LIMIT_DELAY
from bot.watch.lease_renewer import LEASE
from bot.watch.notifier import MAX_RETRY_DELAY
from bot.watch.schedule import MAX_INTERVAL

HOST = "https://eu.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def both(tracking, polls, ada):
    """A watch and a notification, both due."""
    secret, _ = await tracking.track(ada, HOST, MetadataKey("key"), made_at=MADE, expires_at=None)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, "received", notification="received")], next_poll_in=0)


async def store(database, **values):
    """Set these times, as seconds from now, in the watch and in the notification."""
    times = {name: now + seconds for name, seconds in values.items()}
    lease = {"lease": "l" * 22} if "lease_until" in values else {}
    due = times.pop("due")
    async with database.writing() as connection:
        await connection.execute(update(watches).values(**lease, **times, next_poll_at=due))
        await connection.execute(update(notifications).values(**lease, **times, due_at=due))


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    "times", [{"due": MAX_PAUSE + 60}, {"due": MAX_LEASE + 60, "lease_until": MAX_LEASE + 60}], ids=["due", "leased"]
)
async def test_what_only_a_wrong_clock_explains_is_due_at_once(database, polls, sealer, times):
    await store(database, **times)
    before = await polls.claim(1, 30), await Notifications(database, sealer).claim(1)

    assert await correct_future_times(database) == 2

    assert before == ([], [])
    assert len(await polls.claim(1, 30)) == len(await Notifications(database, sealer).claim(1)) == 1


@pytest.mark.usefixtures("both")
async def test_what_a_pause_or_a_lease_explains_stays(database):
    await store(database, due=MAX_PAUSE - 60, lease_until=MAX_LEASE - 10)

    assert await correct_future_times(database) == 0

    async with database.reading() as connection:
        assert (await connection.scalar(select(watches.c.lease))) is not None


async def test_a_start_wakes_no_watch_that_has_nothing_to_poll(database, tracking, polls, ada):
    """The last secret was stopped, and the account connected again, while a process that died polled the watch."""
    secret, _ = await tracking.track(ada, HOST, MetadataKey("key"), made_at=MADE, expires_at=None)
    await polls.claim(1, 30)
    await tracking.stop(ada, secret.id)
    await tracking.resume(ada, HOST)

    await free_leases(database)

    async with database.reading() as connection:
        assert (await connection.execute(select(watches.c.lease, watches.c.next_poll_at))).all() == [(None, None)]


def test_no_pause_and_no_lease_of_the_bot_is_longer():
    assert max(MAX_INTERVAL, DEFAULT_RATE_LIMIT_DELAY, MAX_RETRY_DELAY) <= MAX_PAUSE
    assert LEASE <= MAX_LEASE
