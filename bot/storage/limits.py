"""Counts what each person did, for the limits. The counts are in the database, for all processes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import LimitReached
from bot.person import Person
from bot.storage.engine.database import Database, is_older, is_within, now
from bot.storage.tables import limit_uses, new_id, owned_by, owner

HOUR: Final = 3_600.0  # seconds
DAY: Final = 86_400.0  # seconds; nothing is counted for longer


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max_count` uses of this kind within `window` seconds."""

    kind: str  # at most 64 characters
    max_count: int
    window: float  # seconds, a day at most


class LimitUses:
    """All methods raise `StorageUnavailable`; nothing is counted then.

    The window slides: a person who reached a limit can continue when the oldest counted use leaves the window.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def consume(self, person: Person, *limits: Limit, idempotency_key: str | None = None) -> None:
        """Count one use for each of these limits, or for none. Raises `LimitReached` with the seconds to wait.

        A use that was counted with the same `idempotency_key` (at most 80 characters) is not counted again.
        """
        async with self._db.writing() as connection:
            await lock_uses(self._db, connection, person)
            if idempotency_key is not None and await is_counted(connection, person, limits[0].kind, idempotency_key):
                return
            for limit in limits:
                await _check_limit(connection, person, limit)
            await count_uses(connection, person, [limit.kind for limit in limits], idempotency_key)

    async def give_back(self, person: Person, idempotency_key: str) -> None:
        """Forget the use that was counted with this key."""
        async with self._db.writing() as connection:
            mine = (owned_by(limit_uses, person), limit_uses.c.idempotency_key == idempotency_key)
            await connection.execute(delete(limit_uses).where(*mine))

    async def purge(self) -> int:
        """Delete uses that are too old to count. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(limit_uses).where(is_older(limit_uses.c.at, DAY)))).rowcount


async def lock_uses(db: Database, connection: AsyncConnection, person: Person) -> None:
    """Let one transaction at a time count uses of this person."""
    await db.advisory_lock(connection, "uses", *owner(person).values())


async def is_counted(connection: AsyncConnection, person: Person, kind: str, idempotency_key: str) -> bool:
    """Whether a use of this kind was counted with this key."""
    same = exists().where(
        owned_by(limit_uses, person), limit_uses.c.kind == kind, limit_uses.c.idempotency_key == idempotency_key
    )
    return bool(await connection.scalar(select(same)))


async def count_uses(
    connection: AsyncConnection, person: Person, kinds: Sequence[str], idempotency_key: str | None
) -> None:
    """Count one use of each kind, now."""
    rows = [{"id": new_id(), **owner(person), "kind": kind, "idempotency_key": idempotency_key} for kind in kinds]
    await connection.execute(insert(limit_uses).values(at=now), rows)


async def _check_limit(connection: AsyncConnection, person: Person, limit: Limit) -> None:
    """Raise `LimitReached` with the seconds until enough uses have left the window to allow one more."""
    mine = (owned_by(limit_uses, person), limit_uses.c.kind == limit.kind, is_within(limit_uses.c.at, limit.window))
    in_the_way = (
        select(now - limit_uses.c.at).where(*mine).order_by(limit_uses.c.at.desc()).offset(limit.max_count - 1).limit(1)
    )
    age: float | None = await connection.scalar(in_the_way)
    if age is not None:
        raise LimitReached(limit.kind, limit.window - age)
