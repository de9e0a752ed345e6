"""A database as it is after an upgrade on PostgreSQL: encryption keys seal values themselves, until `keys rotate`."""

from __future__ import annotations

from sqlalchemy import insert

from bot.storage.engine.database import Database
from bot.storage.tables import key_checks


async def seal_without_data_keys(db: Database) -> None:
    async with db.writing() as connection:
        await connection.execute(insert(key_checks).values(kid="before", sealed=b"", created_at=0.0, seals_values=True))
