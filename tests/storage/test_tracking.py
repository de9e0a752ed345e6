from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.key_checks import count_by_kid
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import notifications, tracked, watches
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import PURGE_BATCH, REPORT_LIFE, WEEK, Polls
from bot.storage.tracking.rows import NotificationKind, TrackedState
from bot.storage.tracking.store import Tracking
from tests.storage.conftest import SLOW_TWIN

TEAM = "T0000001"  # of all people here
HOST = "https://eu.onetimesecret.com"
ELSEWHERE = "https://us.onetimesecret.com"
KEY = MetadataKey("metadata-key-of-ada")
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIES = MADE + timedelta(days=7)
NOT_YET = datetime(2100, 1, 1, tzinfo=UTC)


async def track(tracking: Tracking, person: Person, key: MetadataKey = KEY, host: str = HOST, **more):
    given = {"made_at": MADE, "expires_at": DIES, **more}
    return (await tracking.track(person, host, key, **given))[0]


async def rows(database: Database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def set_all(database: Database, table, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def found(polls: Polls, row, state: TrackedState, notification: NotificationKind | None = None) -> None:
    """A look sees the state of one secret."""
    (watch,) = await polls.claim(1, 30)
    assert await polls.record_poll(watch, [Change(row.id, state, notification=notification)], next_poll_in=0)


async def test_what_is_tracked_is_found_as_it_was_given(tracking, ada):
    made, is_new = await tracking.track(
        ada, HOST, KEY, label="pässword 🔑", made_at=MADE, expires_at=DIES, passphrase_required=True
    )

    assert is_new
    assert await tracking.find(ada, made.id) == made == await tracking.find_key(ada, HOST, KEY)
    assert (made.key, made.label, made.host, made.state) == (KEY, "pässword 🔑", HOST, "new")
    assert (made.made_at, made.expires_at, made.received_at) == (MADE, DIES, None)
    assert (made.passphrase_required, made.card, made.is_over, made.is_readable) == (True, None, False, True)
    assert type(made.key) is MetadataKey
    assert "metadata-key" not in repr(made)


async def test_what_is_not_known_stays_unknown(tracking, ada):
    made = await track(tracking, ada, expires_at=None)

    assert (made.expires_at, made.label, made.passphrase_required) == (None, None, None)


async def test_a_label_with_half_a_character_is_kept(tracking, ada):
    made = await track(tracking, ada, label="\ud83d")

    assert (await tracking.find(ada, made.id)).label == "\ud83d"


async def test_the_same_secret_twice_is_one_row(tracking, database, ada):
    first = await track(tracking, ada, label="first")

    second, is_new = await tracking.track(ada, HOST, KEY, label="second", made_at=MADE, expires_at=None)
    third, _ = await tracking.track(ada, HOST, KEY, made_at=MADE, expires_at=None)

    assert (second.id, second.label, is_new) == (first.id, "second", False)
    assert (third.label, third.expires_at) == ("second", DIES)
    assert len(await rows(database, tracked)) == 1


async def test_the_same_secret_tracked_many_times_at_once_is_one_row(tracking, database, ada):
    done = await asyncio.gather(*(tracking.track(ada, HOST, KEY, made_at=MADE, expires_at=DIES) for _ in range(10)))

    assert [is_new for _, is_new in done].count(True) == 1
    assert (len(await rows(database, tracked)), len(await rows(database, watches))) == (1, 1)


async def test_the_same_key_elsewhere_or_of_somebody_else_is_another_secret(tracking, database, ada, ben):
    made = [await track(tracking, who, host=host) for who in (ada, ben) for host in (HOST, ELSEWHERE)]

    assert len({each.id for each in made}) == len(await rows(database, watches)) == 4


async def test_the_same_secret_is_one_row_also_after_a_new_primary_key(database, ada):
    old, new = generate_line("k1").reveal(), generate_line("k2").reveal()
    first = await track(Tracking(database, Sealer(KeyRing.read(old))), ada)
    rotated = Tracking(database, Sealer(KeyRing.read(f"{new}\n{old}")))

    again, is_new = await rotated.track(ada, HOST, KEY, made_at=MADE, expires_at=DIES)
    burned = await rotated.settle(ada, HOST, KEY, "burned")

    assert (again.id, is_new) == (first.id, False)
    assert burned is not None


@SLOW_TWIN
@pytest.mark.parametrize("which", ["ben", "team", "enterprise", "no id", "a list"])
async def test_a_tracked_secret_is_its_owners_alone(tracking, ada, ben, which):
    made = await track(tracking, ada)
    person = {
        "ben": ben,
        "team": dataclasses.replace(ada, team_id="T2"),
        "enterprise": dataclasses.replace(ada, enterprise_id="E1"),
    }.get(which, ada)
    asked = {"no id": "' OR 1=1--", "a list": [made.id]}.get(which, made.id)

    for ask in (tracking.find, tracking.stop):
        with pytest.raises(NotYours):
            await ask(person, asked)

    assert (await tracking.find(ada, made.id)).id == made.id
    if person != ada:
        assert await tracking.list_of(person) == []
        assert await tracking.find_key(person, HOST, KEY) is None
        assert await tracking.settle(person, HOST, KEY, "burned") is None


async def test_open_ones_come_first_and_the_newest_of_them(tracking, ada):
    for name, age in (("old", 9), ("over", 1), ("young", 2)):
        await track(tracking, ada, MetadataKey(name), made_at=MADE - timedelta(days=age))
    await tracking.settle(ada, HOST, MetadataKey("over"), "burned")

    names = [each.key for each in await tracking.list_of(ada)]

    assert names == [MetadataKey("young"), MetadataKey("old"), MetadataKey("over")]


async def test_a_secret_that_is_over_already_wakes_nobody(tracking, polls, ada):
    made = await track(tracking, ada, state="received")

    assert made.is_over
    assert await polls.claim(10, 30) == []


async def test_the_card_is_remembered(tracking, ada):
    made = await track(tracking, ada)

    await tracking.set_card(made.id, MessageRef(TEAM, "D1", "1.5"))

    assert (await tracking.find(ada, made.id)).card == MessageRef(TEAM, "D1", "1.5")


async def test_what_is_stopped_is_gone_with_its_unsent_news(tracking, polls, database, ada):
    made = await track(tracking, ada, label="mine")
    await tracking.set_card(made.id, MessageRef(TEAM, "D1", "1.5"))
    await found(polls, made, "received", "received")

    was = await tracking.stop(ada, made.id)

    assert (was.key, was.label, was.card, was.state) == (KEY, "mine", MessageRef(TEAM, "D1", "1.5"), "received")
    assert await rows(database, tracked) == await rows(database, notifications) == []


@pytest.mark.parametrize("state", ["burned", "received"])
async def test_what_the_person_did_through_the_bot_is_known_at_once_and_not_announced(
    tracking, polls, database, ada, state
):
    made = await track(tracking, ada)

    settled = await tracking.settle(ada, HOST, KEY, state)
    await found(polls, made, state, state)

    assert (settled.id, settled.state, settled.is_over) == (made.id, state, True)
    assert (settled.received_at is not None) == (state == "received")
    assert await rows(database, notifications) == []


async def test_what_a_look_saw_first_is_not_announced_either(tracking, polls, database, ada):
    made = await track(tracking, ada)
    await found(polls, made, "burned", "burned")

    settled = await tracking.settle(ada, HOST, KEY, "burned")

    assert settled.state == "burned"
    assert await rows(database, notifications) == []


async def test_a_final_state_stays(tracking, polls, database, ada):
    made = await track(tracking, ada)
    await found(polls, made, "received", "received")

    settled = await tracking.settle(ada, HOST, KEY, "burned")

    assert settled.state == "received"
    assert [row.kind for row in await rows(database, notifications)] == ["received"]


async def test_settling_what_is_not_tracked_is_none(tracking, ada):
    assert await tracking.settle(ada, HOST, KEY, "burned") is None


SECRET = SecretKey("secret-key-of-ada")


async def test_what_the_person_opened_through_the_bot_is_known_at_once_and_not_announced(
    tracking, polls, database, ada
):
    made = await track(tracking, ada, secret_key=SECRET)

    settled = await tracking.mark_opened(ada, HOST, SECRET)
    await found(polls, made, "received", "received")

    assert (settled.id, settled.state, settled.received_at is not None) == (made.id, "received", True)
    assert await rows(database, notifications) == []


async def test_what_somebody_opened_through_the_bot_is_for_others_only_a_reason_to_look(
    tracking, polls, database, ada, ben, sealer
):
    his = await track(tracking, ben, secret_key=SECRET)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [], next_poll_in=300)
    await track(tracking, ada, secret_key=SECRET, host=ELSEWHERE)

    assert await tracking.mark_opened(ada, HOST, SECRET) is None

    assert (await tracking.find(ben, his.id)).state == "new"
    assert [one.id for one in await polls.claim(9, 30, host=HOST)] == [watch.id]
    assert (await tracking.find_key(ada, ELSEWHERE, KEY)).state == "new"


async def test_what_opens_a_tracked_secret_is_found_by_every_key_of_ours_and_stands_nowhere(database, ada):
    old, new = generate_line("k1").reveal(), generate_line("k2").reveal()
    before = Tracking(database, Sealer(KeyRing.read(old)))
    await track(before, ada)
    await track(before, ada, secret_key=SECRET)

    settled = await Tracking(database, Sealer(KeyRing.read(f"{new}\n{old}"))).mark_opened(ada, HOST, SECRET)

    (row,) = await rows(database, tracked)
    assert settled is not None
    assert len(row.secret_blind_index) == 16
    assert b"secret-key" not in repr(tuple(row)).encode()


async def test_a_refused_account_is_not_woken_by_what_others_open(tracking, polls, ada, ben):
    await track(tracking, ben, secret_key=SECRET)
    (watch,) = await polls.claim(1, 30)
    await polls.record_refusal(watch, most=1)

    await tracking.mark_opened(ada, HOST, SECRET)

    assert await polls.claim(1, 30) == []


async def test_what_a_person_asked_for_is_told_like_what_a_look_found(tracking, polls, database, ada):
    made = await track(tracking, ada)
    change = Change(made.id, "received", notification="received")

    after = [await tracking.record_change(made, change) for _ in range(2)]
    await found(polls, made, "received", "received")

    assert [one.state for one in after] == ["received", "received"]
    assert [row.idempotency_key for row in await rows(database, notifications)] == [f"{made.id}:received"]


async def test_what_is_found_after_it_was_forgotten_is_not_told(tracking, database, ada, ben):
    made = await track(tracking, ada)
    await tracking.forget_host(ada, HOST)

    assert await tracking.record_change(made, Change(made.id, "received", notification="received")) is None
    assert await rows(database, notifications) == []


async def test_the_zone_stays_until_another_is_known(tracking, ada):
    await track(tracking, ada, zone="Europe/Berlin")
    await track(tracking, ada, MetadataKey("later"))
    await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await tracking.watches_of(ada)
    await tracking.watch_everything(ada, HOST, on=True, zone="Asia/Tokyo")
    (moved,) = await tracking.watches_of(ada)

    assert (watch.zone, moved.zone) == ("Europe/Berlin", "Asia/Tokyo")


async def test_forgetting_a_host_leaves_nothing_of_it_and_everything_else(tracking, polls, database, ada, ben):
    made = await track(tracking, ada)
    await found(polls, made, "received", "received")
    kept = [await track(tracking, ada, host=ELSEWHERE), await track(tracking, ben)]
    looking = await polls.claim(10, 30)

    await tracking.forget_host(ada, HOST)

    assert {row.id for row in await rows(database, tracked)} == {each.id for each in kept}
    assert await rows(database, notifications) == []
    mine = next(watch for watch in looking if (watch.person, watch.host) == (ada, HOST))
    assert not await polls.record_poll(mine, [Change(made.id, "burned", notification="burned")], next_poll_in=1)
    assert not await polls.record_refusal(mine, most=1)
    assert await rows(database, notifications) == []


async def test_forgetting_a_host_takes_the_news_about_its_account_too(tracking, polls, database, ada):
    await track(tracking, ada)
    (watch,) = await polls.claim(1, 30)
    assert await polls.record_refusal(watch, most=1)

    await tracking.forget_host(ada, HOST)

    assert await rows(database, notifications) == []


async def test_everything_of_an_account_can_be_watched_and_left_again(tracking, polls, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    (on,) = await tracking.watches_of(ada)
    (claimed,) = await polls.claim(10, 30)

    await tracking.watch_everything(ada, HOST, on=False)

    (off,) = await tracking.watches_of(ada)
    assert (on.everything, claimed.everything, off.everything) == (True, True, False)
    assert on.id == claimed.id == off.id


async def test_what_does_not_open_is_shown_as_such_and_can_be_stopped(tracking, database, ada):
    made = await track(tracking, ada, label="mine")
    await set_all(database, tracked, host=ELSEWHERE)

    (shown,) = await tracking.list_of(ada)

    assert (shown.id, shown.is_readable, shown.key, shown.label) == (made.id, False, MetadataKey(""), None)
    with pytest.raises(Unsealable):
        await tracking.find(ada, made.id)
    assert not (await tracking.stop(ada, made.id)).is_readable
    assert await tracking.list_of(ada) == []


@pytest.mark.parametrize("column", ["key", "label"])
async def test_a_sealed_value_copied_into_another_row_does_not_open(tracking, database, ada, ben, column):
    await track(tracking, ada, label="ada's")
    await track(tracking, ben, label="ben's")
    (hers,) = [row for row in await rows(database, tracked) if row.user_id == ada.user_id]

    await set_all(database, tracked, **{column: getattr(hers, column)})

    assert [each.is_readable for each in await tracking.list_of(ada) + await tracking.list_of(ben)] == [True, False]


async def test_rows_are_deleted_a_week_after_they_are_over(tracking, polls, database, ada):
    names = ("over", "fresh", "alive")
    over, fresh, alive = [await track(tracking, ada, MetadataKey(name), expires_at=NOT_YET) for name in names]
    for each in (over, fresh):
        await tracking.settle(ada, HOST, each.key, "burned")
    async with database.writing() as connection:
        await connection.execute(update(tracked).where(tracked.c.id == over.id).values(over_at=now - 7 * 86_400))

    assert await polls.purge() == 1

    assert {each.id for each in await tracking.list_of(ada)} == {fresh.id, alive.id}


@pytest.mark.parametrize(
    ("age", "expires_at", "left"),
    [
        pytest.param(59, None, 1, id="it may still be heard of"),
        pytest.param(61, None, 0, id="nothing was ever heard of it"),
        pytest.param(61, 1, 1, id="its end is not long ago"),
        pytest.param(69, 1, 0, id="its end is long ago"),
    ],
)
async def test_what_never_says_anything_is_not_kept_for_ever(tracking, polls, database, ada, age, expires_at, left):
    made_at = datetime.now(UTC) - timedelta(days=age)
    end = None if expires_at is None else made_at + timedelta(days=8)
    await track(tracking, ada, made_at=made_at, expires_at=end)

    await polls.purge()

    assert len(await rows(database, tracked)) == left


async def test_purging_deletes_in_batches_until_nothing_is_left(tracking, polls, database, ada):
    for number in range(PURGE_BATCH + 5):
        await track(tracking, ada, MetadataKey(f"k{number}"), state="burned")
    await set_all(database, tracked, over_at=now - WEEK)

    assert await polls.purge() == PURGE_BATCH + 5
    assert await rows(database, tracked) == []


@pytest.mark.parametrize(("age", "left"), [(WEEK, 1), (REPORT_LIFE, 0)], ids=["a week", "a month"])
async def test_nobody_is_left_untold_by_purging_but_not_for_ever(tracking, polls, database, ada, age, left):
    made = await track(tracking, ada)
    await found(polls, made, "received", "received")
    await set_all(database, tracked, over_at=now - age)

    await polls.purge()

    assert len(await rows(database, notifications)) == left


@pytest.mark.parametrize(
    ("age", "done", "left"),
    [
        pytest.param(WEEK, {"sent_at": now}, 0, id="sent"),
        pytest.param(WEEK, {"dead_letter": "user_disabled"}, 0, id="given up"),
        pytest.param(WEEK, {}, 1, id="it waits"),
        pytest.param(WEEK - 60, {"sent_at": now}, 1, id="not old"),
    ],
)
async def test_old_news_about_an_account_goes_once_it_is_done(tracking, polls, database, ada, age, done, left):
    await track(tracking, ada)
    (watch,) = await polls.claim(1, 30)
    await polls.record_refusal(watch, most=1)
    await set_all(database, notifications, created_at=now - age, **done)

    await polls.purge()

    assert len(await rows(database, notifications)) == left


async def test_keys_are_counted_over_tracked_secrets_too(tracking, database, ada):
    await track(tracking, ada, label="one")

    async with database.reading() as connection:
        assert await count_by_kid(connection) == {"k1": 3}  # and the data key


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_neither_key_nor_label_stands_in_the_files(tracking, polls, ada, tmp_path, canary):
    made = await track(tracking, ada, MetadataKey(f"key-{canary}"), label=f"label-{canary}")
    await found(polls, made, "received", "received")

    content = b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))

    assert made.id.encode() in content  # so that this looks at the right files
    assert canary.encode() not in content


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("end", ["stop", "forget_host"])
async def test_of_what_is_not_tracked_any_more_not_even_the_sealed_bytes_are_left(
    tracking, database, ada, tmp_path, end
):
    made = await track(tracking, ada, label="mine")
    (row,) = await rows(database, tracked)

    await getattr(tracking, end)(ada, {"stop": made.id, "forget_host": HOST}[end])

    content = b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))
    assert all(blob[-30:] not in content for blob in (row.key, row.label))
