"""What recovery tried to say in Slack in vain: how often, and whether it was given up.

Recovery looks every minute for what still has to be said, so each message needs a count of its own. A row has no text:
only the idempotency key of the message, or the place of a message that was to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from bot.person import Person
from bot.storage.engine.database import Database, is_older, now
from bot.storage.tables import message_failures, owner

KEPT: Final = 7 * 86_400.0  # seconds; nothing that recovery says is of use for longer
MAX_CODE: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class MessageFailure:
    tries: int  # in vain, each of them in another round of recovery
    refusals: int  # of these, how many ended with a code that the bot does not know
    dead_letter: str | None  # Slack's code for why it was given up; None: it is still tried


NO_FAILURE: Final = MessageFailure(0, 0, None)


class MessageFailures:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, key: str) -> MessageFailure:
        columns = (message_failures.c[name] for name in ("tries", "refusals", "dead_letter"))
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*columns).where(message_failures.c.key == key))).one_or_none()
        return NO_FAILURE if row is None else MessageFailure(row.tries, row.refusals, row.dead_letter)

    async def record(self, key: str, person: Person, failure: MessageFailure) -> None:
        """Store how often the message was tried. `person` is who gets it; for a channel its id is the user's."""
        values: dict[str, Any] = {
            "tries": failure.tries,
            "refusals": failure.refusals,
            "dead_letter": failure.dead_letter and failure.dead_letter[:MAX_CODE],
        }
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "message_failures", key)
            changed = update(message_failures).where(message_failures.c.key == key).values(values)
            if not (await connection.execute(changed)).rowcount:
                new = insert(message_failures).values(key=key, **owner(person), **values, created_at=now)
                await connection.execute(new)

    async def forget(self, key: str) -> None:
        async with self._db.writing() as connection:
            await connection.execute(delete(message_failures).where(message_failures.c.key == key))

    async def dead_count(self) -> int:
        query = select(func.count()).where(message_failures.c.dead_letter.is_not(None))
        async with self._db.reading() as connection:
            return await connection.scalar(query) or 0

    async def purge(self) -> int:
        """Delete failures of a week ago. Returns how many."""
        old = delete(message_failures).where(is_older(message_failures.c.created_at, KEPT))
        async with self._db.writing() as connection:
            return (await connection.execute(old)).rowcount
