"""3 hours of watching in 4 minutes: whether memory and file descriptors stay as they are.

The bot tracks 10,000 secrets of 500 people, by a clock that runs 50 times as fast. Meanwhile people open some of them
and make as many new ones. The bot finds the new ones by itself, so the number of tracked secrets stays the same.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.person import Person
from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.world import World
from bot.secret import MetadataKey, Secret
from bot.storage.accounts import Accounts
from bot.storage.engine.database import Database, migrate
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import NewTracked
from bot.storage.tracking.store import Tracking
from tests.benchmarks.measure import Goal, percentile, resident, table
from tests.long.fast_bot import fast

TIMES = 50  # as fast as the machine's clock
OLDEST = 5 * 86_400  # seconds: the age of the oldest secret at the beginning; the others lie evenly between
LIFE = 7 * 86_400  # seconds
TOKEN = "soak-token"
FOUND = 30.0  # real seconds after which the bot has found what was made
RECENT = "/api/v1/private/recent"
MEMORY, DESCRIPTORS = 1.05, 1.10  # end / start, at most


@dataclass(frozen=True, slots=True)
class Size:
    people: int
    each: int  # secrets of a person
    opened: float  # secrets a real second
    lasts: float  # real seconds
    sampled: float  # real seconds between samples
    quiet: float = 60.0  # real seconds within which the last news have to arrive


FULL = Size(people=500, each=20, opened=2.0, lasts=240.0, sampled=1.0)
QUICK = Size(people=5, each=4, opened=2.0, lasts=3.0, sampled=0.1)


@dataclass(slots=True)
class Samples:
    """One figure for each moment, and the moments in real seconds."""

    at: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def take(self, pid: int, at: float) -> None:
        self.at.append(at)
        self.mebibytes.append(resident(pid))
        self.descriptors.append(len(os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208 - the names are not needed as paths

    def row(self, name: str, figures: Sequence[float], unit: str) -> list[str]:
        start, end = start_and_end(figures)
        hourly = slope(self.at[len(self.at) // 4 :], figures[len(figures) // 4 :]) * 3600 / TIMES
        return [name, f"{start:.1f} {unit}", f"{end:.1f} {unit}", f"{end / start:.3f}", f"{hourly:+.2f} {unit}"]


def start_and_end(figures: Sequence[float]) -> tuple[float, float]:
    """Of the second quarter and of the last what a tenth lies below: in the first the process fills its caches.

    What is held for a moment, such as a connection, comes and goes. What is lost raises the floor.
    """
    quarter = max(len(figures) // 4, 1)
    return percentile(figures[quarter : 2 * quarter] or figures, 10), percentile(figures[-quarter:], 10)


def slope(at: Sequence[float], figures: Sequence[float]) -> float:
    """Of the straight line that lies closest, for each second."""
    if len(at) < 2:
        return 0.0
    middle, level = sum(at) / len(at), sum(figures) / len(figures)
    spread = sum((one - middle) ** 2 for one in at)
    return sum((one - middle) * (figure - level) for one, figure in zip(at, figures, strict=True)) / spread


class Soak:
    """The world, its fast clock, and who opens what."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._since = time.time()
        self._behind = 0.0  # seconds, while what is older than the benchmark is made
        self.onetime = OnetimeServer("0.26", clock=lambda: self.now() - self._behind)
        self.workspace = SlackWorkspace(clock=self.now)
        command = ("-m", "tests.long.fast_bot", str(TIMES), str(self._since))
        self.world = World(onetime=self.onetime, workspace=self.workspace, command=command)
        self._random = random.Random(1)
        self._open: list[str] = []  # secret keys
        self._new: deque[tuple[float, str]] = deque()  # made since, and when by the machine's clock
        self.opened = 0

    def now(self) -> float:
        return fast(TIMES, self._since, time.time())

    async def fill(self) -> None:
        """Everybody has connected, and everything is tracked."""
        url = self.world.settings()["DATABASE_URL"]
        await asyncio.to_thread(migrate, url)
        sealer = Sealer(KeyRing.read(self.world.settings()["ENCRYPTION_KEYS"]))
        db = Database.open(url)
        accounts, tracking, polls = Accounts(db, sealer), Tracking(db, sealer), Polls(db, sealer)
        made = self._made()
        for person, (username, _) in made.items():
            await accounts.connect(person, self.onetime.url, Secret(username), Secret(TOKEN))
            await tracking.watch_everything(person, self.onetime.url, on=True)
        for watch in await polls.claim(self.size.people, 600.0):
            soon = self._random.uniform(0, 300)
            await polls.record_poll(watch, [], next_poll_in=soon, new=made[watch.person][1])
        await db.close()

    def _made(self) -> dict[Person, tuple[str, list[NewTracked]]]:
        found: dict[Person, tuple[str, list[NewTracked]]] = {}
        for number in range(self.size.people):
            member = self.workspace.person(f"U{number:010}", f"person{number}")
            person = Person(None, self.workspace.state.team_id, member.id)
            found[person] = (f"{member.id.lower()}@example.com", [])
            self.onetime.add_account(found[person][0], TOKEN)
        everybody = list(found.values())
        count = self.size.people * self.size.each
        for number in range(count):  # the oldest first
            self._behind = OLDEST * (1 - number / count)
            username, some = everybody[number % len(everybody)]
            some.append(self._share(username))
        self._behind = 0.0
        return found

    def _share(self, username: str) -> NewTracked:
        held = self.onetime.share(username, "text", ttl=LIFE)
        self._open.append(held.secret_key)
        made_at = datetime.fromtimestamp(int(held.created), UTC)
        ends = datetime.fromtimestamp(int(held.created) + LIFE, UTC)
        return NewTracked(MetadataKey(held.metadata_key), made_at, ends, passphrase_required=False)

    async def read(self) -> None:
        """Somebody opens one, and its sender makes another. What the bot never saw unopened is no news to it."""
        while True:
            await asyncio.sleep(self._random.expovariate(self.size.opened))
            while self._new and self._new[0][0] < time.monotonic() - FOUND:
                self._open.append(self._new.popleft()[1])
            key = self._open.pop(self._random.randrange(len(self._open)))
            owner = self.onetime.find_secret(key).owner
            self.onetime.open_as_outsider(key)
            self.opened += 1
            made = self.onetime.share(owner, "text", ttl=LIFE)
            self._new.append((time.monotonic(), made.secret_key))

    def told(self) -> int:
        """How often somebody was told that a secret was opened, in a message or in a line of one about several."""
        return sum(
            message.text.count(": Opened") if message.text.startswith("News of ") else "was opened" in message.shows
            for message in self.workspace.messages
        )

    def looks(self) -> int:
        return sum(seen.route == RECENT for seen in self.onetime.calls)


