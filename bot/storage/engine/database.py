"""The database, SQLite in a private file or PostgreSQL: transactions, its clock, and its errors as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Double, Engine, and_, event, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from bot.errors import StorageRefused, StorageUnavailable
from bot.secret import Secret
from bot.storage.engine import sqlite
from bot.storage.engine.failures import describe, is_lasting
from bot.storage.engine.location import DatabaseLocation, locate
from bot.storage.engine.migrate import HEAD, POSTGRESQL_ARGUMENTS, migrate, version_of
from bot.storage.engine.turns import Turns

__all__ = ["HEAD", "Database", "clock", "is_older", "is_within", "migrate", "moment", "moment_or_none", "now"]

POOL_SIZE = 5  # connections that stay open; on SQLite each has a thread
POOL_WAIT = 5.0  # seconds for a free one
WRITE_WAIT = sqlite.BUSY_TIMEOUT / 1000  # seconds to wait for other writers of this process
CLOCK_TOLERANCE = 60.0  # seconds that a clock may be set back by without anybody taking notice
CHECKPOINT_WAIT = 100  # milliseconds: a checkpoint is not worth a longer wait

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")

# What holds in every transaction, in milliseconds.
# A click waits for its answer, and a transaction that stays open delays the claims of all others.
_POSTGRESQL = {
    "statement_timeout": "10000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
    "synchronous_commit": "on",  # when COMMIT returns, the data is on disk
}


class _Now(FunctionElement[float]):
    type = Double()
    inherit_cache = True


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: object, **_kw: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # to the millisecond; Julian day 2440587.5 begins 1970


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: object, **_kw: object) -> str:
    # Not now(), which is when the transaction began: the transaction may have waited for a lock since then.
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


now = _Now()  #: the database's time as SQL: seconds since the epoch, a float


def is_older(stored: ColumnElement[float], seconds: float) -> ColumnElement[bool]:
    """The condition that something was stored `seconds` ago or earlier.

    True also for a time that is still to come: the clock was ahead when it was stored, so nobody knows its age.
    """
    return or_(stored <= now - seconds, stored > now + CLOCK_TOLERANCE)


def is_within(stored: ColumnElement[float], seconds: float) -> ColumnElement[bool]:
    """The condition that something was stored in the last `seconds`: the opposite of `is_older`."""
    return and_(stored > now - seconds, stored <= now + CLOCK_TOLERANCE)


async def clock(connection: AsyncConnection) -> float:
    """The database's time."""
    seconds: float | None = await connection.scalar(select(now))
    assert seconds is not None
    return seconds


