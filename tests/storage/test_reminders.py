"""Reminders: at most one an hour, each claimed by one worker, none about a secret that cannot be opened any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import null

from bot.storage.engine.database import now
from bot.storage.leases import free_leases
from bot.storage.shares.reminders import LEASE, REMINDER_INTERVAL, Reminders
from bot.storage.shares.rows import Delivery, Recipient
from tests.storage.test_shares import NEW, send, set_all

LATER = datetime(2030, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
def reminders(database, sealer) -> Reminders:
    return Reminders(database, sealer)


@pytest.fixture
async def sent(shares, deliveries, ada, ben) -> Delivery:
    """For ben, who has a message."""
    _, (made,), _ = await shares.begin(ada, NEW, [Recipient(ben)])
    delivery: Delivery = await send(shares, deliveries, made)
    return delivery


@pytest.fixture
async def due(reminders, sent, shares, ada) -> Delivery:
    assert await reminders.schedule(sent.share_id, datetime.now(UTC) - timedelta(seconds=5))
    delivery: Delivery = await shares.own_delivery(ada, sent.id)
    return delivery


async def test_a_recipient_is_reminded_once_an_hour_at_most(reminders, sent, database):
    assert [await reminders.claim_now(sent.id) for _ in range(2)] == [True, False]

    await set_all(database, reminded_at=now - REMINDER_INTERVAL - 1)

    assert await reminders.claim_now(sent.id)


async def test_a_time_is_kept_to_the_second_and_is_not_due_before_it(reminders, sent, shares, ada):
    assert await reminders.schedule(sent.share_id, LATER + timedelta(milliseconds=400))

    assert (await shares.own_delivery(ada, sent.id)).remind_at == LATER
    assert await reminders.claim(10) == []


async def test_of_many_workers_one_claims_it_and_nobody_after_it_was_sent(reminders, due):
    claimed = [one for each in await asyncio.gather(*(reminders.claim(10) for _ in range(5))) for one in each]

    assert [one.id for one in claimed] == [due.id]
    await reminders.mark_sent(claimed[0])
    assert await reminders.claim(10) == []
    assert not await reminders.claim_now(due.id)


@pytest.mark.parametrize("lease", [-1, 2 * LEASE], ids=["that is over", "of a clock that was ahead"])
async def test_a_lease_that_does_not_count_is_claimed_anew(reminders, due, database, lease):
    await reminders.claim(10)
    await set_all(database, reminder_lease_until=now + lease)

    assert [one.id for one in await reminders.claim(10)] == [due.id]


async def test_a_process_that_starts_alone_frees_the_lease_of_the_one_that_died(reminders, due, database):
    await reminders.claim(10)
    assert await reminders.claim(10) == []

    await free_leases(database)

    assert [one.id for one in await reminders.claim(10)] == [due.id]


@pytest.mark.parametrize("state", ["opening", "link_shown", "opened", "burned", "expired", "gone"])
async def test_what_does_not_wait_is_not_claimed_and_takes_no_time(reminders, due, database, state):
    await set_all(database, state=state)

    assert await reminders.claim(10) == []
    assert not await reminders.schedule(due.share_id, LATER)


async def test_after_the_end_of_the_secret_nothing_is_claimed(reminders, due, database):
    await set_all(database, expires_at=now - 1)

    assert await reminders.claim(10) == []


async def test_one_that_is_due_within_the_hour_of_another_waits_for_the_end_of_that_hour(reminders, due, database):
    assert await reminders.claim_now(due.id)
    assert await reminders.claim(10) == []

    await set_all(database, reminded_at=now - REMINDER_INTERVAL - 1)

    assert [one.id for one in await reminders.claim(10)] == [due.id]


async def test_another_time_that_was_chosen_while_one_was_sent_stays(reminders, due, shares, ada):
    (claimed,) = await reminders.claim(10)
    await reminders.schedule(due.share_id, LATER)

    await reminders.mark_sent(claimed)

    left = await shares.own_delivery(ada, due.id)
    assert left.remind_at == LATER
    assert left.reminded_at is not None


async def test_what_is_cancelled_is_not_claimed(reminders, due):
    assert await reminders.cancel(due.share_id)

    assert await reminders.claim(10) == []
    assert not await reminders.cancel(due.share_id)


async def test_what_was_given_up_is_not_claimed_and_leaves_the_hour_free(reminders, due):
    (claimed,) = await reminders.claim(10)

    await reminders.give_up(claimed)

    assert await reminders.claim(10) == []
    assert await reminders.claim_now(due.id)


async def test_nobody_is_reminded_whose_name_was_changed_in_the_row(reminders, due, database, shares, ada):
    await set_all(database, recipient_user_id="U0000EVE")

    assert await reminders.claim(10) == []

    await set_all(database, recipient_user_id="U0000BEN", reminder_lease_until=null())
    assert (await shares.own_delivery(ada, due.id)).remind_at is None