def run(*, quick: bool) -> bool:
    """Prints the figures and their goals. Whether all goals are met."""
    goals = asyncio.run(measure(quick=quick))
    print()
    for goal in goals:
        print(goal)
    return all(goal.is_met for goal in goals)


async def measure(*, quick: bool) -> list[Goal]:
    """Prints what was done and held, and returns the ratios of the end to the start."""
    size = QUICK if quick else FULL
    soak = Soak(size)
    await soak.onetime.start()
    await soak.fill()
    await soak.workspace.start()
    try:
        await soak.world.start_bot()
        samples = await _sampled(soak)
        await _until(lambda: soak.told() >= soak.opened, size.quiet)
    finally:
        await soak.world.stop()
    hours = size.lasts * TIMES / 3600
    print(
        f"{size.people * size.each} secrets of {size.people} people, {size.lasts:g} s = {hours:.1f} h of the bot's time"
    )
    print(f"{soak.looks()} looks, {soak.opened} secrets opened, {soak.told()} times that it was told")
    rows = [samples.row("memory", samples.mebibytes, "MiB"), samples.row("descriptors", samples.descriptors, "")]
    print(table(["", "start", "end", "end / start", "an hour"], rows))
    (memory_before, memory), (before, descriptors) = map(start_and_end, (samples.mebibytes, samples.descriptors))
    return [
        Goal("memory at the end / at the start", memory / memory_before, "at most", MEMORY),
        Goal("file descriptors at the end / at the start", descriptors / before, "at most", DESCRIPTORS),
        Goal("times told / secrets opened, at least", soak.told() / max(soak.opened, 1), "at least", 1.0),
        Goal("times told / secrets opened, at most", soak.told() / max(soak.opened, 1), "at most", 1.0),
    ]


async def _sampled(soak: Soak) -> Samples:
    samples, began = Samples(), time.monotonic()
    reading = asyncio.create_task(soak.read())
    try:
        while (at := time.monotonic() - began) < soak.size.lasts:
            samples.take(soak.world.bot.pid, at)
            await asyncio.sleep(soak.size.sampled)
    finally:
        reading.cancel()
    return samples


async def _until(is_so: Callable[[], bool], within: float) -> None:
    end = time.monotonic() + within
    while not is_so() and time.monotonic() < end:  # noqa: ASYNC110 - the emulated Slack tells nobody here
        await asyncio.sleep(0.2)
