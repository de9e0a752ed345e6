"""The migrations make exactly the tables of the code, as a whole or not at all, one process at a time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text

from bot.errors import CannotStart
from bot.storage.engine.migrate import HEAD, SCRIPTS, migrate, migrating, version_of
from bot.storage.tables import for_dialect
from tests.support.postgres import Cluster, new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]

ROOT = Path(__file__).resolve().parents[2]
FORKS = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child does nothing else


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db"
    cluster: Cluster = request.getfixturevalue("postgres")
    return cluster.new_database()


def tables(url: str) -> set[str]:
    with migrating(url) as connection:
        return set(inspect(connection).get_table_names())


def version(url: str) -> str | None:
    with migrating(url) as connection:
        return version_of(connection)


def statements(url: str) -> dict[str, list[str]]:
    """What made each table and index, by its parts: a column that is added later stands behind the constraints."""
    with migrating(url) as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {name: sorted(re.split(r", (?![^(]*\))", " ".join(bare(sql).split()))) for name, sql in rows}


def bare(sql: str) -> str:
    """Without the brackets around the parts of a table."""
    return re.sub(r"^(CREATE TABLE \w+) \((.*)\)$", r"\1, \2", sql.strip(), flags=re.DOTALL)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config)


def test_the_migrated_tables_are_the_tables_of_the_code(url):
    migrate(url)

    with migrating(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, for_dialect(connection.dialect.name)) == []


def test_a_new_sqlite_file_gets_exactly_what_all_migrations_make(tmp_path):
    made, migrated = f"sqlite:///{tmp_path}/made.db", f"sqlite:///{tmp_path}/migrated.db"
    migrate(made)

    done = alembic(migrated, "upgrade", "head")

    assert done.returncode == 0, done.stderr
    assert statements(made) == statements(migrated)


def test_the_code_knows_the_newest_migration():
    assert scripts().get_heads() == [HEAD]


def test_migrating_twice_is_migrating_once(url):
    migrate(url)

    migrate(url)

    assert version(url) == HEAD


def alembic(url: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        check=False,
        capture_output=True,
        text=True,
    )


def test_alembic_check_runs_from_a_checkout_and_finds_nothing_to_do(tmp_path):
    url = f"sqlite:///{tmp_path}/bot.db"
    migrate(url)

    done = alembic(url, "check")

    assert (done.returncode, done.stdout.strip()) == (0, "No new upgrade operations detected."), done.stderr


def test_alembic_upgrades_from_the_command_line_too(tmp_path):
    url = f"sqlite:///{tmp_path}/bot.db"

    done = alembic(url, "upgrade", "head")

    assert done.returncode == 0, done.stderr
    assert version(url) == HEAD


def test_a_database_of_a_newer_bot_is_refused_and_left_alone(url):
    migrate(url)
    with migrating(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(CannotStart, match=r"schema 9999.*newer"):
        migrate(url)

    assert version(url) == "9999"


def test_tables_of_somebody_else_are_refused_and_left_alone(url):
    with migrating(url) as connection:
        connection.execute(text("CREATE TABLE handles (x INTEGER)"))

    with pytest.raises(CannotStart):
        migrate(url)

    assert tables(url) == {"handles"}


def count_statements(url: str) -> int:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        migrate(url)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(statements)


def killed_at(number: int, url: str) -> None:
    """Migrate in a process that ends, as if by kill -9, before its statement of this number."""
    child = os.fork()
    if child == 0:
        left = [number]

        def end(*_arguments: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

        event.listen(Engine, "before_cursor_execute", end)
        try:
            migrate(url)
        finally:
            os._exit(1)  # it should have ended before
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@FORKS
@pytest.mark.parametrize(
    "apart",
    [pytest.param(30, id="at some statements"), pytest.param(1, id="at any statement", marks=pytest.mark.slow)],
)
def test_a_migration_that_is_killed_leaves_nothing_half_done(url, request, tmp_path, apart):
    fresh: Callable[[], str] = (
        request.getfixturevalue("postgres").new_database
        if url.startswith("postgresql")
        else lambda: f"sqlite:///{tmp_path}/count.db"
    )
    total = count_statements(fresh())

    for number in range(1, total + 1, apart):
        killed_at(number, url)
        assert tables(url) == set()
    migrate(url)

    assert version(url) == HEAD
    assert total > 10


def test_of_processes_that_migrate_at_once_one_does_and_the_others_wait(url):
    program = f"from bot.storage.engine.migrate import migrate; import alembic.command; input(); migrate({url!r})"
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    errors = [process.communicate()[1].decode() for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], errors
    assert version(url) == HEAD


def waits(url: str) -> bool:
    """Whether some process waits for PostgreSQL's advisory lock."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return found.fetchone() == (1,)


def test_a_migration_waits_for_another_to_end(postgres):
    url = postgres.new_database()
    with ThreadPoolExecutor(1) as pool:
        with migrating(url):
            second = pool.submit(migrate, url)
            while not waits(url):
                assert not second.done()
        second.result(timeout=30)

    assert version(url) == HEAD


def test_a_database_that_is_away_is_one_line_without_the_password():
    with pytest.raises(CannotStart, match=r"127\.0\.0\.1/name cannot be reached") as refused:
        migrate("postgresql://ada:p4ssw0rd@127.0.0.1:1/name")

    assert "p4ssw0rd" not in str(refused.value)
    assert refused.value.__suppress_context__
