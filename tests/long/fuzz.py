"""100,000 payloads with missing, wrong, huge and hostile fields, rightly signed, against the real bot over HTTP.

    python -m tests.long fuzz --count 100000 --seed 1

Every request gets exactly one answer and no 500, the log has no error and nothing secret, and the bot is well afterwards.
Hypothesis makes the payloads: one seed makes the same ones.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from bot.interaction.feature import Kind
from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import AppDelivery, SlackView, WorkspaceMember
from bot.sandbox.slack.deliver import COMMAND, EVENT, sign
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.world import World
from tests.benchmarks.measure import resident, table
from tests.long.fuzz_payloads import CANARY, FuzzRequest, Json, PayloadKind, fill, requests, templates
from tests.support.share_window import submit_share

COUNT, QUICK = 100_000, 200
ROUND = 500  # payloads between two looks at the log
AT_ONCE = 8  # connections
PEOPLE = 200
ANSWER_WITHIN = 60.0  # seconds
USERNAME, TOKEN = "ada@example.com", f"token-{CANARY}"
SETTINGS = {"SHARES_PER_HOUR": "1000000", "OPENS_PER_HOUR": "1000000"}
MAX_SHOWN = 20  # problems
TAKEN = {200, 400, 413}  # HTTP statuses; a payload in Slack's form gets 200
NOT_STORED = 503  # of a workflow step while the database is busy: Slack sends it again


@dataclass(slots=True)
class FuzzReport:
    """What was sent and answered, and what is wrong."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)  # MiB of the bot after each round
    seconds: float = 0.0


class _Connection(asyncio.Protocol):
    """One connection to the bot, which counts answers: an answer too many is as wrong as one too few."""

    def __init__(self) -> None:
        self._buffer = b""
        self._arrived = asyncio.Event()
        self.is_open = False
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport, self.is_open = transport, True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._arrived.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        self._arrived.set()

    async def ask(self, request: bytes) -> int:
        """The status of the one answer. Raises `ConnectionError`."""
        if self._buffer:
            raise ConnectionError("more than one answer")
        self._transport.write(request)
        async with asyncio.timeout(ANSWER_WITHIN):
            while (status := self._take()) is None:
                if not self.is_open:
                    raise ConnectionError("no answer")
                self._arrived.clear()
                await self._arrived.wait()
        return status

    def _take(self) -> int | None:
        """The status of an answer that is whole, which is then taken out of the buffer."""
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        if headers.get("connection") == "close":
            self.close()
        return int(first.split()[1])

    def close(self) -> None:
        self.is_open = False
        self._transport.close()


