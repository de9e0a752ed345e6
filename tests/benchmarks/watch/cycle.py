"""(b) The whole cycle (claim, fetch, match, store) of the real watcher, against a plain loop."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.storage.engine.database import migrate
from bot.storage.sealing.keyring import generate_line
from tests.benchmarks.measure import Goal, middle, ratio, table
from tests.benchmarks.watch import people
from tests.benchmarks.watch.naive_watcher import Job as NaiveJob
from tests.benchmarks.watch.processes import Done, Host, child, load_server
from tests.benchmarks.watch.real_watcher import Job as RealJob


@dataclass(frozen=True, slots=True)
class Plan:
    accounts: int = 1_000
    each: int = 100  # secrets to an account
    received: int = 50  # accounts that have a secret opened at the end of the last round
    rounds: int = 3
    warm: int = 2  # polls of each account before that; 0: what it is to look at most of them for the first time
    window: float = 3.0  # seconds
    delays: tuple[float, ...] = (0.0, 0.08)  # seconds that the server takes


FULL = Plan()
QUICK = Plan(accounts=3, each=5, received=2, rounds=1, warm=1, window=4.0, delays=(0.08,))


@dataclass(frozen=True, slots=True)
class Figures:
    """One of each for every round."""

    ours: list[Done]
    theirs: list[Done]

    def rows(self, delay: float) -> list[list[str]]:
        both = (("the watcher", self.ours), ("a plain loop", self.theirs))
        return [
            [
                f"{name}, {delay * 1000:.0f} ms",
                f"{middle([done.rate for done in some]):,.0f}",
                f"{middle([done.each for done in some]):,.1f} µs",
            ]
            for name, some in both
        ]


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="ots-bench-") as directory:
        async with load_server(plan.each) as host:
            found = await _rounds(Path(directory), host, plan)
    rows = [row for delay, figures in found.items() for row in figures.rows(delay)]
    print(table([f"(b) {plan.accounts:,} accounts, {plan.each} secrets each", "secrets/s", "CPU a secret"], rows))
    return [goal for delay, figures in found.items() for goal in _goals(delay, figures)]


async def _rounds(directory: Path, host: Host, plan: Plan) -> dict[float, Figures]:
    settings = await _filled(directory, host, plan)
    found = {delay: Figures([], []) for delay in plan.delays}
    turns = [(number, delay) for number in range(plan.rounds) for delay in plan.delays]
    for number, delay in turns:
        host.delay(delay)
        is_last = (number, delay) == turns[-1]
        ours = RealJob(host.port, plan.each, plan.accounts, plan.warm, plan.window, plan.received if is_last else 0)
        found[delay].ours.append(await child("real_watcher", asdict(ours), settings))
        theirs = NaiveJob(host.port, f"{directory}/plain-{number}-{delay}.db", plan.each, plan.window)
        found[delay].theirs.append(await child("naive_watcher", asdict(theirs)))
    return found


async def _filled(directory: Path, host: Host, plan: Plan) -> dict[str, str]:
    """The bot's settings, on a database with all accounts in it."""
    url, keys = f"sqlite:///{directory}/bot.db", generate_line("k1").reveal()
    migrate(url)
    await people.fill(url, keys, host.url, plan.accounts, plan.each)
    hosts = {"ONETIME_HOSTS": host.url, "ONETIME_DEFAULT_HOST": host.url}
    return {"DATABASE_URL": url, "ENCRYPTION_KEYS": keys, **hosts}


def _goals(delay: float, figures: Figures) -> list[Goal]:
    server = f"{delay * 1000:.0f} ms"
    less = ratio([done.each for done in figures.theirs], [done.each for done in figures.ours])
    faster = ratio([done.rate for done in figures.ours], [done.rate for done in figures.theirs])
    goals = [Goal(f"(b) CPU a secret of a plain loop / ours, {server}", less, "at least", 100)]
    if delay:
        goals.append(Goal(f"(b) secrets/s of ours / a plain loop, {server}", faster, "at least", 5_000))
    return goals
