"""Two `web` and two `worker` on one PostgreSQL, one of each killed under load: no click is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import psycopg
import pytest
from aiohttp import web

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime.server import OnetimeServer
from bot.sandbox.slack import SlackMessage, WorkspaceMember
from bot.sandbox.world import World
from tests.long import storm_people
from tests.long.storm_faults import Trouble
from tests.long.storm_people import Storm
from tests.support.postgres import new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]

PEOPLE = 6
SECONDS = 45.0  # of load
KILLS_AT = (10.0, 22.0)  # seconds from the beginning: of a web, of a worker
STRIKE_WITHIN = 5.0  # seconds in which a process may be killed in the middle of a call
TRIES = 3  # for one delivery, never twice in a row at the same web
SETTLED_WITHIN = 420.0  # seconds; recovery waits for 180 before it answers for a process that is gone
SETTINGS = {"WATCH_EVERY": "5", "SHARES_PER_HOUR": "100000", "OPENS_PER_HOUR": "100000"}
TOKEN = "token-of-everybody"
MAX_ASKS = 3  # of one person to another within a day
BURN = "/api/v1/private/{key}/burn"
WEB, WORKER = ("-m", "bot", "web"), ("-m", "bot", "worker")

# What no process has under way any more, once nothing is left to do.
UNDER_WAY = {
    "acts": "answered_at IS NULL",
    "deliveries": "state IN ('waiting', 'asking', 'opening')",
    "reveals": "state IN ('opening', 'claiming')",
    "notifications": "sent_at IS NULL AND dead_letter IS NULL OR lease IS NOT NULL",
    "watches": "lease IS NOT NULL AND lease_until < extract(epoch FROM clock_timestamp())",
    "requests": "state = 'waiting'",
}


class RoundRobin:
    """Takes what Slack sends to the web processes in turns. What one does not answer goes to the next, in `TRIES`.

    Like Slack, it says so of a repeated event in X-Slack-Retry-Num.
    """

    def __init__(self, webs: Sequence[BotProcess]) -> None:
        self.lost = 0  # deliveries that nobody took
        self.repeated = 0
        self._webs = list(webs)
        self._next = 0
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Gives the request URL."""
        app = web.Application()
        app.router.add_post("/slack/events", self._deliver)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as self._session:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        await runner.cleanup()

    async def _deliver(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body, headers = await request.read(), {name: request.headers[name] for name in request.headers}
        first, self._next = self._next, self._next + 1
        for number in range(TRIES):
            if number and request.content_type == "application/json":
                headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "connection_failed"}
            web_process = self._webs[(first + number) % len(self._webs)]
            url = f"http://127.0.0.1:{web_process.port}/slack/events"
            try:
                async with self._session.post(url, data=body, headers=headers) as answer:
                    said, kind = await answer.read(), answer.headers.get("Content-Type", "text/plain")
                    return web.Response(status=answer.status, body=said, headers={"Content-Type": kind})
            except (aiohttp.ClientError, OSError):
                self.repeated += 1
        self.lost += 1
        return web.Response(status=503)


class OnlyKills(Trouble):
    """No call fails, and a message may come once more: a busy worker may lose a lease, as one that was killed does."""

    def __init__(self, world: World) -> None:
        super().__init__(world.workspace, world.onetime, random.Random(1))
        self.is_on = False

    def explains(self, messages: Sequence[SlackMessage]) -> bool:
        return len(messages) <= 2

    def most_often(self) -> int:
        """How often that message came which came most often."""
        return max(len(times) for times in self._posts.values())


@dataclass
class Load(Storm):
    """People who also ask each other for secrets. `asked`: the numbers of the requests, and who was asked."""

    asked: list[tuple[int, WorkspaceMember]] = field(default_factory=list)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)  # (who asks, who is asked)

    def acts(
        self, person: WorkspaceMember, others: list[WorkspaceMember], account: str
    ) -> list[tuple[str, storm_people.Act]]:
        return [*super().acts(person, others, account), ("ask", partial(self._ask, person, others))]

    async def _ask(self, person: WorkspaceMember, others: list[WorkspaceMember]) -> None:
        number, other = next(self._numbers), self.rng.choice(others)
        if self.times[person.id, other.id] == MAX_ASKS:
            return
        self.times[person.id, other.id] += 1
        form = await self._form(person, f"request <@{other.id}|{other.name}> asked {number}.", "Ask")
        delivery = await person.submit(form)
        if delivery.ok:
            self.asked.append((number, other))
        await other.until(lambda: self._requests(number, other), storm_people.PATIENCE)

    def _requests(self, number: int, other: WorkspaceMember) -> list[SlackMessage]:
        return [one for one in other.dm if f"asked {number}." in one.shows]

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from (f"{text}: made {len(keys)} times" for text, keys in self._keys.items() if len(keys) > 1)
        for number, other in self.asked:
            if not (messages := self._requests(number, other)):
                yield f"request {number}: {other.id} was not asked"
            elif not self.trouble.explains(messages):
                yield f"request {number}: asked {len(messages)} times"