class Fuzz:
    """The world, and the payloads that go to its bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.report = FuzzReport()
        self._connections: list[_Connection] = []
        self._people = itertools.cycle(f"U0FUZZ{number:04}" for number in range(PEOPLE))
        self._read = 0  # bytes of the bot's output
        self._waiting: list[FuzzRequest] = []

    async def record(self) -> list[tuple[PayloadKind, Json]]:
        """Payloads of people who use the bot, whose buttons and windows belong to real rows."""
        workspace, onetime = self._world.workspace, self._world.onetime
        onetime.add_account(USERNAME, TOKEN)
        ada, ben = workspace.person("U0ADA", "ada"), workspace.person("U0BEN", "ben")
        workspace.channel("C0TEAM", "team", [ada, ben, workspace.bot_user_id])
        for number in range(PEOPLE):
            workspace.person(f"U0FUZZ{number:04}", f"fuzz{number}")
        await self._fill(ada, "connect", {"username": USERNAME, "token": TOKEN})
        await ada.until(lambda: ada.view and ada.view.title == "Connected")
        await ada.close()
        await ada.command("/ots", "share")
        window = await _window_to_submit(ada)
        await submit_share(ada, window, {"text1": CANARY, "to": [ben.id], "passphrase": CANARY, "ttl": "3600"})
        asking = await ben.until(lambda: next((one for one in ben.dm if one.blocks), None))
        await ben.click(asking, action_id="share_open")
        await ben.submit(await _window_to_submit(ben), {"passphrase": CANARY})
        held = onetime.share(USERNAME, CANARY)
        await self._fill(ben, "generate", {})
        await self._fill(ben, "request", {"people": [ada.id], "note": CANARY})
        await self._fill(ben, f"retrieve {onetime.url}/secret/{held.secret_key}", {})
        for text in (f"track {onetime.url}/private/{held.metadata_key}", "recent", "tracked", "accounts"):
            await _get_answer(ada, text)
            with suppress(CannotDo):
                await ada.click(action_id="track")
        await ada.open_home()
        return [(_payload_kind(one), one.payload) for one in workspace.deliveries]

    async def _fill(self, person: WorkspaceMember, command: str, fields: Json) -> None:
        while person.view:
            await person.close()
        await person.command("/ots", command)
        await person.submit(await _window_to_submit(person), fields)

    async def send(self, batch: Sequence[FuzzRequest]) -> None:
        queue = iter(batch)
        await asyncio.gather(*(self._send_all(queue) for _ in range(AT_ONCE)))

    async def _send_all(self, queue: Iterator[FuzzRequest]) -> None:
        connection = await self._connect()
        for request in queue:
            if not connection.is_open:
                connection = await self._connect()
            try:
                status = await connection.ask(self._signed(request))
            except (ConnectionError, TimeoutError) as error:
                self._wrong(f"{type(error).__name__} {error}", request)
                connection.close()
                continue
            self.report.sent += 1
            self.report.statuses[status] += 1
            self.report.kinds[request.name] += 1
            if status == NOT_STORED and request.name == Kind.FUNCTION:
                continue
            if status not in TAKEN or (request.is_object and status != 200):
                self._wrong(f"status {status}", request)
        connection.close()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._world.bot.port)
        return connection

    def _signed(self, request: FuzzRequest) -> bytes:
        state, person = self._world.workspace.state, next(self._people)
        url = self._world.workspace.response_url("commands", person, state.open_dm(person).id)
        body = fill(request.body, person=person, trigger=state.new_trigger(person), response_url=url)
        timestamp = str(int(time.time()))
        head = "\r\n".join([
            "POST /slack/events HTTP/1.1",
            f"Host: 127.0.0.1:{self._world.bot.port}",
            f"Content-Type: {request.content_type}",
            f"Content-Length: {len(body)}",
            f"X-Slack-Request-Timestamp: {timestamp}",
            f"X-Slack-Signature: {sign(self._world.workspace.signing_secret, timestamp, body)}",
        ])  # fmt: skip
        return f"{head}\r\n\r\n".encode() + body

    def _wrong(self, what: str, request: FuzzRequest) -> None:
        self.report.problems.append(f"{what}: {request.name}, {request.body[:2000]!r}")

    async def look(self) -> None:
        """Look at the log, see that the bot still serves, and forget what the emulators have recorded."""
        await self._see_help()
        output = bytes(self._world.bot.output[self._read :])
        complete = output.rfind(b"\n") + 1
        self._read += complete
        for line in output[:complete].splitlines():
            self.report.problems += problems_of(line)
        for name, secret in self._secrets().items():
            if secret.encode() in output:
                self.report.problems.append(f"{name} in the log")
        self.report.memory.append(resident(self._world.bot.pid))
        self._forget()

    async def _see_help(self) -> None:
        ada = self._world.workspace.people[0]
        delivery = await ada.command("/ots", "help")
        if not delivery.ok or not delivery.shown:
            self.report.problems.append(f"help is not answered any more: {delivery.error}")

    def _secrets(self) -> dict[str, str]:
        workspace = self._world.workspace
        return {
            "what was typed": CANARY,
            "the signing secret": workspace.signing_secret,
            "the bot token": workspace.bot_token,
            "a response_url": "/commands/T0",
            "the encryption key": self._world.encryption_key,
        }

    def _forget(self) -> None:
        workspace = self._world.workspace
        workspace.records.forget()
        state = workspace.state
        for kept in (state.messages, state.response_urls, state.triggers):
            kept.clear()
        for person in list(state.stacks):
            state.close(state.stack(person))
        state.views.clear()
        self._world.onetime.forget()
        self._world.onetime.add_account(USERNAME, TOKEN)


async def _window_to_submit(person: WorkspaceMember) -> SlackView:
    return await person.until(lambda: person.view if person.view and person.view.submit else None)


async def _get_answer(person: WorkspaceMember, text: str) -> None:
    seen = len(person.messages)
    await person.command("/ots", text)
    await person.until(lambda: len(person.messages) > seen)


def problems_of(line: bytes) -> Iterator[str]:
    """What is wrong with a line of the log: it is no line of ours, or it says that something unexpected happened."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        yield f"no line of the log's form: {line[:500]!r}"
    elif said.get("level") in ("error", "critical") or said.get("outcome") == "crashed":
        yield f"in the log: {line[:1000].decode(errors='replace')}"


def _payload_kind(delivery: AppDelivery) -> PayloadKind:
    return "command" if delivery.kind == COMMAND else "event" if delivery.kind == EVENT else "interaction"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=COUNT, help=f"payloads (default: {COUNT})")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds make equal payloads (default: 1)")


def run(*, quick: bool, count: int, seed: int) -> bool:
    """Print what was sent and answered. Returns whether nothing is wrong."""
    report = measure(QUICK if quick else count, seed)
    print(f"{report.sent} payloads of {len(report.kinds)} kinds in {report.seconds:.0f} s, seed {seed}")
    print(table(["HTTP status", "answers"], [[str(status), str(n)] for status, n in sorted(report.statuses.items())]))
    print(
        f"memory of the bot: {report.memory[0]:.0f} MiB after the first round, {report.memory[-1]:.0f} MiB at the end"
    )
    for problem in report.problems[:MAX_SHOWN]:
        print(f"WRONG   {problem}")
    print(f"{len(report.problems)} problems")
    return not report.problems


def measure(count: int, first_seed: int) -> FuzzReport:
    with asyncio.Runner() as runner:
        world = World(onetime=OnetimeServer("0.26"), settings=SETTINGS)
        world.workspace.rate_limits = False  # the figures are the bot's, not those of Slack's limits
        runner.run(world.start())
        try:
            fuzz = Fuzz(world)
            known = templates(world.workspace.state, runner.run(fuzz.record()))
            began = time.monotonic()
            for number, start in enumerate(range(0, count, ROUND)):
                runner.run(fuzz.send(made(known, min(ROUND, count - start), first_seed + number)))
                runner.run(fuzz.look())
            fuzz.report.seconds = time.monotonic() - began
        finally:
            runner.run(world.stop())
        return fuzz.report


def made(known: Sequence[tuple[PayloadKind, str, Json]], count: int, number: int) -> list[FuzzRequest]:
    """`count` payloads of that seed. Small numbers of examples keep Hypothesis from remembering them all."""
    found: list[FuzzRequest] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(known))
    def generate(request: FuzzRequest) -> None:
        found.append(request)

    generate()
    while found and len(found) < count:  # Hypothesis stops early where it has tried everything
        found += found[: count - len(found)]
    return found[:count]
