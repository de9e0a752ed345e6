from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text, update

from bot.errors import StorageUnavailable
from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.engine.database import Database, now
from bot.storage.message_slots import FLOOD, FLOOD_TIME
from bot.storage.notifications import (
    HOLDING_TRIES,
    UNREADABLE,
    Notification,
    Notifications,
    _due,
)
from bot.storage.preferences import KINDS, NotificationPreferences, Preferences
from bot.storage.tables import new_id, owner, tracked
from bot.storage.tables import notifications as table
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import Tracked
from bot.storage.tracking.store import Tracking

HOST = "https://eu.onetimesecret.com"
ELSEWHERE = "https://us.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ONE_KIND = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # where both databases do the same


@pytest.fixture
def notifications(database, sealer) -> Notifications:
    return Notifications(database, sealer)


async def received(tracking: Tracking, polls: Polls, person: Person, name: str = "key", host: str = HOST) -> Tracked:
    """A look sees that a secret of the person was received, and they are to be told."""
    key, label = MetadataKey(name), f"the {name}"
    secret, _ = await tracking.track(person, host, key, label=label, made_at=MADE, expires_at=None)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, "received", notification="received")], next_poll_in=None)
    return secret


@pytest.fixture
async def secret(tracking, polls, ada) -> Tracked:
    """With one notification that is due."""
    return await received(tracking, polls, ada)


@pytest.fixture
async def notification(notifications, secret) -> Notification:
    """Claimed."""
    (claimed,) = await notifications.claim(1)
    assert isinstance(claimed, Notification)
    return claimed


async def stored(database: Database):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(table.c.created_at))).all()


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def test_a_claimed_notification_has_all_that_its_message_needs(tracking, ada, secret, notification):
    assert (notification.person, notification.kind, notification.idempotency_key, notification.host) == (
        ada,
        "received",
        f"{secret.id}:received",
        HOST,
    )
    assert notification.tracked == await tracking.find(ada, secret.id)
    assert (notification.tracked.label, notification.tracked.state, notification.tries) == ("the key", "received", 1)


async def test_a_notification_about_an_account_has_no_secret(tracking, polls, notifications, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await polls.claim(1, 30)
    await polls.record_refusal(watch, most=1)

    (notification,) = await notifications.claim(1)

    assert (notification.kind, notification.tracked, notification.host) == ("reconnect", None, HOST)


async def fill(database: Database, people: int, each: int) -> Counter[tuple[str, int]]:
    """Notifications of so many people, all due; which."""
    values = [
        {
            "id": new_id(),
            **owner(Person(None, "T1", f"U{person}")),
            "host": HOST,
            "kind": "reconnect",
            "idempotency_key": f"U{person}:{number}",
            "created_at": 1_000.0 + number,
            "due_at": 1_000.0,
            "tries": 0,
        }
        for number in range(each)
        for person in range(people)
    ]
    async with database.writing() as connection:
        await connection.execute(table.insert(), values)
    return Counter((f"U{person}", number) for number in range(each) for person in range(people))


async def test_senders_share_two_hundred_and_each_goes_out_once_in_order(url, database, sealer):
    """Pools share nothing but the database, as processes do. On SQLite there is one process: a few are enough."""
    wanted = await fill(database, people=50, each=4)
    pools = [Database.open(url) for _ in range(2 if database.is_sqlite else 8)]
    out: list[tuple[str, int]] = []

    async def send_all(db: Database) -> None:
        mine = Notifications(db, sealer)
        while await mine.waiting_count():
            claimed = await mine.claim(5)
            if not claimed:
                await asyncio.sleep(0.02)  # the others' turn: SQLite's lock is not fair to who waits
            for notification in claimed:
                user, _, number = notification.idempotency_key.partition(":")
                out.append((user, int(number)))
                assert await mine.mark_sent(notification)

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        await asyncio.gather(*map(send_all, pools))

    assert Counter(out) == wanted
    for person in range(50):
        assert [number for user, number in out if user == f"U{person}"] == [0, 1, 2, 3]


async def test_claims_at_once_never_give_one_notification_twice(url, database, sealer):
    await fill(database, people=200, each=1)
    pools = [Database.open(url) for _ in range(2 if database.is_sqlite else 8)]

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        claims = await asyncio.gather(*(Notifications(db, sealer).claim(40) for db in pools))

    taken = [notification.id for claim in claims for notification in claim]
    assert len(taken) == len(set(taken)) >= 40


async def test_no_notification_overtakes_an_earlier_one_of_the_same_person(tracking, polls, notifications, ada, ben):
    for person, name in ((ada, "a1"), (ada, "a2"), (ben, "b1")):
        await received(tracking, polls, person, name)

    first = await notifications.claim(10)
    meanwhile = await notifications.claim(10)
    ours = next(each for each in first if each.person == ada)
    await notifications.reschedule(ours, 60)
    delayed = await notifications.claim(10)

    assert {each.tracked.label for each in first} == {"the a1", "the b1"}
    assert meanwhile == delayed == []


async def test_one_that_failed_often_keeps_the_next_back_only_while_it_is_being_sent(
    database, tracking, polls, notifications, ada, notification
):
    await set_all(database, tries=HOLDING_TRIES)
    await received(tracking, polls, ada, "second")
    assert await notifications.claim(10) == []

    await notifications.reschedule(notification, 60)

    assert [each.tracked.label for each in await notifications.claim(10)] == ["the second"]


async def test_what_waits_for_a_flood_to_pass_takes_no_place_from_others(
    database, tracking, polls, notifications, ada, ben
):
    for number in range(FLOOD):
        await received(tracking, polls, ada, str(number))
        await notifications.mark_sent(*await notifications.claim(1))
    await received(tracking, polls, ada, "one too many")
    assert await notifications.claim(1) == []
    await received(tracking, polls, ben, "his")

    (claimed,) = await notifications.claim(1)

    assert claimed.person == ben
    first, *_, waiting, _ = await stored(database)
    assert waiting.due_at == pytest.approx(first.posted_at + FLOOD_TIME, abs=0.01)


@pytest.mark.parametrize("waits", ["its turn", "for Slack", "being sent"])
async def test_a_reminder_that_waits_keeps_no_news_back(tracking, polls, notifications, ada, waits):
    secret, _ = await tracking.track(ada, HOST, MetadataKey("r"), label="the r", made_at=MADE, expires_at=None)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, None, notification="reminder")], next_poll_in=None)
    held = await notifications.claim(1) if waits != "its turn" else []
    if waits == "for Slack":
        await notifications.reschedule(held[0], 999)
    await received(tracking, polls, ada, "news")

    claimed = await notifications.claim(10)

    assert "received" in {each.kind for each in claimed}


