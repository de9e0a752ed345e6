"""Whom the bot has warned of a private link that they posted: once for each link."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import and_, delete, exists, insert, select

from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import link_warnings, owned_by, owner

LIFE: Final = 30 * 86_400.0  # seconds that a warning is remembered


class LinkWarnings:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def claim(self, person: Person, host: str, key: MetadataKey) -> bool:
        """Whether this person is to be warned of this link now. Counts as a warning."""
        this = self._this(person, host, key)
        values: dict[str, Any] = {**owner(person), "blind_index": self._sealer.blind_index(host, key)}
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "link_warnings", *owner(person).values())
            if await connection.scalar(select(exists().where(this))):
                return False
            await connection.execute(insert(link_warnings).values(**values, until=now + LIFE))
        return True

    async def give_back(self, person: Person, host: str, key: MetadataKey) -> None:
        """Slack did not take the warning."""
        async with self._db.writing() as connection:
            await connection.execute(delete(link_warnings).where(self._this(person, host, key)))

    async def purge(self) -> int:
        """Delete what was remembered for long enough. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(link_warnings).where(link_warnings.c.until <= now))).rowcount

    def _this(self, person: Person, host: str, key: MetadataKey) -> Any:
        indexes = self._sealer.blind_indexes(host, key)
        return and_(owned_by(link_warnings, person), link_warnings.c.blind_index.in_(indexes))
