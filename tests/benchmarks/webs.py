"""Two `web` on one PostgreSQL against one: CPU for each request, and requests a second where there are enough cores."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import WorkspaceMember
from bot.sandbox.world import World
from bot.storage.engine.database import migrate
from tests.benchmarks.ack import Load, load_generator
from tests.benchmarks.load import Job
from tests.benchmarks.measure import Goal, cpu_seconds, middle, ratio, table
from tests.benchmarks.watch.crowd import cluster

WEB = ("-m", "bot", "web")
IN_FLIGHT = 16  # acknowledgements at each web
PEOPLE = 16  # who type whole commands, all at the same time
CORES = 5  # two web, what loads each of them, and PostgreSQL: fewer show nothing of requests a second


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int = 11
    acks: int = 4_000  # in one turn
    commands: int = 10  # of each person in one turn


FULL = Plan()
QUICK = Plan(rounds=1, acks=50, commands=1)


@dataclass(slots=True)
class Figures:
    """One of each for every round."""

    ack: list[float] = field(default_factory=list)  # CPU microseconds
    command: list[float] = field(default_factory=list)  # CPU microseconds
    rate: list[float] = field(default_factory=list)  # acknowledgements a second

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.ack):.0f} µs", f"{middle(self.rate):,.0f}/s", f"{middle(self.command):,.0f} µs"]


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of both and returns the ratios; none where PostgreSQL is not installed."""
    plan = QUICK if quick else FULL
    with cluster() as server:
        if server is None:
            print("PostgreSQL is needed: nothing is measured.")
            return []
        database = server.new_database()
        migrate(database)
        one, two = await _measure(database, plan)
    print(table(["", "CPU of an ack", "acks", "CPU of a whole command"], [one.row("one web"), two.row("two web")]))
    goals = [
        Goal("CPU of an ack, two web / one", ratio(two.ack, one.ack), "at most", 1.1),
        Goal("CPU of a whole command, two web / one", ratio(two.command, one.command), "at most", 1.1),
    ]
    rate = Goal("acks/s, two web / one", ratio(two.rate, one.rate), "at least", 1.7)
    if (os.cpu_count() or 1) >= CORES:
        return [*goals, rate]
    print(f"\nWith fewer than {CORES} cores this says nothing of the bot: {rate.what} {rate.figure:.2f}")
    return goals


async def _measure(database_url: str, plan: Plan) -> tuple[Figures, Figures]:
    one, two = Figures(), Figures()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(settings={"DATABASE_URL": database_url}, command=WEB))
        world.workspace.rate_limits = False
        webs = [world.bot, await stack.enter_async_context(_another(world))]
        loads = [await stack.enter_async_context(load_generator()) for _ in webs]
        people = [world.workspace.person(f"U0P{number:02}", f"p{number}") for number in range(PEOPLE)]
        for web in webs:
            await _be_known(world, web, [world.workspace.person("U0ADA", "ada"), *people])
        for number in range(-1, plan.rounds):  # the first one pays for what is made only once
            for some, figures in ((webs[:1], one), (webs, two)):
                kept = figures if number >= 0 else Figures()
                await _acks(world, some, loads, plan, kept)
                await _commands(world, some, people, plan, kept)
    return one, two


@asynccontextmanager
async def _another(world: World) -> AsyncIterator[BotProcess]:
    process = BotProcess(world.settings(), WEB)
    try:
        await process.start()
        yield process
    finally:
        await process.stop()


async def _be_known(world: World, web: BotProcess, people: Sequence[WorkspaceMember]) -> None:
    """Let this web ask Slack about everybody now: an acknowledgement has the words in it for whom it knows."""
    _deliver_to(world, web)
    await asyncio.gather(*(_command(one, "help") for one in people))


def _deliver_to(world: World, web: BotProcess) -> None:
    world.workspace.connect_http(f"http://127.0.0.1:{web.port}/slack/events")


async def _command(person: WorkspaceMember, verb: str) -> None:
    seen = len(person.ephemerals)
    await person.command("/ots", verb)
    await person.until(lambda: len(person.ephemerals) > seen)


async def _acks(world: World, webs: Sequence[BotProcess], loads: Sequence[Load], plan: Plan, figures: Figures) -> None:
    """As many requests, at one web or half of them at each."""
    workspace, count = world.workspace, plan.acks // len(webs)
    jobs = [Job(web.port, workspace.signing_secret, [workspace.state.team_id], IN_FLIGHT, count, 60.0) for web in webs]
    before = _cpu(webs)
    done = await asyncio.gather(*(load.run(job) for load, job in zip(loads, jobs, strict=False)))
    number = sum(len(one.milliseconds) for one in done)
    figures.ack.append((_cpu(webs) - before) / number * 1e6)
    figures.rate.append(number / max(one.seconds for one in done))


async def _commands(
    world: World, webs: Sequence[BotProcess], people: Sequence[WorkspaceMember], plan: Plan, figures: Figures
) -> None:
    """Everybody types one after the other; each command reads the database and is answered by a call to Slack."""
    numbers = iter(range(plan.commands * len(people)))

    async def type_all(person: WorkspaceMember) -> None:
        for _ in range(plan.commands):
            _deliver_to(world, webs[next(numbers) % len(webs)])
            await _command(person, "tracked")

    before = _cpu(webs)
    await asyncio.gather(*map(type_all, people))
    figures.command.append((_cpu(webs) - before) / (plan.commands * len(people)) * 1e6)


def _cpu(webs: Sequence[BotProcess]) -> float:
    return sum(cpu_seconds(web.pid) for web in webs)
