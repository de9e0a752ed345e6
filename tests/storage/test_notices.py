from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text, update

from bot.errors import StorageTrouble
from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.database import Database, now
from bot.storage.notices import LONGEST_CODE, UNREADABLE, Notice, Notices, Preferences, Prefs, _due
from bot.storage.preferences import NEWS
from bot.storage.tables import new_id, owner, tracked
from bot.storage.tables import notices as table
from bot.storage.tracking import Change, Tracked, Tracking

HOST = "https://eu.onetimesecret.com"
ELSEWHERE = "https://us.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ONE_KIND = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # where both databases do the same


@pytest.fixture
def tracking(database, sealer) -> Tracking:
    return Tracking(database, sealer)


@pytest.fixture
def notices(database, sealer) -> Notices:
    return Notices(database, sealer)


async def received(tracking: Tracking, person: Person, name: str = "key", host: str = HOST) -> Tracked:
    """A look sees that a secret of the person was received, and they are to be told."""
    key, label = MetadataKey(name), f"the {name}"
    secret, _ = await tracking.track(person, host, key, label=label, made_at=MADE, expires_at=None)
    (watch,) = await tracking.claim(1, 30)
    await tracking.settle_look(watch, [Change(secret.id, "received", notice="received")], next_look_in=None)
    return secret


@pytest.fixture
async def secret(tracking, ada) -> Tracked:
    """With one notice that is due."""
    return await received(tracking, ada)


@pytest.fixture
async def notice(notices, secret) -> Notice:
    """Claimed."""
    (claimed,) = await notices.claim(1)
    assert isinstance(claimed, Notice)
    return claimed


async def stored(database: Database):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(table.c.created_at))).all()


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def test_a_claimed_notice_has_all_that_its_message_needs(tracking, ada, secret, notice):
    assert (notice.person, notice.kind, notice.once, notice.host) == (ada, "received", f"{secret.id}:received", HOST)
    assert notice.tracked == await tracking.find(ada, secret.id)
    assert (notice.tracked.label, notice.tracked.state, notice.tries) == ("the key", "received", 1)


async def test_a_notice_about_an_account_has_no_secret(tracking, notices, ada):
    await tracking.watch_everything(ada, HOST, on=True)
    (watch,) = await tracking.claim(1, 30)
    await tracking.refused(watch, most=1)

    (notice,) = await notices.claim(1)

    assert (notice.kind, notice.tracked, notice.host) == ("reconnect", None, HOST)


