"""How often each person may do what costs others something. Counted in the database, so all processes count alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import LimitReached
from bot.person import Person
from bot.storage.database import Database, now
from bot.storage.tables import new_id, owned_by, owner, uses

HOUR: Final = 3_600.0  # seconds
DAY: Final = 86_400.0  # seconds; nothing is counted for longer


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` of this kind within so many seconds. `did` says to the person what was done that often."""

    kind: str  # at most 64 characters
    most: int
    within: float  # seconds, a day at most
    did: str


class Limits:
    """All methods raise `StorageTrouble`; nothing is counted then.

    A window slides: who did something `most` times may do it again when the first of these is `within` old.
    """

    def __init__(self, db: Database, *, shares_per_hour: int = 30, opens_per_hour: int = 30) -> None:
        self._db = db
        self.share = Limit("share", shares_per_hour, HOUR, f"You shared {shares_per_hour} times within an hour")
        self.open = Limit("open", opens_per_hour, HOUR, f"You opened secrets {opens_per_hour} times within an hour")

    async def take(self, person: Person, *limits: Limit, once: str | None = None) -> None:
        """Count one for each of these limits, or none of them. Raises `LimitReached`, which says when to try again.

        What was counted with the same `once` (at most 80 characters) is let through and not counted again.
        """
        async with self._db.writing() as connection:
            await self._db.one_at_a_time(connection, "uses", *owner(person).values())
            if once is not None and await _counted(connection, person, limits[0], once):
                return
            for limit in limits:
                await _check(connection, person, limit)
            rows = [{"id": new_id(), **owner(person), "kind": limit.kind, "once": once} for limit in limits]
            await connection.execute(insert(uses).values(at=now), rows)

    async def purge(self) -> int:
        """Forget what is too old to count; how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(uses).where(uses.c.at <= now - DAY))).rowcount


async def _counted(connection: AsyncConnection, person: Person, limit: Limit, once: str) -> bool:
    same = exists().where(owned_by(uses, person), uses.c.kind == limit.kind, uses.c.once == once)
    return bool(await connection.scalar(select(same)))


async def _check(connection: AsyncConnection, person: Person, limit: Limit) -> None:
    """Raise `LimitReached` with the time until the oldest that is in the way is out of the window."""
    mine = (owned_by(uses, person), uses.c.kind == limit.kind, uses.c.at > now - limit.within)
    in_the_way = select(now - uses.c.at).where(*mine).order_by(uses.c.at.desc()).offset(limit.most - 1).limit(1)
    age: float | None = await connection.scalar(in_the_way)
    if age is not None:
        raise LimitReached(limit.kind, limit.did, limit.within - age)
