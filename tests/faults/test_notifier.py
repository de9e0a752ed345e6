"""The notifier against a real database, with a Slack that is told to fail: order, pace, and what is taken back."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.errors import SlackError
from bot.message_ref import MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.secret import MetadataKey, SecretKey
from bot.storage.engine.database import Database, migrate
from bot.storage.leases import free_leases
from bot.storage.notifications import Notifications
from bot.storage.preferences import NotificationPreferences, Preferences
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares import openings
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import notifications as table
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import FinalState, NewTracked, Tracked
from bot.storage.tracking.store import Tracking
from bot.watch import notifier
from bot.watch.notifier import CHANNEL_INTERVAL, Notifier
from tests.support.services import make_services
from tests.support.waiting import PATIENCE, eventually

HOST = "https://eu.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADA, BEN, CAL = (Person(None, "T0000001", f"U0000{name}") for name in ("ADA", "BEN", "CAL"))


class Told:
    """Where the messages go: what arrived, and when. `fails` is what becomes of the next ones of a person."""

    def __init__(self) -> None:
        self.said: list[tuple[Person, str, float]] = []
        self.fails: dict[Person, list[Exception]] = {}
        self.tried: list[tuple[Person, str]] = []
        self.hangs: asyncio.Event | None = None
        self.stuck: Person | None = None  # whose message Slack does not answer

    async def post(self, person: Person, message: Message, idempotency_key: str) -> MessageRef:
        self.tried.append((person, idempotency_key))
        if self.hangs is not None:
            await self.hangs.wait()
        while person == self.stuck:  # noqa: ASYNC110 - until the test says otherwise
            await asyncio.sleep(0.01)
        if errors := self.fails.get(person):
            raise errors.pop(0)
        self.said.append((person, message.summary, time.monotonic()))
        return MessageRef(person.team_id, "D1", "1.1")

    async def update(self, _card: MessageRef, _message: Message) -> None:
        raise SlackError("chat.update", "edit_window_closed")

    def to(self, person: Person) -> list[str]:
        return [summary for one, summary, _ in self.said if one == person]


class Telling:
    def __init__(self, db: Database) -> None:
        sealer = Sealer(KeyRing.read(generate_line("k1")))
        self.db = db
        self.tracking, self.polls = Tracking(db, sealer), Polls(db, sealer)
        self.notifications = Notifications(db, sealer)
        self.told = Told()
        self.preferences = Preferences(db)
        self.shares, self.deliveries = Shares(db, sealer), Deliveries(db, sealer)
        services = make_services(
            db, sealer, tracking=self.tracking, preferences=self.preferences, shares=self.shares,
            send=self.told.post, update=self.told.update,
        )  # fmt: skip
        self.notifier = Notifier(services, self.notifications)

    async def news(self, person: Person, label: str, state: FinalState = "received", host: str = HOST) -> Tracked:
        """A poll finds that a secret of the person is over."""
        key = MetadataKey(f"key{label}")
        secret, _ = await self.tracking.track(person, host, key, label=label, made_at=MADE, expires_at=None)
        await self.tracking.set_card(secret.id, MessageRef("T0000001", "D1", "1.0"))
        (watch,) = await self.polls.claim(1, 30)
        await self.polls.record_poll(watch, [Change(secret.id, state, notification=state)], next_poll_in=None)
        return secret

    async def all_due(self) -> None:
        """The time to wait after a failure is over."""
        async with self.db.writing() as connection:
            await connection.execute(update(table).values(due_at=0))

    async def until_quiet(self) -> None:
        while await self.notifier.run_once():
            pass


@pytest.fixture
async def telling(tmp_path: Path) -> AsyncIterator[Telling]:
    url = f"sqlite:///{tmp_path}/bot.db"
    await asyncio.to_thread(migrate, url)
    db = Database.open(url)
    yield Telling(db)
    await db.close()


async def test_a_persons_messages_come_in_order_and_one_a_second(telling: Telling) -> None:
    for label in ("one", "two", "three"):
        await telling.news(ADA, label)

    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“one", "“two", "“three"]
    times = [moment for _, _, moment in telling.told.said]
    assert all(later - earlier >= 0.95 * CHANNEL_INTERVAL for earlier, later in itertools.pairwise(times))


async def test_different_people_do_not_wait_for_each_other(telling: Telling) -> None:
    for number, person in enumerate((ADA, BEN, CAL)):
        await telling.news(person, str(number))
    telling.told.hangs = asyncio.Event()

    sending = asyncio.create_task(telling.until_quiet())
    await eventually(lambda: len(telling.told.tried) == 3)
    telling.told.hangs.set()
    await sending

    assert len(telling.told.said) == 3


async def test_nobody_waits_for_the_slowest(telling: Telling) -> None:
    """There is room for a few at a time; who is stuck takes one place and no other."""
    many = [Person(None, "T0000001", f"U000000{number:02}") for number in range(2 * notifier.CONCURRENCY)]
    await telling.news(ADA, "stuck")
    for person in many:
        await telling.news(person, person.user_id)
    telling.told.stuck = ADA
    running = asyncio.create_task(telling.notifier.run())

    await eventually(lambda: len(telling.told.said) == len(many))

    assert telling.told.to(ADA) == []
    telling.told.stuck = None
    telling.notifier.stop()
    await asyncio.wait_for(running, PATIENCE)


async def test_what_is_being_opened_here_is_told_when_it_is_known_whether_it_was(telling: Telling) -> None:
    new = NewShare("once", HOST, None, quiet=False, note=None, label=None)
    _, (delivery,), _ = await telling.shares.begin(ADA, new, [Recipient(BEN)])
    await telling.deliveries.begin_request(delivery.id)
    key, secret_key = MetadataKey("keyone"), SecretKey("secret")
    delivery = await telling.deliveries.mark_made(
        delivery, secret_key=secret_key, metadata_key=key, passphrase=None, passphrase_required=None, expires_at=None
    )
    await telling.deliveries.mark_sent(delivery.id, MessageRef("T0000001", "D2", "2.0"))
    await telling.deliveries.set_tracked(delivery.id, (await telling.news(ADA, "one")).id)
    async with telling.db.writing() as connection:
        assert await openings.reserve(connection, delivery.id, BEN)

    await telling.until_quiet()
    assert telling.told.to(ADA) == []

    async with telling.db.writing() as connection:
        assert await openings.release(connection, delivery.id, BEN)
    await telling.all_due()
    await telling.until_quiet()
    assert telling.told.to(ADA) == ["What you shared was opened."]
    assert (await telling.shares.own_delivery(ADA, delivery.id)).state == "opened"


async def test_what_is_switched_off_while_it_waits_is_not_said_and_what_is_on_is(telling: Telling) -> None:
    await telling.news(ADA, "one", "received")
    await telling.news(ADA, "two", "burned")
    await telling.news(BEN, "three", "received")

    await telling.preferences.set(ADA, NotificationPreferences(frozenset({"burned"})))
    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“two"]
    assert len(telling.told.to(BEN)) == 1


async def test_what_failed_is_not_overtaken_by_later_news_of_the_person(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "fatal_error")]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")
    await telling.news(BEN, "three")
    await telling.until_quiet()
    assert (telling.told.to(ADA), len(telling.told.to(BEN))) == ([], 1)

    await telling.all_due()
    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“one", "“two"]
    assert "send_crashed" not in caplog.text


async def test_what_can_never_arrive_keeps_no_later_news_back(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "channel_not_found")]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“two"]
    assert await telling.notifications.dead_count() == 1
    assert "send_crashed" not in caplog.text


async def test_a_429_stops_everything_for_as_long_as_slack_says(telling: Telling) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "ratelimited", retry_after=1.0)]
    await telling.news(ADA, "one")
    await telling.notifier.run_once()
    await telling.news(BEN, "two")
    refused = time.monotonic()

    assert not await telling.notifier.run_once()
    while not telling.told.to(BEN):
        await telling.notifier.run_once()
        await asyncio.sleep(0.02)

    assert time.monotonic() - refused >= 0.9


async def test_a_poisonous_notification_stops_neither_the_notifier_nor_the_others(telling: Telling) -> None:
    telling.told.fails[ADA] = [ValueError("poison")]
    await telling.news(ADA, "one")
    await telling.news(BEN, "two")

    await telling.until_quiet()

    assert len(telling.told.to(BEN)) == 1


async def test_news_of_a_host_that_is_not_allowed_any_more_are_dead_lettered(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    await telling.news(ADA, "one", host="https://secrets.example.com")
    await telling.news(ADA, "two")

    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“two"]
    assert await telling.notifications.dead_count() == 1
    assert "send_crashed" not in caplog.text


async def test_what_was_stopped_after_it_was_claimed_is_not_told(telling: Telling) -> None:
    await telling.news(ADA, "one")
    await telling.until_quiet()
    secret = await telling.news(ADA, "two")

    sending = asyncio.create_task(telling.notifier.run_once())  # it waits for the second to be over
    while not await claimed(telling):  # noqa: ASYNC110 - the database tells nobody
        await asyncio.sleep(0.01)
    await telling.tracking.stop(ADA, secret.id)
    await sending

    assert len(telling.told.to(ADA)) == 1


async def claimed(telling: Telling) -> bool:
    async with telling.db.reading() as connection:
        return bool((await connection.execute(table.select().where(table.c.lease.is_not(None)))).all())


async def test_a_card_that_cannot_be_changed_any_more_loses_no_news(telling: Telling) -> None:
    await telling.news(ADA, "one")

    await telling.until_quiet()

    assert len(telling.told.to(ADA)) == 1
    assert await telling.notifications.waiting_count() == 0


async def test_a_card_of_its_own_is_posted_once_and_kept(telling: Telling) -> None:
    await telling.tracking.watch_everything(ADA, HOST, on=True)
    (watch,) = await telling.polls.claim(1, 30)
    new = NewTracked(MetadataKey("key"), datetime.now(UTC), None)
    await telling.polls.record_poll(watch, [], next_poll_in=0, new=[new])
    (watch,) = await telling.polls.claim(1, 30)
    (secret,) = await telling.tracking.list_of(ADA)
    await telling.polls.record_poll(watch, [Change(secret.id, "received", notification="received")], next_poll_in=0)

    await telling.until_quiet()

    assert (await telling.tracking.find(ADA, secret.id)).card == MessageRef("T0000001", "D1", "1.1")
    assert [idempotency_key for _, idempotency_key in telling.told.tried] == [
        f"{secret.id}:card",
        f"{secret.id}:received",
    ]


async def test_who_has_a_card_already_gets_no_second_one(telling: Telling) -> None:
    await telling.tracking.watch_everything(ADA, HOST, on=True)
    (watch,) = await telling.polls.claim(1, 30)
    new = NewTracked(MetadataKey("key"), datetime.now(UTC), None)
    await telling.polls.record_poll(watch, [], next_poll_in=0, new=[new])
    (secret,) = await telling.tracking.list_of(ADA)
    await telling.tracking.set_card(secret.id, MessageRef("T0000001", "D1", "1.0"))

    await telling.until_quiet()

    assert telling.told.tried == []
    assert await telling.notifications.waiting_count() == 0


async def test_a_stop_gives_back_what_slack_does_not_answer(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "FINISH_TIME", 0.1)
    await telling.news(ADA, "one")
    telling.told.hangs = asyncio.Event()
    running = asyncio.create_task(telling.notifier.run())
    await eventually(lambda: telling.told.tried)

    telling.notifier.stop()
    await asyncio.wait_for(running, PATIENCE)

    assert not await claimed(telling)
    assert await telling.notifications.waiting_count() == 1


async def test_what_a_dead_process_had_claimed_is_sent_at_once_with_the_same_id(telling: Telling) -> None:
    await telling.news(ADA, "one")
    (held,) = await telling.notifications.claim(1, 1000)
    assert not await telling.notifier.run_once()

    await free_leases(telling.db)
    await telling.until_quiet()

    assert telling.told.tried == [(ADA, held.idempotency_key)]


async def test_what_a_dead_process_was_polling_is_polled_at_once(telling: Telling) -> None:
    await telling.tracking.track(ADA, HOST, MetadataKey("key"), made_at=MADE, expires_at=None)
    (lost,) = await telling.polls.claim(1, 1000)
    assert await telling.polls.claim(1, 1000) == []

    await free_leases(telling.db)

    assert [watch.id for watch in await telling.polls.claim(1, 1000)] == [lost.id]
    assert not await telling.polls.record_poll(lost, [], next_poll_in=1.0)
