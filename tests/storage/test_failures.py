"""Which errors of the database pass by themselves, and which stay until an operator acts."""

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, TimeoutError  # noqa: A004 - SQLAlchemy's

from bot.errors import StorageRefused, StorageUnavailable
from bot.storage.engine.database import Database
from bot.storage.engine.failures import is_lasting


def of_sqlite(name):
    error = sqlite3.OperationalError("in words")
    error.sqlite_errorname = name
    return OperationalError("SELECT 1", {}, error)


class ServerError(Exception):
    """An error as psycopg raises it. A connection that was not made has no code."""

    def __init__(self, words, code=None):
        super().__init__(words)
        self.sqlstate = code


def of_postgresql(code, kind=OperationalError):
    return kind("SELECT 1", {}, ServerError("in words", code))


@pytest.mark.parametrize("name", ["SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_ERROR",
                                  "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_READONLY_DBMOVED"])  # fmt: skip
def test_what_sqlite_says_of_the_file_and_its_rights_stays(name):
    assert is_lasting(of_sqlite(name))


@pytest.mark.parametrize("name", ["SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_LOCKED",
                                  "SQLITE_NOMEM"])  # fmt: skip
def test_what_sqlite_says_of_other_writers_and_of_the_disk_passes(name):
    assert not is_lasting(of_sqlite(name))


@pytest.mark.parametrize("code", ["28P01", "3D000", "42501", "42P01", "22001", "23505"])
def test_a_wrong_password_or_a_missing_right_on_postgresql_stays(code):
    assert is_lasting(of_postgresql(code, ProgrammingError))


@pytest.mark.parametrize(
    "code", ["08006", "25006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P03", "58030"]
)
def test_a_failover_a_conflict_and_an_operators_stop_on_postgresql_pass(code):
    assert not is_lasting(of_postgresql(code))


def test_a_connection_that_was_not_made_is_told_by_its_words():
    refused = ServerError('FATAL: password authentication failed for user "ots"')
    away = ServerError("connection refused")

    assert is_lasting(OperationalError(None, None, refused))
    assert not is_lasting(OperationalError(None, None, away))
    assert not is_lasting(TimeoutError("no free connection of the pool"))


async def test_a_missing_table_is_refused_for_good(database):
    with pytest.raises(StorageRefused) as refused:
        async with database.reading() as connection:
            await connection.execute(text("SELECT * FROM nothing_of_that_name"))

    assert not isinstance(refused.value.__cause__, DBAPIError)  # it has the statement


async def test_a_lock_of_another_process_is_waited_for_and_then_passes(url, database):
    wait, lock = "SET LOCAL lock_timeout = 50", "LOCK TABLE key_checks"
    if database.is_sqlite:
        wait, lock = "PRAGMA busy_timeout = 50", "INSERT INTO key_checks (kid, sealed, created_at) VALUES ('k', 'x', 0)"
    other = Database.open(url)

    async def wait_for_lock():
        async with database.reading() as connection:
            await connection.execute(text(wait))
            await connection.execute(text(lock))

    async with other.writing() as holder:
        await holder.execute(text(lock))
        with pytest.raises(StorageUnavailable) as busy:
            await wait_for_lock()
    await other.close()

    assert not isinstance(busy.value, StorageRefused)
