"""200 kills of the bot in 20 minutes while people share, open, burn and track, and both emulators fail at random.

    python -m tests.long storm --kills 200 --minutes 20 --seed 1

Nothing is lost without a word, nothing is opened twice, a message comes once more only where the bot was killed or Slack's
answer was lost, and the database is sound after every kill.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from bot.sandbox.bot_process import BotProcess, spawn
from bot.sandbox.slack import WorkspaceMember
from bot.sandbox.world import World
from tests.benchmarks.measure import table
from tests.long.fuzz import problems_of
from tests.long.storm_faults import IN_FLIGHT, Trouble
from tests.long.storm_people import Storm
from tests.support.forking import ForkServer

KILLS, MINUTES = 200, 20.0
QUICK_KILLS, QUICK_MINUTES = 10, 1.5
PEOPLE = 12
SETTLED_WITHIN = 420.0  # seconds of calm after which everything has to be told: recovery waits for 150 in some cases
RESTART_AFTER = 100.0  # seconds of that; a start recovers at once
TOKEN = "storm-token"
SETTINGS = {"WATCH_EVERY": "5", "SHARES_PER_HOUR": "100000", "OPENS_PER_HOUR": "100000"}
START = 30.0  # seconds for each step of connecting an account
MAX_SHOWN = 30  # problems


@dataclass(slots=True)
class StormReport:
    kills: int = 0
    repeats: int = 0
    did: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    settled_after: float = 0.0


class _Killer:
    """Kills the bot again and again, at a random moment or in the middle of a call, and starts it at once."""

    def __init__(self, world: World, trouble: Trouble, rng: random.Random, report: StormReport) -> None:
        self._world = world
        self._trouble = trouble
        self._rng = rng
        self._report = report
        self._read = 0

    async def kill(self, times: int, seconds: float) -> None:
        began = time.monotonic()
        for number in range(times):
            due = began + seconds * (number + self._rng.random()) / times
            await asyncio.sleep(max(0.2, due - time.monotonic()))
            if self._rng.random() < 0.5:
                await self._until_struck()
            await self.restart(kill=True)

    async def _until_struck(self) -> None:
        """Let a call that is under way decide the moment, if one comes soon."""
        struck = asyncio.Event()

        def strike() -> None:
            self._trouble.kill = None
            os.kill(self._world.bot.pid, signal.SIGKILL)
            self._trouble.kills.append(time.monotonic())
            struck.set()

        self._trouble.kill = strike
        try:
            await asyncio.wait_for(struck.wait(), 3.0)
        except TimeoutError:
            self._trouble.kill = None

    async def restart(self, *, kill: bool) -> None:
        if kill:
            await self._world.bot.kill()
            self._trouble.kills.append(time.monotonic())
            self._report.kills += 1
        else:
            await self._world.bot.stop()
        self.read_log()
        self.check_database()
        try:
            await self._world.start_bot()
        except (RuntimeError, TimeoutError) as error:
            self._report.problems.append(f"the bot does not start after kill {self._report.kills}: {error}")
            raise

    def read_log(self) -> None:
        lines = bytes(self._world.bot.output).splitlines()
        if lines and not lines[-1].endswith(b"}"):
            lines.pop()  # a kill cuts the last line
        for line in lines:
            self._report.problems += problems_of(line)

    def check_database(self) -> None:
        with closing(sqlite3.connect(self._world.directory / "bot.db", timeout=10)) as database:
            said = database.execute("PRAGMA integrity_check").fetchall()
        if said != [("ok",)]:
            self._report.problems.append(f"the database after kill {self._report.kills}: {said[:3]}")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=KILLS, help=f"default: {KILLS}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES:g}")
    parser.add_argument("--seed", type=int, default=1, help="of what people do, of faults and kills (default: 1)")


def run(*, quick: bool, kills: int, minutes: float, seed: int) -> bool:
    """Print what was done. Returns whether nothing is wrong."""
    if quick:
        kills, minutes = QUICK_KILLS, QUICK_MINUTES
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a bot that was killed reads no answer
    with _quick_starts():
        report = asyncio.run(measure(kills=kills, minutes=minutes, seed=seed))
    print(f"{report.kills} kills in {report.seconds:.0f} s, seed {seed}; quiet {report.settled_after:.0f} s later")
    print(table(["done", "times"], [[name, str(times)] for name, times in sorted(report.did.items())]))
    print(table(["fault", "times"], [[name, str(times)] for name, times in sorted(report.faults.items())]))
    print(f"{report.repeats} messages came once more")
    for problem in report.problems[:MAX_SHOWN]:
        print(f"WRONG   {problem}")
    print(f"{len(report.problems)} problems")
    return not report.problems


@contextmanager
def _quick_starts() -> Iterator[None]:
    """Start each bot as a fork of a process that has imported everything: a kill leaves more time to work."""
    server = ForkServer()
    BotProcess.spawn = staticmethod(server.spawn)
    try:
        yield
    finally:
        BotProcess.spawn = staticmethod(spawn)
        server.close()


async def measure(*, kills: int, minutes: float, seed: int) -> StormReport:
    rng, report = random.Random(seed), StormReport()
    random.seed(seed)  # the lengths of delays
    world = World(settings=SETTINGS)
    accounts = [f"person{number}@example.com" for number in range(PEOPLE)]
    people = [world.workspace.person(f"U0STORM{number}", f"person{number}") for number in range(PEOPLE)]
    for account in accounts:
        world.onetime.add_account(account, TOKEN)
    await world.start()
    try:
        for person, account in zip(people, accounts, strict=True):
            await _connect(person, account)
        trouble = Trouble(world.workspace, world.onetime, rng)
        storm = Storm(world.workspace, world.onetime, rng, trouble)
        killer = _Killer(world, trouble, rng, report)
        began = time.monotonic()
        lives = [
            asyncio.create_task(storm.live(person, [one for one in people if one is not person], account))
            for person, account in zip(people, accounts, strict=True)
        ]
        await killer.kill(kills, minutes * 60)
        storm.stop()
        await asyncio.gather(*lives)
        report.seconds = time.monotonic() - began
        trouble.is_on = False
        await asyncio.sleep(IN_FLIGHT)  # a shutdown gives up calls that are under way
        await _settle(storm, killer, report)
        killer.read_log()
        killer.check_database()
        report.did, report.faults, report.repeats = storm.did, trouble.faults, trouble.repeats
        report.problems += [
            f"came once more without a kill or a lost answer: {one}" for one in trouble.unexplained_repeats()
        ]
    finally:
        await world.stop()
    return report


async def _connect(person: WorkspaceMember, account: str) -> None:
    await person.command("/ots", "connect")
    form = await person.until(lambda: person.view if person.view and person.view.submit else None, START)
    await person.submit(form, {"username": account, "token": TOKEN})
    await person.until(lambda: person.view and person.view.title == "Connected", START)
    await person.close()


async def _settle(storm: Storm, killer: _Killer, report: StormReport) -> None:
    """Wait until nothing is wrong any more. What is still wrong after `SETTLED_WITHIN` seconds stays so."""
    await killer.restart(kill=False)
    began, was_restarted = time.monotonic(), False
    while problems := list(storm.problems()):
        report.settled_after = time.monotonic() - began
        if report.settled_after > SETTLED_WITHIN:
            report.problems += problems
            return
        if report.settled_after > RESTART_AFTER and not was_restarted:
            was_restarted = True
            await killer.restart(kill=False)
        await asyncio.sleep(1.0)
