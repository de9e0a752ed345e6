"""A parcel is taken, given back and opened in the same transaction as the row of whoever is at it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.database import Database, now
from bot.storage.reveals import MOST_WRONG_TRIES, Reveals
from bot.storage.shares import Address, NewShare, Shares
from bot.storage.tables import new_id
from bot.storage.tables import parcels as parcels_table
from bot.storage.tables import reveals as reveals_table
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
KEY, PRIVATE = SecretKey("secret-key-of-the-parcel"), MetadataKey("metadata-key-of-the-parcel")
TEXT = Secret("what was shared")
CHANNEL = "C0000OPS"


@pytest.fixture
def cleo() -> Person:
    return Person(None, "T0000001", "U000CLEO")


@pytest.fixture
def stores(database, sealer):
    return SimpleNamespace(shares=Shares(database, sealer), reveals=Reveals(database, sealer), database=database)


@pytest.fixture
async def parcel(stores, ada):
    """In a channel, by ada, and not opened yet."""
    return await sent(stores.shares, ada, Address(channel=CHANNEL))


async def sent(shares: Shares, sender: Person, to: Address):
    new = NewShare(new_id(), HOST, None, quiet=False, note=None, label=None)
    _, (begun,), _ = await shares.begin(sender, new, [to])
    assert await shares.ask(begun.id)
    made = await shares.made(
        begun, secret_key=KEY, metadata_key=PRIVATE, passphrase=None, passphrase_required=True,
        expires_at=datetime.now(UTC) + timedelta(days=7),
    )  # fmt: skip
    assert await shares.sent(made.id, CHANNEL, "1.2")
    return await shares.own_parcel(sender, made.id)


async def begun(reveals: Reveals, person: Person, parcel) -> str:
    """A window of this person about the parcel."""
    ref = new_id()
    await reveals.begin(person, ref, HOST, KEY, parcel_id=parcel.id)
    return ref


async def reload(stores, ada, parcel):
    return await stores.shares.own_parcel(ada, parcel.id)


async def set_reveals(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(reveals_table).values(values))


async def test_a_window_about_a_parcel_holds_no_key(stores, ben, parcel):
    ref = await begun(stores.reveals, ben, parcel)

    found = await stores.reveals.find(ben, ref)

    assert (found.parcel_id, bool(found.key), found.host) == (parcel.id, False, HOST)
    async with stores.database.reading() as connection:
        assert await connection.scalar(select(reveals_table.c.secret_key)) is None


async def test_of_twenty_people_at_once_exactly_one_takes_it(stores, ada, parcel):
    people = [Person(None, ada.team_id, f"U{number:08}") for number in range(20)]
    refs = [await begun(stores.reveals, person, parcel) for person in people]

    won = await asyncio.gather(*(stores.reveals.reserve(ref) for ref in refs))

    assert won.count(True) == 1
    taken = await reload(stores, ada, parcel)
    assert (taken.state, taken.opener) == ("opening", people[won.index(True)])
    states = [(await stores.reveals.find(person, ref)).state for person, ref in zip(people, refs, strict=True)]
    assert sorted(states) == ["opening", *["ready"] * 19]


async def test_of_two_processes_exactly_one_takes_it(url, sealer, stores, ada, ben, cleo):
    """Two pools share nothing but the database, as two processes do."""
    pools = [Database.open(url), Database.open(url)]
    theirs = [Reveals(pool, sealer) for pool in pools]
    every = [await sent(stores.shares, ada, Address(channel=CHANNEL)) for _ in range(10)]
    refs = [[await begun(stores.reveals, person, one) for person in (ben, cleo)] for one in every]

    won = await asyncio.gather(*(
        reveals.reserve(ref) for pair in refs for reveals, ref in zip(theirs, pair, strict=True)
    ))  # fmt: skip

    assert [sum(pair) for pair in zip(won[::2], won[1::2], strict=True)] == [1] * 10
    for pool in pools:
        await pool.close()


@pytest.mark.parametrize("how", ["released", "a wrong passphrase", "the last wrong one", "put back", "in doubt"])
async def test_what_was_not_opened_is_free_for_the_next(stores, ada, ben, cleo, parcel, how):
    of_ben, of_cleo = await begun(stores.reveals, ben, parcel), await begun(stores.reveals, cleo, parcel)
    assert await stores.reveals.reserve(of_ben)
    assert not await stores.reveals.reserve(of_cleo)

    if how == "put back":
        await set_reveals(stores.database, claimed_at=now - 200)
        assert await stores.reveals.put_back(150) == 1
    else:
        assert await stores.reveals.claim(of_ben)
    if how == "in doubt":
        assert await stores.reveals.mark_unsure(of_ben)
    elif how == "released":
        await stores.reveals.release(of_ben)
    elif how == "a wrong passphrase":
        assert await stores.reveals.release(of_ben, wrong_passphrase=True) == 1
    elif how == "the last wrong one":
        await set_reveals(stores.database, wrong_tries=MOST_WRONG_TRIES - 1)
        assert await stores.reveals.release(of_ben, wrong_passphrase=True) == MOST_WRONG_TRIES

    free = await reload(stores, ada, parcel)
    assert (free.state, free.opener, free.secret_key) == ("sent", None, KEY)
    assert await stores.reveals.reserve(of_cleo)


async def test_a_claim_whose_parcel_was_given_back_is_none(stores, ben, cleo, parcel):
    """A janitor that came too early: what another took meanwhile is not asked for."""
    of_ben, of_cleo = await begun(stores.reveals, ben, parcel), await begun(stores.reveals, cleo, parcel)
    await stores.reveals.reserve(of_ben)
    await stores.reveals.put_back(0)
    assert await stores.reveals.reserve(of_cleo)

    assert not await stores.reveals.claim(of_ben)


@pytest.mark.parametrize("how", ["kept", "shown, nothing kept", "lost, nothing kept"])
async def test_what_was_opened_is_opened_for_everybody_at_once(stores, ada, ben, cleo, parcel, how):
    of_ben, of_cleo = await begun(stores.reveals, ben, parcel), await begun(stores.reveals, cleo, parcel)
    await stores.reveals.reserve(of_ben)
    await stores.reveals.claim(of_ben)

    if how == "kept":
        await stores.reveals.keep(await stores.reveals.find(ben, of_ben), TEXT)
    else:
        await (stores.reveals.shown if how.startswith("shown") else stores.reveals.over)(of_ben)

    opened = await reload(stores, ada, parcel)
    assert (opened.state, opened.opener, bool(opened.secret_key)) == ("opened", ben, False)
    assert abs((datetime.now(UTC) - opened.opened_at).total_seconds()) < 60
    assert not await stores.reveals.reserve(of_cleo)
    assert [one.id for one in await stores.shares.untold()] == [parcel.id]


async def test_the_first_opener_stays_and_is_told_about_once(stores, ada, ben, parcel):
    ref = await begun(stores.reveals, ben, parcel)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.shares.told(parcel.id)

    await stores.reveals.shown(ref)
    await stores.shares.opened(parcel.id, ada)

    assert (await reload(stores, ada, parcel)).opener == ben
    assert await stores.shares.untold() == []


async def test_done_under_a_window_that_opened_nothing_opens_nothing(stores, ada, ben, parcel):
    ref = await begun(stores.reveals, ben, parcel)

    await stores.reveals.shown(ref)

    assert (await reload(stores, ada, parcel)).state == "sent"


async def test_what_was_opened_is_opened_whatever_was_believed_meanwhile(stores, ada, ben, parcel):
    ref = await begun(stores.reveals, ben, parcel)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.shares.over(parcel.id, "expired")

    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)

    assert (await reload(stores, ada, parcel)).state == "opened"


@pytest.mark.parametrize("state", ["burned", "expired", "gone", "opened"])
async def test_what_is_over_cannot_be_taken(stores, ben, parcel, state):
    ref = await begun(stores.reveals, ben, parcel)
    await stores.shares.over(parcel.id, state)

    assert not await stores.reveals.reserve(ref)
    assert (await stores.reveals.find(ben, ref)).can_be_tried


async def test_whom_the_link_was_shown_to_may_open_it_here_after_all_and_nobody_else(stores, ada, ben, cleo, parcel):
    assert await stores.shares.handed(parcel.id, ben)
    of_ben, of_cleo = await begun(stores.reveals, ben, parcel), await begun(stores.reveals, cleo, parcel)

    assert not await stores.shares.handed(parcel.id, cleo)
    assert not await stores.reveals.reserve(of_cleo)
    assert await stores.reveals.reserve(of_ben)
    await stores.reveals.release(of_ben)

    assert ((await reload(stores, ada, parcel)).state, (await reload(stores, ada, parcel)).opener) == ("handed", ben)


async def test_only_what_was_opened_elsewhere_was_opened_with_the_link(stores, ada, ben, parcel):
    another = await sent(stores.shares, ada, Address(channel=CHANNEL))
    for one in (parcel, another):
        await stores.shares.handed(one.id, ben)
    ref = await begun(stores.reveals, ben, parcel)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)

    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.shares.over(another.id, "opened")

    here, elsewhere = await reload(stores, ada, parcel), await reload(stores, ada, another)
    assert (here.opener, here.by_link) == (ben, False)
    assert (elsewhere.opener, elsewhere.by_link) == (ben, True)


async def test_somebody_at_it_is_not_purged_away(stores, ben, parcel):
    """Or it would be taken for ever, by nobody."""
    ref = await begun(stores.reveals, ben, parcel)
    await stores.reveals.reserve(ref)
    await set_reveals(stores.database, expires_at=now - 1)

    await stores.reveals.purge()

    assert await stores.reveals.put_back(0) == 1


@SLOW_TWIN
@pytest.mark.parametrize("who", ["another member", "another team", "another enterprise"])
async def test_a_parcel_for_one_person_is_not_anothers(stores, ada, ben, cleo, who):
    parcel = await sent(stores.shares, ada, Address(user=ben))
    asking = {
        "another team": Person(None, "T2", ben.user_id),
        "another enterprise": Person("E1", ben.team_id, ben.user_id),
    }.get(who, cleo)

    assert (await stores.shares.addressed(ben, parcel.id)).id == parcel.id
    with pytest.raises(NotYours):
        await stores.shares.addressed(asking, parcel.id)


async def test_nothing_that_opens_it_is_left_when_it_was_opened(stores, ben, parcel):
    ref = await begun(stores.reveals, ben, parcel)
    await stores.reveals.reserve(ref)
    await stores.reveals.claim(ref)
    await stores.reveals.keep(await stores.reveals.find(ben, ref), TEXT)
    await stores.reveals.shown(ref)

    async with stores.database.reading() as connection:
        row = (await connection.execute(select(parcels_table))).one()
        window = (await connection.execute(select(reveals_table))).one()

    assert (row.secret_key, row.passphrase, window.secret_key, window.escrow) == (None, None, None, None)
