"""The database of a command that an operator runs beside the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import CannotStart, CannotStartYet, StorageRefused, StorageUnavailable
from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.engine.location import locate

NO_TRANSACTIONS = "08P01"  # PgBouncer's answer to BEGIN with statement pooling


def cannot_start(db: Database, error: StorageUnavailable) -> CannotStart:
    """The database does not answer, or refuses us."""
    if NO_TRANSACTIONS in str(error):
        return CannotStart(
            f"The database {db.where} is behind a pooler that takes no transactions. Set `pool_mode` of PgBouncer to "
            "transaction or session."
        )
    if isinstance(error, StorageRefused):
        return CannotStart(f"The database {db.where} cannot be used ({error}). Check DATABASE_URL.")
    return CannotStartYet(f"The database {db.where} does not answer ({error}). Check DATABASE_URL and that it runs.")


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
        raise cannot_start(db, error) from None
    finally:
        await db.close()
