"""The database of a command that an operator runs beside the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import CannotStart, StorageUnavailable
from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.engine.location import locate


@asynccontextmanager
async def existing_database(url: Secret | str) -> AsyncIterator[Database]:
    """A database that exists and has the current schema. Raises `CannotStart`."""
    path = locate(url).path
    if path is not None and not path.exists():
        raise CannotStart(f"The database {path} does not exist yet: nothing is stored so far.")
    db = Database.open(url)
    try:
        if not await db.is_current():
            raise CannotStart("The database's tables are not current: run `python -m bot migrate` first.")
        yield db
    except StorageUnavailable as error:
        raise CannotStart(f"The database {db.where} did not answer ({error}). Check DATABASE_URL.") from None
    finally:
        await db.close()
