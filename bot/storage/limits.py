"""How often each person may do what costs others something. Counted in the database, so all processes count alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import LimitReached
from bot.person import Person
from bot.storage.engine.database import Database, now
from bot.storage.tables import limit_uses, new_id, owned_by, owner

HOUR: Final = 3_600.0  # seconds
DAY: Final = 86_400.0  # seconds; nothing is counted for longer


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` of this kind within so many seconds. `did` says to the person what was done that often."""

    kind: str  # at most 64 characters
    max_count: int
    window: float  # seconds, a day at most
    did: str


class Limits:
    """All methods raise `StorageUnavailable`; nothing is counted then.

    A window slides: who did something `most` times may do it again when the first of these is `within` old.
    """

    def __init__(self, db: Database, *, shares_per_hour: int = 30, opens_per_hour: int = 30) -> None:
        self._db = db
        self.share = Limit("share", shares_per_hour, HOUR, f"You shared {shares_per_hour} times within an hour")
        self.open = Limit("open", opens_per_hour, HOUR, f"You opened secrets {opens_per_hour} times within an hour")

    async def consume(self, person: Person, *limits: Limit, idempotency_key: str | None = None) -> None:
        """Count one for each of these limits, or none of them. Raises `LimitReached`, which says when to try again.

        What was counted with the same `once` (at most 80 characters) is let through and not counted again.
        """
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "uses", *owner(person).values())
            if idempotency_key is not None and await _is_counted(connection, person, limits[0], idempotency_key):
                return
            for limit in limits:
                await _check_limit(connection, person, limit)
            rows = [
                {"id": new_id(), **owner(person), "kind": limit.kind, "idempotency_key": idempotency_key}
                for limit in limits
            ]
            await connection.execute(insert(limit_uses).values(at=now), rows)

    async def purge(self) -> int:
        """Forget what is too old to count; how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(limit_uses).where(limit_uses.c.at <= now - DAY))).rowcount


async def _is_counted(connection: AsyncConnection, person: Person, limit: Limit, idempotency_key: str) -> bool:
    same = exists().where(
        owned_by(limit_uses, person), limit_uses.c.kind == limit.kind, limit_uses.c.idempotency_key == idempotency_key
    )
    return bool(await connection.scalar(select(same)))


async def _check_limit(connection: AsyncConnection, person: Person, limit: Limit) -> None:
    """Raise `LimitReached` with the time until the oldest that is in the way is out of the window."""
    mine = (owned_by(limit_uses, person), limit_uses.c.kind == limit.kind, limit_uses.c.at > now - limit.window)
    in_the_way = (
        select(now - limit_uses.c.at).where(*mine).order_by(limit_uses.c.at.desc()).offset(limit.max_count - 1).limit(1)
    )
    age: float | None = await connection.scalar(in_the_way)
    if age is not None:
        raise LimitReached(limit.kind, limit.did, limit.window - age)
