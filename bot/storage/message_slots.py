"""How many messages one person gets in a short time: more than that is gathered in one message.

The notifier counts the messages that it posted by their rows. What is sent without it takes a slot here, so both count
for each other.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, func, select

from bot.person import Person
from bot.storage.engine.database import Database, is_within
from bot.storage.limits import count_uses, is_counted, lock_uses
from bot.storage.tables import limit_uses, notifications, owned_by

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
        async with self._db.writing() as connection:
            await lock_uses(self._db, connection, person)
            if await is_counted(connection, person, SLOT, idempotency_key):
                return True
            count = (await connection.scalar(_direct(person)) or 0) + (await connection.scalar(_posted(person)) or 0)
            if count >= FLOOD:
                return False
            await count_uses(connection, person, [SLOT], idempotency_key)
            return True


def _direct(person: Person) -> Select[Any]:
    """How many messages this person got without the notifier."""
    mine = (owned_by(limit_uses, person), limit_uses.c.kind == SLOT)
    return select(func.count()).where(*mine, is_within(limit_uses.c.at, FLOOD_TIME))


def _posted(person: Person) -> Select[Any]:
    """How many messages the notifier posted to this person. One message has one time."""
    posted_at = notifications.c.posted_at
    return select(func.count(posted_at.distinct())).where(
        owned_by(notifications, person), is_within(posted_at, FLOOD_TIME)
    )
