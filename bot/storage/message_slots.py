"""How many messages one person gets in a short time: more than that is gathered in one message.

The notifier counts the messages that it posted by their rows. What is sent without it takes a slot here, so both count
for each other.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, func, insert, select

from bot.person import Person
from bot.storage.engine.database import Database, is_within, now
from bot.storage.tables import limit_uses, new_id, notifications, owned_by, owner

FLOOD: Final = 3  # messages to one person within FLOOD_TIME; more than that are gathered
FLOOD_TIME: Final = 60.0  # seconds
SLOT: Final = "direct_message"  # the kind of a use in `limit_uses`


class MessageSlots:
    """All methods raise `StorageUnavailable`; nothing is counted then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, person: Person, idempotency_key: str) -> bool:
        """Count one message to this person, unless there were FLOOD within FLOOD_TIME: then it waits for others.

        A message that is sent again with the same key is not counted again.
        """
        mine = (owned_by(limit_uses, person), limit_uses.c.kind == SLOT)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "uses", *owner(person).values())
            known = select(limit_uses.c.id).where(*mine, limit_uses.c.idempotency_key == idempotency_key)
            if await connection.scalar(known):
                return True
            direct = select(func.count()).where(*mine, is_within(limit_uses.c.at, FLOOD_TIME))
            count = (await connection.scalar(direct) or 0) + (await connection.scalar(_posted(person)) or 0)
            if count >= FLOOD:
                return False
            row = {"id": new_id(), **owner(person), "kind": SLOT, "idempotency_key": idempotency_key}
            await connection.execute(insert(limit_uses).values(at=now, **row))
            return True


def _posted(person: Person) -> Select[Any]:
    """How many messages the notifier posted to this person. One message has one time."""
    posted_at = notifications.c.posted_at
    return select(func.count(posted_at.distinct())).where(
        owned_by(notifications, person), is_within(posted_at, FLOOD_TIME)
    )
