"""Recovery against a real database, with a Slack that is told to fail: bounded tries, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, true, update

from bot.clock import now
from bot.errors import HostNotAllowed, SlackError, StorageUnavailable
from bot.features import Registry
from bot.features.burn import burn
from bot.features.retrieve.opening import open_at_once
from bot.interaction import bounded_calls
from bot.interaction.bounded_calls import MAX_REFUSALS
from bot.interaction.feature import Interaction, Kind, Outcome
from bot.language import Language
from bot.message_ref import ChannelRef, MessageRef
from bot.onetime.client import Onetime
from bot.person import Person
from bot.recovery import Recovery
from bot.screen.parts import Message, Modal
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing import deliver
from bot.sharing.form_state import FormState, store_form_state
from bot.sharing.notify import redraw
from bot.sharing.request_messages import update_messages
from bot.sharing.resume import resume
from bot.slack import blocks
from bot.status.last_change import end_tracked_reminders
from bot.storage import dead_letters
from bot.storage.acts import Act, ActWindow
from bot.storage.button_contexts import METADATA, ButtonContext
from bot.storage.engine.database import Database, migrate
from bot.storage.message_slots import FLOOD, FLOOD_TIME
from bot.storage.notifications import Notification
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.recovery import LATE
from bot.storage.shares.rows import Delivery, NewShare, Recipient, Share
from bot.storage.tables import (
    acts,
    deliveries,
    following_messages,
    limit_uses,
    message_failures,
    new_id,
    requests,
    reveals,
    shares,
)
from bot.watch.prepare import prepare
from tests.support.services import make_services

HOST = "https://eu.onetimesecret.com"
AGO = 1000.0  # seconds: longer than any recovery waits, and shorter than anything lives
ADA, BEN = (Person(None, "T0000001", f"U0000{name}") for name in ("ADA", "BEN"))


class Slack:
    """What was said and changed. `refuses` has, for each way, the error that every call ends with."""

    def __init__(self) -> None:
        self.refuses: dict[str, SlackError] = {}
        self.calls: Counter[str] = Counter()
        self.said: list[str] = []  # idempotency keys
        self.texts: list[str] = []  # of the messages
        self.changed: list[tuple[str, str]] = []  # the ts of a message, and what it shows now

    async def send(self, to: Person | ChannelRef, message: Message, idempotency_key: str) -> MessageRef:
        self._call("send")
        self.said.append(idempotency_key)
        self.texts.append(str(blocks.message(message, Language.EN)["text"]))
        return MessageRef(to.team_id, "D0000001", f"{len(self.said)}.0")

    async def update(self, posted: MessageRef, message: Message, _reader: Person) -> None:
        self._call("update")
        self.changed.append((posted.ts, json.dumps(blocks.message(message, Language.EN))))

    async def delete(self, posted: MessageRef) -> None:
        self._call("delete")
        self.changed.append((posted.ts, "deleted"))

    async def update_window(self, _team_id: str | None, _view_id: str, _modal: Modal, _reader: Person) -> None:
        self._call("window")

    def _call(self, way: str) -> None:
        self.calls[way] += 1
        if way in self.refuses:
            raise self.refuses[way]


class House:
    """The services over one database, and recovery."""

    def __init__(self, url: str) -> None:
        sealer = Sealer(KeyRing.read(generate_line("k1")))
        self.url, self.db, self.slack = url, Database.open(url), Slack()
        self.services = make_services(
            self.db, sealer, send=self.slack.send, update=self.slack.update, delete=self.slack.delete,
            update_window=self.slack.update_window,
        )  # fmt: skip
        registry = Registry()
        self._recovery = Recovery(registry.recoveries, self.services, registry.resumes)

    async def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            await self._recovery.run_once()

    async def change(self, table: Any, id: str | None = None, **values: Any) -> None:  # noqa: A002 - a row's id
        async with self.db.writing() as connection:
            which = true() if id is None else table.c.id == id
            await connection.execute(update(table).where(which).values(**values))

    async def of(self, column: Any) -> list[Any]:
        async with self.db.reading() as connection:
            return list((await connection.execute(select(column))).scalars())

    def interaction(self, person: Person) -> Interaction:
        async def nothing(_screen: Any) -> Any:
            return None

        return Interaction(person=person, services=self.services, show=nothing, tell=nothing, is_member=nothing)

    # --- what recovery finds

    async def an_act(self, name: str = "burn") -> None:
        """A command that got no answer."""
        number = len(await self.of(acts.c.key))
        await self.services.acts.begin(Act(f"key{number}", ADA, None, Kind.COMMAND, name, None, None))
        self.services.acts.leave(f"key{number}")
        await self.change(acts, started_at=acts.c.started_at - AGO)

    async def a_window(self) -> None:
        """A form whose window shows a placeholder."""
        await self.services.acts.begin(Act("form", ADA, ADA.team_id, Kind.FORM, "burn", None, "V1"))
        await self.services.acts.mark_window("form", "placeholder")
        self.services.acts.leave("form")
        await self.change(acts, started_at=acts.c.started_at - AGO)

    async def a_request(self) -> None:
        """A request whose message was not sent."""
        await self.services.requests.begin(ADA, BEN, Secret("for the bank"))
        await self.change(requests, created_at=requests.c.created_at - AGO)

    async def an_expired_request(self) -> None:
        request = await self.services.requests.begin(ADA, BEN, None)
        await self.services.requests.mark_asked(request.id, MessageRef("T0000001", "D0000002", "9.1"))
        await self.services.requests.set_card(request.id, MessageRef("T0000001", "D0000001", "9.2"))
        await self.change(requests, request.id, expires_at=requests.c.created_at - AGO)

    async def a_lost_secret(self) -> None:
        """A secret whose opening was interrupted after the request was sent to the host."""
        await self.services.reveals.begin(ADA, ref := new_id(), HOST, SecretKey("a-secret-key-0123456789"))
        await self.services.reveals.reserve(ref)
        await self.services.reveals.claim(ref)
        await self.change(reveals, claimed_at=reveals.c.claimed_at - AGO)

    async def a_share_without_card(self) -> None:
        new = NewShare("once", HOST, None, quiet=False, note=None, label=None)
        _, (delivery,), _ = await self.services.shares.begin(ADA, new, [Recipient(BEN)])
        await self.services.deliveries.mark_failed(delivery.id, "refused")
        await self.change(shares, created_at=shares.c.created_at - AGO)

    async def a_delivery_with_a_passphrase(self) -> str:
        """Its id. Its message was sent, and the passphrase has to follow."""
        new = NewShare("once", HOST, None, quiet=False, note=None, label=None, passphrase_to="recipient")
        _, (delivery,), _ = await self.services.shares.begin(ADA, new, [Recipient(BEN)])
        await self.services.deliveries.begin_request(delivery.id)
        await self.services.deliveries.mark_made(
            delivery, secret_key=SecretKey("secret"), metadata_key=MetadataKey("meta"), passphrase=Secret("canary"),
            passphrase_required=True, expires_at=None,
        )  # fmt: skip
        await self.services.deliveries.mark_sent(delivery.id, MessageRef("T0000001", "D0000002", "9.7"))
        return delivery.id

    async def found(self, ref: str) -> tuple[Share, Delivery]:
        found = await self.services.shares.find_delivery(ref)
        assert found is not None
        return found

    async def an_unsent_delivery(self, key: str = "once") -> None:
        new = NewShare(key, HOST, None, quiet=False, note=None, label=None)
        share, (delivery,), _ = await self.services.shares.begin(ADA, new, [Recipient(BEN)])
        await self.services.shares.set_card(share.id, MessageRef("T0000001", "D0000001", "9.3"))
        await self.services.deliveries.begin_request(delivery.id)
        await self.services.deliveries.mark_made(
            delivery, secret_key=SecretKey("secret"), metadata_key=MetadataKey("meta"), passphrase=None,
            passphrase_required=None, expires_at=None,
        )  # fmt: skip
        await self.change(deliveries, changed_at=deliveries.c.changed_at - AGO)


class FullDisk:
    def writing(self) -> Any:
        raise StorageUnavailable

    async def fail(self, *_args: Any) -> Any:
        raise StorageUnavailable


class Burning:
    """A host that burns everything."""

    async def burn(self, *_args: Any) -> None:
        pass


FOUND: dict[str, Callable[[House], Awaitable[None]]] = {
    "act": House.an_act,
    "window": House.a_window,
    "request": House.a_request,
    "expired request": House.an_expired_request,
    "lost secret": House.a_lost_secret,
    "share without a card": House.a_share_without_card,
}
each_find = pytest.mark.parametrize(
    "find",
    [
        pytest.param(find, id=name, marks=[pytest.mark.slow] * (name not in ("act", "request")))
        for name, find in FOUND.items()
    ],
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    url = f"sqlite:///{tmp_path}/bot.db"
    await asyncio.to_thread(migrate, url)
    made = House(url)
    yield made
    await made.db.close()


def refuse(house: House, code: str, **more: Any) -> None:
    house.slack.refuses = {way: SlackError("chat.postMessage", code, **more) for way in ("send", "update", "window")}


def warnings(caplog: pytest.LogCaptureFixture, event: str) -> int:
    return sum(line.levelname == "WARNING" and line.getMessage() == event for line in caplog.records)


@each_find
async def test_a_code_that_nobody_knows_is_tried_a_few_times_and_then_given_up(
    house: House, caplog: pytest.LogCaptureFixture, find: Callable[[House], Awaitable[None]]
) -> None:
    await find(house)
    refuse(house, "a_code_of_next_year")

    await house.rounds(4 * MAX_REFUSALS)
    calls = house.slack.calls.total()
    await house.rounds(2)

    assert house.slack.calls.total() == calls
    assert max(await house.of(message_failures.c.refusals)) == MAX_REFUSALS
    dead = await house.services.message_failures.dead_count()
    assert warnings(caplog, "message_dead_lettered") == dead > 0
    assert f"{dead} could not be sent." in await dead_letters.list_dead(house.url)


@pytest.mark.parametrize("code", ["token_revoked", "missing_scope", "ratelimited"])
async def test_what_stops_a_round_costs_one_call_a_round_and_loses_nothing(house: House, code: str) -> None:
    for find in (*FOUND.values(), House.an_act, House.an_act):
        await find(house)
    refuse(house, code, retry_after=30.0 if code == "ratelimited" else None)

    await house.rounds(2 * MAX_REFUSALS)
    assert house.slack.said == []
    most = 3 if code == "ratelimited" else 1  # each method has a rate of its own
    assert house.slack.calls.total() <= most * 2 * MAX_REFUSALS
    assert await house.of(message_failures.c.tries) == []
    house.slack.refuses.clear()
    await house.rounds()

    told = {key.partition(":")[0] if key.startswith("act") else key.rpartition(":")[2] for key in house.slack.said}
    assert {"act", "question", "expired", "stranded"} <= told
    assert house.slack.calls["window"] >= 1
    assert sum(key.startswith("act:") for key in house.slack.said) == 3
    assert sum(key.startswith("share:") for key in house.slack.said) == 1


@each_find
async def test_what_slack_is_not_ready_for_is_said_later_or_given_up_after_a_day(
    house: House, monkeypatch: pytest.MonkeyPatch, find: Callable[[House], Awaitable[None]]
) -> None:
    monkeypatch.setattr(bounded_calls, "MAX_TRIES", MAX_REFUSALS + 1)
    await find(house)
    refuse(house, "internal_error")

    await house.rounds(MAX_REFUSALS)
    assert await house.services.message_failures.dead_count() == 0
    await house.rounds(2 * MAX_REFUSALS)

    assert await house.services.message_failures.dead_count() > 0
    calls = house.slack.calls.total()
    await house.rounds(2)
    assert house.slack.calls.total() == calls


async def test_a_delivery_that_slack_refuses_again_and_again_is_undeliverable_and_its_sender_reads_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "TRIES", 1)  # in one round
    await house.an_unsent_delivery()
    house.slack.refuses = {"send": SlackError("chat.postMessage", "a_code_of_next_year")}

    for _ in range(MAX_REFUSALS + 1):
        await house.change(deliveries, changed_at=deliveries.c.created_at - AGO)
        await house.rounds()

    assert await house.of(deliveries.c.state) == ["undeliverable"]
    assert any(ts == "9.3" for ts, _ in house.slack.changed)


async def test_what_was_given_up_is_tried_again_if_an_operator_says_so(house: House) -> None:
    await house.a_request()
    house.slack.refuses = {"send": SlackError("chat.postMessage", "a_code_of_next_year")}
    await house.change(
        requests, message_channel="D0000002", message_ts="9.9", state="asked"
    )  # only the card is missing
    await house.rounds(MAX_REFUSALS + 1)
    (key,) = await house.of(message_failures.c.key)
    house.slack.refuses.clear()
    await house.rounds()
    assert house.slack.said == []

    assert await dead_letters.resend(house.url, [key]) == ("1 will be sent again.", 0)
    await house.rounds()

    assert house.slack.said == [key]


async def test_many_that_expired_without_a_word_are_told_a_few_in_a_minute_each_once(house: House) -> None:
    for number in range(FLOOD + 2):
        await house.an_unsent_delivery(f"once{number}")
    await house.change(deliveries, state="sent", expires_at=deliveries.c.created_at - 2 * LATE)

    await house.rounds()
    assert sum(key.endswith(":expired") for key in house.slack.said) == FLOOD
    await house.change(limit_uses, at=limit_uses.c.at - FLOOD_TIME)
    await house.rounds(2)

    told = [key for key in house.slack.said if key.endswith(":expired")]
    assert len(told) == len(set(told)) == FLOOD + 2


# --- messages that show an older state


async def test_an_update_of_a_request_that_slack_refused_once_is_made_later(house: House) -> None:
    for code in ("internal_error", "ratelimited", "token_revoked", "a_code_of_next_year"):
        await house.an_expired_request()
        await house.change(requests, expires_at=requests.c.created_at + AGO)
        (ref, *_) = await house.of(requests.c.id)
        house.slack.refuses = {"update": SlackError("chat.update", code)}
        ended = await house.services.requests.end(ref, "withdrawn")
        assert ended is not None
        await update_messages(house.services, ended)
        house.slack.changed.clear()

        await house.rounds()
        assert house.slack.changed == []
        house.slack.refuses.clear()
        await house.rounds()

        assert [ts for ts, _ in house.slack.changed] == ["9.1", "9.2"]
        assert all("ithdr" in shown for _, shown in house.slack.changed)
        house.slack.changed.clear()
        await house.rounds()
        assert house.slack.changed == []
        async with house.db.writing() as connection:
            await connection.execute(requests.delete())


async def test_an_update_that_can_never_be_made_is_not_tried_again(house: House) -> None:
    await house.an_expired_request()
    house.slack.refuses = {"update": SlackError("chat.update", "message_not_found")}
    await house.rounds()
    calls = house.slack.calls["update"]

    await house.rounds(3)

    assert house.slack.calls["update"] == calls
    assert await house.services.message_failures.dead_count() == 0


async def test_an_update_of_what_was_shared_that_slack_refused_once_is_made_later(house: House) -> None:
    await house.an_unsent_delivery()
    await house.rounds()
    (ref,) = await house.of(deliveries.c.id)
    await house.services.deliveries.close(ref, "burned")
    house.slack.refuses = {"update": SlackError("chat.update", "internal_error")}
    await redraw(house.services, await house.services.shares.own_delivery(ADA, ref))
    house.slack.refuses.clear()
    house.slack.changed.clear()

    await house.rounds()

    assert {ts for ts, _ in house.slack.changed} == {"1.0", "9.3"}
    assert await house.services.outdated_messages.all("delivery") == []


@pytest.mark.parametrize("code", ["a_code_of_next_year", "internal_error"])
async def test_a_passphrase_of_what_is_over_that_slack_never_changes_is_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(bounded_calls, "MAX_TRIES", MAX_REFUSALS)
    await house.services.following_messages.add("passphrase", "gone", MessageRef("T0000001", "D0000002", "9.5"), BEN)
    house.slack.refuses = {"update": SlackError("chat.update", code)}

    await house.rounds(MAX_REFUSALS - 1)
    assert house.slack.changed == []
    await house.rounds(1)

    assert house.slack.changed == [("9.5", "deleted")]
    assert await house.of(following_messages.c.id) == []


@pytest.mark.parametrize("code", ["a_code_of_next_year", "internal_error"])
async def test_a_passphrase_that_slack_neither_changes_nor_deletes_is_given_up_after_as_many_tries_of_each(
    house: House, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(bounded_calls, "MAX_TRIES", MAX_REFUSALS)
    await house.services.following_messages.add("passphrase", "gone", MessageRef("T0000001", "D0000002", "9.5"), BEN)
    house.slack.refuses = {way: SlackError(f"chat.{way}", code) for way in ("update", "delete")}

    await house.rounds(3 * MAX_REFUSALS)

    assert house.slack.calls == {"update": MAX_REFUSALS, "delete": MAX_REFUSALS}
    assert await house.of(following_messages.c.id) == []


@pytest.mark.parametrize(
    "refusal", [SlackError("chat.update", "a_code_of_next_year"), SlackError("chat.update", "fatal_error")]
)
async def test_a_reminder_that_slack_refused_to_change_once_is_changed_later(house: House, refusal: SlackError) -> None:
    await house.services.following_messages.add("reminder", "gone", MessageRef("T0000001", "D0000002", "9.6"), BEN)
    house.slack.refuses = {"update": refusal}
    await house.rounds()
    house.slack.refuses.clear()

    await house.rounds()

    assert [ts for ts, _ in house.slack.changed] == ["9.6"]


@pytest.mark.parametrize(
    ("window", "said"),
    [(None, "What you typed is still here."), ("placeholder", "Please type it again.")],
    ids=["the form", "a placeholder"],
)
async def test_an_interrupted_share_says_that_what_was_typed_is_there_only_where_the_form_was(
    house: House, window: ActWindow | None, said: str
) -> None:
    ref = await store_form_state(house.services, ADA, FormState())

    shown = await resume(house.services, Act("form", ADA, ADA.team_id, Kind.FORM, "share", ref, "V1", window))

    assert shown.window is not None
    assert shown.message is not None
    drawn = json.dumps(blocks.modal(shown.window, Language.EN), ensure_ascii=False)
    assert said in drawn
    assert ("typed is still here" in drawn) == (window is None)
    assert "Please try again." in json.dumps(blocks.message(shown.message, Language.EN))


async def test_a_reminder_of_what_is_not_tracked_any_more_says_so(house: House) -> None:
    message = MessageRef("T0000001", "D0000001", "9.8")
    await house.services.following_messages.add("tracked_reminder", "gone", message, ADA)

    await end_tracked_reminders(house.services)

    ((ts, shown),) = house.slack.changed
    assert ts == "9.8"
    assert "a reminder of a one-time secret that you do not track any more" in shown


async def test_a_passphrase_whose_message_the_database_did_not_take_is_not_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await house.a_delivery_with_a_passphrase()
    share, delivery = await house.found(ref)
    with monkeypatch.context() as without_disk:
        without_disk.setattr(house.services.following_messages, "_db", FullDisk())
        with pytest.raises(StorageUnavailable):
            await deliver.send_passphrase(house.services, share, delivery)

    await deliver.send_passphrase(house.services, share, delivery)

    assert house.slack.said == [f"passphrase:{ref}"]
    assert await house.of(following_messages.c.ts) == ["1.0"]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("burn", "/ots burn got no answer."),
        ("link", "What you pressed or sent"),
        ("unknown", "What you pressed or sent"),
    ],
)
async def test_what_got_no_answer_is_called_as_it_was_typed(house: House, name: str, begins: str) -> None:
    await house.an_act(name)

    await house.rounds()

    (text,) = house.slack.texts
    assert text.startswith(begins)


async def test_a_delivery_on_a_server_that_was_removed_stays_free_for_others(house: House) -> None:
    ref = await house.a_delivery_with_a_passphrase()
    _, delivery = await house.found(ref)
    removed = replace(delivery, host="https://removed.example.com")

    with pytest.raises(HostNotAllowed):
        await open_at_once(replace(house.interaction(BEN), message=delivery.message), removed)

    assert await house.of(deliveries.c.state) == ["sent"]
    assert await house.of(reveals.c.id) == []


async def test_what_is_said_beside_a_button_has_it_in_its_summary_too(house: House) -> None:
    ref = await house.a_delivery_with_a_passphrase()
    _, delivery = await house.found(ref)
    taken = replace(delivery, state="opened", opener=ADA, opened_at=now())

    reply = await open_at_once(replace(house.interaction(BEN), message=delivery.message), taken)

    text = blocks.message(cast("Message", reply.screen), Language.EN)["text"]
    assert f"<@{ADA.user_id}> opened it" in text


async def test_a_reminder_that_was_posted_is_marked_although_the_database_did_not_take_its_place(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked, _ = await house.services.tracking.track(ADA, HOST, MetadataKey("key"), made_at=now(), expires_at=None)
    reminder = Notification("n", ADA, "reminder", "once", 1, tracked, HOST, "lease", created_at=0.0)
    prepared = await prepare(house.services, reminder)
    monkeypatch.setattr(house.services.following_messages, "_db", FullDisk())

    assert prepared.keep is not None
    await prepared.keep(MessageRef("T0000001", "D0000001", "9.9"))  # an error would have it sent again


async def test_a_burn_is_told_even_if_the_database_is_away_afterwards(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = replace(house.services, onetime=cast("Onetime", Burning()))
    context = ButtonContext("c" * 22, ADA, METADATA, HOST, MetadataKey("m" * 62), None, {}, now())
    monkeypatch.setattr(services.tracking, "settle", FullDisk().fail)
    monkeypatch.setattr(services.tracking, "find_keys", FullDisk().fail)

    reply = await burn(replace(house.interaction(ADA), services=services), context)

    assert reply.outcome is Outcome.DONE
    assert "Burned" in json.dumps(blocks.message(cast("Message", reply.screen), Language.EN))


async def test_a_card_of_a_tracked_secret_that_slack_refused_once_is_changed_later(house: House) -> None:
    tracking = house.services.tracking
    tracked, _ = await tracking.track(ADA, HOST, MetadataKey("key"), made_at=now(), expires_at=None)
    await tracking.set_card(tracked.id, MessageRef("T0000001", "D0000001", "9.4"))
    await house.services.outdated_messages.add("tracked", tracked.id, ADA)

    await house.rounds()

    assert [ts for ts, _ in house.slack.changed] == ["9.4"]
    assert await house.services.outdated_messages.all("tracked") == []
