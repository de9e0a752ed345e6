"""PgBouncer between the bot and PostgreSQL: nothing of the bot's belongs to a connection, which it may have for one
transaction only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from bot.sandbox.world import World
from bot.storage.engine.database import HEAD, Database, migrate
from bot.storage.engine.migrate import migrating, version_of
from tests.readme import ROOT
from tests.support.pgbouncer import Pooler, pooler
from tests.support.postgres import Cluster, new_postgres_url, postgres

__all__ = ["new_postgres_url", "pooler", "postgres"]

PEOPLE = 24
TIMES = 8  # psycopg would prepare a statement at its sixth use on a connection
WHILE = "SELECT name, setting FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') ORDER BY name"

# What PostgreSQL keeps for a connection, beyond the transaction.
OF_A_CONNECTION = re.compile(
    r"\bLISTEN \w|[\"'(;]\s*SET (?!LOCAL\b|TRANSACTION\b)\w|pg_(?:try_)?advisory_lock|CREATE TEMP|WITH HOLD"
)

each_mode = pytest.mark.parametrize("mode", ["transaction", "session"])


@each_mode
async def test_everybody_is_answered_through_a_pooler(
    pooler: Callable[[str], Pooler], new_postgres_url: Callable[[], str], mode: str
) -> None:
    async with World(settings={"DATABASE_URL": pooler(mode).url(new_postgres_url())}) as world:
        people = [world.workspace.person(f"U0{number:04}", f"person{number}") for number in range(PEOPLE)]

        async def ask(person, times):
            for number in range(times):
                await person.command("/ots", "tracked")
                await person.until(lambda: len(person.ephemerals) > number)  # noqa: B023 - awaited right here

        await asyncio.gather(*(ask(person, TIMES) for person in people))

        said = {message.shows for person in people for message in person.ephemerals}
        assert not any("did not answer" in one for one in said), said
        assert b"StorageUnavailable" not in world.bot.output
        assert all(len(person.ephemerals) == TIMES for person in people)


@each_mode
def test_the_tables_are_made_through_a_pooler(pooler: Callable[[str], Pooler], postgres: Cluster, mode: str) -> None:
    url = pooler(mode).url(postgres.new_database())

    for _ in range(2):
        migrate(url)

    with migrating(url) as connection:
        assert version_of(connection) == HEAD


@each_mode
async def test_the_limits_of_a_transaction_hold_through_a_pooler_and_end_with_it(
    pooler: Callable[[str], Pooler], new_postgres_url: Callable[[], str], mode: str
) -> None:
    db = Database.open(pooler(mode).url(new_postgres_url()))
    async with db.reading() as connection:
        inside = {row.name: row.setting for row in await connection.execute(text(WHILE))}
    async with db._engine.connect() as bare:
        raw = (await bare.get_raw_connection()).driver_connection
        outside = dict(await (await raw.execute(WHILE)).fetchall())
    await db.close()

    assert inside == {"lock_timeout": "5000", "statement_timeout": "10000"}
    assert outside == {"lock_timeout": "0", "statement_timeout": "0"}


async def test_a_database_is_reached_by_its_ipv6_address(
    pooler: Callable[[str], Pooler], new_postgres_url: Callable[[], str]
) -> None:
    url = pooler("transaction").url(new_postgres_url(), host="[::1]")
    migrate(url)
    db = Database.open(url)

    await db.ping()

    await db.close()


def test_no_statement_leaves_something_at_a_connection():
    code = [path for folder in ("bot/storage", "migrations") for path in (ROOT / folder).rglob("*.py")]

    assert len(code) > 20
    assert {path.name: found for path in code if (found := OF_A_CONNECTION.findall(path.read_text()))} == {}
