"""Calls by key of several processes: together they make no more than one would, whoever polls."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.errors import StorageUnavailable
from bot.sandbox.onetime import OnetimeServer
from bot.storage.engine.database import Database, migrate
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tracking.key_calls import KeyCalls
from bot.watch.key_budget import BURST, REFILL_RATE
from tests.faults.test_watcher import ONE, Watching
from tests.support.postgres import new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]

DAY = 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("new_postgres_url")()
        return made
    migrate(f"sqlite:///{tmp_path}/bot.db")
    return f"sqlite:///{tmp_path}/bot.db"


@pytest.fixture
async def server() -> AsyncIterator[OnetimeServer]:
    async with OnetimeServer() as started:
        yield started


@pytest.fixture
async def processes(url: str, server: OnetimeServer) -> AsyncIterator[list[Watching]]:
    """Two watchers that share only the database. On SQLite the second stands for the bot after a restart."""
    sealer = Sealer(KeyRing.read(generate_line("k1")))
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            db = Database.open(url)
            stack.push_async_callback(db.close)
            made.append(Watching(db, server, sealer=sealer))
            stack.push_async_callback(made[-1].onetime.aclose)
        yield made


async def track_old_ones(watching: Watching, server: OnetimeServer, number: int) -> None:
    """Anonymous secrets of one person, each of which is due only every few minutes."""
    server.move_clock(-DAY)
    for _ in range(number):
        await watching.track(server, server.share(None, "text", ttl=7 * DAY))
    server.move_clock(DAY)


def calls_by_key(server: OnetimeServer) -> int:
    return [call.route for call in server.calls].count(ONE)


async def test_who_polls_next_does_not_begin_anew_with_what_was_asked_for(processes, server):
    await track_old_ones(processes[0], server, 3)

    for watching in processes:
        await watching.all_due()
        assert await watching.watcher.run_once()

    assert calls_by_key(server) == 3


async def test_several_processes_together_ask_for_no_more_than_the_host_takes(processes, server):
    await track_old_ones(processes[0], server, BURST + 40)
    begun = time.monotonic()

    for watching in [*processes, *processes]:
        await watching.all_due()
        assert await watching.watcher.run_once()

    assert BURST <= calls_by_key(server) <= BURST + (time.monotonic() - begun) * REFILL_RATE + 1


async def test_nothing_is_asked_for_that_the_database_does_not_count(processes, server, monkeypatch):
    first, _ = processes
    await track_old_ones(first, server, 3)

    async def is_away(*_arguments: object) -> bool:
        raise StorageUnavailable("away")

    with monkeypatch.context() as during:
        during.setattr(KeyCalls, "write", is_away)
        await first.watcher.run_once()
    assert calls_by_key(server) == 0

    async with first.db.writing() as connection:  # its lease has run out
        await connection.exec_driver_sql("UPDATE watches SET lease = NULL, lease_until = NULL, next_poll_at = 0")
    await first.watcher.run_once()

    assert calls_by_key(server) == 3


async def test_who_lost_the_lease_asks_for_nothing(processes, server):
    first, second = processes
    await track_old_ones(first, server, 1)
    (late,) = await first.watcher._polls.claim(1, 30)
    rows = await first.watcher._polls.open_rows([late])
    async with first.db.writing() as connection:
        await connection.exec_driver_sql("UPDATE watches SET lease_until = 0, next_poll_at = 0")
    await second.watcher.run_once()

    budget = first.watcher._pollers[0]._key_budget

    assert await budget.consume(late, rows[late.id]) == []
    assert calls_by_key(server) == 1
