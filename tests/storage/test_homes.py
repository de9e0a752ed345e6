"""Homes: one publication in three seconds, for people who had theirs open within the hour; and what they list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.message_ref import MessageRef
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import now
from bot.storage.homes import KEPT, PAUSE, WATCHED, Home, Homes
from bot.storage.people import PeopleRows
from bot.storage.requests import Requests
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.tables import deliveries as delivery_table
from bot.storage.tables import homes as table
from bot.storage.tables import new_id
from bot.storage.tables import requests as request_table

TEAM = "T0000001"
HOST = "https://eu.onetimesecret.com"
POSTED = MessageRef(TEAM, "D1", "1.0")


@pytest.fixture
def homes(database) -> Homes:
    return Homes(database)


@pytest.fixture
async def home(homes, ada) -> Home:
    """Open, and just published."""
    await homes.open(ada, TEAM)
    claimed = await homes.claim(ada)
    assert isinstance(claimed, Home)
    await homes.mark_published(ada, "1.hash")
    return claimed


async def move(database, **columns):
    async with database.writing() as connection:
        await connection.execute(update(table).values(columns))


async def test_an_opened_home_shows_its_first_pages(homes, ada):
    await homes.open(ada, TEAM)
    await homes.show(ada, tracked_page=3, recent_page=2, recent_filter="new")

    await homes.open(ada, TEAM)

    assert await homes.claim(ada) == Home(ada, TEAM, None, 0, 0, "all")


async def test_a_page_that_is_turned_leaves_the_others(homes, ada, home):
    await homes.show(ada, recent_page=2, recent_filter="new")

    await homes.show(ada, tracked_page=1)

    assert await homes.of(ada) == Home(ada, TEAM, "1.hash", 1, 2, "new")


async def test_a_hash_that_is_too_long_to_be_slacks_is_not_kept(homes, ada, home):
    await homes.mark_published(ada, "1" * 1000)

    assert await homes.of(ada) == Home(ada, TEAM, None, 0, 0, "all")


async def test_nobody_else_has_the_persons_home(homes, ben, home):
    assert await homes.of(ben) is None
    assert await homes.claim(ben) is None


async def test_of_many_who_would_publish_one_may(homes, ada):
    await homes.open(ada, TEAM)

    found = await asyncio.gather(*(homes.claim(ada) for _ in range(8)))

    assert len([one for one in found if isinstance(one, Home)]) == 1
    assert all(0 < one <= PAUSE for one in found if isinstance(one, float))


async def test_the_next_may_publish_three_seconds_after_the_last_had_done_so(homes, database, ada, home):
    assert isinstance(await homes.claim(ada), float)

    await move(database, published_at=now - PAUSE)

    assert await homes.claim(ada) == Home(ada, TEAM, "1.hash", 0, 0, "all")


async def test_a_time_in_the_future_holds_nothing_back(homes, database, ada, home):
    await move(database, published_at=now + 10_000)

    assert isinstance(await homes.claim(ada), Home)


async def test_a_home_that_was_not_open_within_the_hour_is_not_published(homes, database, ada, ben, home):
    await homes.open(ben, TEAM)
    async with database.writing() as connection:
        old = update(table).where(table.c.user_id == ada.user_id)
        await connection.execute(old.values(opened_at=now - WATCHED, published_at=None))

    assert await homes.claim(ada) is None
    assert await homes.all_open() == [ben]


async def test_what_nobody_opened_for_a_day_is_forgotten(homes, database, ada, home):
    assert await homes.purge() == 0
    await move(database, opened_at=now - KEPT)

    assert await homes.purge() == 1
    assert await homes.of(ada) is None


async def test_the_home_of_who_has_left_is_erased(homes, database, ada, home):
    await PeopleRows(database).erase(ada)

    async with database.reading() as connection:
        assert (await connection.execute(select(table))).all() == []


# --- what it lists


async def test_a_page_of_what_is_tracked_is_a_part_of_the_whole_list(tracking, ada, ben):
    for number in range(25):
        made_at = datetime.now(UTC) - timedelta(hours=number)
        await tracking.track(ada, HOST, MetadataKey(f"key{number}"), made_at=made_at, expires_at=None)
    await tracking.track(ben, HOST, MetadataKey("of ben"), made_at=datetime.now(UTC), expires_at=None)
    await tracking.settle(ada, HOST, MetadataKey("key0"), "burned")
    everything = await tracking.list_of(ada)

    pages = [await tracking.page_of(ada, page, 10) for page in range(4)]

    assert [one for page in pages[:3] for one in page.secrets] == everything
    assert [page.total for page in pages] == [25] * 4
    assert (pages[3].page, pages[3].secrets) == (0, pages[0].secrets)


async def test_who_tracks_nothing_has_an_empty_page(tracking, ada):
    assert await tracking.page_of(ada, 2, 10) == ((), 0, 0)


async def sent(shares, deliveries, by, to, note="a note"):
    new = NewShare(new_id(), HOST, None, quiet=False, note=note, label="never shown to who gets it")
    _, [begun], _ = await shares.begin(by, new, [to])
    await deliveries.begin_request(begun.id)
    await deliveries.mark_made(
        begun, secret_key=SecretKey("secret"), metadata_key=MetadataKey(new_id()), passphrase=None,
        passphrase_required=False, expires_at=datetime.now(UTC) + timedelta(hours=1),
    )  # fmt: skip
    await deliveries.mark_sent(begun.id, POSTED)
    return begun


async def test_what_waits_is_what_was_sent_to_the_person_and_can_be_opened(shares, deliveries, database, ada, ben):
    first, second, over, late = [await sent(shares, deliveries, ben, Recipient(ada)) for _ in range(4)]
    for other in (Recipient(ben), Recipient(None, "C0CHANNEL"), Recipient()):
        await sent(shares, deliveries, ben, other)
    await deliveries.close(over.id, "burned")
    await deliveries.mark_link_shown(second.id, ben)
    async with database.writing() as connection:
        ended = update(delivery_table).where(delivery_table.c.id == late.id)
        await connection.execute(ended.values(expires_at=now - 1))

    waiting = await shares.waiting_for(ada, 5)

    assert [(share.note, delivery.id) for share, delivery in waiting.deliveries] == [("a note", first.id)]
    assert waiting.total == 1


async def test_of_many_that_wait_the_newest_are_named_and_all_are_counted(shares, deliveries, ada, ben):
    for number in range(4):
        await sent(shares, deliveries, ben, Recipient(ada), note=f"note {number}")

    waiting = await shares.waiting_for(ada, 2)

    assert [share.note for share, _ in waiting.deliveries] == ["note 3", "note 2"]
    assert waiting.total == 4


async def test_a_delivery_whose_recipient_was_changed_in_the_database_does_not_wait(
    shares, deliveries, database, ada, ben
):
    made = await sent(shares, deliveries, ben, Recipient(ben))
    async with database.writing() as connection:
        changed = update(delivery_table).where(delivery_table.c.id == made.id)
        await connection.execute(changed.values(recipient_user_id=ada.user_id))

    assert (await shares.waiting_for(ada, 5)).deliveries == ()


async def test_whom_tracked_secrets_were_shared_with_is_for_their_sender_alone(shares, deliveries, tracking, ada, ben):
    made = await sent(shares, deliveries, ben, Recipient(ada))
    row, _ = await tracking.track(ben, HOST, MetadataKey("key"), made_at=datetime.now(UTC), expires_at=None)
    await deliveries.set_tracked(made.id, row.id)

    assert await shares.recipients_of(ben, [row.id, new_id()]) == {row.id: Recipient(ada)}
    assert await shares.recipients_of(ada, [row.id]) == {}
    assert await shares.recipients_of(ben, []) == {}


async def test_requests_that_wait_are_those_that_the_person_can_answer(database, sealer, ada, ben):
    requests = Requests(database, sealer)
    made = [await requests.begin(ben, ada, Secret(f"note {number}")) for number in range(4)]
    for one in made[:3]:
        await requests.mark_asked(one.id, POSTED)
    await requests.end(made[0].id, "withdrawn")

    found, total = await requests.waiting_for(ada, 1)

    assert ([one.id for one in found], total) == ([made[2].id], 2)
    assert await requests.waiting_for(ben, 5) == ([], 0)


async def test_a_request_whose_people_were_changed_in_the_database_does_not_wait(database, sealer, ada, ben):
    requests = Requests(database, sealer)
    made = await requests.begin(ada, ben, None)
    await requests.mark_asked(made.id, POSTED)
    async with database.writing() as connection:
        await connection.execute(update(request_table).values(asked_id=ada.user_id))

    assert (await requests.waiting_for(ada, 5))[0] == []
