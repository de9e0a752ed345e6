"""What is around the bot in the model: Onetime Secret, Slack, two people, and what they may be told.

Slack is two functions that keep what they are given. Each message is compared at once with what is true on the
emulated Onetime Secret; what should not have been said stands in `problems`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from bot.errors import SlackError
from bot.features import Registry
from bot.interaction.feature import NO_INPUTS, Inputs, Interaction, Kind
from bot.interaction.parsed_text import parse_markup
from bot.message_ref import MessageRef
from bot.person import Person
from bot.sandbox.onetime import OnetimeServer, SecretSnapshot
from bot.screen.parts import Facts, Message, Screen
from bot.screen.pieces import Phrase
from bot.secret import Secret
from bot.status.words import TRACKED_WORDS
from bot.storage.tracking.rows import Tracked
from bot.storage.tracking.store import Tracking
from tests.faults.model_bot import Process
from tests.faults.model_clock import Clock
from tests.support.english import english, summary_of

ADA, BEN = (Person(None, "T0000001", f"U0000{name}") for name in ("ADA", "BEN"))
PEOPLE = (ADA, BEN)
FINAL = ("received", "burned", "expired", "orphaned", "unknown")
KINDS = {english(words): state for state, words in cast("dict[str, Phrase]", TRACKED_WORDS).items()}
REGISTRY = Registry()


@dataclass(slots=True)
class Track:
    """One person tracks one secret: how often they were told what of it, and what they need not be told."""

    told: Counter[str] = field(default_factory=Counter)
    burned_it: bool = False  # by themselves, through the bot, and saw the answer
    excused: bool = False  # Slack said that they can never be told, or they knew already


class World:
    """Everything but the bot. `honours_ids`: whether Slack takes a second message with the same id for the first."""

    def __init__(self, server: OnetimeServer, clock: Clock, rows: Tracking, *, honours_ids: bool) -> None:
        self.server, self.clock, self.honours_ids = server, clock, honours_ids
        self._rows = rows  # what is stored, seen through a connection that nobody kills
        self.secrets: list[SecretSnapshot] = []
        self.tracks: dict[tuple[Person, str], Track] = {}  # by person and metadata key
        self.tokens = {ADA: "token-of-ada", BEN: "token-of-ben"}
        self.connected: set[Person] = set()
        self.refusals = 0  # how often the host may have said “Not authorized”
        self.lied = False  # the host said of some secret that it does not know it
        self.slack_fails: list[str] = []
        self.gate: asyncio.Event | None = None  # where the next post waits
        self.at_gate = asyncio.Event()
        self.problems: list[str] = []
        self._posts: dict[str, int] = {}  # of each id, how often it may have arrived
        self._may_repeat = Counter[str]()
        self._lately: list[str] = []  # what was posted since the process began what it is doing
        self._cards = 0
        for person, token in self.tokens.items():
            server.add_account(username(person), token)

    # --- secrets

    def share(self, owner: Person | None, ttl: int) -> None:
        self.secrets.append(self.server.share(username(owner) if owner else None, "text", ttl=ttl))

    def truth(self, key: str) -> str:
        """What became of the secret: new, or one of `FINAL`."""
        held = self.server.find_secret(key)
        if self.clock.now >= held.created + 2 * held.ttl:
            return "unknown"  # to whoever asks now
        return "new" if held.state == "viewed" else held.state

    def is_true(self, kind: str, key: str) -> bool:
        held = self.server.find_secret(key)
        if kind == "unknown":
            return self.truth(key) == "unknown" or (self.lied and self.clock.now >= held.created + held.ttl)
        if kind == "expired":  # what is gone before it expired shows only as gone, once its time is over
            return held.state in {"expired", "orphaned"}
        if kind == "orphaned":
            return held.state in {"expired", "orphaned"} and not held.has_plaintext
        return kind in {"new", "reminder"} or held.state == kind

    # --- Slack

    def slack_of(self, process: Process) -> tuple[Any, Any]:
        """`post` and `update` for that process."""

        async def post(person: Person, message: Message, idempotency_key: str | None = None) -> MessageRef:
            process.passes()
            if self.gate is not None:
                gate, self.gate = self.gate, None
                self.at_gate.set()
                await gate.wait()
                self._may_repeat.update(events(person, message, idempotency_key))  # by whoever took its place
            return await self._post(person, message, idempotency_key)

        async def update(_card: MessageRef, message: Message, _reader: Person) -> None:
            process.passes()
            if self.slack_fails[:1] == ["edit window closed"]:
                self.slack_fails.pop()
                raise SlackError("chat.update", "edit_window_closed")

        return post, update

    async def _post(self, person: Person, message: Message, idempotency_key: str | None) -> MessageRef:
        fails = self.slack_fails.pop(0) if self.slack_fails else None
        if fails == "never":
            await self._excuse(person, message, idempotency_key)
            raise SlackError("chat.postMessage", "channel_not_found")
        if fails == "429":
            raise SlackError("chat.postMessage", "ratelimited", retry_after=5.0)
        if fails == "before":
            raise SlackError("chat.postMessage", "fatal_error")
        self._cards += 1
        if idempotency_key is not None and not (self.honours_ids and idempotency_key in self._posts):
            self._posts[idempotency_key] = self._posts.get(idempotency_key, 0) + 1
            self._lately += events(person, message, idempotency_key)
            await self._arrives(person, message, idempotency_key)
        if fails == "after":
            self._may_repeat.update(events(person, message, idempotency_key))
            raise SlackError("chat.postMessage", "connection")
        return MessageRef(person.team_id, "D1", str(self._cards))

    def begins(self) -> None:
        self._lately.clear()

    def nobody_marks(self) -> None:
        """Who posted is dead, or too late: what arrived lately may arrive once more where Slack honours no ids."""
        self._may_repeat.update(self._lately)

    async def _arrives(self, person: Person, message: Message, idempotency_key: str) -> None:
        if "does not accept your API token" in summary_of(message):
            if self.refusals < 3 or person not in self.connected:
                self.problems.append("told to reconnect without a reason")
            return
        if is_digest(idempotency_key):
            for line in digest_lines(message):
                await self._says(person, await self._row(person, line), line)
        elif not any(isinstance(part, Facts) for part in message.parts):  # else it is a card
            await self._says(person, await self._row(person, idempotency_key), summary_of(message))

    async def _says(self, person: Person, row: Tracked | None, said: str) -> None:
        """One event, as one message or as a line of a digest."""
        if row is None:
            self.problems.append(f"told of what is not tracked: {said}")
            return
        kind = says(said)
        if kind == "new":
            return  # a card in a digest
        key = row.key.reveal()
        track = self.tracks.get((person, key))
        if track is None:
            self.problems.append(f"told of what was given up: {kind}")
            return
        track.told[kind] += 1
        repeats = self._may_repeat[event_name(person, said)]
        if track.told[kind] > 1 + repeats:
            self.problems.append(f"told {track.told[kind]} times: {kind}")
        if not self.is_true(kind, key):
            self.problems.append(f"told {kind}, but it is {self.truth(key)}")
        if kind == "reminder" and row.is_over:
            self.problems.append("reminded of what is over")
        if track.burned_it and kind != "reminder":
            self.problems.append(f"told {kind} of one's own burn")

    async def _excuse(self, person: Person, message: Message, idempotency_key: str | None) -> None:
        key = idempotency_key or ""
        for name in digest_lines(message) if is_digest(key) else [key]:
            row = await self._row(person, name)
            track = self.tracks.get((person, row.key.reveal())) if row else None
            if track is not None:
                track.excused = True

    async def _row(self, person: Person, name: str) -> Tracked | None:
        """The row whose id, label or short id is part of `name`."""
        for row in await self._rows.list_of(person):
            if row.id in name or (f"“{row.label}”" if row.label else row.key.short_id) in name:
                return row
        return None

    # --- people

    async def tracked_by(self, person: Person) -> dict[str, Tracked]:
        """By metadata key."""
        return {row.key.reveal(): row for row in await self._rows.list_of(person)}

    def call(self, process: Process, person: Person, text: str = "", inputs: Inputs = NO_INPUTS) -> Interaction:
        post, _ = self.slack_of(process)

        async def show(_screen: Screen) -> None:
            process.passes()

        async def is_member(_person: Person) -> bool:
            return True

        async def tell(message: Message) -> MessageRef:
            posted: MessageRef = await post(person, message)
            return posted

        return Interaction(
            person=person,
            services=process.services,
            show=show,
            tell=tell,
            is_member=is_member,
            text=parse_markup(text),
            inputs=inputs,
        )

    async def command(self, process: Process, person: Person, verb: str, text: str) -> Screen | None:
        """`/ots VERB text`."""
        found, rest = REGISTRY.read(f"{verb} {text}")
        assert found is not None
        handler = found.handler
        assert handler is not None
        return (await handler.run(self.call(process, person, rest), None)).screen

    async def press(self, process: Process, person: Person, action: str, ref: str) -> Screen | None:
        handler = REGISTRY.handlers[Kind.ACTION, action]
        row = await handler.owns(process.services, person, ref)
        return (await handler.run(self.call(process, person), row)).screen

    async def connect(self, process: Process, person: Person) -> None:
        host = process.services.hosts.default.name
        typed = {"username": Secret(username(person)), "token": Secret(self.tokens[person])}
        await REGISTRY.handlers[Kind.FORM, "connect"].run(
            self.call(process, person, inputs=Inputs(selects={"host": host}, text_inputs=typed)), None
        )

    def private_link(self, held: SecretSnapshot) -> str:
        return f"{self.server.url}/private/{held.metadata_key}"


def username(person: Person) -> str:
    return f"{person.user_id.lower()}@example.com"


def is_digest(idempotency_key: str) -> bool:
    return idempotency_key.startswith("digest:")


def digest_lines(message: Message) -> list[str]:
    return summary_of(message).split("\n")[1:]


def events(person: Person, message: Message, idempotency_key: str | None) -> list[str]:
    """What the message tells: an event has the same name in a message of its own and in each digest."""
    if idempotency_key is None:
        return []
    said = digest_lines(message) if is_digest(idempotency_key) else [summary_of(message)]
    return [event_name(person, one) for one in said]


def event_name(person: Person, said: str) -> str:
    """Who is told what of which secret: its label or short id is quoted."""
    quoted = said.partition("”")[0]
    return f"{person.user_id} {quoted}: {KINDS.get(words(said), said)}"


def words(said: str) -> str:
    return said.rpartition(": ")[2].rstrip(".")


def says(said: str) -> str:
    """What a message about a secret claims: one of `FINAL`, "new" or "reminder"."""
    return "reminder" if words(said) == "not opened yet, expires soon" else KINDS[words(said)]
