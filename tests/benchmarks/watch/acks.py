"""(e) How fast `/ots help` is acknowledged while the same process polls 200 accounts a second, against an idle one.

It is one and the same `python -m bot run`: all accounts in its database are put to sleep and woken in turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.world import World
from bot.storage.engine.migrate import migrate
from tests.benchmarks.ack import Load, load_generator
from tests.benchmarks.load import Job
from tests.benchmarks.measure import Goal, middle, percentile, table
from tests.benchmarks.watch import people
from tests.benchmarks.watch.processes import Host, load_server

WATCH_EVERY = 5.0  # seconds, the least that the setting takes
MOST = 20_000  # acknowledgements in one turn
DELAY = 0.08  # seconds that Onetime Secret takes
POLL_TIME = 0.4  # seconds from when one is due until the next is planned, about
NOW = "(julianday('now') - 2440587.5) * 86400.0"  # as the database's clock does it


@dataclass(frozen=True, slots=True)
class Plan:
    a_second: int = 200  # accounts
    each: int = 100  # secrets to an account
    rounds: int = 6
    turn: float = 3.0  # seconds
    settled: float = 1.5  # seconds before a turn


FULL = Plan()
QUICK = Plan(a_second=2, each=5, rounds=1, turn=0.2, settled=0.1)


@dataclass(slots=True)
class Figures:
    """One of each for every round."""

    p50: list[float] = field(default_factory=list)  # milliseconds
    p99: list[float] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)  # accounts a second

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.p50):.2f} ms", f"{middle(self.p99):.2f} ms", f"{middle(self.polls):.0f}/s"]


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    async with load_server(plan.each) as host, load_generator() as load:
        host.delay(DELAY)
        world = World(settings=_settings(host))
        file = world.directory / "bot.db"
        migrate(f"sqlite:///{file}")
        count = round(plan.a_second * (WATCH_EVERY + POLL_TIME))
        await people.fill(f"sqlite:///{file}", f"k1:{world.encryption_key}", host.url, count, plan.each, asleep=True)
        async with world:
            idle, busy = await _rounds(world, host, load, file, plan)
    rows = [idle.row("idle"), busy.row("watching")]
    print(table([f"(e) {count:,} accounts, {plan.each} secrets each", "ack p50", "p99", "polls"], rows))
    later = middle([one - other for one, other in zip(busy.p99, idle.p99, strict=True)])
    return [
        Goal("(e) ms of the p99 of an ack, watching - idle", later, "at most", 5),
        Goal(f"(e) polls a second / {plan.a_second} accounts", middle(busy.polls) / plan.a_second, "at least", 0.9),
    ]


def _settings(host: Host) -> dict[str, str]:
    return {"ONETIME_HOSTS": host.url, "ONETIME_DEFAULT_HOST": host.url, "WATCH_EVERY": str(WATCH_EVERY)}


async def _rounds(world: World, host: Host, load: Load, file: Path, plan: Plan) -> tuple[Figures, Figures]:
    idle, busy = Figures(), Figures()
    workspace = world.workspace
    job = Job(world.bot.port, workspace.signing_secret, [workspace.state.team_id], 1, MOST, plan.turn)
    await load.run(job)  # the first requests pay for what is made only once
    for _ in range(plan.rounds):
        await _asleep(host, file)
        await _turn(load, job, host, idle)
        with _database(file) as connection:
            spread = f"{NOW} + abs(random() % 1000) / 1000.0 * {WATCH_EVERY}"
            connection.execute(f"UPDATE watches SET next_poll_at = {spread}")
        await asyncio.sleep(plan.settled)
        await _turn(load, job, host, busy)
    return idle, busy


async def _turn(load: Load, job: Job, host: Host, figures: Figures) -> None:
    calls = host.calls()
    result = await load.run(job)
    figures.polls.append((host.calls() - calls) / result.seconds)
    figures.p50.append(percentile(result.milliseconds, 50))
    figures.p99.append(percentile(result.milliseconds, 99))


async def _asleep(host: Host, file: Path) -> None:
    """Wait until no poll is under way and none is due."""
    while True:
        with _database(file) as connection:
            connection.execute("UPDATE watches SET next_poll_at = NULL")
        calls = host.calls()
        await asyncio.sleep(4 * DELAY)
        if host.calls() == calls:
            return


@contextlib.contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        yield connection
