"""Who looks when, and that what a look found is stored once, truthfully, by the one whose turn it was."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from bot.errors import NotYours
from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.engine.database import Database, now
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.tables import ignored, new_id, notifications, owner, tracked, watches
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import NewTracked, Tracked, Watch
from bot.storage.tracking.store import Tracking

HOST = "https://eu.onetimesecret.com"
KEY = MetadataKey("metadata-key-of-ada")
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ONE_KIND = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # where both databases do the same


@pytest.fixture
async def secret(tracking, ada) -> Tracked:
    """Tracked and due to be looked at."""
    return await track(tracking, ada)


@pytest.fixture
async def watch(polls, secret) -> Watch:
    """Claimed."""
    (claimed,) = await polls.claim(1, 30)
    assert isinstance(claimed, Watch)
    return claimed


async def track(tracking: Tracking, person: Person, key: MetadataKey = KEY) -> Tracked:
    return (await tracking.track(person, HOST, key, made_at=MADE, expires_at=None))[0]


async def rows(database: Database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(table.c.created_at))).all()


async def set_all(database: Database, table, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def due_in(database: Database) -> float | None:
    """Seconds until the only watch is due."""
    async with database.reading() as connection:
        return await connection.scalar(select(watches.c.next_poll_at - now))


async def open_ids(polls: Polls, watch: Watch) -> list[str]:
    """Of what can still change."""
    return [row.id for row in (await polls.open_rows([watch]))[watch.id]]


async def test_what_was_just_tracked_is_looked_at_now(polls, database, ada, secret):
    (claimed,) = await polls.claim(10, 30)

    assert (claimed.person, claimed.host, claimed.everything, claimed.refused) == (ada, HOST, False, 0)
    assert await open_ids(polls, claimed) == [secret.id]


async def test_one_watch_stands_for_all_secrets_on_a_host(tracking, polls, ada):
    for name in ("a", "b", "c"):
        await track(tracking, ada, MetadataKey(name))

    (claimed,) = await polls.claim(10, 30)

    keys = await polls.keys_of(claimed, await open_ids(polls, claimed))
    assert set(keys.values()) == {MetadataKey(name) for name in "abc"}


async def many(database: Database, count: int) -> set[str]:
    """Watches of as many people, all due; their ids."""
    ids = [new_id() for _ in range(count)]
    values = [
        {"id": each, **owner(Person(None, "T1", f"U{n}")), "host": HOST, "everything": True, "refused": 0}
        for n, each in enumerate(ids)
    ]
    async with database.writing() as connection:
        await connection.execute(insert(watches).values(next_poll_at=now - 60, created_at=now), values)
    return set(ids)


async def test_eight_claimers_share_two_hundred_and_each_goes_to_one(url, database, sealer):
    """Pools share nothing but the database, as processes do."""
    ids = await many(database, 200)
    pools = [Database.open(url) for _ in range(8)]

    async def take_all(db: Database) -> list[str]:
        taken, mine = [], Polls(db, sealer)
        while got := await mine.claim(7, 60):
            taken += [watch.id for watch in got]
        return taken

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        shares = await asyncio.gather(*map(take_all, pools))
    # PostgreSQL may skip a row that another one is looking at: it is left for the next claim.
    rest = [watch.id for watch in await Polls(database, sealer).claim(200, 60)]

    assert Counter(rest + [each for share in shares for each in share]) == Counter(ids)


async def test_the_longest_due_come_first_and_no_more_than_asked(polls, database):
    await many(database, 5)
    async with database.writing() as connection:
        ids = (await connection.execute(select(watches.c.id))).scalars().all()[::-1]
        for number, ref in enumerate(ids):
            statement = update(watches).where(watches.c.id == ref).values(next_poll_at=now - 100 + number)
            await connection.execute(statement)

    first, second = await polls.claim(3, 30), await polls.claim(3, 30)

    assert [watch.id for watch in first + second] == list(ids)


async def test_what_is_not_due_is_not_claimed(polls, database, watch):
    await polls.record_poll(watch, [], next_poll_in=60)

    assert await polls.claim(1, 30) == []
    assert await due_in(database) == pytest.approx(60, abs=5)


async def test_a_lease_that_ran_out_is_free_again(tracking, polls, database, watch):
    assert await polls.claim(1, 30) == []
    await set_all(database, watches, lease_until=now, next_poll_at=now)

    (again,) = await polls.claim(1, 30)

    assert again.id == watch.id
    assert again.lease != watch.lease


LATE = {
    "record_poll": lambda polls, watch, change: polls.record_poll(watch, [change], next_poll_in=9_999),
    "record_refusal": lambda polls, watch, _change: polls.record_refusal(watch, most=1),
    "record_failure": lambda polls, watch, _change: polls.record_failure(watch, 9_999),
    "release": lambda polls, watch, _change: polls.release(watch),
}


@pytest.mark.parametrize("how", LATE)
async def test_who_slept_past_the_lease_is_fenced_out(tracking, polls, database, secret, watch, how):
    await set_all(database, watches, lease_until=now, next_poll_at=now)
    await polls.claim(1, 30)
    before = (await rows(database, watches), (await tracking.find(watch.person, secret.id)).state)

    done = await LATE[how](polls, watch, Change(secret.id, "received", notification="received"))

    assert not done
    assert (await rows(database, watches), (await tracking.find(watch.person, secret.id)).state) == before
    assert await rows(database, notifications) == []


@ONE_KIND
@pytest.mark.parametrize("how", LATE)
async def test_who_never_claimed_changes_nothing(tracking, polls, database, ada, secret, how):
    (unclaimed,) = await tracking.watches_of(ada)

    assert not await LATE[how](polls, unclaimed, Change(secret.id, "received", notification="received"))
    assert await rows(database, notifications) == []


async def test_of_two_that_settle_at_once_one_is_heard(polls, database, secret, watch):
    change = Change(secret.id, "received", notification="received")

    done = await asyncio.gather(*(polls.record_poll(watch, [change], next_poll_in=60) for _ in range(8)))

    assert done.count(True) == len(await rows(database, notifications)) == 1


async def test_a_change_and_its_notification_come_together(tracking, polls, database, ada, secret, watch):
    when = MADE + timedelta(hours=1)

    assert await polls.record_poll(watch, [Change(secret.id, "received", when, "received")], next_poll_in=None)

    now_is = await tracking.find(ada, secret.id)
    (notification,) = await rows(database, notifications)
    assert (now_is.state, now_is.received_at, now_is.is_over) == ("received", when, True)
    assert (notification.kind, notification.tracked_id, notification.idempotency_key) == (
        "received",
        secret.id,
        f"{secret.id}:received",
    )
    assert (notification.sent_at, notification.dead_letter, notification.tries, notification.host) == (
        None,
        None,
        0,
        HOST,
    )
    assert await open_ids(polls, watch) == []
    assert await due_in(database) is None


async def test_a_change_that_is_not_told_has_no_notification(tracking, polls, database, ada, secret, watch):
    await polls.record_poll(watch, [Change(secret.id, "unknown")], next_poll_in=60)

    assert (await tracking.find(ada, secret.id)).is_over
    assert await rows(database, notifications) == []


@pytest.mark.parametrize("state", ["received", "burned", "expired", "orphaned", "unknown"])
async def test_a_final_state_is_never_left(tracking, polls, database, ada, secret, state):
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, state)], next_poll_in=0)

    for later in ("new", "received", "burned", None):
        (again,) = await polls.claim(1, 30)
        assert await polls.record_poll(again, [Change(secret.id, later, MADE, "reminder")], next_poll_in=0)

    stays = await tracking.find(ada, secret.id)
    assert (stays.state, stays.received_at) == (state, None)
    assert await rows(database, notifications) == []


async def test_a_reminder_leaves_the_state_and_comes_once(tracking, polls, database, ada, secret):
    for _ in range(3):
        (watch,) = await polls.claim(1, 30)
        await polls.record_poll(watch, [Change(secret.id, None, notification="reminder")] * 2, next_poll_in=0)

    assert (await tracking.find(ada, secret.id)).state == "new"
    assert [row.idempotency_key for row in await rows(database, notifications)] == [f"{secret.id}:reminder"]


@pytest.mark.parametrize("how", ["a look", "the person"])
async def test_an_unsent_reminder_of_what_is_over_is_taken_back(tracking, polls, database, ada, secret, watch, how):
    await polls.record_poll(watch, [Change(secret.id, None, notification="reminder")], next_poll_in=0)

    if how == "a look":
        (again,) = await polls.claim(1, 30)
        await polls.record_poll(again, [Change(secret.id, "received", notification="received")], next_poll_in=0)
    else:
        await tracking.settle(ada, HOST, KEY, "burned")

    assert [row.kind for row in await rows(database, notifications)] == (["received"] if how == "a look" else [])


async def test_a_sent_reminder_is_not_sent_again(polls, database, secret, watch):
    await polls.record_poll(watch, [Change(secret.id, None, notification="reminder")], next_poll_in=0)
    await set_all(database, notifications, sent_at=now)
    (again,) = await polls.claim(1, 30)

    await polls.record_poll(again, [Change(secret.id, None, notification="reminder")], next_poll_in=0)
    (again,) = await polls.claim(1, 30)
    await polls.record_poll(again, [Change(secret.id, "unknown")], next_poll_in=0)

    (stays,) = await rows(database, notifications)
    assert (stays.kind, stays.sent_at is None) == ("reminder", False)


async def test_a_look_changes_only_secrets_of_its_own_watch(tracking, polls, ben, watch):
    his = await track(tracking, ben)

    await polls.record_poll(watch, [Change(his.id, "received", notification="received")], next_poll_in=60)

    assert (await tracking.find(ben, his.id)).state == "new"


async def test_what_is_tracked_during_a_look_is_looked_at_right_after(tracking, polls, database, ada, watch):
    later = await track(tracking, ada, MetadataKey("later"))
    assert await polls.claim(1, 30) == []

    await polls.record_poll(watch, [], next_poll_in=None)

    (again,) = await polls.claim(1, 30)
    assert later.id in await open_ids(polls, again)


@pytest.mark.parametrize(("how", "seconds"), [("record_failure", 40), ("release", 0)])
async def test_who_could_not_look_gives_the_watch_back(polls, database, watch, how, seconds):
    assert await getattr(polls, how)(watch, *([seconds] if how == "record_failure" else []))

    assert await due_in(database) == pytest.approx(seconds, abs=5)
    await set_all(database, watches, next_poll_at=now)
    assert len(await polls.claim(1, 30)) == 1


async def refuse(polls: Polls, database: Database) -> bool:
    await set_all(database, watches, next_poll_at=now)
    (watch,) = await polls.claim(1, 30)
    return await polls.record_refusal(watch)


async def test_the_third_refusal_pauses_and_tells_once(tracking, polls, database, ada, secret):
    refusals = [await refuse(polls, database) for _ in range(3)]

    (watch,) = await tracking.watches_of(ada)
    (notification,) = await rows(database, notifications)
    assert refusals == [False, False, True]
    assert (watch.paused, watch.refused, await due_in(database)) == ("reconnect", 3, None)
    assert (notification.kind, notification.tracked_id, notification.user_id) == ("reconnect", None, ada.user_id)
    assert len(notification.idempotency_key) <= 80


async def test_after_a_refusal_the_next_looks_fall_into_the_ten_minutes(polls, database, secret):
    await refuse(polls, database)

    wait = await due_in(database)
    assert wait is not None
    assert 0 < wait < 300


async def test_refusals_far_apart_do_not_add_up(polls, database, secret):
    for _ in range(4):
        assert not await refuse(polls, database)
        await set_all(database, watches, refused_since=now - 601)


async def test_a_good_answer_forgets_the_refusals(polls, database, secret):
    await refuse(polls, database)
    await refuse(polls, database)
    await set_all(database, watches, next_poll_at=now)
    (watch,) = await polls.claim(1, 30)
    assert watch.refused == 2

    await polls.record_poll(watch, [], next_poll_in=0)

    assert not await refuse(polls, database)


async def test_a_paused_watch_sleeps_whatever_is_tracked(tracking, polls, database, ada, secret, watch):
    await polls.record_refusal(watch, most=1)

    await track(tracking, ada, MetadataKey("another"))
    await tracking.watch_everything(ada, HOST, on=True)

    assert await polls.claim(1, 30) == []


async def test_after_connecting_again_it_is_looked_at_and_not_told_any_more(tracking, polls, database, ada, watch):
    await polls.record_refusal(watch, most=1)

    await tracking.resume(ada, HOST)

    (again,) = await polls.claim(1, 30)
    assert (again.paused, again.refused) == (None, 0)
    assert await rows(database, notifications) == []


async def test_connecting_again_with_nothing_to_look_at_looks_at_nothing(tracking, polls, ada, secret, watch):
    await polls.record_refusal(watch, most=1)
    await tracking.stop(ada, secret.id)

    await tracking.resume(ada, HOST)

    assert await polls.claim(1, 30) == []


async def test_the_person_is_told_again_when_it_happens_again(tracking, polls, database, ada, watch):
    await polls.record_refusal(watch, most=1)
    await set_all(database, notifications, sent_at=now)
    await tracking.resume(ada, HOST)
    (again,) = await polls.claim(1, 30)

    await polls.record_refusal(again, most=1)

    assert len(await rows(database, notifications)) == 2


NEW = NewTracked(MetadataKey("made in a browser"), MADE, MADE + timedelta(days=1), None, True)


async def test_new_secrets_of_an_account_that_is_watched_are_tracked_once(tracking, polls, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    for _ in range(2):
        (watch,) = await polls.claim(1, 30)
        await polls.record_poll(watch, [], next_poll_in=0, new=[NEW, NEW])

    (made,) = await tracking.list_of(ada)
    assert (made.key, made.state, made.passphrase_required) == (NEW.key, "new", True)
    assert (made.made_at, made.expires_at) == (NEW.made_at, NEW.expires_at)


@pytest.mark.parametrize("when", ["never on", "off meanwhile"])
async def test_nothing_is_tracked_by_itself_unless_the_person_wants_it(tracking, polls, ada, secret, when):
    if when == "off meanwhile":
        await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await polls.claim(1, 30)
    await tracking.watch_everything(ada, HOST, on=False)

    await polls.record_poll(dataclasses.replace(watch, everything=True), [], next_poll_in=0, new=[NEW])

    assert [each.id for each in await tracking.list_of(ada)] == [secret.id]


async def card_notifications(database: Database) -> list[str]:
    return [row.kind for row in await rows(database, notifications)]


@pytest.mark.parametrize(("age", "cards"), [(timedelta(), ["card"]), (timedelta(hours=1), [])], ids=["after", "before"])
async def test_what_was_made_since_everything_is_watched_gets_a_card(tracking, polls, database, ada, age, cards):
    await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await polls.claim(1, 30)

    made = dataclasses.replace(NEW, made_at=datetime.now(UTC).replace(microsecond=0) - age)
    await polls.record_poll(watch, [], next_poll_in=0, new=[made])

    assert await card_notifications(database) == cards


async def test_switching_on_what_is_on_floods_nobody_with_cards(tracking, database, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    (before,) = await rows(database, watches)
    await asyncio.sleep(0.01)

    await tracking.watch_everything(ada, HOST, on=True)

    (after,) = await rows(database, watches)
    assert before.everything_since == after.everything_since is not None


async def test_what_was_stopped_by_hand_is_not_tracked_again_by_itself(tracking, polls, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    stopped = await track(tracking, ada, NEW.key)
    await tracking.stop(ada, stopped.id)
    (watch,) = await polls.claim(1, 30)

    assert await polls.untracked(watch, [NEW.key]) == []
    await polls.record_poll(watch, [], next_poll_in=0, new=[NEW])

    assert await tracking.list_of(ada) == []


async def test_what_was_ignored_can_be_tracked_by_hand_and_is_then_like_any_other(tracking, database, ada, ben):
    await tracking.stop(ada, (await track(tracking, ada)).id)
    await track(tracking, ben)
    assert len(await rows_of(database, ignored)) == 1

    await track(tracking, ada)

    assert await rows_of(database, ignored) == []


async def test_what_was_ignored_is_forgotten_when_it_cannot_be_open_any_more(tracking, polls, database, ada):
    await tracking.stop(ada, (await track(tracking, ada)).id)
    await polls.purge()
    assert len(await rows_of(database, ignored)) == 1
    await set_all(database, ignored, until=now)

    await polls.purge()

    assert await rows_of(database, ignored) == []


async def rows_of(database: Database, table):
    async with database.reading() as connection:
        return (await connection.execute(select(table))).all()


# --- leases that are renewed, and looks that are written together


async def test_a_renewed_lease_goes_on_and_the_next_claim_waits_for_it(polls, database, watch):
    await set_all(database, watches, lease_until=now - 1, next_poll_at=now - 1)
    await set_all(database, watches, next_poll_at=watches.c.lease_until)

    await polls.renew([watch], 30)

    assert await polls.claim(1, 30) == []
    assert await due_in(database) == pytest.approx(30, abs=5)
    assert await polls.record_poll(watch, [], next_poll_in=60)
    assert await due_in(database) == pytest.approx(60, abs=5)


async def test_a_wake_up_is_not_lost_by_a_renewal(tracking, polls, ada, watch):
    await track(tracking, ada, MetadataKey("later"))

    await polls.renew([watch], 30)
    await polls.record_poll(watch, [], next_poll_in=None)

    assert [one.id for one in await polls.claim(1, 30)] == [watch.id]


async def test_who_lost_a_lease_renews_nothing(polls, database, watch):
    await set_all(database, watches, lease_until=now, next_poll_at=now)
    (other,) = await polls.claim(1, 30)
    before = await rows(database, watches)

    await polls.renew([watch], 999)
    given_back = await polls.release(watch)

    assert (await rows(database, watches), given_back) == (before, 0)
    assert await polls.release(other) == 1


async def test_quiet_looks_are_written_together_each_with_its_own_time(tracking, polls, database, ada, ben):
    await track(tracking, ada)
    await track(tracking, ben)
    claimed = await polls.claim(2, 30)

    await polls.record_unchanged([(claimed[0], 50.0), (claimed[1], None)])

    async with database.reading() as connection:
        rows_now = (await connection.execute(select(watches.c.id, watches.c.next_poll_at - now))).all()
    assert dict(rows_now) == {claimed[0].id: pytest.approx(50, abs=5), claimed[1].id: None}
    assert {row.lease for row in await rows(database, watches)} == {None}


async def test_a_quiet_look_of_a_lease_that_was_lost_changes_nothing(polls, database, watch):
    await set_all(database, watches, lease_until=now, next_poll_at=now)
    await polls.claim(1, 30)
    before = await rows(database, watches)

    await polls.record_unchanged([(watch, 9_999.0)])

    assert await rows(database, watches) == before


async def test_a_quiet_look_loses_no_wake_up(tracking, polls, ada, watch):
    await track(tracking, ada, MetadataKey("later"))

    await polls.record_unchanged([(watch, None)])

    assert [one.id for one in await polls.claim(1, 30)] == [watch.id]


async def test_only_the_host_that_is_asked_for_is_claimed(tracking, polls, ada):
    await track(tracking, ada)

    assert await polls.claim(1, 30, host="https://us.onetimesecret.com") == []
    assert len(await polls.claim(1, 30, host=HOST)) == 1


async def test_a_host_is_due_as_long_as_a_claim_finds_something(tracking, polls, database, ada):
    await track(tracking, ada)
    assert await polls.due_hosts() == [HOST]

    assert len(await polls.claim(1, 30)) == 1
    assert await polls.due_hosts() == []

    await set_all(database, watches, lease_until=now, next_poll_at=now)
    assert await polls.due_hosts() == [HOST]
    await polls.record_poll((await polls.claim(1, 30))[0], [], next_poll_in=60)
    assert await polls.due_hosts() == []


async def test_a_claim_is_found_by_an_index(tracking, database):
    """Sorting all that is due would cost more with every account."""
    if not database.is_sqlite:
        pytest.skip("the planner of PostgreSQL decides by the size of the table")
    plan = "EXPLAIN QUERY PLAN SELECT id FROM watches WHERE host = 'h' AND next_poll_at <= 1 ORDER BY next_poll_at"
    async with database.reading() as connection:
        steps = [row.detail for row in (await connection.execute(text(plan))).all()]

    assert steps == ["SEARCH watches USING INDEX ix_watches_host_next_poll_at (host=? AND next_poll_at<?)"]


async def test_it_can_be_asked_which_keys_are_not_tracked(tracking, polls, ada, secret, watch):
    await tracking.settle(ada, HOST, KEY, "burned")

    assert await polls.untracked(watch, [KEY, NEW.key]) == [NEW.key]
    assert await polls.untracked(watch, []) == []


async def test_one_row_that_does_not_open_hides_no_other(tracking, polls, database, ada, secret, watch):
    good = await track(tracking, ada, MetadataKey("good"))
    async with database.writing() as connection:
        damaged = update(tracked).where(tracked.c.id == secret.id).values(key=b"O1\x02k1 damaged")
        await connection.execute(damaged)

    assert [*await polls.keys_of(watch, await open_ids(polls, watch))] == [good.id]


async def test_what_happens_at_the_same_time_neither_fails_nor_hangs(polls, url, sealer, ada):
    """Each in its own pool: locks taken in different orders would end in a deadlock."""
    pools = [Database.open(url) for _ in range(4)]

    async def do(tracking: Tracking, polls: Polls, number: int) -> None:
        for step in range(12):
            key = MetadataKey(f"k{step % 3}")
            made, _ = await tracking.track(ada, HOST, key, label=str(step), made_at=MADE, expires_at=None)
            for watch in await polls.claim(5, 30):
                found = await open_ids(polls, watch)
                changes = [Change(one, None if number % 2 else "received", notification="reminder") for one in found]
                await polls.record_poll(watch, changes, next_poll_in=0, new=[NEW])
            await tracking.settle(ada, HOST, key, "burned")
            if step % 3 == 0:
                with contextlib.suppress(NotYours):
                    await tracking.stop(ada, made.id)
            if step % 4 == number:
                await tracking.forget_host(ada, HOST)

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        await asyncio.gather(*(do(Tracking(db, sealer), Polls(db, sealer), number) for number, db in enumerate(pools)))


@pytest.mark.parametrize(
    ("making", "is_in_doubt"), [("got no answer", True), ("was refused", False), ("was not asked for", False)]
)
async def test_a_secret_whose_making_got_no_answer_is_followed_by_its_share_and_has_no_card_of_its_own(
    tracking, polls, shares, deliveries, database, ada, making, is_in_doubt
):
    if making != "was not asked for":
        new = NewShare("submit-1", HOST, None, quiet=False, note=None, label=None)
        _, (delivery,), _ = await shares.begin(ada, new, [Recipient()])
        await deliveries.begin_request(delivery.id)
        if is_in_doubt:
            await deliveries.mark_outcome_unknown(delivery.id)
        else:
            await deliveries.mark_failed(delivery.id, "rate_limited")
    await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await polls.claim(1, 30)

    await polls.record_poll(watch, [], next_poll_in=60, new=[NewTracked(KEY, datetime.now(UTC) + timedelta(seconds=1))])

    (found,) = await tracking.list_of(ada)
    assert len(await rows(database, notifications)) == (not is_in_doubt)
    assert (await shares.of_tracked(found.id) is not None) == is_in_doubt
