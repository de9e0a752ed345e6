from __future__ import annotations

import asyncio
import logging
import os
import stat
import subprocess
import sys
import time

import pytest
from sqlalchemy import select, text

from bot.errors import CannotStart, StorageUnavailable
from bot.secret import Secret
from bot.storage.engine import sqlite
from bot.storage.engine.database import HEAD, Database, migrate, now
from bot.storage.tables import key_checks


async def test_a_migrated_database_answers_and_is_current(database):
    await database.ping()

    assert await database.is_current()


async def test_an_empty_or_newer_database_is_not_current(database, tmp_path):
    empty = Database.open(f"sqlite:///{tmp_path}/empty.db")
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert not await empty.is_current()
    assert not await database.is_current()
    await empty.close()


async def test_now_is_the_databases_clock_in_seconds(database):
    async with database.reading() as connection:
        first = await connection.scalar(select(now))
        second = await connection.scalar(select(now))

    assert isinstance(first, float)
    assert first == pytest.approx(time.time(), abs=2)
    assert first <= second < first + 5


async def test_a_block_that_raises_changes_nothing(database):
    row = {"kid": "k1", "sealed": b"x", "created_at": 0.0}

    async def fail_after_writing():
        async with database.writing() as connection:
            await connection.execute(key_checks.insert().values(row))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_writing()

    async with database.reading() as connection:
        assert (await connection.execute(select(key_checks))).all() == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_reading_block_sees_one_state_of_things(database):
    async with database.reading() as reader:
        before = (await reader.execute(select(key_checks))).all()
        async with database.writing() as writer:
            await writer.execute(key_checks.insert().values(kid="k1", sealed=b"x", created_at=0.0))

        assert (await reader.execute(select(key_checks))).all() == before == []


async def test_values_of_a_failed_statement_are_in_no_error(database, canary):
    async def write():
        async with database.writing() as connection:
            await connection.execute(key_checks.insert().values(kid="k1", sealed=canary.encode(), created_at=0.0))

    await write()
    with pytest.raises(StorageUnavailable) as trouble:
        await write()

    assert canary not in repr(trouble.value) + str(trouble.value)
    assert trouble.value.__suppress_context__
    assert str(trouble.value).startswith(("IntegrityError SQLITE_CONSTRAINT", "UniqueViolation 23505"))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_value_that_does_not_fit_is_in_no_error(database, canary):
    with pytest.raises(StorageUnavailable) as trouble:
        async with database.writing() as connection:
            await connection.execute(key_checks.insert().values(kid=canary, sealed=b"", created_at=0.0))

    assert str(trouble.value) == "StringDataRightTruncation 22001"


async def test_values_of_statements_are_in_no_log_of_sqlalchemy(url, canary, caplog):
    caplog.set_level(logging.DEBUG, logger="sqlalchemy")
    db = Database.open(url)

    async with db.writing() as connection:
        await connection.execute(key_checks.insert().values(kid=canary[-16:], sealed=b"", created_at=0.0))

    await db.close()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("sqlalchemy")]
    assert any("INSERT INTO key_checks" in line for line in said)
    assert not any(canary[-16:] in line for line in said)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_writers_that_read_first_wait_for_each_other(database):
    async with database.writing() as connection:
        await connection.execute(key_checks.insert().values(kid="k1", sealed=b"", created_at=0.0))

    async def count_up():
        async with database.writing() as connection:
            seen = await connection.scalar(select(key_checks.c.created_at))
            await asyncio.sleep(0)
            await connection.execute(key_checks.update().values(created_at=seen + 1))

    await asyncio.gather(*(count_up() for _ in range(10)))

    async with database.reading() as connection:
        assert await connection.scalar(select(key_checks.c.created_at)) == 10


PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "busy_timeout": 5_000,
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": 2,  # MEMORY
}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_every_pooled_connection_has_the_settings(database):
    ready, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def settings():
        async with database.reading() as connection:
            ready.release()
            await go_on.wait()
            raw = await connection.get_raw_connection()
            found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in PRAGMAS}
            assert raw.isolation_level is None  # transactions begin when we say so
            return id(raw.driver_connection), found

    tasks = [asyncio.create_task(settings()) for _ in range(5)]
    for _ in tasks:
        await ready.acquire()
    go_on.set()
    results = await asyncio.gather(*tasks)

    assert len({identity for identity, _ in results}) == 5
    assert [found for _, found in results] == [PRAGMAS] * 5


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_scrubbing_leaves_the_settings_as_they_were(database):
    await database.checkpoint()

    async with database.reading() as connection:
        found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in PRAGMAS}
    assert found == PRAGMAS


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_scrubbing_does_not_wait_for_readers_and_raises_nothing(database):
    async with database.reading() as connection:
        await connection.execute(select(key_checks))
        async with database.writing() as writer:
            await writer.execute(key_checks.insert().values(kid="k1", sealed=b"", created_at=0.0))
        started = time.monotonic()

        await database.checkpoint()

    assert time.monotonic() - started < sqlite.BUSY_TIMEOUT / 1000


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_postgresql_gives_up_in_seconds_and_commits_to_disk(database):
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
    async with database.reading() as connection:
        found = [(await connection.execute(text(f"SHOW {name}"))).scalar() for name in names]

    assert found == ["10s", "5s", "10s", "on"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_foreign_key_that_points_nowhere_is_refused(database):
    with pytest.raises(StorageUnavailable):
        async with database.writing() as connection:
            await connection.execute(
                text(
                    "INSERT INTO button_contexts (id, enterprise_id, team_id, user_id, kind, host, account_id, created_at, expires_at)"
                    " VALUES ('a', '-', 't', 'u', 'k', 'h', 'nowhere', 0, 0)"
                )
            )


@pytest.fixture
def loose_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("loose_umask")
async def test_sqlite_files_are_ours_alone_whatever_the_umask(tmp_path):
    url = f"sqlite:///{tmp_path}/bot.db"
    migrate(url)
    db = Database.open(url)
    async with db.writing() as connection:
        await connection.execute(key_checks.insert().values(kid="k1", sealed=b"x", created_at=0.0))

        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    await db.close()

    assert modes == {"bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}


@pytest.mark.usefixtures("loose_umask")
def test_files_that_others_could_read_are_made_private(tmp_path):
    path = tmp_path / "bot.db"
    migrate(f"sqlite:///{path}")
    path.chmod(0o644)

    Database.open(f"sqlite:///{path}")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_opening_connects_to_nothing():
    db = Database.open("postgresql://nobody:pass-word@127.0.0.1:1/none")

    assert "pass-word" not in repr(db) + repr(vars(db))


URLS = {
    "not a URL": "no url at all p4ssw0rd",
    "a number missing": "postgresql://user:p4ssw0rd@host:port/name",
    "another kind": "mysql://user:p4ssw0rd@host/name",
    "memory": "sqlite://",
    "memory by name": "sqlite:///:memory:",
    "a host before the path": "sqlite://p4ssw0rd/bot.db",
    "options": "sqlite:///bot.db?mode=p4ssw0rd",
    "empty": "",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
def test_an_unusable_url_is_refused_and_never_repeated(url):
    with pytest.raises(CannotStart, match="DATABASE_URL") as refused:
        Database.open(Secret(url))

    assert "p4ssw0rd" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_way_to_say_postgresql_is_taken(scheme):
    db = Database.open(f"{scheme}://user@127.0.0.1:1/name?sslmode=require")

    assert db._engine.url.drivername == "postgresql+psycopg"
    assert db._engine.url.query == {"sslmode": "require"}


def test_a_sqlite_path_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    migrate("sqlite:///bot.db")

    assert (tmp_path / "bot.db").exists()


def test_a_database_of_the_newest_schema_needs_no_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/bot.db"
    migrate(url)
    program = f"""
import asyncio, sys, pkgutil, importlib, bot.storage
for module in pkgutil.iter_modules(bot.storage.__path__):
    importlib.import_module("bot.storage." + module.name)
from bot.storage.engine.database import Database, migrate
migrate({url!r})
async def look():
    db = Database.open({url!r})
    assert await db.is_current()
    await db.close()
asyncio.run(look())
assert not {{"alembic", "mako"}} & set(sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert HEAD == "0022"