@dataclass(slots=True)
class Farm:
    """The processes on one database, and what Slack reaches them by."""

    world: World
    webs: list[BotProcess]
    workers: list[BotProcess]
    round_robin: RoundRobin
    trouble: OnlyKills

    async def kill(self, process: BotProcess) -> None:
        """In the middle of a call to one of the emulators, if one comes soon. Nobody starts it again."""
        struck = asyncio.Event()

        def strike() -> None:
            self.trouble.kill = None
            os.kill(process.pid, signal.SIGKILL)
            struck.set()

        self.trouble.kill = strike
        try:
            await asyncio.wait_for(struck.wait(), STRIKE_WITHIN)
        except TimeoutError:
            strike()
        self.trouble.kills.append(time.monotonic())
        await process.wait_until_ended()


@asynccontextmanager
async def farm(database_url: str) -> AsyncIterator[Farm]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(settings=SETTINGS | {"DATABASE_URL": database_url}, command=WEB))
        others = [BotProcess(world.settings(), command) for command in (WEB, WORKER, WORKER)]
        for one in others:
            await one.start()
            stack.push_async_callback(one.stop)
        round_robin = RoundRobin([world.bot, others[0]])
        world.workspace.connect_http(await stack.enter_async_context(round_robin.serving()))
        yield Farm(world, [world.bot, others[0]], others[1:], round_robin, OnlyKills(world))


async def connect(person: WorkspaceMember, account: str) -> None:
    await person.command("/ots", "connect")
    form = await person.until(lambda: person.view if person.view and person.view.submit else None)
    await person.submit(form, {"username": account, "token": TOKEN})
    await person.until(lambda: person.view and person.view.title == "Connected")
    await person.close()


async def settled(load: Load, database_url: str) -> list[str]:
    """What is still wrong or under way when nothing changes any more."""
    stop = time.monotonic() + SETTLED_WITHIN
    while left := [*load.problems(), *under_way(database_url)]:
        if time.monotonic() > stop:
            break
        await asyncio.sleep(1.0)
    return left


def under_way(database_url: str) -> Iterator[str]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table, condition in UNDER_WAY.items():
            (count,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}".encode()).fetchone() or (0,)
            if count:
                yield f"{count} rows of {table}: {condition}"


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_one_web_and_one_worker_are_killed_under_load_and_every_click_has_its_effect_once(
    new_postgres_url: Callable[[], str],
) -> None:
    url = new_postgres_url()
    async with farm(url) as up:
        accounts = [f"person{number}@example.com" for number in range(PEOPLE)]
        people = [up.world.workspace.person(f"U0LOAD{number:02}", f"person{number}") for number in range(PEOPLE)]
        for person, account in zip(people, accounts, strict=True):
            up.world.onetime.add_account(account, TOKEN)
            await connect(person, account)
        load = Load(up.world.workspace, up.world.onetime, random.Random(1), up.trouble)
        began = time.monotonic()
        lives = [
            asyncio.create_task(load.live(person, [one for one in people if one is not person], account))
            for person, account in zip(people, accounts, strict=True)
        ]
        for after, process in zip(KILLS_AT, (up.webs[0], up.workers[0]), strict=True):
            await asyncio.sleep(began + after - time.monotonic())
            await up.kill(process)
        await asyncio.sleep(began + SECONDS - time.monotonic())
        load.stop()
        await asyncio.gather(*lives)

        left = await settled(load, url)

        print(f"\n{dict(load.did)}; {up.round_robin.repeated} deliveries went to the next web, "
              f"{up.trouble.repeats} messages came once more")  # fmt: skip
        assert "\n".join(left) == ""
        assert (up.round_robin.lost, up.trouble.most_often() <= 2) == (0, True)
        assert burned_by_the_bot(up.world.onetime) == burned(load)
        for name in ("share", "share and burn", "open a link", "track", "ask"):
            assert load.did[name] > 0, load.did
        assert [process.is_running for process in (*up.webs, *up.workers)] == [False, True, False, True]
        assert up.round_robin.repeated > 0


def burned_by_the_bot(onetime: OnetimeServer) -> int:
    """How often the server was told to burn something and did so. People in a browser burn without a call."""
    return [call.status for call in onetime.calls if call.route == BURN].count(200)


def burned(load: Load) -> int:
    """How many secrets that were shared are burned."""
    keys = {key for one in load.shared for key in load._keys.get(f"text {one.number} of the storm", [])}
    return sum(one.state == "burned" for one in load.onetime.everything() if one.secret_key in keys)
