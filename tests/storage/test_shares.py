"""Shares and their parcels, from the sender's side: one share for one submit, every move made once, nothing left over."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours, StorageTrouble, Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.database import Database, now
from bot.storage.parcels import REMIND_EVERY, Address, Parcel
from bot.storage.shares import LATE, WEEK, NewShare, Shares
from bot.storage.tables import new_id
from bot.storage.tables import parcels as parcel_table
from bot.storage.tables import shares as share_table
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
KEY, METADATA_KEY, PASSPHRASE = SecretKey("secret-key-of-ada"), MetadataKey("metadata-key-of-ada"), Secret("passphrase")
NEW = NewShare("once", HOST, None, quiet=False, note="a note", label="a label")


@pytest.fixture
def shares(database, sealer) -> Shares:
    return Shares(database, sealer)


@pytest.fixture
async def parcel(shares, ada, ben) -> Parcel:
    """Waiting, for ben."""
    _, [made], _ = await shares.begin(ada, NEW, [Address(ben)])
    assert isinstance(made, Parcel)
    return made


async def make(shares: Shares, parcel: Parcel, passphrase: Secret | None = PASSPHRASE, lives: float = 60) -> Parcel:
    assert await shares.ask(parcel.id)
    return await shares.made(
        parcel,
        secret_key=KEY,
        metadata_key=METADATA_KEY,
        passphrase=passphrase,
        passphrase_required=passphrase is not None,
        expires_at=datetime.now(UTC) + timedelta(seconds=lives),
    )


async def send(shares: Shares, parcel: Parcel) -> Parcel:
    await make(shares, parcel)
    assert await shares.sent(parcel.id, "D1", "1.1")
    return await shares.own_parcel(parcel.sender, parcel.id)


async def state(shares: Shares, parcel: Parcel) -> str:
    (found,) = await shares.parcels(parcel.share_id)
    return found.state


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(parcel_table).values(values))


async def stored(database: Database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


# --- one share for one submit


async def test_a_share_and_its_parcels_come_back_as_they_were_given(shares, ada, ben):
    to = [Address(ben), Address(channel="C0OPS"), Address()]

    share, parcels, is_new = await shares.begin(ada, NEW, to)

    assert is_new
    assert (share.person, share.host, share.note, share.label, share.quiet, share.card) == (
        ada, HOST, "a note", "a label", False, None,
    )  # fmt: skip
    assert [one.to for one in parcels] == to
    assert {one.state for one in parcels} == {"waiting"}
    assert await shares.find(ada, share.id) == share


async def test_the_same_submit_again_is_the_same_share(shares, ada, ben):
    first, parcels, _ = await shares.begin(ada, NEW, [Address(ben)])

    second, again, is_new = await shares.begin(ada, NEW, [Address(ada), Address()])

    assert (second, again, is_new) == (first, parcels, False)


async def test_of_twenty_submits_at_once_one_makes_a_share(shares, ada, ben, database):
    begun = await asyncio.gather(*(shares.begin(ada, NEW, [Address(ben)]) for _ in range(20)))

    assert sum(is_new for _, _, is_new in begun) == 1
    assert len({share.id for share, _, _ in begun}) == 1
    assert len(await stored(database, parcel_table)) == 1


async def test_somebody_elses_submit_is_not_told_about(shares, ada, ben):
    await shares.begin(ada, NEW, [Address()])

    with pytest.raises(NotYours):
        await shares.begin(ben, NEW, [Address()])


async def test_a_share_of_which_nothing_came_is_forgotten_and_can_begin_again(shares, ada, parcel):
    await shares.failed(parcel.id, "Refused")

    assert await shares.forget(parcel.share_id)

    assert (await shares.begin(ada, NEW, [Address()]))[2]


async def test_a_share_of_which_something_may_be_left_is_not_forgotten(shares, ada, ben):
    share, (failed, asked), _ = await shares.begin(ada, NEW, [Address(ben), Address(ada)])
    await shares.failed(failed.id, "Refused")
    await shares.ask(asked.id)
    await shares.doubtful(asked.id)

    assert not await shares.forget(share.id)
    assert await shares.find(ada, share.id) == share


# --- whose they are


@SLOW_TWIN
@pytest.mark.parametrize("which", ["ben", "team", "enterprise", "no id", "a list", "unknown"])
async def test_a_share_and_its_parcels_are_the_senders_alone(shares, ada, ben, parcel, which):
    person = {
        "ben": ben,
        "team": dataclasses.replace(ada, team_id="T2"),
        "enterprise": dataclasses.replace(ada, enterprise_id="E1"),
    }.get(which, ada)
    odd = {"no id": "' OR 1=1--", "a list": [parcel.id], "unknown": new_id()}

    with pytest.raises(NotYours):
        await shares.find(person, odd.get(which, parcel.share_id))
    with pytest.raises(NotYours):
        await shares.own_parcel(person, odd.get(which, parcel.id))


# --- the life of a parcel


async def test_of_twenty_that_would_ask_the_host_one_may(shares, parcel):
    won = await asyncio.gather(*(shares.ask(parcel.id) for _ in range(20)))

    assert won.count(True) == 1


async def test_of_two_processes_one_asks(url, sealer, parcel):
    pools = [Database.open(url), Database.open(url)]

    won = await asyncio.gather(*(Shares(pool, sealer).ask(parcel.id) for pool in pools for _ in range(5)))

    assert won.count(True) == 1
    for pool in pools:
        await pool.close()


async def test_what_was_made_has_its_keys_and_shows_none(shares, parcel):
    made = await make(shares, parcel)

    assert (made.state, made.secret_key, made.metadata_key, made.passphrase) == (
        "made", KEY, METADATA_KEY, PASSPHRASE,
    )  # fmt: skip
    assert type(made.secret_key) is SecretKey
    assert type(made.metadata_key) is MetadataKey
    assert made.passphrase_required
    assert not [word for word in ("secret-key", "metadata-key", "passphrase'") if word in repr(made)]


async def test_what_nobody_asked_for_cannot_have_been_made(shares, parcel):
    with pytest.raises(StorageTrouble):
        await shares.made(
            parcel,
            secret_key=KEY,
            metadata_key=METADATA_KEY,
            passphrase=None,
            passphrase_required=None,
            expires_at=None,
        )


async def test_an_answer_that_came_after_all_ends_the_doubt(shares, parcel):
    await shares.ask(parcel.id)
    await shares.doubtful(parcel.id)

    made = await shares.made(
        parcel, secret_key=KEY, metadata_key=METADATA_KEY, passphrase=None, passphrase_required=None, expires_at=None
    )

    assert (made.state, made.is_over) == ("made", False)
    assert await shares.over(parcel.id, "burned")


@pytest.mark.parametrize("waits_for", ["nobody", "sender", "addressee"])
async def test_a_passphrase_is_wiped_when_it_is_sent_unless_somebody_waits_for_it(shares, ada, ben, waits_for):
    new = dataclasses.replace(NEW, passphrase_to=waits_for)
    _, (parcel,), _ = await shares.begin(ada, new, [Address(ben)])

    sent = await send(shares, parcel)

    assert sent.message == ("D1", "1.1")
    assert sent.passphrase == (None if waits_for == "nobody" else PASSPHRASE)
    await shares.passphrase_sent(parcel.id)
    assert (await shares.own_parcel(ada, parcel.id)).passphrase is None


@pytest.mark.parametrize("end", ["burned", "expired", "gone", "opened"])
async def test_what_is_over_has_nothing_left_that_opens_it(shares, ada, parcel, database, end):
    await send(shares, parcel)

    assert await shares.over(parcel.id, end)

    (row,) = await stored(database, parcel_table)
    assert (row.state, row.secret_key, row.passphrase) == (end, None, None)
    assert not await shares.over(parcel.id, "gone")
    assert (await shares.own_parcel(ada, parcel.id)).is_over


async def test_whom_slack_refused_nobody_can_open_and_it_is_over_when_it_is_burned(shares, ada, parcel):
    await make(shares, parcel)

    assert await shares.refused(parcel.id, "not_in_channel")

    refused = await shares.own_parcel(ada, parcel.id)
    assert (refused.state, refused.why) == ("refused", "not_in_channel")
    assert not refused.secret_key
    assert refused.metadata_key == METADATA_KEY
    assert not await shares.sent(parcel.id, "D1", "1.1")
    assert await shares.over(parcel.id, "refused")


MOVES = {
    "ask": lambda shares, one: shares.ask(one.id),
    "failed": lambda shares, one: shares.failed(one.id, "why"),
    "doubtful": lambda shares, one: shares.doubtful(one.id),
    "sent": lambda shares, one: shares.sent(one.id, "D1", "1.1"),
    "refused": lambda shares, one: shares.refused(one.id, "why"),
    "remind": lambda shares, one: shares.remind(one.id),
}
ALLOWED = {
    "waiting": {"ask", "failed"},
    "asking": {"failed", "doubtful"},
    "made": {"sent", "refused"},
    "sent": {"remind"},
    "opening": set(),
    "handed": set(),
    "opened": set(),
    "failed": set(),
    "doubtful": set(),
    "refused": set(),
    "burned": set(),
    "expired": set(),
    "gone": set(),
}


@SLOW_TWIN
@pytest.mark.parametrize("state", ALLOWED)
async def test_every_other_move_changes_nothing(shares, parcel, database, state):
    for name, move in MOVES.items():
        await set_all(database, state=state, over_at=None, reminded_at=None)

        assert await move(shares, parcel) == (name in ALLOWED[state]), name


async def test_an_addressee_is_reminded_once_an_hour_at_most(shares, parcel, database):
    await send(shares, parcel)

    assert [await shares.remind(parcel.id) for _ in range(2)] == [True, False]

    await set_all(database, reminded_at=now - REMIND_EVERY - 1)
    assert await shares.remind(parcel.id)


# --- sealed


@pytest.mark.parametrize("column", ["secret_key", "metadata_key", "passphrase"])
async def test_a_key_that_was_moved_to_another_parcel_does_not_open_there(shares, ada, ben, database, column):
    _, (one, other), _ = await shares.begin(ada, NEW, [Address(ben), Address(ada)])
    for parcel in (one, other):
        await make(shares, parcel)
    async with database.writing() as connection:
        blob = await connection.scalar(select(parcel_table.c[column]).where(parcel_table.c.id == one.id))
        await connection.execute(update(parcel_table).where(parcel_table.c.id == other.id).values({column: blob}))

    with pytest.raises(Unsealable):
        await shares.own_parcel(ada, other.id)
    (_, listed) = await shares.parcels(one.share_id)
    assert (listed.state, bool(listed.secret_key)) == ("made", False)


# --- what was left undone


async def test_what_was_left_undone_is_found_and_what_is_done_is_not(shares, ada, ben):
    cases = {
        "waiting": (Address(ben), []),
        "asking": (Address(ben), ["ask"]),
        "made": (Address(ben), ["ask", "make"]),
        "refused": (Address(ben), ["ask", "make", "refused"]),
        "sent": (Address(ben), ["ask", "make", "sent"]),
        "failed": (Address(ben), ["failed"]),
        "doubtful": (Address(ben), ["ask", "doubtful"]),
        "link": (Address(), ["ask", "make"]),
        "link, followed": (Address(), ["ask", "make", "tracked"]),
    }
    steps = MOVES | {
        "make": lambda shares, one: shares.made(
            one, secret_key=KEY, metadata_key=METADATA_KEY, passphrase=None, passphrase_required=None, expires_at=None
        ),
        "tracked": lambda shares, one: shares.tracked(one.id, new_id()),
    }
    of = {}
    for name, (to, moves) in cases.items():
        _, (parcel,), _ = await shares.begin(ada, dataclasses.replace(NEW, once=name), [to])
        of[parcel.id] = name
        for move in moves:
            await steps[move](shares, parcel)

    assert {of[one.id] for one in await shares.unfinished(0)} == {"waiting", "asking", "made", "refused", "link"}
    assert await shares.unfinished(60) == []


@pytest.mark.parametrize("waits_for", ["sender", "addressee"])
async def test_a_passphrase_that_its_addressee_waits_for_is_left_undone(shares, ada, ben, waits_for):
    new = dataclasses.replace(NEW, passphrase_to=waits_for)
    _, (parcel,), _ = await shares.begin(ada, new, [Address(ben)])
    await send(shares, parcel)

    assert len(await shares.unfinished(0)) == (waits_for == "addressee")

    await shares.passphrase_sent(parcel.id)
    assert await shares.unfinished(0) == []


async def test_a_sender_without_a_card_is_found_when_nothing_is_being_made_any_more(shares, ada, parcel):
    assert await shares.cardless(0) == []

    await shares.failed(parcel.id, "interrupted")

    assert [one.id for one in await shares.cardless(0)] == [parcel.share_id]
    assert await shares.cardless(60) == []


@pytest.mark.parametrize("told", ["card", "never"])
async def test_a_sender_who_was_told_or_can_never_be_is_not_found_again(shares, ada, parcel, told):
    await shares.failed(parcel.id, "interrupted")

    await (shares.set_card(parcel.share_id, "D1", "1.1") if told == "card" else shares.no_card(parcel.share_id))

    assert await shares.cardless(0) == []
    assert (await shares.find(ada, parcel.share_id)).card == (("D1", "1.1") if told == "card" else None)


async def test_a_tracked_row_leads_to_its_share_and_parcel(shares, ada, parcel):
    tracked_id = new_id()
    await shares.tracked(parcel.id, tracked_id)

    share, found = await shares.of_tracked(tracked_id)

    assert (share.id, found.id) == (parcel.share_id, parcel.id)
    assert await shares.of_tracked(new_id()) is None


# --- what goes


async def test_what_has_been_over_for_a_week_is_deleted(shares, ada, ben, database):
    _, (over, open_), _ = await shares.begin(ada, NEW, [Address(ben), Address(ada)])
    for parcel in (over, open_):
        await send(shares, parcel)
    await shares.over(over.id, "burned")
    async with database.writing() as connection:
        await connection.execute(update(share_table).values(created_at=now - WEEK - 1))
    await set_all(database, over_at=parcel_table.c.over_at - WEEK - 1)
    await shares.purge()
    assert len(await stored(database, parcel_table)) == 2

    await shares.over(open_.id, "burned")
    await set_all(database, over_at=now - WEEK - 1)
    await shares.purge()

    assert await stored(database, share_table) == await stored(database, parcel_table) == []


async def test_what_has_run_out_and_was_not_heard_of_is_wiped(shares, ada, parcel, database):
    await send(shares, parcel)
    await shares.purge()
    assert (await shares.own_parcel(ada, parcel.id)).secret_key == KEY

    await set_all(database, expires_at=now - LATE - 1)
    await shares.purge()

    gone = await shares.own_parcel(ada, parcel.id)
    assert (gone.state, bool(gone.secret_key), gone.passphrase) == ("expired", False, None)


async def test_nothing_secret_stands_in_the_files(database, sealer, ada, ben, tmp_path, canary, url):
    if not url.startswith("sqlite"):
        pytest.skip("the files are SQLite's")
    shares = Shares(database, sealer)
    new = dataclasses.replace(NEW, note=f"note-{canary}", label=f"label-{canary}", passphrase_to="addressee")
    _, (parcel,), _ = await shares.begin(ada, new, [Address(ben)])
    await shares.ask(parcel.id)
    await shares.made(
        parcel,
        secret_key=SecretKey(f"key-{canary}"),
        metadata_key=MetadataKey(f"metadata-{canary}"),
        passphrase=Secret(f"passphrase-{canary}"),
        passphrase_required=True,
        expires_at=None,
    )
    (row,) = await stored(database, parcel_table)

    await shares.over(parcel.id, "burned")

    content = b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))
    assert ada.user_id.encode() in content
    assert canary.encode() not in content
    assert not [blob for blob in (row.secret_key, row.passphrase) if blob[-30:] in content]


def test_a_person_is_no_channel():
    assert Address().is_nobody
    assert not Address(Person(None, "T1", "U1")).is_nobody
    assert not Address(channel="C1").is_nobody
