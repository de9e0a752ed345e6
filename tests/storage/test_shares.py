"""Shares and their deliveries, from the sender's side: one share for one submit, every move made once, nothing left over."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours, StorageUnavailable, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.sealer import Binding
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import LATE, WEEK, InterruptedShares
from bot.storage.shares.rows import Delivery, NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import data_keys, new_id
from bot.storage.tables import deliveries as delivery_table
from bot.storage.tables import shares as share_table
from tests.storage.conftest import SLOW_TWIN
from tests.support.without_data_keys import seal_without_data_keys

TEAM = "T0000001"  # of all people here
HOST = "https://eu.onetimesecret.com"
KEY, METADATA_KEY, PASSPHRASE = SecretKey("secret-key-of-ada"), MetadataKey("metadata-key-of-ada"), Secret("passphrase")
NEW = NewShare("once", HOST, None, quiet=False, note="a note", label="a label")


@pytest.fixture
def interrupted(database, sealer) -> InterruptedShares:
    return InterruptedShares(database, sealer)


@pytest.fixture
async def delivery(shares, ada, ben) -> Delivery:
    """Waiting, for ben."""
    _, [made], _ = await shares.begin(ada, NEW, [Recipient(ben)])
    assert isinstance(made, Delivery)
    return made


async def make(
    deliveries: Deliveries, delivery: Delivery, passphrase: Secret | None = PASSPHRASE, lives: float = 60
) -> Delivery:
    assert await deliveries.begin_request(delivery.id)
    return await deliveries.mark_made(
        delivery,
        secret_key=KEY,
        metadata_key=METADATA_KEY,
        passphrase=passphrase,
        passphrase_required=passphrase is not None,
        expires_at=datetime.now(UTC) + timedelta(seconds=lives),
    )


async def send(shares: Shares, deliveries: Deliveries, delivery: Delivery) -> Delivery:
    await make(deliveries, delivery)
    assert await deliveries.mark_sent(delivery.id, MessageRef(TEAM, "D1", "1.1"))
    return await shares.own_delivery(delivery.sender, delivery.id)


async def state(shares: Shares, delivery: Delivery) -> str:
    (found,) = await shares.deliveries_of(delivery.share_id)
    return found.state


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(delivery_table).values(values))


async def stored(database: Database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


# --- one share for one submit


async def test_a_share_and_its_deliveries_come_back_as_they_were_given(shares, ada, ben):
    to = [Recipient(ben), Recipient(channel="C0OPS"), Recipient()]

    share, deliveries, is_new = await shares.begin(ada, NEW, to)

    assert is_new
    assert (share.person, share.host, share.note, share.label, share.quiet, share.card) == (
        ada, HOST, "a note", "a label", False, None,
    )  # fmt: skip
    assert [one.recipient for one in deliveries] == to
    assert {one.state for one in deliveries} == {"waiting"}
    assert await shares.find(ada, share.id) == share


async def test_the_same_submit_again_is_the_same_share(shares, ada, ben):
    first, deliveries, _ = await shares.begin(ada, NEW, [Recipient(ben)])

    second, again, is_new = await shares.begin(ada, NEW, [Recipient(ada), Recipient()])

    assert (second, again, is_new) == (first, deliveries, False)


async def test_of_twenty_submits_at_once_one_makes_a_share(shares, ada, ben, database):
    begun = await asyncio.gather(*(shares.begin(ada, NEW, [Recipient(ben)]) for _ in range(20)))

    assert sum(is_new for _, _, is_new in begun) == 1
    assert len({share.id for share, _, _ in begun}) == 1
    assert len(await stored(database, delivery_table)) == 1


async def test_somebody_elses_submit_is_not_told_about(shares, ada, ben):
    await shares.begin(ada, NEW, [Recipient()])

    with pytest.raises(NotYours):
        await shares.begin(ben, NEW, [Recipient()])


async def test_a_share_of_which_nothing_came_is_forgotten_and_can_begin_again(shares, deliveries, ada, delivery):
    await deliveries.mark_failed(delivery.id, "Refused")

    assert await shares.delete(delivery.share_id)

    assert (await shares.begin(ada, NEW, [Recipient()]))[2]


async def test_a_share_of_which_something_may_be_left_is_not_forgotten(shares, deliveries, ada, ben):
    share, (failed, asked), _ = await shares.begin(ada, NEW, [Recipient(ben), Recipient(ada)])
    await deliveries.mark_failed(failed.id, "Refused")
    await deliveries.begin_request(asked.id)
    await deliveries.mark_outcome_unknown(asked.id)

    assert not await shares.delete(share.id)
    assert await shares.find(ada, share.id) == share


# --- whose they are


@SLOW_TWIN
@pytest.mark.parametrize("which", ["ben", "team", "enterprise", "no id", "a list", "unknown"])
async def test_a_share_and_its_deliveries_are_the_senders_alone(shares, ada, ben, delivery, which):
    person = {
        "ben": ben,
        "team": dataclasses.replace(ada, team_id="T2"),
        "enterprise": dataclasses.replace(ada, enterprise_id="E1"),
    }.get(which, ada)
    odd = {"no id": "' OR 1=1--", "a list": [delivery.id], "unknown": new_id()}

    with pytest.raises(NotYours):
        await shares.find(person, odd.get(which, delivery.share_id))
    with pytest.raises(NotYours):
        await shares.own_delivery(person, odd.get(which, delivery.id))


# --- the life of a delivery


async def test_of_twenty_that_would_ask_the_host_one_may(deliveries, delivery):
    won = await asyncio.gather(*(deliveries.begin_request(delivery.id) for _ in range(20)))

    assert won.count(True) == 1


async def test_of_two_processes_one_asks(url, sealer, delivery):
    pools = [Database.open(url), Database.open(url)]

    won = await asyncio.gather(
        *(Deliveries(pool, sealer).begin_request(delivery.id) for pool in pools for _ in range(5))
    )

    assert won.count(True) == 1
    for pool in pools:
        await pool.close()


async def test_what_was_made_has_its_keys_and_shows_none(deliveries, delivery):
    made = await make(deliveries, delivery)

    assert (made.state, made.secret_key, made.metadata_key, made.passphrase) == (
        "made", KEY, METADATA_KEY, PASSPHRASE,
    )  # fmt: skip
    assert type(made.secret_key) is SecretKey
    assert type(made.metadata_key) is MetadataKey
    assert made.passphrase_required
    assert not [word for word in ("secret-key", "metadata-key", "passphrase'") if word in repr(made)]


async def test_what_nobody_asked_for_cannot_have_been_made(deliveries, delivery):
    with pytest.raises(StorageUnavailable):
        await deliveries.mark_made(
            delivery,
            secret_key=KEY,
            metadata_key=METADATA_KEY,
            passphrase=None,
            passphrase_required=None,
            expires_at=None,
        )


async def test_an_answer_that_came_after_all_ends_the_doubt(deliveries, delivery):
    await deliveries.begin_request(delivery.id)
    await deliveries.mark_outcome_unknown(delivery.id)

    made = await deliveries.mark_made(
        delivery, secret_key=KEY, metadata_key=METADATA_KEY, passphrase=None, passphrase_required=None, expires_at=None
    )

    assert (made.state, made.is_over) == ("made", False)
    assert await deliveries.close(delivery.id, "burned")


@pytest.mark.parametrize("waits_for", ["nobody", "sender", "recipient"])
async def test_a_passphrase_is_wiped_when_it_is_sent_unless_somebody_waits_for_it(
    shares, deliveries, ada, ben, waits_for
):
    new = dataclasses.replace(NEW, passphrase_to=waits_for)
    _, (delivery,), _ = await shares.begin(ada, new, [Recipient(ben)])

    sent = await send(shares, deliveries, delivery)

    assert sent.message == MessageRef(TEAM, "D1", "1.1")
    assert sent.passphrase == (None if waits_for == "nobody" else PASSPHRASE)
    await deliveries.wipe_passphrase(delivery.id)
    assert (await shares.own_delivery(ada, delivery.id)).passphrase is None


@pytest.mark.parametrize("end", ["burned", "expired", "gone", "opened"])
async def test_what_is_over_has_nothing_left_that_opens_it(shares, deliveries, ada, delivery, database, end):
    await send(shares, deliveries, delivery)

    assert await deliveries.close(delivery.id, end)

    (row,) = await stored(database, delivery_table)
    assert (row.state, row.secret_key, row.passphrase) == (end, None, None)
    assert not await deliveries.close(delivery.id, "gone")
    assert (await shares.own_delivery(ada, delivery.id)).is_over


async def test_whom_slack_refused_nobody_can_open_and_it_is_over_when_it_is_burned(shares, deliveries, ada, delivery):
    await make(deliveries, delivery)

    assert await deliveries.mark_undeliverable(delivery.id, "not_in_channel")

    refused = await shares.own_delivery(ada, delivery.id)
    assert (refused.state, refused.reason) == ("undeliverable", "not_in_channel")
    assert not refused.secret_key
    assert refused.metadata_key == METADATA_KEY
    assert not await deliveries.mark_sent(delivery.id, MessageRef(TEAM, "D1", "1.1"))
    assert await deliveries.close(delivery.id, "undeliverable")


MOVES = {
    "ask": lambda deliveries, one: deliveries.begin_request(one.id),
    "failed": lambda deliveries, one: deliveries.mark_failed(one.id, "reason"),
    "unknown_outcome": lambda deliveries, one: deliveries.mark_outcome_unknown(one.id),
    "sent": lambda deliveries, one: deliveries.mark_sent(one.id, MessageRef(TEAM, "D1", "1.1")),
    "undeliverable": lambda deliveries, one: deliveries.mark_undeliverable(one.id, "reason"),
}
ALLOWED = {
    "waiting": {"ask", "failed"},
    "asking": {"failed", "unknown_outcome"},
    "made": {"sent", "undeliverable"},
    "sent": set(),
    "opening": set(),
    "link_shown": set(),
    "opened": set(),
    "failed": set(),
    "unknown_outcome": set(),
    "undeliverable": set(),
    "burned": set(),
    "expired": set(),
    "gone": set(),
}


@SLOW_TWIN
@pytest.mark.parametrize("state", ALLOWED)
async def test_every_other_move_changes_nothing(deliveries, delivery, database, state):
    for name, move in MOVES.items():
        await set_all(database, state=state, over_at=None, reminded_at=None)

        assert await move(deliveries, delivery) == (name in ALLOWED[state]), name


# --- sealed


@pytest.mark.parametrize("column", ["secret_key", "metadata_key", "passphrase"])
async def test_a_key_that_was_moved_to_another_delivery_does_not_open_there(
    shares, deliveries, ada, ben, database, column
):
    _, (one, other), _ = await shares.begin(ada, NEW, [Recipient(ben), Recipient(ada)])
    for delivery in (one, other):
        await make(deliveries, delivery)
    async with database.writing() as connection:
        blob = await connection.scalar(select(delivery_table.c[column]).where(delivery_table.c.id == one.id))
        await connection.execute(update(delivery_table).where(delivery_table.c.id == other.id).values({column: blob}))

    with pytest.raises(Unsealable):
        await shares.own_delivery(ada, other.id)
    (_, listed) = await shares.deliveries_of(one.share_id)
    assert (listed.state, bool(listed.secret_key)) == ("made", False)


# --- what was left undone


async def test_what_was_left_undone_is_found_and_what_is_done_is_not(shares, deliveries, interrupted, ada, ben):
    cases = {
        "waiting": (Recipient(ben), []),
        "asking": (Recipient(ben), ["ask"]),
        "made": (Recipient(ben), ["ask", "make"]),
        "undeliverable": (Recipient(ben), ["ask", "make", "undeliverable"]),
        "sent": (Recipient(ben), ["ask", "make", "sent"]),
        "failed": (Recipient(ben), ["failed"]),
        "unknown_outcome": (Recipient(ben), ["ask", "unknown_outcome"]),
        "link": (Recipient(), ["ask", "make"]),
        "link, followed": (Recipient(), ["ask", "make", "tracked"]),
    }
    steps = MOVES | {
        "make": lambda deliveries, one: deliveries.mark_made(
            one, secret_key=KEY, metadata_key=METADATA_KEY, passphrase=None, passphrase_required=None, expires_at=None
        ),
        "tracked": lambda deliveries, one: deliveries.set_tracked(one.id, new_id()),
    }
    of = {}
    for name, (to, moves) in cases.items():
        _, (delivery,), _ = await shares.begin(ada, dataclasses.replace(NEW, idempotency_key=name), [to])
        of[delivery.id] = name
        for move in moves:
            await steps[move](deliveries, delivery)

    assert {of[one.id] for one in await interrupted.unfinished(0)} == {
        "waiting",
        "asking",
        "made",
        "undeliverable",
        "link",
    }
    assert await interrupted.unfinished(60) == []


@pytest.mark.parametrize("waits_for", ["sender", "recipient"])
async def test_a_passphrase_that_its_recipient_waits_for_is_left_undone(
    shares, deliveries, interrupted, ada, ben, waits_for
):
    new = dataclasses.replace(NEW, passphrase_to=waits_for)
    _, (delivery,), _ = await shares.begin(ada, new, [Recipient(ben)])
    await send(shares, deliveries, delivery)

    assert len(await interrupted.unfinished(0)) == (waits_for == "recipient")

    await deliveries.wipe_passphrase(delivery.id)
    assert await interrupted.unfinished(0) == []


async def test_a_sender_without_a_card_is_found_when_nothing_is_being_made_any_more(
    deliveries, interrupted, ada, delivery
):
    assert await interrupted.without_card(0) == []

    await deliveries.mark_failed(delivery.id, "interrupted")

    assert [one.id for one in await interrupted.without_card(0)] == [delivery.share_id]
    assert await interrupted.without_card(60) == []


@pytest.mark.parametrize("told", ["card", "never"])
async def test_a_sender_who_was_told_or_can_never_be_is_not_found_again(
    shares, deliveries, interrupted, ada, delivery, told
):
    await deliveries.mark_failed(delivery.id, "interrupted")

    if told == "card":
        await shares.set_card(delivery.share_id, MessageRef(TEAM, "D1", "1.1"))
    else:
        await shares.mark_card_undeliverable(delivery.share_id)

    assert await interrupted.without_card(0) == []
    assert (await shares.find(ada, delivery.share_id)).card == (
        MessageRef(TEAM, "D1", "1.1") if told == "card" else None
    )


async def test_a_tracked_row_leads_to_its_share_and_delivery(shares, deliveries, ada, delivery):
    tracked_id = new_id()
    await deliveries.set_tracked(delivery.id, tracked_id)

    share, found = await shares.of_tracked(tracked_id)

    assert (share.id, found.id) == (delivery.share_id, delivery.id)
    assert await shares.of_tracked(new_id()) is None


# --- what goes


async def test_what_has_been_over_for_a_week_is_deleted(shares, deliveries, interrupted, ada, ben, database):
    _, (over, open_), _ = await shares.begin(ada, NEW, [Recipient(ben), Recipient(ada)])
    for delivery in (over, open_):
        await send(shares, deliveries, delivery)
    await deliveries.close(over.id, "burned")
    async with database.writing() as connection:
        await connection.execute(update(share_table).values(created_at=now - WEEK - 1))
    await set_all(database, over_at=delivery_table.c.over_at - WEEK - 1)
    await interrupted.purge()
    assert len(await stored(database, delivery_table)) == 2

    await deliveries.close(open_.id, "burned")
    await set_all(database, over_at=now - WEEK - 1)
    await interrupted.purge()

    assert await stored(database, share_table) == await stored(database, delivery_table) == []


async def test_what_has_run_out_and_was_not_heard_of_has_to_be_reported(
    shares, deliveries, interrupted, ada, delivery, database
):
    await send(shares, deliveries, delivery)
    await interrupted.purge()
    assert (await shares.own_delivery(ada, delivery.id)).secret_key == KEY

    assert await interrupted.late() == []
    await set_all(database, expires_at=now - LATE - 1)

    assert [each.id for each in await interrupted.late()] == [delivery.id]
    await deliveries.close(delivery.id, "expired")

    gone = await shares.own_delivery(ada, delivery.id)
    assert (bool(gone.secret_key), gone.passphrase, await interrupted.late()) == (False, None, [])


async def test_nothing_secret_stands_in_the_files(database, sealer, ada, ben, tmp_path, canary, url):
    if not url.startswith("sqlite"):
        pytest.skip("the files are SQLite's")
    shares, deliveries = Shares(database, sealer), Deliveries(database, sealer)
    new = dataclasses.replace(NEW, note=f"note-{canary}", label=f"label-{canary}", passphrase_to="recipient")
    _, (delivery,), _ = await shares.begin(ada, new, [Recipient(ben)])
    await deliveries.begin_request(delivery.id)
    await deliveries.mark_made(
        delivery,
        secret_key=SecretKey(f"key-{canary}"),
        metadata_key=MetadataKey(f"metadata-{canary}"),
        passphrase=Secret(f"passphrase-{canary}"),
        passphrase_required=True,
        expires_at=None,
    )
    (row,) = await stored(database, delivery_table)

    await deliveries.close(delivery.id, "burned")

    content = b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))
    assert ada.user_id.encode() in content
    assert canary.encode() not in content
    assert not [blob for blob in (row.secret_key, row.passphrase) if blob[-30:] in content]


def test_a_person_is_no_channel():
    assert Recipient().is_nobody
    assert not Recipient(Person(None, "T1", "U1")).is_nobody
    assert not Recipient(channel="C1").is_nobody


# --- who a delivery is for is bound into what is sealed


CHANGES: dict[str, dict[str, str | None]] = {
    "another person": {"recipient_user_id": "U0EVE"},
    "another workspace": {"recipient_team_id": "T0EVE"},
    "another organisation": {"recipient_enterprise_id": "E0EVE"},
    "a channel too": {"recipient_channel": "C0EVERYBODY"},
    "a channel instead": {**dict.fromkeys(("recipient_enterprise_id", "recipient_team_id", "recipient_user_id")),
                          "recipient_channel": "C0EVERYBODY"},
    "nobody": dict.fromkeys(("recipient_enterprise_id", "recipient_team_id", "recipient_user_id")),
    "another sender": {"user_id": "U0EVE"},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_recipient_opens_nothing(shares, deliveries, database, ada, ben, delivery, change):
    await send(shares, deliveries, delivery)

    for values in (CHANGES[change], {"recipient": None}):
        await set_all(database, **values)

        with pytest.raises((NotYours, Unsealable)):
            await shares.own_delivery(ada, delivery.id)
        for person in (ben, Person(None, ben.team_id, "U0EVE")):
            with pytest.raises((NotYours, Unsealable)):
                await deliveries.find_for_recipient(person, delivery.id)
        (found,) = await shares.deliveries_of(delivery.share_id)
        assert (found.secret_key, found.metadata_key, found.passphrase) == (SecretKey(""), MetadataKey(""), None)


@pytest.mark.parametrize("change", ["a person", "a channel"])
async def test_a_link_for_nobody_is_not_sent_to_somebody(shares, deliveries, database, ada, change):
    _, [made], _ = await shares.begin(ada, NEW, [Recipient()])
    await make(deliveries, made)
    person = {"recipient_enterprise_id": "-", "recipient_team_id": ada.team_id, "recipient_user_id": "U0EVE"}
    channel = {"recipient_channel": "C0EVERYBODY"}

    await set_all(database, **{"a person": person, "a channel": channel}[change])

    with pytest.raises(Unsealable):
        await shares.own_delivery(ada, made.id)


async def test_what_binds_a_delivery_fits_no_other(shares, deliveries, database, ada, ben, delivery):
    _, [for_cleo], _ = await shares.begin(ada, dataclasses.replace(NEW, idempotency_key="other"), [Recipient(ada)])
    for one in (delivery, for_cleo):
        await make(deliveries, one)
    columns = ("recipient", "recipient_user_id")
    async with database.writing() as connection:
        theirs = select(*(delivery_table.c[name] for name in columns)).where(delivery_table.c.id == delivery.id)
        values = dict(zip(columns, (await connection.execute(theirs)).one(), strict=True))
        await connection.execute(update(delivery_table).where(delivery_table.c.id == for_cleo.id).values(values))

    with pytest.raises(Unsealable):
        await shares.own_delivery(ada, for_cleo.id)
    assert (await shares.own_delivery(ada, delivery.id)).recipient == Recipient(ben)


async def test_who_gets_the_passphrase_is_not_taken_from_a_changed_share(shares, deliveries, database, ada, ben):
    new = dataclasses.replace(NEW, passphrase_to="sender")
    _, [made], _ = await shares.begin(ada, new, [Recipient(ben)])
    await make(deliveries, made)

    async with database.writing() as connection:
        await connection.execute(update(share_table).values(passphrase_to="recipient"))

    assert (await shares.own_delivery(ada, made.id)).passphrase_to == "sender"


async def test_code_from_before_opens_what_is_sealed_until_rotate_has_run(
    shares, deliveries, database, sealer, ada, delivery
):
    await seal_without_data_keys(database)
    async with database.writing() as connection:
        await connection.execute(data_keys.delete())
    await make(deliveries, delivery)

    (row,) = await stored(database, delivery_table)

    for name, value in (("secret_key", KEY), ("metadata_key", METADATA_KEY), ("passphrase", PASSPHRASE)):
        binding = Binding.of("parcels", name, ada, HOST, delivery.id)
        assert sealer.open_text("metadata_key", binding, getattr(row, name), type(value)) == value


@SLOW_TWIN
async def test_what_was_sealed_before_its_recipient_was_bound_still_opens(
    shares, deliveries, database, sealer, ada, ben, delivery
):
    await send(shares, deliveries, delivery)
    before = new_id()
    old = {
        name: sealer.seal_text("metadata_key", Binding.of("parcels", name, ada, HOST, before), value)
        for name, value in (("secret_key", KEY), ("metadata_key", METADATA_KEY), ("passphrase", PASSPHRASE))
    }
    await set_all(database, id=before, recipient=None, **old)

    found = await deliveries.find_for_recipient(ben, before)

    assert (found.secret_key, found.metadata_key, found.passphrase) == (KEY, METADATA_KEY, PASSPHRASE)


# --- a later try


CARD = MessageRef(TEAM, "D1", "1.1")


def later(earlier_id: str, number: int = 1) -> NewShare:
    return dataclasses.replace(NEW, idempotency_key=f"later {number}", earlier_id=earlier_id)


async def in_doubt(deliveries: Deliveries, delivery: Delivery) -> None:
    assert await deliveries.begin_request(delivery.id)
    assert await deliveries.mark_outcome_unknown(delivery.id)


async def test_a_later_try_takes_over_the_card_and_counts_the_tries_in_doubt(shares, deliveries, ada, ben, delivery):
    await in_doubt(deliveries, delivery)
    await shares.set_card(delivery.share_id, CARD)

    second, [made], _ = await shares.begin(ada, later(delivery.share_id), [Recipient(ben)])

    assert (second.earlier_id, second.unknown_tries) == (delivery.share_id, 1)
    assert await shares.find_earlier_card(second) == CARD
    await shares.set_card(second.id, CARD)
    assert (await shares.find(ada, second.id)).card == CARD
    assert (await shares.find(ada, delivery.share_id)).card is None
    assert await shares.find_earlier_card(second) is None
    await deliveries.mark_failed(made.id, "interrupted")
    third, _, _ = await shares.begin(ada, later(second.id, 2), [Recipient(ben)])
    assert third.unknown_tries == 1  # what failed is in no doubt
    assert await shares.find_earlier_card(third) == CARD


async def test_an_earlier_try_without_a_card_gets_none_when_the_later_one_has_one(
    shares, deliveries, interrupted, ada, ben, delivery
):
    await in_doubt(deliveries, delivery)
    second, [made], _ = await shares.begin(ada, later(delivery.share_id), [Recipient(ben)])
    await deliveries.mark_failed(made.id, "interrupted")

    await shares.set_card(second.id, CARD)

    assert await interrupted.without_card(0) == []


async def test_what_somebody_has_or_had_or_is_being_made_keeps_its_card(shares, deliveries, ada, ben):
    for number, name in enumerate(("waiting", "made", "sent", "burned")):
        new = dataclasses.replace(NEW, idempotency_key=name)
        share, [failed, other], _ = await shares.begin(ada, new, [Recipient(ben), Recipient(ada)])
        await deliveries.mark_failed(failed.id, "not_tried")
        if name != "waiting":
            other = await make(deliveries, other)
        if name in {"sent", "burned"}:
            await deliveries.mark_sent(other.id, CARD)
        if name == "burned":
            await deliveries.close(other.id, "burned")

        second, _, _ = await shares.begin(ada, later(share.id, number), [Recipient(ben)])

        assert (second.earlier_id, second.unknown_tries) == (None, 0), name


async def test_only_one_share_replaces_another_and_only_of_the_same_person(shares, deliveries, ada, ben, delivery):
    await in_doubt(deliveries, delivery)
    of_ben, _, _ = await shares.begin(ben, later(delivery.share_id, 1), [Recipient(ada)])
    second, [made], _ = await shares.begin(ada, later(delivery.share_id, 2), [Recipient(ben)])
    third, _, _ = await shares.begin(ada, later(delivery.share_id, 3), [Recipient(ben)])

    assert [one.earlier_id for one in (of_ben, second, third)] == [None, delivery.share_id, None]

    await deliveries.mark_failed(made.id, "Refused")
    assert await shares.delete(second.id)
    fourth, _, _ = await shares.begin(ada, later(delivery.share_id, 4), [Recipient(ben)])
    assert fourth.earlier_id == delivery.share_id


async def test_who_left_is_listed_for_their_own_workspace_alone(shares, deliveries, database, ada, ben):
    """The most secrets first. Two workspaces may have people with the same id, and so may an organisation."""
    others = [Person(None, "T0000002", ada.user_id), Person("E0000001", TEAM, ada.user_id)]
    for number, sender in enumerate([ben, ada, ada, *others]):
        _, [made], _ = await shares.begin(
            sender, dataclasses.replace(NEW, idempotency_key=f"{number}"), [Recipient(ben)]
        )
        await make(deliveries, made)
    async with database.writing() as connection:
        await connection.execute(update(share_table).values(sender_left_at=now))

    assert await shares.left_behind(ben, 9) == [(ada, 2), (ben, 1)]
    assert await shares.left_behind(others[0], 9) == [(others[0], 1)]
    assert await shares.left_behind(others[1], 9) == [(others[1], 1)]
    assert await shares.left_behind(ben, 1) == [(ada, 2)]


async def test_who_has_not_left_is_not_listed(shares, deliveries, delivery, ben):
    await make(deliveries, delivery)

    assert await shares.left_behind(ben, 9) == []