async def fill(database: Database, people: int, each: int) -> Counter[tuple[str, int]]:
    """Notices of so many people, all due; which."""
    values = [
        {
            "id": new_id(),
            **owner(Person(None, "T1", f"U{person}")),
            "host": HOST,
            "kind": "reconnect",
            "once": f"U{person}:{number}",
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
        mine = Notices(db, sealer)
        while await mine.waiting_count():
            claimed = await mine.claim(5)
            if not claimed:
                await asyncio.sleep(0.02)  # the others' turn: SQLite's lock is not fair to who waits
            for notice in claimed:
                user, _, number = notice.once.partition(":")
                out.append((user, int(number)))
                assert await mine.sent(notice)

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        await asyncio.gather(*map(send_all, pools))

    assert Counter(out) == wanted
    for person in range(50):
        assert [number for user, number in out if user == f"U{person}"] == [0, 1, 2, 3]


async def test_claims_at_once_never_give_one_notice_twice(url, database, sealer):
    await fill(database, people=200, each=1)
    pools = [Database.open(url) for _ in range(2 if database.is_sqlite else 8)]

    async with contextlib.AsyncExitStack() as stack:
        for db in pools:
            stack.push_async_callback(db.close)
        claims = await asyncio.gather(*(Notices(db, sealer).claim(40) for db in pools))

    taken = [notice.id for claim in claims for notice in claim]
    assert len(taken) == len(set(taken)) >= 40


async def test_no_notice_overtakes_an_earlier_one_of_the_same_person(tracking, notices, ada, ben):
    for person, name in ((ada, "a1"), (ada, "a2"), (ben, "b1")):
        await received(tracking, person, name)

    first = await notices.claim(10)
    meanwhile = await notices.claim(10)
    ours = next(each for each in first if each.person == ada)
    await notices.again(ours, 60)
    delayed = await notices.claim(10)

    assert {each.tracked.label for each in first} == {"the a1", "the b1"}
    assert meanwhile == delayed == []


@pytest.mark.parametrize("waits", ["its turn", "for Slack", "being sent"])
async def test_a_reminder_that_waits_keeps_no_news_back(tracking, notices, ada, waits):
    secret, _ = await tracking.track(ada, HOST, MetadataKey("r"), label="the r", made_at=MADE, expires_at=None)
    (watch,) = await tracking.claim(1, 30)
    await tracking.settle_look(watch, [Change(secret.id, None, notice="reminder")], next_look_in=None)
    held = await notices.claim(1) if waits != "its turn" else []
    if waits == "for Slack":
        await notices.again(held[0], 999)
    await received(tracking, ada, "news")

    claimed = await notices.claim(10)

    assert "received" in {each.kind for each in claimed}


async def test_a_reminder_does_not_overtake_news(tracking, notices, ada):
    await received(tracking, ada, "news")
    secret, _ = await tracking.track(ada, HOST, MetadataKey("r"), made_at=MADE, expires_at=None)
    (watch,) = await tracking.claim(1, 30)
    await tracking.settle_look(watch, [Change(secret.id, None, notice="reminder")], next_look_in=None)

    assert [each.kind for each in await notices.claim(10)] == ["received"]


async def test_a_lease_that_is_renewed_does_not_run_out(database, notices, notice):
    await set_all(database, lease_until=now - 1)

    await notices.renew([notice], 30)

    assert await notices.claim(1) == []
    assert await notices.holds(notice)


async def test_what_is_given_back_is_sent_by_another_at_once_with_the_same_id(database, notices, notice):
    assert await notices.release(notice) == 1

    (again,) = await notices.claim(1)
    assert (again.once, again.lease != notice.lease) == (notice.once, True)
    assert await notices.release(notice) == 0
    await notices.renew([notice], 999)
    assert await notices.holds(again)


@pytest.mark.parametrize("end", ["sent", "park"])
async def test_after_one_is_done_the_next_of_the_person_follows(tracking, notices, ada, notice, end):
    await received(tracking, ada, "second")
    assert await notices.claim(10) == []

    assert await getattr(notices, end)(notice, *(["user_disabled"] if end == "park" else []))

    (following,) = await notices.claim(10)
    assert following.tracked.label == "the second"


async def test_notices_of_the_same_moment_come_one_after_the_other(database, notices):
    await fill(database, people=1, each=3)
    await set_all(database, created_at=5.0)

    seen = []
    while claimed := await notices.claim(10):
        seen += claimed
        assert len(claimed) == 1
        await notices.sent(claimed[0])

    assert len(seen) == 3


async def test_what_was_sent_is_not_claimed_again(database, notices, notice):
    assert await notices.sent(notice)

    assert await notices.claim(10) == []
    assert (await stored(database))[0].sent_at == pytest.approx(datetime.now(UTC).timestamp(), abs=5)
    assert await notices.waiting_count() == 0


async def test_what_is_to_be_tried_again_comes_later_with_the_same_name(database, notices, notice):
    assert await notices.again(notice, 60)
    assert await notices.claim(10) == []
    assert await notices.waiting_count() == 1
    await set_all(database, due_at=now)

    (again,) = await notices.claim(10)

    assert (again.id, again.once, again.tries) == (notice.id, notice.once, 2)


async def test_what_can_never_be_sent_is_parked_and_counted(database, notices, notice):
    assert await notices.park(notice, "x" * 200)

    assert (await notices.parked_count(), await notices.waiting_count()) == (1, 0)
    assert await notices.claim(10) == []
    assert (await stored(database))[0].parked == "x" * LONGEST_CODE


async def test_a_notice_left_behind_is_claimed_when_its_lease_is_over(database, notices, notice):
    assert await notices.claim(10) == []
    await set_all(database, lease_until=now)

    (again,) = await notices.claim(10)

    assert (again.id, again.tries) == (notice.id, 2)
    assert again.lease != notice.lease


LATE = {
    "sent": lambda notices, notice: notices.sent(notice),
    "again": lambda notices, notice: notices.again(notice, 9_999),
    "park": lambda notices, notice: notices.park(notice, "user_disabled"),
    "holds": lambda notices, notice: notices.holds(notice),
}


@pytest.mark.parametrize("how", LATE)
async def test_who_slept_past_the_lease_is_fenced_out(database, notices, notice, how):
    await set_all(database, lease_until=now)
    (ours,) = await notices.claim(10)
    before = await stored(database)

    assert not await LATE[how](notices, notice)

    assert await stored(database) == before
    assert await notices.sent(ours)


@ONE_KIND
@pytest.mark.parametrize("how", LATE)
@pytest.mark.parametrize("end", ["sent", "park", "again"])
async def test_what_is_done_stays_done(database, notices, notice, end, how):
    await LATE[end](notices, notice)
    before = await stored(database)

    assert not await LATE[how](notices, notice)

    assert await stored(database) == before


async def test_a_notice_is_held_until_it_is_taken_back(notices, ada, notice):
    assert await notices.holds(notice)

    await notices.cancel_for(ada, HOST)

    assert not await notices.holds(notice)
    assert not await notices.sent(notice)


async def test_a_notice_whose_lease_is_over_is_not_held_and_can_still_be_marked(database, notices, notice):
    await set_all(database, lease_until=now)

    assert not await notices.holds(notice)
    assert await notices.sent(notice)


async def test_taking_back_is_for_one_person_and_host_and_what_is_unsent(tracking, database, notices, ada, ben):
    await received(tracking, ada, "sent")
    assert await notices.sent((await notices.claim(1))[0])
    await received(tracking, ada, "unsent")
    await received(tracking, ada, "elsewhere", ELSEWHERE)
    await received(tracking, ben, "his")

    assert await notices.cancel_for(ada, HOST) == 1

    left = Counter((row.user_id, row.host, row.sent_at is not None) for row in await stored(database))
    assert left == {(ada.user_id, HOST, True): 1, (ada.user_id, ELSEWHERE, False): 1, (ben.user_id, HOST, False): 1}


async def test_nothing_is_told_after_the_secret_is_not_tracked_any_more(tracking, notices, ada, secret, notice):
    await tracking.stop(ada, secret.id)

    assert not await notices.holds(notice)
    assert await notices.claim(10) == []


async def test_a_notice_that_does_not_open_is_parked_and_the_others_go_out(tracking, database, notices, ada, ben):
    poison = await received(tracking, ada, "poison")
    await received(tracking, ada, "after it")
    await received(tracking, ben, "his")
    async with database.writing() as connection:
        damaged = update(tracked).where(tracked.c.id == poison.id).values(key=b"O1\x02k1 damaged")
        await connection.execute(damaged)

    first, second = await notices.claim(10), await notices.claim(10)

    assert [each.tracked.label for each in first + second] == ["the his", "the after it"]
    assert await notices.parked_count() == 1
    assert {row.parked for row in await stored(database)} == {None, UNREADABLE}


async def test_an_event_has_one_notice_whatever_is_written(database, secret):
    (row,) = await stored(database)

    with pytest.raises(StorageTrouble):
        async with database.writing() as connection:
            await connection.execute(table.insert().values({**row._mapping, "id": new_id()}))


@ONE_KIND
async def test_what_was_sent_long_ago_does_not_slow_the_claim_down(database, notices):
    """The claim reads indexes of what waits, and not the whole table."""
    async with database.reading() as connection:
        plan = _due(1.0, 5).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = (await connection.execute(text(f"EXPLAIN QUERY PLAN {plan}"))).all()
        seen = [row.detail for row in rows]

    assert any("ix_notices_due_at" in step for step in seen), seen
    assert any("ix_notices_first" in step for step in seen), seen
    assert not any(step.startswith("SCAN") and "INDEX" not in step for step in seen), seen


async def test_who_never_said_anything_is_told_everything(database, ada):
    prefs = await Preferences(database).of(ada)

    assert prefs == Prefs(frozenset({"received", "burned", "expired", "orphaned"}), reminders=True)
    assert all(prefs.want(kind) for kind in (*NEWS, "reminder", "reconnect"))


PREFS = {
    "nothing at all": Prefs(frozenset(), reminders=False),
    "some news": Prefs(frozenset({"received", "expired"}), reminders=True),
    "only reminders": Prefs(frozenset(), reminders=True),
}


@pytest.mark.parametrize("prefs", PREFS.values(), ids=PREFS.keys())
async def test_preferences_are_kept_for_each_person(database, ada, ben, prefs):
    preferences = Preferences(database)
    await preferences.set(ada, Prefs())

    await asyncio.gather(*(preferences.set(ada, prefs) for _ in range(5)))

    assert await preferences.of(ada) == prefs
    assert await preferences.of(ben) == Prefs()
    assert prefs.want("reconnect")


async def test_a_kind_of_news_that_does_not_exist_is_left_out(database, ada):
    await Preferences(database).set(ada, Prefs(frozenset({"received", "x" * 200}), reminders=True))

    assert (await Preferences(database).of(ada)).news == {"received"}
