"""What SQLite needs to be safe: a private file, the right settings on every connection, and real transactions."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import Connection, Engine, event

from bot.errors import CannotStart

BUSY_TIMEOUT = 5_000  # milliseconds that a statement waits for the lock of another connection
PRIVATE = 0o600
MAGIC = b"SQLite format 3\x00"  # sqlite.org/fileformat.html, 1.3

# The execution option that says how a transaction begins: DEFERRED, IMMEDIATE, or None for no transaction.
BEGIN = "ots_begin"


def prepare_file(path: Path) -> None:
    """Create the file, readable only for us, before SQLite would create it readable for everybody.

    SQLite gives `-wal` and `-shm` the mode of the file. Raises `CannotStart` with the path and what to do.
    """
    try:
        _prepare_file(path)
    except OSError as error:  # a name that is too long, a loop of links, a directory that may not be searched
        raise CannotStart(f"DATABASE_URL: {path} cannot be used ({error.strerror}). Choose another path.") from None


def check_place(path: Path) -> None:
    """Raise `CannotStart`, as `prepare_file` does, if a database cannot be there. Creates and changes nothing."""
    try:
        _check_place(path)
    except OSError as error:
        raise CannotStart(f"DATABASE_URL: {path} cannot be used ({error.strerror}). Choose another path.") from None


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the file at this path from any other one; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_place(path: Path) -> None:
    _check_directory(path.parent)
    wal = _log_of(path)
    if path.exists():
        _check_file(path)
    elif wal.exists() and wal.stat().st_size:
        raise CannotStart(
            f"The database {path} is missing, but its write-ahead log {wal} is there. Put the database back "
            "or restore both from a backup; a new one is not started over the remains of another."
        )


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _prepare_file(path: Path) -> None:
    _check_place(path)
    if not path.exists():
        _create(path)
        _check_file(path)
    for file in (path, _log_of(path), path.with_name(f"{path.name}-shm")):
        _make_private(file)


def _check_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise CannotStart(
            f"DATABASE_URL: the directory {directory} does not exist (or is out of reach). "
            f"Make it with `install -d -m 700 {directory}`."
        )
    if not _may(directory, os.W_OK | os.X_OK):
        raise CannotStart(
            f"DATABASE_URL: the directory {directory} is read-only for the bot, and SQLite writes files beside "
            "the database. Give the bot's user write access, or choose another directory."
        )
    mode = directory.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise CannotStart(
            f"DATABASE_URL: the directory {directory} can be written by everybody. Run `chmod 700 {directory}`."
        )


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
    except FileExistsError:
        return  # another process of the bot created the file first
    except OSError as error:
        raise CannotStart(f"The database {path} cannot be created ({error.strerror}).") from None


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise CannotStart(f"The database {path} is not a file. Choose another path in DATABASE_URL.")
    if not _may(path, os.R_OK | os.W_OK):
        raise CannotStart(f"The database {path} is read-only for the bot. Make it belong to the bot's user.")
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
    if start and start != MAGIC:
        raise CannotStart(damaged(path))


def _make_private(path: Path) -> None:
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE)
    except FileNotFoundError:
        return
    except PermissionError:
        raise CannotStart(
            f"{path} can be read by others and belongs to another user. `chown` it to the bot's user."
        ) from None


def _may(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def damaged(path: Path | None) -> str:
    return (
        f"The database {path} is damaged or no SQLite database. Restore it from a backup; "
        "the bot changed nothing in it and does not start a new one over it."
    )


class _SqliteConnection(sqlite3.Connection):
    """A connection that ends its transaction when it is closed.

    A task that is cancelled in a query leaves a cursor with rows to read, and SQLite closes a connection only after the
    last of these (sqlite.org/c3ref/close.html). Its locks would stay for as long as anything refers to the cursor.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        made = super().cursor(factory)
        self._cursors.add(made)
        return made

    def close(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()
        super().close()


def set_up(engine: Engine, *, foreign_keys: bool = True, busy_timeout: int | None = None) -> None:
    """Apply our settings to every connection of the pool, and let transactions begin when our code says so.

    Migrations run without `foreign_keys`, because rebuilding a table would delete the rows that refer to it. They
    check the foreign keys at the end.
    """
    wait = BUSY_TIMEOUT if busy_timeout is None else busy_timeout
    pragmas = (
        f"busy_timeout={wait}",  # must be the first one: the next one may have to wait
        "journal_mode=WAL",
        "synchronous=FULL",  # when COMMIT returns, the data is on disk
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        "secure_delete=ON",  # what is deleted is overwritten with zeros
        "temp_store=MEMORY",
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> None:
        # Without `mode=rw` SQLite would make a file anew that vanished: sqlite.org/uri.html.
        arguments[0] = f"file:{quote(arguments[0])}?mode=rw"
        options["uri"] = True
        options["factory"] = _SqliteConnection

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # Python's driver would begin transactions by itself, and only before some statements:
        # docs.sqlalchemy.org, "Transactions with SQLite and the sqlite3 driver".
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if how := connection.get_execution_options().get(BEGIN, "DEFERRED"):
            connection.exec_driver_sql(f"BEGIN {how}")
