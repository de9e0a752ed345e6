"""A delivery is taken, given back and opened in the same transaction as the row of whoever is at it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.following_messages import SETTLED, FollowingMessages
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.rows import MAX_WRONG_TRIES
from bot.storage.reveals.store import Reveals
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import deliveries as deliveries_table
from bot.storage.tables import new_id
from bot.storage.tables import reveals as reveals_table
from tests.storage.conftest import SLOW_TWIN

TEAM = "T0000001"  # of all people here
HOST = "https://eu.onetimesecret.com"
KEY, PRIVATE = SecretKey("secret-key-of-the-delivery"), MetadataKey("metadata-key-of-the-delivery")
TEXT = Secret("what was shared")
CHANNEL = "C0000OPS"


@pytest.fixture
def cleo() -> Person:
    return Person(None, "T0000001", "U000CLEO")


@pytest.fixture
def stores(database, sealer):
    return SimpleNamespace(
        shares=Shares(database, sealer),
        deliveries=Deliveries(database, sealer),
        interrupted_shares=InterruptedShares(database, sealer),
        reveals=Reveals(database, sealer),
        interrupted_reveals=InterruptedReveals(database, sealer),
        database=database,
    )


@pytest.fixture
async def delivery(stores, ada):
    """In a channel, by ada, and not opened yet."""
    return await sent(stores, ada, Recipient(channel=CHANNEL))


async def sent(stores: Any, sender: Person, to: Recipient):
    new = NewShare(new_id(), HOST, None, quiet=False, note=None, label=None)
    _, (begun,), _ = await stores.shares.begin(sender, new, [to])
    assert await stores.deliveries.begin_request(begun.id)
    made = await stores.deliveries.mark_made(
        begun, secret_key=KEY, metadata_key=PRIVATE, passphrase=None, passphrase_required=True,
        expires_at=datetime.now(UTC) + timedelta(days=7),
    )  # fmt: skip
    assert await stores.deliveries.mark_sent(made.id, MessageRef(TEAM, CHANNEL, "1.2"))
    return await stores.shares.own_delivery(sender, made.id)


async def begun(reveals: Reveals, person: Person, delivery) -> str:
    """A window of this person about the delivery."""
    ref = new_id()
    await reveals.begin(person, ref, HOST, KEY, delivery_id=delivery.id)
    return ref


async def reload(stores, ada, delivery):
    return await stores.shares.own_delivery(ada, delivery.id)


async def set_reveals(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(reveals_table).values(values))


async def test_a_window_about_a_delivery_holds_no_key(stores, ben, delivery):
    ref = await begun(stores.reveals, ben, delivery)

    found = await stores.reveals.find(ben, ref)

    assert (found.delivery_id, bool(found.key), found.host) == (delivery.id, False, HOST)
    async with stores.database.reading() as connection:
        assert await connection.scalar(select(reveals_table.c.secret_key)) is None


async def test_of_twenty_people_at_once_exactly_one_takes_it(stores, ada, delivery):
    people = [Person(None, ada.team_id, f"U{number:08}") for number in range(20)]
    refs = [await begun(stores.reveals, person, delivery) for person in people]

    won = await asyncio.gather(*(stores.reveals.reserve(ref) for ref in refs))

    assert won.count(True) == 1
    taken = await reload(stores, ada, delivery)
    assert (taken.state, taken.opener) == ("opening", people[won.index(True)])
    states = [(await stores.reveals.find(person, ref)).state for person, ref in zip(people, refs, strict=True)]
    assert sorted(states) == ["opening", *["ready"] * 19]


async def test_of_two_processes_exactly_one_takes_it(url, sealer, stores, ada, ben, cleo):
    """Two pools share nothing but the database, as two processes do."""
    pools = [Database.open(url), Database.open(url)]
    theirs = [Reveals(pool, sealer) for pool in pools]
    every = [await sent(stores, ada, Recipient(channel=CHANNEL)) for _ in range(10)]
    refs = [[await begun(stores.reveals, person, one) for person in (ben, cleo)] for one in every]

    won = await asyncio.gather(*(
        reveals.reserve(ref) for pair in refs for reveals, ref in zip(theirs, pair, strict=True)
    ))  # fmt: skip

    assert [sum(pair) for pair in zip(won[::2], won[1::2], strict=True)] == [1] * 10
    for pool in pools:
        await pool.close()


@pytest.mark.parametrize("how", ["released", "a wrong passphrase", "the last wrong one", "put back", "in doubt"])
async def test_what_was_not_opened_is_free_for_the_next(stores, ada, ben, cleo, delivery, how):
    of_ben, of_cleo = await begun(stores.reveals, ben, delivery), await begun(stores.reveals, cleo, delivery)
    assert await stores.reveals.reserve(of_ben)
    assert not await stores.reveals.reserve(of_cleo)

    if how == "put back":
        await set_reveals(stores.database, claimed_at=now - 200)
        assert await stores.interrupted_reveals.reclaim_reserved(150) == 1
    else:
        assert await stores.reveals.claim(of_ben)
    if how == "in doubt":
        assert await stores.interrupted_reveals.mark_outcome_unknown(of_ben)
    elif how == "released":
        await stores.reveals.release(of_ben)
    elif how == "a wrong passphrase":
        assert await stores.reveals.release(of_ben, tried="passphrase") == 1
    elif how == "the last wrong one":
        await set_reveals(stores.database, wrong_tries=MAX_WRONG_TRIES - 1)
        assert await stores.reveals.release(of_ben, tried="passphrase") == MAX_WRONG_TRIES

    free = await reload(stores, ada, delivery)
    assert (free.state, free.opener, free.secret_key) == ("sent", None, KEY)
    assert await stores.reveals.reserve(of_cleo)


async def test_a_claim_whose_delivery_was_given_back_is_none(stores, ben, cleo, delivery):
    """A janitor that came too early: what another took meanwhile is not asked for."""
    of_ben, of_cleo = await begun(stores.reveals, ben, delivery), await begun(stores.reveals, cleo, delivery)
    await stores.reveals.reserve(of_ben)
    await stores.interrupted_reveals.reclaim_reserved(0)
    assert await stores.reveals.reserve(of_cleo)

    assert not await stores.reveals.claim(of_ben)


@pytest.mark.parametrize("how", ["kept", "shown, nothing kept", "lost, nothing kept"])
async def test_what_was_opened_is_opened_for_everybody_at_once(stores, ada, ben, cleo, delivery, how):
    of_ben, of_cleo = await begun(stores.reveals, ben, delivery), await begun(stores.reveals, cleo, delivery)
    await stores.reveals.reserve(of_ben)
    await stores.reveals.claim(of_ben)

    if how == "kept":
        await stores.reveals.keep(await stores.reveals.find(ben, of_ben), TEXT)
    else:
        await (stores.reveals.mark_shown if how.startswith("shown") else stores.reveals.close)(of_ben)

    opened = await reload(stores, ada, delivery)
    assert (opened.state, opened.opener, bool(opened.secret_key)) == ("opened", ben, False)
    assert abs((datetime.now(UTC) - opened.opened_at).total_seconds()) < 60
    assert not await stores.reveals.reserve(of_cleo)
    assert [one.id for one in await stores.interrupted_shares.unannounced()] == [delivery.id]


async def test_the_first_opener_stays_and_is_told_about_once(stores, ada, ben, delivery):
    ref = await begun(stores.reveals, ben, delivery)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.deliveries.mark_announced(delivery.id)

    await stores.reveals.mark_shown(ref)
    await stores.deliveries.mark_opened(delivery.id, ada)

    assert (await reload(stores, ada, delivery)).opener == ben
    assert await stores.interrupted_shares.unannounced() == []


async def test_done_under_a_window_that_opened_nothing_opens_nothing(stores, ada, ben, delivery):
    ref = await begun(stores.reveals, ben, delivery)

    await stores.reveals.mark_shown(ref)

    assert (await reload(stores, ada, delivery)).state == "sent"


async def test_what_was_opened_is_opened_whatever_was_believed_meanwhile(stores, ada, ben, delivery):
    ref = await begun(stores.reveals, ben, delivery)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.deliveries.close(delivery.id, "expired")

    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)

    assert (await reload(stores, ada, delivery)).state == "opened"


@pytest.mark.parametrize("state", ["burned", "expired", "gone", "opened"])
async def test_what_is_over_cannot_be_taken(stores, ben, delivery, state):
    ref = await begun(stores.reveals, ben, delivery)
    await stores.deliveries.close(delivery.id, state)

    assert not await stores.reveals.reserve(ref)
    assert (await stores.reveals.find(ben, ref)).can_be_tried


async def test_whom_the_link_was_shown_to_may_open_it_here_after_all_and_nobody_else(stores, ada, ben, cleo, delivery):
    assert await stores.deliveries.mark_link_shown(delivery.id, ben)
    of_ben, of_cleo = await begun(stores.reveals, ben, delivery), await begun(stores.reveals, cleo, delivery)

    assert not await stores.deliveries.mark_link_shown(delivery.id, cleo)
    assert not await stores.reveals.reserve(of_cleo)
    assert await stores.reveals.reserve(of_ben)
    await stores.reveals.release(of_ben)

    assert ((await reload(stores, ada, delivery)).state, (await reload(stores, ada, delivery)).opener) == (
        "link_shown",
        ben,
    )


async def test_only_what_was_opened_elsewhere_was_opened_with_the_link(stores, ada, ben, delivery):
    another = await sent(stores, ada, Recipient(channel=CHANNEL))
    for one in (delivery, another):
        await stores.deliveries.mark_link_shown(one.id, ben)
    ref = await begun(stores.reveals, ben, delivery)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)

    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.deliveries.close(another.id, "opened")

    here, elsewhere = await reload(stores, ada, delivery), await reload(stores, ada, another)
    assert (here.opener, here.is_by_link) == (ben, False)
    assert (elsewhere.opener, elsewhere.is_by_link) == (ben, True)


async def test_somebody_at_it_is_not_purged_away(stores, ben, delivery):
    """Or it would be taken for ever, by nobody."""
    ref = await begun(stores.reveals, ben, delivery)
    await stores.reveals.reserve(ref)
    await set_reveals(stores.database, expires_at=now - 1)

    await stores.interrupted_reveals.purge()

    assert await stores.interrupted_reveals.reclaim_reserved(0) == 1


@SLOW_TWIN
@pytest.mark.parametrize("who", ["another member", "another team", "another enterprise"])
async def test_a_delivery_for_one_person_is_not_anothers(stores, ada, ben, cleo, who):
    delivery = await sent(stores, ada, Recipient(user=ben))
    asking = {
        "another team": Person(None, "T2", ben.user_id),
        "another enterprise": Person("E1", ben.team_id, ben.user_id),
    }.get(who, cleo)

    assert (await stores.deliveries.find_for_recipient(ben, delivery.id)).id == delivery.id
    with pytest.raises(NotYours):
        await stores.deliveries.find_for_recipient(asking, delivery.id)


async def test_nothing_that_opens_it_is_left_when_it_was_opened(stores, ben, delivery):
    ref = await begun(stores.reveals, ben, delivery)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.reveals.mark_shown(ref)

    async with stores.database.reading() as connection:
        row = (await connection.execute(select(deliveries_table))).one()
        window = (await connection.execute(select(reveals_table))).one()

    assert (row.secret_key, row.passphrase, window.secret_key, window.escrow) == (None, None, None, None)


async def test_try_again_ends_when_the_secret_that_was_shared_here_is_over(stores, ben, delivery):
    following = FollowingMessages(stores.database)
    ref = await begun(stores.reveals, ben, delivery)
    await following.add("may_be_opened", ref, MessageRef(TEAM, "D0BEN", "1.3"), ben)
    assert await following.outdated_of_reveals() == []

    await stores.deliveries.close(delivery.id, "opened")
    assert await following.outdated_of_reveals() == []  # it may be just being shown
    async with stores.database.writing() as connection:
        await connection.execute(update(deliveries_table).values(over_at=now - SETTLED - 1))

    assert [one.subject_id for one in await following.outdated_of_reveals()] == [ref]


async def test_show_again_stays_while_the_secret_is_held(stores, ben, delivery):
    following = FollowingMessages(stores.database)
    ref = await begun(stores.reveals, ben, delivery)
    assert await stores.reveals.reserve(ref)
    assert await stores.reveals.claim(ref)
    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await following.add("show_again", ref, MessageRef(TEAM, "D0BEN", "1.3"), ben)
    async with stores.database.writing() as connection:
        await connection.execute(update(deliveries_table).values(over_at=now - SETTLED - 1))

    assert await following.outdated_of_reveals() == []
