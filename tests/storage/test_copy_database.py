"""The copy from SQLite to PostgreSQL: every row, to the byte, or nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from bot.errors import CannotStart
from bot.storage.copy_database import copy_database
from bot.storage.engine.database import Database
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import metadata
from bot.watch.single_instance import single_instance_lock
from tests.readme import ROOT
from tests.support.full_database import ROWS, fill
from tests.support.waiting import eventually

PASSWORD = "p4ssw0rd-of-the-database"
TABLES = [table.name for table in metadata.sorted_tables]
RAISING = """
    CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN {does}; RETURN NEW; END $$ LANGUAGE plpgsql;
    CREATE TRIGGER stop BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION stop()
"""


@pytest.fixture
def line() -> str:
    return generate_line("k1").reveal()


@pytest.fixture
async def source(migrated_file: Path, tmp_path: Path, line: str) -> str:
    """A database of SQLite with rows in every table."""
    url = f"sqlite:///{tmp_path}/bot.db"
    shutil.copy(migrated_file, tmp_path / "bot.db")
    db = Database.open(url)
    async with db.writing() as connection:
        assert await fill(connection, Sealer(KeyRing.read(line))) == dict.fromkeys(TABLES, ROWS)
    await db.close()
    return url


@pytest.fixture
def target(new_postgres_url: Callable[[], str]) -> str:
    return new_postgres_url()


async def content(url: str) -> dict[str, list[Any]]:
    """Every row of every table, with the type of each value."""
    db = Database.open(url)
    try:
        async with db.reading() as connection:
            rows = {table.name: (await connection.execute(select(table))).all() for table in metadata.sorted_tables}
    finally:
        await db.close()
    return {name: sorted([[(type(one), one) for one in row] for row in some], key=repr) for name, some in rows.items()}


def count(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()[0]  # type: ignore[index]
            for name in TABLES
        }


async def test_every_row_of_every_table_is_copied_to_the_byte_and_type(source, target, line):
    said = await copy_database(source, target, KeyRing.read(line))

    assert await content(target) == await content(source)
    assert said.splitlines()[-1] == f"{len(TABLES) * ROWS} rows were copied, and every sealed value opens."
    assert line.partition(":")[2] not in said


def test_no_table_has_a_sequence_that_a_copy_would_have_to_set(target):
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT sequencename FROM pg_sequences").fetchall() == []


async def test_a_target_with_a_single_row_is_refused_and_keeps_it(source, target, line):
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("INSERT INTO key_checks VALUES ('k9', '\\x00', 1.5)")

    with pytest.raises(CannotStart, match="not empty: its table key_checks has rows"):
        await copy_database(source, target, KeyRing.read(line))

    assert count(target) == {**dict.fromkeys(TABLES, 0), "key_checks": 1}


async def test_a_target_without_tables_is_refused_with_the_fix(source, postgres, line):
    with pytest.raises(CannotStart, match="tables of the target are not current: run `python -m bot migrate`"):
        await copy_database(source, postgres.new_database(), KeyRing.read(line))


async def test_with_the_wrong_key_nothing_is_copied(source, target):
    with pytest.raises(CannotStart, match="nothing was copied"):
        await copy_database(source, target, KeyRing.read(generate_line("k1")))

    assert count(target) == dict.fromkeys(TABLES, 0)


async def test_a_copy_that_fails_at_the_last_table_leaves_the_target_empty(source, target, line):
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(RAISING.format(does="RAISE EXCEPTION 'no'", table=TABLES[-1]).encode())

    with pytest.raises(CannotStart):
        await copy_database(source, target, KeyRing.read(line))

    assert count(target) == dict.fromkeys(TABLES, 0)


async def test_a_copy_that_differs_is_undone(source, target, line):
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(RAISING.format(does="NEW.created_at := 1.0", table="shares").encode())

    with pytest.raises(CannotStart, match="table shares differs"):
        await copy_database(source, target, KeyRing.read(line))

    assert count(target) == dict.fromkeys(TABLES, 0)


# --- the command


class Command:
    """`python -m bot copy-database` as a process of its own."""

    def __init__(self, directory: Path, source: str, target: str, line: str) -> None:
        self._settings = {"DATABASE_URL": source, "ENCRYPTION_KEYS": line}
        self._file = directory / "new.env"
        self._file.write_text(f"DATABASE_URL={target.replace('postgres@', f'postgres:{PASSWORD}@')}\n")

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "copy-database", "--to", str(self._file)],
            cwd=ROOT, env={"PATH": os.environ["PATH"], **self._settings}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self) -> tuple[int, str]:
        process = self.start()
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


@pytest.fixture
def command(tmp_path, source, target, line) -> Command:
    return Command(tmp_path, source, target, line)


async def test_the_command_copies_and_says_what_to_do_next(command, source, target):
    code, said = command.run()

    assert code == 0, said
    assert await content(target) == await content(source)
    assert "Next: start the bot with the DATABASE_URL" in said
    assert PASSWORD not in said


def test_while_a_bot_runs_on_the_file_nothing_is_copied(command, target, tmp_path):
    with single_instance_lock(tmp_path / "bot.db"):
        code, said = command.run()

    assert code == 78
    assert "Another process works with the database" in said
    assert count(target) == dict.fromkeys(TABLES, 0)


async def test_a_copy_that_is_killed_leaves_the_target_empty_and_shows_no_password(command, target, line):
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(RAISING.format(does="PERFORM pg_sleep(60)", table=TABLES[-1]).encode())
        process = command.start()
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        await eventually(lambda: connection.execute(sleeping).fetchone() == (1,))

        shown = await asyncio.to_thread(Path(f"/proc/{process.pid}/cmdline").read_bytes)
        process.send_signal(signal.SIGKILL)
        process.wait()
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

    process.communicate()
    assert PASSWORD.encode() not in shown
    assert count(target) == dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "the file has no line DATABASE_URL"), ("DATABASE_URL=sqlite:///x.db\n", "The target is SQLite too")],
    ids=["no URL", "SQLite"],
)
def test_a_target_that_is_none_is_refused_in_one_line(tmp_path, source, line, text, said):
    command = Command(tmp_path, source, "", line)
    command._file.write_text(text)

    code, output = command.run()

    assert code == 78
    assert said in output
    assert output.count("\n") == 1


def test_the_source_is_not_changed(command, tmp_path):
    def rows() -> list[Any]:
        with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
            return list(connection.iterdump())

    before = rows()
    assert command.run()[0] == 0
    assert rows() == before
