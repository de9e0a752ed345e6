"""Two workspaces and an organisation, each full of canaries: nothing of one shows in another, and what goes is gone."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from bot.storage.engine.database import Database
from bot.storage.tables import AUDIT, acts, limit_uses, metadata
from tests.faults.tenants import Tenant, fill, open_homes, paste, press, says, walk
from tests.support.many_world import ManyWorld
from tests.support.postgres import Cluster, new_postgres_url, postgres
from tests.support.waiting import PATIENCE, eventually

__all__ = ["new_postgres_url", "postgres"]

SETTINGS = {"UNFURL_LINKS": "on", "WATCH_EVERY": "5", "LOG_LEVEL": "debug"}
PASSING = {acts.name, limit_uses.name}  # what was done and counted lately grows with whatever somebody does

Search = Callable[[ManyWorld], Iterator[tuple[str, bytes]]]


# --- where something may be left


def files(world: ManyWorld) -> Iterator[tuple[str, bytes]]:
    """All files of the bot: a SQLite database, its -wal and its -shm."""
    for file in world.directory.rglob("*"):
        if file.is_file():
            yield file.name, file.read_bytes()


def dump_of(cluster: Cluster, world: ManyWorld) -> Iterator[tuple[str, bytes]]:
    program = shutil.which("pg_dump", path=f"{cluster.programs}:{os.environ['PATH']}")
    assert program is not None
    done = subprocess.run([program, world.database_url], capture_output=True, check=True)
    assert b"CREATE TABLE public.accounts" in done.stdout
    yield "the dump", done.stdout


def output(world: ManyWorld) -> Iterator[tuple[str, bytes]]:
    yield "the log", bytes(world.bot.output)


def found(places: Iterator[tuple[str, bytes]], needles: dict[bytes, str]) -> set[str]:
    return {f"{what} in {place}" for place, content in places for needle, what in needles.items() if needle in content}


async def rows_with(world: ManyWorld, *ids: str) -> Counter[str]:
    """How many rows of each table have one of these ids anywhere in them."""
    counted: Counter[str] = Counter()
    db = Database.open(world.database_url)
    try:
        async with db.reading() as connection:
            for table in metadata.sorted_tables:
                rows = (await connection.execute(select(table))).all()
                counted[table.name] = sum(any(one in str(row) for one in ids) for row in rows)
    finally:
        await db.close()
    return +counted


async def until_rows(world: ManyWorld, hoped: Callable[[Counter[str]], bool], *ids: str) -> None:
    stop = time.monotonic() + PATIENCE
    while not hoped(rows := await rows_with(world, *ids)):
        assert time.monotonic() < stop, rows


# --- the life of the three


def visible(tenants: list[Tenant]) -> set[str]:
    """What one of them was shown that is of another."""
    return {
        f"{one}: shown to {reader.name}, of {owner.name}"
        for reader in tenants
        for owner in tenants
        if owner is not reader
        for one in found(iter([("it", reader.shown())]), owner.needles(ids=True))
    }


def known_to_log(world: ManyWorld, tenants: list[Tenant]) -> set[str]:
    return {one for tenant in tenants for one in found(output(world), tenant.needles(ids=False))}


async def lives(search: Search, database_url: str | None = None) -> None:
    tenants = [Tenant("the first"), Tenant("the second"), Tenant("the organisation", is_organisation=True)]
    first, *others = tenants
    workspaces = [one.workspace for one in tenants]
    async with ManyWorld(workspaces, rotation=True, settings=SETTINGS, database_url=database_url) as world:
        for tenant in tenants:
            assert (await world.install(tenant.workspace))[0] == 200
            await fill(world, tenant)
        assert found(search(world), first.needles(ids=True))  # its ids: the search looks where rows are
        assert all(not found(search(world), one.needles(ids=False)) for one in tenants)

        for tenant in tenants:
            await walk(world, tenant)
        states = [(one.metadata_key, one.state) for one in world.onetime.everything()]
        for tenant in tenants:
            for other in tenants:
                if other is not tenant:
                    await press(world, tenant, other.buttons())
        assert [(one.metadata_key, one.state) for one in world.onetime.everything()] == states
        for tenant in tenants:
            for other in tenants:
                if other is not tenant:
                    await paste(world, tenant, other.held[:2])  # those that it tracks under a label of its own
        assert visible(tenants) == set()

        await rotate(world, first)
        await reinstall(world, first)
        assert visible(tenants) == set()

        kept = [await rows_with(world, *one.ids) for one in others]
        await world.platform.uninstall(first.workspace)
        audit = {table.name for table in AUDIT}
        await until_rows(world, lambda rows: rows.keys() <= audit, *first.ids)
        assert found(search(world), first.needles(ids=False)) == set()
        for tenant, before in zip(others, kept, strict=True):
            await is_as_before(world, tenant, before)
        assert visible(tenants) == set()
        assert known_to_log(world, tenants) == set()

        await world.bot.stop()
        await world.start_bot(AUDIT_RETENTION_DAYS="0")
        await eventually(lambda: not found(search(world), first.needles(ids=True)), every=0.5)
        assert found(search(world), others[0].needles(ids=True))
        assert known_to_log(world, tenants) == set()


async def rotate(world: ManyWorld, tenant: Tenant) -> None:
    """It gets a token that is about to end: Slack gives the next one, and the one before is good for nothing."""
    usual, world.platform.token_lives = world.platform.token_lives, 3_600
    assert (await world.install(tenant.workspace))[0] == 200
    world.platform.token_lives = usual
    tenant.note_tokens(world)
    before, renewals = tenant.workspace.bot_token, world.platform.renewals
    stop = time.monotonic() + PATIENCE
    while world.platform.renewals == renewals:
        await says(tenant.ada, "accounts", "Your accounts")
        assert time.monotonic() < stop
        await asyncio.sleep(0.5)  # an installation is remembered for ten seconds
    tenant.note_tokens(world)
    world.platform.expire(tenant.workspace, before)
    await is_as_before(world, tenant)


async def reinstall(world: ManyWorld, tenant: Tenant) -> None:
    before = await rows_with(world, *tenant.ids)
    world.platform.end_tokens(tenant.workspace)
    assert (await world.install(tenant.workspace))[0] == 200
    tenant.note_tokens(world)
    await is_as_before(world, tenant, before)


async def is_as_before(world: ManyWorld, tenant: Tenant, before: Counter[str] | None = None) -> None:
    """The account, what is tracked, and the Home tab are there, and no row is gone."""
    await says(tenant.ada, "accounts", "Your accounts")
    await says(tenant.ada, "tracked", tenant.label.text)
    await open_homes(tenant)
    if before is not None:
        rows = await rows_with(world, *tenant.ids)
        gone = {name: count for name, count in before.items() if rows[name] < count and name not in PASSING}
        assert gone == {}


@pytest.mark.timeout(600)
async def test_nothing_of_one_workspace_shows_in_another_and_sqlite_keeps_nothing_of_one_that_has_left() -> None:
    await lives(files)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_of_one_workspace_shows_in_another_and_postgresql_keeps_nothing_of_one_that_has_left(
    new_postgres_url: Callable[[], str], postgres: Cluster
) -> None:
    await lives(lambda world: dump_of(postgres, world), new_postgres_url())


def test_the_search_finds_each_canary_in_any_disguise() -> None:
    needles = Tenant("any").needles(ids=True)

    for needle, what in needles.items():
        assert found(iter([("a file", b"\0" + needle + b"\0")]), needles) == {f"{what} in a file"}
