"""Whom the bot has warned of a private link that they posted: once for each link."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, insert, select, update

from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.blind_indexes import primary_index
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import link_warnings, owned_by, owner

LIFE: Final = 30 * 86_400.0  # seconds that a warning is remembered
CLAIM: Final = 120.0  # seconds; a warning that a crash kept from being sent is due again after that


class LinkWarnings:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def claim(self, person: Person, host: str, key: MetadataKey) -> bool:
        """Whether this person is to be warned of this link now. `confirm` or `give_back` says how it went."""
        this = self._this(person, host, key)
        values: dict[str, Any] = {**owner(person), **primary_index(self._sealer, host, key).values()}
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "link_warnings", *owner(person).values())
            await connection.execute(delete(link_warnings).where(this, link_warnings.c.until <= now))
            if await connection.scalar(select(exists().where(this))):
                return False
            await connection.execute(insert(link_warnings).values(**values, until=now + CLAIM))
        return True

    async def confirm(self, person: Person, host: str, key: MetadataKey) -> None:
        """Slack has taken the warning."""
        async with self._db.writing() as connection:
            this = self._this(person, host, key)
            await connection.execute(update(link_warnings).where(this).values(until=now + LIFE))

    async def give_back(self, person: Person, host: str, key: MetadataKey) -> None:
        """Slack did not take the warning."""
        async with self._db.writing() as connection:
            await connection.execute(delete(link_warnings).where(self._this(person, host, key)))

    async def purge(self) -> int:
        """Delete what was remembered for long enough. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(link_warnings).where(link_warnings.c.until <= now))).rowcount

    def _this(self, person: Person, host: str, key: MetadataKey) -> ColumnElement[bool]:
        indexes = self._sealer.blind_indexes(host, key)
        return and_(owned_by(link_warnings, person), link_warnings.c.blind_index.in_(indexes))
