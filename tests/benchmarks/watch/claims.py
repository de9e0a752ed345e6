"""(c) What claiming costs, and giving back, in databases of different sizes: it should be the same in all."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.storage.engine.database import Database
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tracking.polls import Polls
from bot.watch.host_poller import BATCH
from tests.benchmarks.measure import Goal, middle, ratio, table
from tests.benchmarks.watch.crowd import HOST, cluster, postgres_crowd, sqlite_crowd

LEASE = 60.0  # seconds; long, so that none of them runs out meanwhile


@dataclass(frozen=True, slots=True)
class Plan:
    rows: tuple[int, ...] = (10_000, 100_000, 1_000_000)  # tracked
    each: int = 100  # to an account
    rounds: int = 60
    claimed: int = BATCH  # accounts at a time


FULL = Plan()
QUICK = Plan(rows=(20, 40), each=5, rounds=2, claimed=2)


@dataclass(slots=True)
class Figures:
    """Milliseconds, one for each round."""

    claim: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)

    def row(self, name: str) -> list[str]:
        return [name, *(f"{middle(some):.2f} ms" for some in (self.claim, self.back, self.read))]

    @property
    def both(self) -> list[float]:
        return [one + other for one, other in zip(self.claim, self.back, strict=True)]


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    found = {}
    with tempfile.TemporaryDirectory(prefix="ots-bench-") as directory, cluster() as server:
        made = {size: sqlite_crowd(Path(directory), size // plan.each, plan.each) for size in plan.rows}
        found["SQLite"] = await _measured(made, plan)
        if server is not None:
            made = {size: postgres_crowd(server, size // plan.each, plan.each) for size in plan.rows}
            found["PostgreSQL"] = await _measured(made, plan)
    rows = [one.row(f"{kind}, {size:,} rows") for kind, sizes in found.items() for size, one in sizes.items()]
    print(table([f"(c) {plan.claimed} accounts at a time", "claim", "give back", "read their rows"], rows))
    return [goal for kind, sizes in found.items() for goal in _goals(kind, sizes)]


def _goals(kind: str, sizes: Mapping[int, Figures]) -> list[Goal]:
    smallest, largest = min(sizes), max(sizes)
    flat = ratio(sizes[largest].both, sizes[smallest].both)
    return [Goal(f"(c) {kind}: claims of {largest:,} rows / {smallest:,} rows", flat, "at most", 1.5)]


async def _measured(urls: Mapping[int, str], plan: Plan) -> dict[int, Figures]:
    sealer = Sealer(KeyRing.read(generate_line("k1")))
    databases = {size: Database.open(url) for size, url in urls.items()}
    found = {size: Figures() for size in urls}
    try:
        for db in databases.values():  # the first one pays for what is made only once
            await _turn(Polls(db, sealer), Figures(), plan)
        for _ in range(plan.rounds):
            for size, db in databases.items():
                await _turn(Polls(db, sealer), found[size], plan)
    finally:
        for db in databases.values():
            await db.close()
    return found


async def _turn(polls: Polls, figures: Figures, plan: Plan) -> None:
    async with _timed(figures.claim):
        watches = await polls.claim(plan.claimed, LEASE, host=HOST)
    async with _timed(figures.read):
        rows = await polls.open_rows(watches)
    async with _timed(figures.back):
        await polls.record_unchanged([(watch, 0.0) for watch in watches])
    assert [len(some) for some in rows.values()] == [plan.each] * plan.claimed


@contextlib.asynccontextmanager
async def _timed(milliseconds: list[float]) -> AsyncIterator[None]:
    started = time.perf_counter()
    yield
    milliseconds.append((time.perf_counter() - started) * 1000)
