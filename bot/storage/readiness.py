"""What /readyz asks of the database: whether it is there, has current tables, takes writes, and our keys open it."""

from __future__ import annotations

import os

from bot.errors import StorageUnavailable
from bot.storage.engine.database import Database
from bot.storage.engine.sqlite import identity
from bot.storage.sealing.key_checks import keys_open, write_check
from bot.storage.sealing.sealer import Sealer

# Part of the error -> what it means. Source: sqlite.org/rescode.html; PostgreSQL's manual, appendix A.
_MEANINGS = {
    "SQLITE_READONLY": "the database is read-only",
    "SQLITE_FULL": "the disk is full, or no file may grow",
    "SQLITE_IOERR": "the disk does not take it: full, broken, or no file may grow",
    "SQLITE_BUSY": "another program holds the database's lock",
    "SQLITE_CORRUPT": "the database is damaged",
    "25006": "the database is read-only",
    "53100": "the server's disk is full",
    "57P01": "the server is shutting down",
    "OperationalError": "no connection to the server",
}


async def check_database(db: Database, sealer: Sealer) -> str | None:
    """Why the database cannot be used; None if it can. Writes one row that is there already."""
    if why := _find_file_problem(db):
        return why
    try:
        if not await db.may_go_on():
            return "its tables are not those of this version: run `python -m bot migrate`, or start the other version"
        await write_check(db, sealer)
    except StorageUnavailable as error:
        return explain(error)
    return None


def explain(error: StorageUnavailable) -> str:
    """What an error of the database means, with the error itself."""
    meaning = next((words for part, words in _MEANINGS.items() if part in str(error)), None)
    return f"{meaning} ({error})" if meaning else str(error)


async def check_keys_open(db: Database, sealer: Sealer) -> str | None:
    """Why the keys are not usable; None if they are. Raises `StorageUnavailable`."""
    if await keys_open(db, sealer):
        return None
    return f"the key {sealer.keyring.primary} does not open what it sealed: restore the key file or the database"


def _find_file_problem(db: Database) -> str | None:
    """SQLite goes on with a file that is open, but what it writes to a deleted one is lost."""
    path = db.where.path
    if path is None:
        return None
    if not path.is_file():
        return f"the file {path} is gone: put it back, or restore a backup, and start again"
    if identity(path) != db.file:
        return f"the file {path} is another one than at the start: start again"
    if not all(os.access(one, os.W_OK) for one in (path, path.parent)):
        return f"{path} is read-only for the bot's user"
    return None