async def test_a_reminder_does_not_overtake_news(tracking, polls, notifications, ada):
    await received(tracking, polls, ada, "news")
    secret, _ = await tracking.track(ada, HOST, MetadataKey("r"), made_at=MADE, expires_at=None)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, None, notification="reminder")], next_poll_in=None)

    assert [each.kind for each in await notifications.claim(10)] == ["received"]


async def test_a_lease_that_is_renewed_does_not_run_out(database, notifications, notification):
    await set_all(database, lease_until=now - 1)

    await notifications.renew([notification], 30)

    assert await notifications.claim(1) == []
    assert await notifications.still_held(notification)


async def test_what_is_given_back_is_sent_by_another_at_once_with_the_same_id(database, notifications, notification):
    assert await notifications.release(notification) == 1

    (again,) = await notifications.claim(1)
    assert (again.idempotency_key, again.lease != notification.lease) == (notification.idempotency_key, True)
    assert await notifications.release(notification) == 0
    await notifications.renew([notification], 999)
    assert await notifications.still_held(again)


@pytest.mark.parametrize("end", ["mark_sent", "dead_letter"])
async def test_after_one_is_done_the_next_of_the_person_follows(tracking, polls, notifications, ada, notification, end):
    await received(tracking, polls, ada, "second")
    assert await notifications.claim(10) == []

    assert await getattr(notifications, end)(notification, *(["user_disabled"] if end == "dead_letter" else []))

    (following,) = await notifications.claim(10)
    assert following.tracked.label == "the second"


async def test_notifications_of_the_same_moment_come_one_after_the_other(database, notifications):
    await fill(database, people=1, each=3)
    await set_all(database, created_at=5.0)

    seen = []
    while claimed := await notifications.claim(10):
        seen += claimed
        assert len(claimed) == 1
        await notifications.mark_sent(claimed[0])

    assert len(seen) == 3


async def test_what_was_sent_is_not_claimed_again(database, notifications, notification):
    assert await notifications.mark_sent(notification)

    assert await notifications.claim(10) == []
    assert (await stored(database))[0].sent_at == pytest.approx(datetime.now(UTC).timestamp(), abs=5)
    assert await notifications.waiting_count() == 0


async def test_what_is_to_be_tried_again_comes_later_with_the_same_name(database, notifications, notification):
    assert await notifications.reschedule(notification, 60)
    assert await notifications.claim(10) == []
    assert await notifications.waiting_count() == 1
    await set_all(database, due_at=now)

    (again,) = await notifications.claim(10)

    assert (again.id, again.idempotency_key, again.tries) == (notification.id, notification.idempotency_key, 2)


async def test_what_can_never_be_sent_is_parked_and_counted(database, notifications, notification):
    assert await notifications.dead_letter(notification, "x" * 200)

    assert (await notifications.dead_count(), await notifications.waiting_count()) == (1, 0)
    assert await notifications.claim(10) == []
    assert (await stored(database))[0].dead_letter == "x" * 80  # all that the column holds


async def test_a_notification_left_behind_is_claimed_when_its_lease_is_over(database, notifications, notification):
    assert await notifications.claim(10) == []
    await set_all(database, lease_until=now)

    (again,) = await notifications.claim(10)

    assert (again.id, again.tries) == (notification.id, 2)
    assert again.lease != notification.lease