def moment(seconds: float) -> datetime:
    """A time of the database, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """A time of the database, in UTC; None for a column without a value."""
    return None if seconds is None else moment(seconds)


class Database:
    """A pool of connections. Nothing connects before the first use."""

    def __init__(self, where: DatabaseLocation, engine: AsyncEngine) -> None:
        self.where = where
        self.file = None if where.path is None else sqlite.identity(where.path)  # of the database that is open
        self._engine = engine
        self._writer = engine.execution_options(**{sqlite.BEGIN: "IMMEDIATE"})
        self._writing = Turns()
        self._bare = engine.execution_options(**{sqlite.BEGIN: None})

    @classmethod
    def open(cls, url: Secret | str) -> Self:
        """Does not connect. Creates a missing SQLite file. Raises `CannotStart` with the path and what to do."""
        where = locate(url)
        if where.path:
            sqlite.prepare_file(where.path)
            engine = create_async_engine(where.async_url, **_COMMON)
            sqlite.set_up(engine.sync_engine)
        else:
            engine = create_async_engine(
                where.async_url, connect_args=POSTGRESQL_ARGUMENTS, pool_pre_ping=True, **_COMMON
            )
            _set_up_postgresql(engine.sync_engine)
        return cls(where, engine)

    def __repr__(self) -> str:
        return f"Database({str(self.where)!r})"

    @property
    def is_sqlite(self) -> bool:
        return self.where.path is not None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that reads. Raises `StorageUnavailable`."""
        with _translate_errors():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that reads, and sees everything as it was at its first query. Raises `StorageUnavailable`."""
        async with self.reading() as connection:
            if not self.is_sqlite:
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is on disk when the block ends, or undone if it raises. Raises `StorageUnavailable`.

        On SQLite the transaction waits for the write lock at its start (up to 5 s), so nobody can change what it reads
        before it writes. Do not call a host or Slack inside the block.
        """
        async with self._wait_for_turn():
            with _translate_errors():
                async with self._writer.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def _wait_for_turn(self) -> AsyncIterator[None]:
        """On SQLite one task of this process writes at a time. People write in turns.

        SQLite's own wait sleeps longer after each try, so later tasks would overtake earlier ones.
        """
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(WRITE_WAIT):
                await self._writing.acquire()
        except TimeoutError:
            raise StorageUnavailable("busy") from None
        try:
            yield
        finally:
            self._writing.release()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        """One connection for several transactions, which the caller begins. Raises `StorageUnavailable`."""
        with _translate_errors():
            async with self._engine.connect() as connection:
                yield connection

    async def advisory_lock(self, connection: AsyncConnection, *names: str, shared: bool = False) -> None:
        """Wait until no other transaction holds the lock with these names, then hold it until this transaction ends.

        If it is `shared`, other transactions may hold it too, but only shared. On SQLite there is only one writer at a
        time, so this method does nothing.
        """
        if not self.is_sqlite:
            statement = _LOCK_SHARED if shared else _LOCK
            await connection.execute(statement, {"name": "\x1f".join(names)})

    async def ping(self) -> None:
        """Raises `StorageUnavailable` unless the database answers."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def is_current(self) -> bool:
        """Whether the schema is the one that this code knows. Raises `StorageUnavailable`."""
        async with self.reading() as connection:
            return await connection.run_sync(version_of) == HEAD

    async def may_go_on(self) -> bool:
        """Whether a process that runs can go on: the schema is current, or newer. Raises `StorageUnavailable`.

        Newer code upgrades PostgreSQL beside processes that run, and only adds to the schema. A file of SQLite belongs
        to one process.
        """
        async with self.reading() as connection:
            version = await connection.run_sync(version_of) or ""
        return version == HEAD or (version > HEAD and not self.is_sqlite)

    async def checkpoint(self) -> None:
        """Remove wiped values from SQLite's write-ahead log too, unless somebody is reading from the log right now.

        `secure_delete` overwrites the values in the database, but the log keeps the older pages until it starts over.
        Raises nothing: the wiped rows are committed already, and the next checkpoint tries again.
        """
        if not self.is_sqlite:
            return
        with suppress(SQLAlchemyError):
            async with self._bare.connect() as connection:
                await connection.exec_driver_sql(f"PRAGMA busy_timeout={CHECKPOINT_WAIT}")
                with suppress(SQLAlchemyError):
                    await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                # Not after a cancellation: its connection is closed, and the error of that would replace it.
                await connection.exec_driver_sql(f"PRAGMA busy_timeout={sqlite.BUSY_TIMEOUT}")

    async def close(self) -> None:
        await self._engine.dispose()


# The values of a statement never appear in errors or logs.
_COMMON: dict[str, Any] = {
    "hide_parameters": True,
    "echo": False,
    "pool_size": POOL_SIZE,
    "max_overflow": 0,
    "pool_timeout": POOL_WAIT,
}


def _set_up_postgresql(engine: Engine) -> None:
    """Begin each transaction with our limits. They go in the same message, so this costs no round trip.

    A pooler such as PgBouncer may give each transaction another connection to the server, and refuses options at the
    start of a connection. So nothing here may belong to a connection: no `SET` without `LOCAL`, no prepared statement,
    no lock that outlives its transaction, no `LISTEN`.
    """
    begin = "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in _POSTGRESQL.items())])

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.autocommit = True  # else psycopg sends a BEGIN of its own before the first statement

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        kind = StorageRefused if is_lasting(error) else StorageUnavailable
        raise kind(describe(error)) from None
