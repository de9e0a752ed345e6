"""The watcher as a process that is told to end, or killed: nothing claimed is left behind, and another takes over."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault, WorkspaceMember
from bot.sandbox.world import World
from tests.support.postgres import new_postgres_url, postgres
from tests.support.waiting import BUSY, eventually

__all__ = ["new_postgres_url", "postgres"]

ONE = "/api/v1/private/{key}"
HELD = "SELECT count(*) FROM {table} WHERE lease IS NOT NULL"


@asynccontextmanager
async def watching(**settings: str) -> AsyncIterator[tuple[World, WorkspaceMember, Any]]:
    """A world in which somebody tracks an anonymous secret, and was shown its card."""
    async with World(settings={"WATCH_EVERY": "5", **settings}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        one = world.onetime.share(None, "text")
        await ada.command("/ots", f"track {world.onetime.url}/private/{one.metadata_key}")
        await ada.until(lambda: ada.dm)
        yield world, ada, one


def left_in(database: Path) -> list[int]:
    """How many watches and notifications are still leased."""
    with closing(sqlite3.connect(database)) as connection:
        return [connection.execute(HELD.format(table=table)).fetchone()[0] for table in ("watches", "notifications")]


def lease_left(url: str) -> float:
    """Seconds until another process may poll the one watch."""
    with psycopg.connect(url) as connection:
        left = connection.execute("SELECT lease_until - extract(epoch FROM clock_timestamp()) FROM watches").fetchone()
    assert left is not None
    return float(left[0])


async def test_told_to_end_while_the_host_hangs_it_ends_in_time_with_no_lease_left():
    async with watching() as (world, _ada, _one):
        world.onetime.plan(ONE, OnetimeFault("hang"), None)
        await world.onetime.wait_for_call(ONE)
        assert left_in(world.directory / "bot.db") == [1, 0]

        began = time.monotonic()
        code = await world.bot.stop()

        assert (code, left_in(world.directory / "bot.db")) == (0, [0, 0])
        assert time.monotonic() - began < 10 + BUSY


@pytest.mark.slow
async def test_told_to_end_while_slack_hangs_the_news_is_given_back_and_told_once_by_the_next():
    async with watching() as (world, ada, one):
        hangs = world.workspace.plan("chat.postMessage", SlackFault.hang())
        world.onetime.open_as_outsider(one.secret_key)
        await world.workspace.wait_for_call("chat.postMessage")

        code = await world.bot.stop()
        assert (code, left_in(world.directory / "bot.db")) == (0, [0, 0])
        hangs.release()
        await world.start_bot()

        await ada.until(lambda: any("was opened" in message.shows for message in ada.dm))
        assert sum("was opened" in message.shows for message in ada.dm) == 1


async def test_after_a_kill_another_polls_within_five_seconds(new_postgres_url):
    url = new_postgres_url()
    async with watching(DATABASE_URL=url) as (world, ada, one):
        world.onetime.plan(ONE, OnetimeFault("hang"), None)
        await world.onetime.wait_for_call(ONE)
        world.onetime.open_as_outsider(one.secret_key)

        await world.bot.kill()
        assert lease_left(url) <= 4  # and every second somebody looks for what is free
        world.onetime.clear_faults()
        before = len(world.onetime.calls)
        await world.start_bot()
        await eventually(lambda: len(world.onetime.calls) > before)

        await ada.until(lambda: any("was opened" in message.shows for message in ada.dm))


@pytest.mark.usefixtures("real_starts")
@pytest.mark.slow
async def test_a_worker_alone_ends_in_time_too(new_postgres_url):
    url = new_postgres_url()
    async with watching(DATABASE_URL=url) as (world, _ada, _one):
        await world.bot.stop()
        world.onetime.plan(ONE, OnetimeFault("hang"), None)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE watches SET next_poll_at = 0")
            worker = type(world.bot)(world.settings(), ("-m", "bot", "worker"))
            await worker.start()
            await world.onetime.wait_for_call(ONE)

            began = time.monotonic()
            code = await worker.stop()

            assert code == 0
            assert time.monotonic() - began < 10 + BUSY
            assert connection.execute(HELD.format(table="watches").encode()).fetchone() == (0,)