LATE = {
    "mark_sent": lambda notifications, notification: notifications.mark_sent(notification),
    "reschedule": lambda notifications, notification: notifications.reschedule(notification, 9_999),
    "dead_letter": lambda notifications, notification: notifications.dead_letter(notification, "user_disabled"),
    "still_held": lambda notifications, notification: notifications.still_held(notification),
}


@pytest.mark.parametrize("how", LATE)
async def test_who_slept_past_the_lease_is_fenced_out(database, notifications, notification, how):
    await set_all(database, lease_until=now)
    (ours,) = await notifications.claim(10)
    before = await stored(database)

    assert not await LATE[how](notifications, notification)

    assert await stored(database) == before
    assert await notifications.mark_sent(ours)


@ONE_KIND
@pytest.mark.parametrize("how", LATE)
@pytest.mark.parametrize("end", ["mark_sent", "dead_letter", "reschedule"])
async def test_what_is_done_stays_done(database, notifications, notification, end, how):
    await LATE[end](notifications, notification)
    before = await stored(database)

    assert not await LATE[how](notifications, notification)

    assert await stored(database) == before


async def test_a_notification_is_held_until_its_host_is_forgotten(tracking, notifications, ada, notification):
    assert await notifications.still_held(notification)

    await tracking.forget_host(ada, HOST)

    assert not await notifications.still_held(notification)
    assert not await notifications.mark_sent(notification)


async def test_a_notification_whose_lease_is_over_is_not_held_and_can_still_be_marked(
    database, notifications, notification
):
    await set_all(database, lease_until=now)

    assert not await notifications.still_held(notification)
    assert await notifications.mark_sent(notification)


async def test_nothing_is_told_after_the_secret_is_not_tracked_any_more(
    tracking, notifications, ada, secret, notification
):
    await tracking.stop(ada, secret.id)

    assert not await notifications.still_held(notification)
    assert await notifications.claim(10) == []


async def test_a_notification_that_does_not_open_is_parked_and_the_others_go_out(
    tracking, polls, database, notifications, ada, ben
):
    poison = await received(tracking, polls, ada, "poison")
    await received(tracking, polls, ada, "after it")
    await received(tracking, polls, ben, "his")
    async with database.writing() as connection:
        damaged = update(tracked).where(tracked.c.id == poison.id).values(key=b"O1\x02k1 damaged")
        await connection.execute(damaged)

    first, second = await notifications.claim(10), await notifications.claim(10)

    assert [each.tracked.label for each in first + second] == ["the his", "the after it"]
    assert await notifications.dead_count() == 1
    assert {row.dead_letter for row in await stored(database)} == {None, UNREADABLE}


async def test_an_event_has_one_notification_whatever_is_written(database, secret):
    (row,) = await stored(database)

    with pytest.raises(StorageUnavailable):
        async with database.writing() as connection:
            await connection.execute(table.insert().values({**row._mapping, "id": new_id()}))


@ONE_KIND
async def test_what_was_sent_long_ago_does_not_slow_the_claim_down(database, notifications):
    """The claim reads indexes of what waits, and not the whole table."""
    async with database.reading() as connection:
        plan = _due(1.0, 5).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = (await connection.execute(text(f"EXPLAIN QUERY PLAN {plan}"))).all()
        seen = [row.detail for row in rows]

    assert any("ix_notifications_due_at" in step for step in seen), seen
    assert any("ix_notifications_first" in step for step in seen), seen
    assert not any(step.startswith("SCAN") and "INDEX" not in step for step in seen), seen


async def test_who_never_said_anything_is_told_everything(database, ada):
    prefs = await Preferences(database).of(ada)

    assert prefs == NotificationPreferences(frozenset({"received", "burned", "expired", "orphaned"}), reminders=True)
    assert all(prefs.wants(kind) for kind in KINDS)
    assert prefs.wants("reminder")
    assert prefs.wants("reconnect")


PREFS = {
    "nothing at all": NotificationPreferences(frozenset(), reminders=False),
    "some news": NotificationPreferences(frozenset({"received", "expired"}), reminders=True),
    "only reminders": NotificationPreferences(frozenset(), reminders=True),
}


@pytest.mark.parametrize("prefs", PREFS.values(), ids=PREFS.keys())
async def test_preferences_are_kept_for_each_person(database, ada, ben, prefs):
    preferences = Preferences(database)
    await preferences.set(ada, NotificationPreferences())

    await asyncio.gather(*(preferences.set(ada, prefs) for _ in range(5)))

    assert await preferences.of(ada) == prefs
    assert await preferences.of(ben) == NotificationPreferences()
    assert prefs.wants("reconnect")


async def test_a_kind_of_news_that_does_not_exist_is_left_out(database, ada):
    await Preferences(database).set(ada, NotificationPreferences.of({"received", "x" * 200}, reminders=True))

    assert (await Preferences(database).of(ada)).notifications == {"received"}
