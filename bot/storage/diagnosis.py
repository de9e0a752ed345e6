"""What the doctor asks of the database. Nothing is created, and nothing that is stored is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StorageUnavailable
from bot.secret import Secret
from bot.storage.engine import sqlite
from bot.storage.engine.commands import cannot_start
from bot.storage.engine.database import HEAD, Database
from bot.storage.engine.location import DatabaseLocation, locate
from bot.storage.engine.migrate import version_of
from bot.storage.readiness import explain
from bot.storage.sealing.data_keys import are_in_use
from bot.storage.sealing.key_checks import starts_with
from bot.storage.sealing.sealer import DATA_VERSION
from bot.storage.tables import SEALED, SEALED_KEYS, key_checks

__all__ = ["HEAD", "DatabaseFacts", "examine", "find_write_problem", "locate_checked", "opened"]

TURNS = 3  # transactions: enough to see PgBouncer lend connections in turn

Pooling = Literal["transaction", "session"]


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A database that answers. `version` is the schema's, None without tables."""

    server: str  # "PostgreSQL 15.4"
    version: str | None
    pooling: Pooling | None  # how PgBouncer, which stands before it, lends connections

    @property
    def is_newer(self) -> bool:
        """Whether a newer version of the bot has migrated it."""
        return self.version is not None and self.version > HEAD


def locate_checked(url: Secret) -> DatabaseLocation:
    """Where the database is. Raises `CannotStart` for a URL that is none, or a place where no SQLite file can be."""
    where = locate(url)
    if where.path is not None:
        sqlite.check_place(where.path)
    return where


@asynccontextmanager
async def opened(url: Secret) -> AsyncIterator[Database]:
    """The database, which must exist. Raises `CannotStart` if it does not answer."""
    db = Database.open(url)
    try:
        yield db
    except StorageUnavailable as error:
        raise cannot_start(db, error) from None
    finally:
        await db.close()


async def examine(db: Database) -> DatabaseFacts:
    """Raises `StorageUnavailable`."""
    async with db.reading() as connection:
        version = await connection.run_sync(version_of)
        number = await connection.scalar(text("SELECT sqlite_version()" if db.is_sqlite else "SHOW server_version"))
    server = f"{'SQLite' if db.is_sqlite else 'PostgreSQL'} {str(number).split(' ')[0]}"
    return DatabaseFacts(server, version, None if db.is_sqlite else await _find_pooling(db))


async def uses_data_keys(db: Database) -> bool:
    """Whether everything of a workspace is sealed under its data key. Raises `StorageUnavailable`."""
    async with db.reading() as connection:
        if not await are_in_use(connection):
            return False
        for one in SEALED:
            older = one.column.is_not(None) & ~starts_with(one.column, DATA_VERSION)
            if one not in SEALED_KEYS and await connection.scalar(select(exists().where(older))):
                return False
    return True


async def find_write_problem(db: Database) -> str | None:
    """Why nothing can be written; None if it can. What is written stands there already."""
    try:
        async with db.writing() as connection:
            if db.is_sqlite:
                await connection.exec_driver_sql("PRAGMA user_version = 0")  # nobody uses this number
            else:
                await connection.execute(update(key_checks).values(created_at=key_checks.c.created_at))
    except StorageUnavailable as error:
        return explain(error)
    return None


async def _find_pooling(db: Database) -> Pooling | None:
    """How PgBouncer lends connections to the server; None without PgBouncer.

    PgBouncer makes up the process id that a client gets when it connects, so that it is not the one of the server's
    process. With session pooling a client keeps its connection to the server for as long as it is connected.
    """
    async with db.connected() as one, db.connected() as other:
        first = await _server_process(one)
        if first == await _process_named_at_start(one):
            return None
        taken_over = await _server_process(other) == first
        changes = {await _server_process(one) for _ in range(TURNS)} != {first}
    return "transaction" if taken_over or changes else "session"


async def _server_process(connection: AsyncConnection) -> int | None:
    """The process of the server that carries out a transaction."""
    try:
        process: int | None = await connection.scalar(text("SELECT pg_backend_pid()"))
        return process
    finally:
        await connection.rollback()


async def _process_named_at_start(connection: AsyncConnection) -> int | None:
    driver = (await connection.get_raw_connection()).driver_connection
    return int(driver.info.backend_pid) if driver is not None else None
