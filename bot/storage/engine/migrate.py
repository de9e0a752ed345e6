"""Upgrades the database to the schema of this code. Alembic is loaded only when there is something to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    inspect,
    text,
)
from sqlalchemy.exc import DBAPIError

from bot.errors import CannotStart, CannotStartYet
from bot.secret import Secret
from bot.storage.engine import sqlite
from bot.storage.engine.failures import describe, is_lasting
from bot.storage.engine.location import DatabaseLocation, locate
from bot.storage.tables import for_dialect

HEAD: Final = "0030"  # the newest file in migrations/versions; tests/contract/test_migrations.py compares
SCRIPTS = Path(__file__).resolve().parents[3] / "migrations"

CONNECT_WAIT = 5  # seconds
# psycopg would prepare a statement after some uses, but behind a pooler the next use may meet another connection.
POSTGRESQL_ARGUMENTS: Final = {"connect_timeout": CONNECT_WAIT, "prepare_threshold": None}
WAIT = 60  # seconds for another process that is migrating
LOCK_WAIT = 10  # seconds for a table that the running bot uses
_LOCK = 6_157_328_941_650_411  # any number, but the same in every process: PostgreSQL's advisory lock


def migrate(url: Secret | str) -> None:
    """Upgrade to `HEAD` in one transaction, or change nothing. Of two migrations at the same time, one waits.

    Creates a missing SQLite file. Raises `CannotStart` for a database that is unreachable, damaged, or newer than this
    code.
    """
    with migrating(url) as connection:
        version = version_of(connection)
        if version == HEAD:
            return
        if version is None and connection.dialect.name == "sqlite" and not inspect(connection).get_table_names():
            _make(connection)
        else:
            _upgrade(connection, version)


@contextmanager
def migrating(url: Secret | str) -> Iterator[Connection]:
    """A connection in a transaction, while no other migration runs. Raises `CannotStart`."""
    where = locate(url)
    engine = _engine(where)
    try:
        with engine.connect().execution_options(**{sqlite.BEGIN: "IMMEDIATE"}) as connection, connection.begin():
            if where.path:
                _check_intact(connection, where.path)
            else:
                _wait_in_line(connection)
            yield connection
            if where.path:
                _check_foreign_keys(connection, where.path)
    except DBAPIError as error:
        raise _cannot_start(where, error) from None
    finally:
        engine.dispose()


def version_of(connection: Connection) -> str | None:
    """The revision that is stored in the database; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _engine(where: DatabaseLocation) -> Engine:
    if where.path:
        sqlite.prepare_file(where.path)
    arguments = {} if where.path else POSTGRESQL_ARGUMENTS
    engine = create_engine(where.sync_url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    if where.path:
        sqlite.set_up(engine, foreign_keys=False, busy_timeout=WAIT * 1000)
    return engine


def _wait_in_line(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # A migration that waited longer for a table would block all who want the table after it.
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'"))


def _check_intact(connection: Connection, path: Path) -> None:
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
        raise CannotStart(sqlite.damaged(path))


def _check_foreign_keys(connection: Connection, path: Path) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise CannotStart(sqlite.damaged(path))


def _make(connection: Connection) -> None:
    """Create the tables as the code defines them, without loading Alembic. All migrations lead to these tables.

    tests/contract/test_migrations.py compares the two, statement by statement.
    """
    for_dialect(connection.dialect.name).create_all(connection, checkfirst=False)
    version_num = Column("version_num", String(32), primary_key=True)
    version = Table("alembic_version", MetaData(naming_convention={"pk": "%(table_name)s_pkc"}), version_num)
    version.create(connection, checkfirst=False)
    connection.execute(version.insert().values(version_num=HEAD))


def _upgrade(connection: Connection, version: str | None) -> None:
    # Loading Alembic and Mako takes longer than reading the version, and most starts only read the version.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise CannotStart(
            f"The database has schema {version}, which this version of the bot ({HEAD}) does not know: it was used "
            "by a newer one. Start that one, or restore the backup from before it."
        )
    command.upgrade(config, "head")


def _cannot_start(where: DatabaseLocation, error: DBAPIError) -> CannotStart:
    said = describe(error)
    if where.path is not None and any(code in said for code in ("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return CannotStart(sqlite.damaged(where.path))
    if where.path is None:
        why = f"The database {where} cannot be reached or migrated ({said}). Check DATABASE_URL and that it runs."
    elif "SQLITE_BUSY" in said or "SQLITE_LOCKED" in said:
        why = f"The database {where} is in use by another program ({said}). Stop that and start again."
    elif "SQLITE_FULL" in said:
        why = f"The disk of the database {where} is full. Nothing was changed. Make room and start again."
    else:
        why = f"The database {where} cannot be opened or migrated ({said}). Nothing was changed."
    return (CannotStart if is_lasting(error) else CannotStartYet)(why)
