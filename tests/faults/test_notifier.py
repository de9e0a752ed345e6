"""The notifier against a real database, with a Slack that is told to fail: order, pace, and what is taken back."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.errors import SlackError, StorageUnavailable
from bot.language import Language
from bot.message_ref import MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.secret import MetadataKey, SecretKey
from bot.slack import blocks
from bot.storage import notifications
from bot.storage.acts import Act, Acts, act_key
from bot.storage.engine.database import Database, migrate
from bot.storage.leases import free_leases
from bot.storage.message_slots import FLOOD, FLOOD_TIME, MessageSlots
from bot.storage.notifications import Notifications
from bot.storage.preferences import NotificationPreferences, Preferences
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares import openings
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.rows import Delivery, NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import limit_uses
from bot.storage.tables import notifications as table
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import FinalState, NewTracked, Tracked
from bot.storage.tracking.store import Tracking
from bot.watch import notifier, workspace_pauses
from bot.watch.notifier import CHANNEL_INTERVAL, Notifier
from tests.support.english import summary_of
from tests.support.services import make_services
from tests.support.waiting import PATIENCE, eventually

HOST = "https://eu.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADA, BEN, CAL = (Person(None, "T0000001", f"U0000{name}") for name in ("ADA", "BEN", "CAL"))


TRIES = 12  # more than a code that nobody knows gets


class Told:
    """Where the messages go: what arrived, and when. `fails` is what becomes of the next ones of a person."""

    def __init__(self) -> None:
        self.said: list[tuple[Person, str, float]] = []
        self.messages: list[Message] = []  # the same messages, whole
        self.refuses: dict[str, str] = {}  # user id, or the id of a workspace -> Slack's code for every message
        self.refuses_blocks = ""  # Slack's code for a message that is not plain text
        self.updates: list[MessageRef] = []
        self.update_fails = "edit_window_closed"
        self.fails: dict[Person, list[Exception]] = {}
        self.tried: list[tuple[Person, str]] = []
        self.hangs: asyncio.Event | None = None
        self.stuck: Person | None = None  # whose message Slack does not answer
        self.stuck_in = ""  # the workspace in which Slack answers no message

    async def post(self, person: Person, message: Message, idempotency_key: str) -> MessageRef:
        self.tried.append((person, idempotency_key))
        if self.hangs is not None:
            await self.hangs.wait()
        while person == self.stuck or person.team_id == self.stuck_in:  # noqa: ASYNC110 - until the test says otherwise
            await asyncio.sleep(0.01)
        if errors := self.fails.get(person):
            raise errors.pop(0)
        for whose in (person.user_id, person.team_id):
            if code := self.refuses.get(whose):
                raise SlackError("chat.postMessage", code)
        if self.refuses_blocks and message.parts:
            raise SlackError("chat.postMessage", self.refuses_blocks)
        self.messages.append(message)
        self.said.append((person, summary_of(message), time.monotonic()))
        return MessageRef(person.team_id, "D1", "1.1")

    async def update(self, card: MessageRef, _message: Message, _reader: Person) -> None:
        if self.update_fails:
            raise SlackError("chat.update", self.update_fails)
        self.updates.append(card)

    def to(self, person: Person) -> list[str]:
        return [summary for one, summary, _ in self.said if one == person]


class Moved:
    """In the place of the module `time`, with a clock that is `by` seconds ahead."""

    def __init__(self) -> None:
        self.by = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.by


class Telling:
    def __init__(self, db: Database) -> None:
        sealer = Sealer(KeyRing.read(generate_line("k1")))
        self.db = db
        self.tracking, self.polls = Tracking(db, sealer), Polls(db, sealer)
        self.notifications = Notifications(db, sealer)
        self.told = Told()
        self.preferences = Preferences(db)
        self.shares, self.deliveries = Shares(db, sealer), Deliveries(db, sealer)
        self.acts = Acts(db)
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


async def test_a_workspace_where_slack_answers_nothing_leaves_room_for_the_others(telling: Telling) -> None:
    """So it is where each call is limited for a moment, too: the call waits for that moment."""
    stuck = [Person(None, "T0000002", f"U000000{number:02}") for number in range(2 * notifier.CONCURRENCY)]
    for person in (*stuck, ADA):
        await telling.news(person, person.user_id)
    telling.told.stuck_in = "T0000002"
    running = asyncio.create_task(telling.notifier.run())

    await eventually(lambda: telling.told.to(ADA))
    assert [person.team_id for person, _, _ in telling.told.said] == ["T0000001"]

    telling.told.stuck_in = ""
    await eventually(lambda: len(telling.told.said) == len(stuck) + 1)
    telling.notifier.stop()
    await asyncio.wait_for(running, PATIENCE)


async def test_who_has_the_same_id_in_another_workspace_waits_for_nobody(telling: Telling) -> None:
    """Slack takes one message a second for one conversation."""
    same = [replace(ADA, team_id=f"T000000{number}") for number in range(1, 9)]
    for person in same:
        await telling.news(person, person.team_id)
    began = time.monotonic()
    running = asyncio.create_task(telling.notifier.run())

    await eventually(lambda: len(telling.told.said) == len(same))

    assert telling.notifier._last_post_at.keys() == set(same)
    assert time.monotonic() - began < (len(same) - 1) * notifier.CHANNEL_INTERVAL
    telling.notifier.stop()
    await asyncio.wait_for(running, PATIENCE)


async def opened_of_share(telling: Telling) -> Delivery:
    """What Ada shared with Ben was opened, and she is to be told. The delivery as it was before."""
    new = NewShare("once", HOST, None, quiet=False, note=None, label=None)
    _, (delivery,), _ = await telling.shares.begin(ADA, new, [Recipient(BEN)])
    await telling.deliveries.begin_request(delivery.id)
    key, secret_key = MetadataKey("keyone"), SecretKey("secret")
    delivery = await telling.deliveries.mark_made(
        delivery, secret_key=secret_key, metadata_key=key, passphrase=None, passphrase_required=None, expires_at=None
    )
    await telling.deliveries.mark_sent(delivery.id, MessageRef("T0000001", "D2", "2.0"))
    await telling.deliveries.set_tracked(delivery.id, (await telling.news(ADA, "one")).id)
    return delivery


async def begin_to_open(telling: Telling, delivery: Delivery) -> None:
    async with telling.db.writing() as connection:
        assert await openings.reserve(connection, delivery.id, BEN)


async def test_what_is_being_opened_here_is_told_when_it_is_known_whether_it_was(telling: Telling) -> None:
    delivery = await opened_of_share(telling)
    await begin_to_open(telling, delivery)

    await telling.until_quiet()
    assert telling.told.to(ADA) == []

    async with telling.db.writing() as connection:
        assert await openings.release(connection, delivery.id, BEN)
    await telling.all_due()
    await telling.until_quiet()
    assert telling.told.to(ADA) == [f"Secret for <@{BEN.user_id}> was opened. This app does not know who saw it."]
    assert (await telling.shares.own_delivery(ADA, delivery.id)).state == "opened"


async def begin_act(telling: Telling, person: Person, number: int) -> Act:
    """The person has pressed something, and it is not answered yet."""
    act = Act(act_key(f"trigger:{number}"), person, person.team_id, "action", "burn", None, None)
    assert await telling.acts.begin(act)
    return act


async def test_what_a_person_did_themselves_is_never_news_for_them_however_long_its_answer_takes(
    telling: Telling,
) -> None:
    """The server has burned it already, a poll has seen that, and the answer to the call is still on its way."""
    act = await begin_act(telling, ADA, 1)
    secret = await telling.news(ADA, "one", "burned")

    await telling.until_quiet()
    await telling.tracking.settle(ADA, HOST, secret.key, "burned")
    await telling.acts.end(act.key)
    await telling.all_due()
    await telling.until_quiet()

    assert telling.told.to(ADA) == []


async def test_what_an_act_has_not_caused_is_told_after_it(telling: Telling) -> None:
    act = await begin_act(telling, ADA, 1)
    await telling.news(ADA, "one", "burned")
    await telling.news(ADA, "two")
    await telling.until_quiet()
    assert telling.told.to(ADA) == []

    await telling.acts.end(act.key)
    await telling.all_due()
    await telling.until_quiet()

    assert [summary.split("”")[0] for summary in telling.told.to(ADA)] == ["“one", "“two"]


async def test_an_act_that_began_later_and_an_act_of_somebody_else_delay_nothing(telling: Telling) -> None:
    await begin_act(telling, BEN, 1)
    await telling.news(ADA, "one")
    await begin_act(telling, ADA, 2)

    await telling.until_quiet()

    assert len(telling.told.to(ADA)) == 1


async def test_what_a_person_does_meanwhile_does_not_delay_a_warning_about_the_account(telling: Telling) -> None:
    await begin_act(telling, ADA, 1)
    await telling.tracking.track(ADA, HOST, MetadataKey("key"), made_at=MADE, expires_at=None)
    (watch,) = await telling.polls.claim(1, 30)
    assert await telling.polls.record_refusal(watch, most=1)

    await telling.until_quiet()

    assert len(telling.told.to(ADA)) == 1


async def test_what_can_never_arrive_is_given_up_although_somebody_begins_to_open_the_secret(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = await opened_of_share(telling)
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "channel_not_found")]
    telling.told.hangs = asyncio.Event()
    sending = asyncio.create_task(telling.until_quiet())
    await eventually(lambda: telling.told.tried)

    await begin_to_open(telling, delivery)
    telling.told.hangs.set()
    await sending

    assert await codes_of_dead_letters(telling) == ["channel_not_found"]
    assert "send_crashed" not in caplog.text


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
    before = time.monotonic()
    await telling.notifier.run_once()
    await telling.news(BEN, "two")

    assert not await telling.notifier.run_once()
    while not telling.told.to(BEN):
        await telling.notifier.run_once()
        await asyncio.sleep(0.02)

    assert time.monotonic() - before >= 1.0


@pytest.mark.parametrize(
    ("error", "ms"),
    [
        (SlackError("chat.postMessage", "ratelimited", retry_after=30.0), 30_000),
        (SlackError("chat.postMessage", "token_revoked"), 5_000),
    ],
    ids=["limited", "refused"],
)
async def test_the_log_says_why_and_for_how_long_a_workspace_gets_nothing(
    telling: Telling, caplog: pytest.LogCaptureFixture, error: SlackError, ms: int
) -> None:
    caplog.set_level("INFO", logger="ots")
    telling.told.fails[ADA] = [error]
    await telling.news(ADA, "one")

    await telling.notifier.run_once()

    (line,) = [vars(record) for record in caplog.records if record.msg == "sending_paused"]
    assert line["fields"] == {"error": str(error), "ms": ms}


@pytest.mark.usefixtures("unpaced")
async def test_what_the_database_did_not_answer_for_is_sent_when_its_lease_is_over(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    telling.told.fails[ADA] = [StorageUnavailable("locked")]
    await telling.news(ADA, "one")
    await telling.until_quiet()
    (line,) = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
    assert (line["msg"], line["fields"], telling.told.to(ADA)) == ("send_failed", {"error": "locked"}, [])

    await free_leases(telling.db)
    await telling.until_quiet()

    assert len(telling.told.to(ADA)) == 1


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


# --- what Slack does not take


@dataclass(frozen=True)
class Follows:
    """What becomes of two notifications of one person when Slack answers the first one with a code, once or always."""

    once: str  # how the first one is told after the code was answered once: at once, plainly, later, never
    tries: int  # calls for the first one when the code is always answered, and the pauses between tries are skipped
    dead: bool  # whether it is then a dead letter, and the second one was told


KINDS = {
    "channel_not_found": Follows("never", tries=1, dead=True),  # about the recipient
    "invalid_blocks": Follows("plainly", tries=2, dead=True),  # about the message
    "token_revoked": Follows("later", tries=TRIES, dead=False),  # about the workspace
    "internal_error": Follows("later", tries=TRIES, dead=False),  # about now
    "a_code_of_next_year": Follows("later", tries=notifier.MAX_REFUSALS + 1, dead=True),  # unknown
}


@pytest.mark.parametrize(("code", "follows"), KINDS.items(), ids=KINDS)
@pytest.mark.usefixtures("unpaced", "no_pauses")
async def test_what_follows_from_a_code_of_each_kind_that_comes_once(
    telling: Telling, caplog: pytest.LogCaptureFixture, code: str, follows: Follows
) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", code)]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await telling.notifier.run_once()
    at_once = [bool(message.parts) for message in telling.told.messages]
    await telling.all_due()
    await telling.until_quiet()

    assert at_once == ([False] if follows.once == "plainly" else [])
    assert await names_told(telling, ADA) == (["two"] if follows.once == "never" else ["one", "two"])
    assert await codes_of_dead_letters(telling) == ([code] if follows.once == "never" else [])
    assert "send_crashed" not in caplog.text


@pytest.mark.parametrize(("code", "follows"), KINDS.items(), ids=KINDS)
@pytest.mark.usefixtures("unpaced", "no_pauses")
async def test_what_follows_from_a_code_of_each_kind_that_always_comes(
    telling: Telling, monkeypatch: pytest.MonkeyPatch, code: str, follows: Follows
) -> None:
    monkeypatch.setattr(
        notifications, "HOLDING_TRIES", 10 * TRIES
    )  # so that the second one shows whether it is held up
    telling.told.fails[ADA] = [SlackError("chat.postMessage", code) for _ in range(follows.tries)]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    for _ in range(TRIES):
        await telling.all_due()
        await telling.notifier.run_once()

    keys = [key.removesuffix(":plain") for _, key in telling.told.tried]
    assert keys.count(keys[0]) == follows.tries
    assert await codes_of_dead_letters(telling) == ([code] if follows.dead else [])
    assert await names_told(telling, ADA) == (["two"] if follows.dead else [])


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace that refuses us is asked again at once."""
    monkeypatch.setattr(workspace_pauses, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(workspace_pauses, "MAX_PAUSE", 0.0)


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to one person follow each other at once."""
    monkeypatch.setattr(notifier, "CHANNEL_INTERVAL", 0.0)


async def names_told(telling: Telling, person: Person) -> list[str]:
    return [summary.split("”")[0].removeprefix("“") for summary in telling.told.to(person)]


async def until_told(telling: Telling, person: Person, count: int) -> None:
    """The pauses between tries are skipped."""
    async with asyncio.timeout(PATIENCE):
        while len(telling.told.to(person)) < count:
            await telling.all_due()
            await telling.notifier.run_once()


async def codes_of_dead_letters(telling: Telling) -> list[str]:
    async with telling.db.reading() as connection:
        rows = await connection.execute(select(table.c.dead_letter).where(table.c.dead_letter.is_not(None)))
        return sorted(rows.scalars())


@pytest.mark.parametrize("code", ["access_denied", "ekm_access_denied", "no_permission", "a_code_of_next_year"])
@pytest.mark.usefixtures("unpaced")
async def test_a_code_that_nobody_knows_is_tried_a_few_times_and_then_the_next_goes_out(
    telling: Telling, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", code) for _ in range(6)]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await until_told(telling, ADA, 1)

    assert await names_told(telling, ADA) == ["two"]
    assert await codes_of_dead_letters(telling) == [code]
    assert len(telling.told.tried) == 5 + 1 + 1  # once more in plain words; then the next
    assert "notification_dead_lettered" in [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]


@pytest.mark.parametrize(
    "code", ["invalid_blocks", "msg_blocks_too_long", "duplicate_message_not_found", "invalid_arguments"]
)
@pytest.mark.usefixtures("unpaced")
async def test_a_message_that_slack_does_not_take_is_said_in_the_simplest_words(telling: Telling, code: str) -> None:
    telling.told.refuses_blocks = code
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await telling.until_quiet()

    assert await names_told(telling, ADA) == ["one", "two"]
    assert all("Opened" in summary_of(message) and not message.parts for message in telling.told.messages)
    keys = [key for _, key in telling.told.tried]
    assert len(keys) == len(set(keys)) == 4  # the simple message has a key of its own
    assert await telling.notifications.dead_count() == 0


@pytest.mark.usefixtures("unpaced")
async def test_what_is_not_taken_in_the_simplest_words_either_is_given_up_at_once(telling: Telling) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "invalid_blocks") for _ in range(2)]
    telling.told.update_fails = ""
    secret = await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await telling.until_quiet()

    assert await names_told(telling, ADA) == ["two"]
    assert await codes_of_dead_letters(telling) == ["invalid_blocks"]
    assert (await telling.tracking.unnotified_of(ADA)).tracked_ids == {secret.id}
    assert len(telling.told.updates) == 2  # the card is right nevertheless


@pytest.mark.parametrize(
    ("then", "tries"),
    [
        (SlackError("chat.postMessage", "internal_error"), 2),
        (SlackError("chat.postMessage", "ratelimited", retry_after=0.0), 2),
        (SlackError("chat.postMessage", "token_revoked"), 1),
    ],
    ids=lambda value: value.code if isinstance(value, SlackError) else "",
)
@pytest.mark.usefixtures("unpaced", "no_pauses")
async def test_what_slack_is_not_ready_for_in_the_simplest_words_is_sent_later(
    telling: Telling, caplog: pytest.LogCaptureFixture, then: SlackError, tries: int
) -> None:
    """Only a try that was no fault of the workspace counts, and only an unknown code is a refusal."""
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "invalid_blocks"), then]
    await telling.news(ADA, "one")
    await telling.notifier.run_once()
    assert (telling.told.to(ADA), await telling.notifications.dead_count()) == ([], 0)

    await telling.all_due()
    (held,) = await telling.notifications.claim(1, 1000)
    await telling.notifications.release(held)
    await telling.until_quiet()

    assert (held.tries, held.refusals) == (tries, 0)
    assert await names_told(telling, ADA) == ["one"]
    assert "send_crashed" not in caplog.text


@pytest.mark.parametrize(
    "code",
    [
        "token_revoked",
        *(
            pytest.param(code, marks=pytest.mark.slow)
            for code in (
                "invalid_auth",
                "account_inactive",
                "token_expired",
                "missing_scope",
                "team_access_not_granted",
            )
        ),
    ],
)
@pytest.mark.usefixtures("unpaced")
async def test_while_slack_refuses_our_token_nothing_is_given_up_and_later_all_of_it_is_told(
    telling: Telling, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(workspace_pauses, "MIN_PAUSE", 0.05)
    monkeypatch.setattr(workspace_pauses, "MAX_PAUSE", 0.1)
    people = [Person(None, "T0000001", f"U00000P{number:02}") for number in range(15)]
    for person in people:
        await telling.news(person, person.user_id)
    telling.told.refuses["T0000001"] = code

    async with asyncio.timeout(PATIENCE):
        while len(telling.told.tried) < 30:  # far more often than a notification is tried
            await telling.notifier.run_once()
            await telling.all_due()
    assert await telling.notifications.dead_count() == 0
    telling.told.refuses.clear()
    for person in people:
        await until_told(telling, person, 1)

    assert [len(telling.told.to(person)) for person in people] == [1] * 15
    async with telling.db.reading() as connection:
        assert (await connection.scalar(select(func.max(table.c.tries)))) == 1


@pytest.mark.usefixtures("unpaced")
async def test_a_workspace_that_refuses_us_or_limits_us_does_not_hold_up_another(telling: Telling) -> None:
    away, limited = Person(None, "T0000002", "U0000ADA"), Person(None, "T0000003", "U0000ADA")
    telling.told.refuses["T0000002"] = "token_revoked"
    telling.told.fails[limited] = [SlackError("chat.postMessage", "ratelimited", retry_after=30.0)]
    for number, person in enumerate((away, limited, ADA, away, limited, BEN)):
        await telling.news(person, str(number))

    await telling.until_quiet()
    await telling.news(CAL, "while they are paused")
    await telling.until_quiet()

    assert [len(telling.told.to(person)) for person in (ADA, BEN, CAL)] == [1, 1, 1]
    assert [person.team_id for person, _ in telling.told.tried].count("T0000002") == 1
    assert [person.team_id for person, _ in telling.told.tried].count("T0000003") == 1


@pytest.mark.usefixtures("unpaced")
async def test_a_workspace_that_is_limited_for_ten_minutes_delays_no_other_and_is_told_afterwards(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Moved()
    monkeypatch.setattr(workspace_pauses, "time", moved)
    limited = [Person(None, "T0000002", f"U00000P{number:02}") for number in range(2 * notifier.CONCURRENCY)]
    for person in limited:  # more than are sent at once, and all of them before anybody else's
        telling.told.fails[person] = [SlackError("chat.postMessage", "ratelimited", retry_after=300.0)] * 100
        await telling.news(person, f"of {person.user_id}")

    for minute in range(10):
        somebody = Person(None, "T0000001", f"U00000Q{minute:02}")
        await telling.news(somebody, f"in minute {minute}")
        await telling.all_due()
        await telling.until_quiet()
        assert len(telling.told.to(somebody)) == 1
        moved.by += 60.0
    assert [telling.told.to(person) for person in limited] == [[]] * len(limited)
    assert len(telling.told.tried) <= 10 + 2 * notifier.MAX_CLAIM  # two pauses of five minutes

    telling.told.fails.clear()
    await telling.all_due()
    await telling.until_quiet()
    assert [len(telling.told.to(person)) for person in limited] == [1] * len(limited)


@pytest.mark.usefixtures("unpaced")
async def test_a_workspace_that_refuses_us_is_probed_with_one_message_at_a_time(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace_pauses, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(workspace_pauses, "MAX_PAUSE", 0.0)
    telling.told.refuses["T0000001"] = "token_revoked"
    for number in range(5):
        person = Person(None, "T0000001", f"U00000P{number:02}")
        await telling.news(person, str(number))
    await telling.notifier.run_once()
    before = len(telling.told.tried)

    await telling.all_due()
    await telling.notifier.run_once()

    assert len(telling.told.tried) == before + 1


@pytest.mark.usefixtures("unpaced")
async def test_a_message_that_crashes_the_notifier_is_given_up_in_the_end(telling: Telling) -> None:
    telling.told.fails[ADA] = [ValueError("poison") for _ in range(5)]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")

    await until_told(telling, ADA, 1)

    assert await names_told(telling, ADA) == ["two"]
    assert await codes_of_dead_letters(telling) == ["ValueError"]


@pytest.mark.usefixtures("unpaced")
async def test_a_message_that_slack_is_never_ready_for_holds_the_others_back_only_for_minutes(
    telling: Telling,
) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "internal_error") for _ in range(8)]
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")
    for _ in range(8):
        await telling.all_due()
        await telling.notifier.run_once()
    assert telling.told.to(ADA) == []

    await telling.until_quiet()

    assert await names_told(telling, ADA) == ["two"]
    await until_told(telling, ADA, 2)
    assert await names_told(telling, ADA) == ["two", "one"]


@pytest.mark.usefixtures("unpaced")
async def test_a_card_that_slack_limits_is_changed_later_and_nobody_is_told_twice(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    telling.told.update_fails = "internal_error"
    await telling.news(ADA, "one")
    await telling.news(ADA, "two")
    await telling.until_quiet()
    assert await names_told(telling, ADA) == ["one", "two"]

    telling.told.update_fails = ""
    await telling.all_due()
    await telling.until_quiet()

    assert await names_told(telling, ADA) == ["one", "two"]
    assert len(telling.told.updates) == 2
    assert await telling.notifications.waiting_count() == 0
    assert "send_crashed" not in caplog.text


# --- many at once


async def found_by_watching(telling: Telling, person: Person, count: int) -> list[Tracked]:
    """Secrets that existed when the person switched `watch on`: they get no card."""
    await telling.tracking.watch_everything(person, HOST, on=True)
    (watch,) = await telling.polls.claim(1, 30)
    new = [
        NewTracked(MetadataKey(f"key{number:03}-{person.user_id}-0123456789"), MADE, None) for number in range(count)
    ]
    await telling.polls.record_poll(watch, [], next_poll_in=0, new=new)
    return await telling.tracking.list_of(person)


async def look(telling: Telling, secrets: Sequence[Tracked], kind: FinalState) -> None:
    (watch,) = await telling.polls.claim(1, 30)
    changes = [Change(secret.id, kind, notification=kind) for secret in secrets]
    await telling.polls.record_poll(watch, changes, next_poll_in=0)


@pytest.mark.usefixtures("unpaced")
async def test_what_the_watcher_found_by_itself_is_told_in_one_digest_by_name(telling: Telling) -> None:
    secrets = await found_by_watching(telling, ADA, 39)
    await look(telling, secrets, "expired")

    await telling.until_quiet()

    (message,) = telling.told.messages
    shown = str(message.parts)
    assert all(secret.key.short_id in shown for secret in secrets)
    assert summary_of(message).count("Expired unopened") == 39
    assert await telling.notifications.waiting_count() == 0


@pytest.mark.usefixtures("unpaced")
async def test_more_than_one_message_has_room_for_are_told_in_two(telling: Telling) -> None:
    await look(telling, await found_by_watching(telling, ADA, 50), "expired")

    await telling.until_quiet()

    assert [summary_of(message).count("Expired unopened") for message in telling.told.messages] == [46, 4]
    assert all(len(blocks.message(message, Language.EN)["blocks"]) <= 50 for message in telling.told.messages)


@pytest.mark.usefixtures("unpaced")
async def test_two_that_were_found_share_a_message_and_one_comes_alone(telling: Telling) -> None:
    one, two, three = await found_by_watching(telling, ADA, 3)
    await look(telling, [one, two], "received")
    await telling.until_quiet()

    await look(telling, [three], "burned")
    await telling.until_quiet()

    first, second = telling.told.to(ADA)
    assert first.startswith("News of 2 of your secrets")
    assert second.endswith("Burned before anybody opened it.")


@pytest.mark.usefixtures("unpaced")
async def test_what_would_be_a_flood_is_gathered_in_order(telling: Telling) -> None:
    for label in ("one", "two", "three", "four", "five"):
        await telling.news(ADA, label)

    await telling.until_quiet()

    (message,) = telling.told.messages
    _, *lines = summary_of(message).split("\n")
    assert [line.split("”")[0] for line in lines] == ["“one", "“two", "“three", "“four", "“five"]


@pytest.mark.usefixtures("unpaced")
async def test_after_three_in_a_minute_the_next_ones_wait_and_come_together(telling: Telling) -> None:
    for label in ("one", "two", "three"):
        await telling.news(ADA, label)
        await telling.until_quiet()
    for label in ("four", "five"):
        await telling.news(ADA, label)
    await telling.news(BEN, "his")
    await telling.until_quiet()
    assert (len(telling.told.to(ADA)), len(telling.told.to(BEN))) == (3, 1)

    async with telling.db.writing() as connection:
        await connection.execute(update(table).values(posted_at=table.c.posted_at - 60))
    await telling.all_due()
    await telling.until_quiet()

    assert telling.told.to(ADA)[-1].split("\n")[0] == "News of 2 of your secrets:"
    assert len(telling.told.to(ADA)) == 4


@pytest.mark.usefixtures("unpaced")
async def test_messages_that_were_sent_directly_count_for_the_flood_too(telling: Telling) -> None:
    slots = MessageSlots(telling.db)
    for number in range(FLOOD - 1):
        assert await slots.take(ADA, f"direct{number}")
    await telling.news(ADA, "one")
    await telling.until_quiet()
    assert len(telling.told.to(ADA)) == 1

    assert not await slots.take(ADA, "another")
    assert await slots.take(ADA, "direct0")  # the same message again
    await telling.news(ADA, "two")
    await telling.until_quiet()
    assert len(telling.told.to(ADA)) == 1

    async with telling.db.writing() as connection:
        await connection.execute(update(limit_uses).values(at=limit_uses.c.at - FLOOD_TIME))
    await telling.all_due()
    await telling.until_quiet()
    assert len(telling.told.to(ADA)) == 2


@pytest.mark.usefixtures("unpaced")
async def test_a_digest_that_may_have_arrived_is_sent_again_as_it_was(telling: Telling) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "connection")]
    for label in ("one", "two", "three", "four"):
        await telling.news(ADA, label)
    await telling.until_quiet()
    await telling.news(ADA, "five")

    await until_told(telling, ADA, 2)

    (_, first), (_, again), (_, alone) = telling.told.tried
    assert first == again != alone
    assert telling.told.to(ADA)[0].startswith("News of 4 of your secrets")


@pytest.mark.parametrize(
    "error", [SlackError("chat.postMessage", "msg_blocks_too_long"), ValueError("poison")], ids=["refused", "crashed"]
)
@pytest.mark.usefixtures("unpaced")
async def test_a_digest_that_fails_is_sent_one_by_one(telling: Telling, error: Exception) -> None:
    telling.told.fails[ADA] = [error]
    for label in ("one", "two", "three", "four"):
        await telling.news(ADA, label)

    await telling.until_quiet()

    assert await names_told(telling, ADA) == ["one", "two", "three", "four"]
    assert await telling.notifications.dead_count() == 0


@pytest.mark.usefixtures("unpaced")
async def test_a_digest_of_two_that_slack_does_not_take_is_sent_one_by_one(telling: Telling) -> None:
    telling.told.fails[ADA] = [SlackError("chat.postMessage", "msg_blocks_too_long")]
    await look(telling, await found_by_watching(telling, ADA, 2), "expired")

    await telling.until_quiet()

    assert len(telling.told.to(ADA)) == 2
    assert all(message.parts and "Expired unopened" in summary_of(message) for message in telling.told.messages)


@pytest.mark.slow
@pytest.mark.usefixtures("unpaced")
async def test_five_thousand_that_waited_for_slack_are_each_told_once(telling: Telling) -> None:
    people = [Person(None, "T0000001", f"U00000P{number:02}") for number in range(50)]
    names: dict[Person, list[str]] = {}
    for person in people:
        secrets = await found_by_watching(telling, person, 100)
        await look(telling, secrets, "expired")
        names[person] = [secret.key.short_id for secret in secrets]
    telling.told.refuses["T0000001"] = "http_502"
    for _ in range(2 * len(people) // notifier.MAX_CLAIM):
        await telling.notifier.run_once()
        await telling.all_due()
    assert (telling.told.said, await telling.notifications.dead_count()) == ([], 0)

    telling.told.refuses.clear()
    await telling.until_quiet()

    for person in people:
        said = "\n".join(telling.told.to(person))
        assert [name for name in names[person] if said.count(name) != 1] == []
        assert len(telling.told.to(person)) <= 3
    assert await telling.notifications.waiting_count() == 0


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
