"""Which messages show an older state, because Slack did not take their update: recovery draws them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import and_, delete, insert, select, update

from bot.errors import StorageUnavailable
from bot.logs import Log
from bot.person import Person
from bot.storage.engine.database import Database, is_older, now
from bot.storage.tables import outdated_messages, owner, person_in

KEPT: Final = 7 * 86_400.0  # seconds; what they are about is deleted by then

OutdatedKind = Literal["request", "delivery", "tracked"]  # which row is drawn

log = Log("outdated_messages")


@dataclass(frozen=True, slots=True)
class OutdatedMessage:
    """The messages that show one row."""

    kind: OutdatedKind
    ref: str  # the id of the row
    person: Person  # its owner
    version: int  # grows with each update that Slack did not take


class OutdatedMessages:
    """All methods but `add` raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, kind: OutdatedKind, ref: str, person: Person) -> None:
        """Record that the messages of this row show an older state. An error of the database is only logged."""
        this = and_(outdated_messages.c.kind == kind, outdated_messages.c.ref == ref)
        again = update(outdated_messages).where(this).values(version=outdated_messages.c.version + 1)
        try:
            async with self._db.writing() as connection:
                await self._db.advisory_lock(connection, "outdated_messages", ref)
                if not (await connection.execute(again)).rowcount:
                    values = {"kind": kind, "ref": ref, **owner(person), "version": 0}
                    await connection.execute(insert(outdated_messages).values(**values, created_at=now))
        except StorageUnavailable as error:  # what was done is done, whatever its messages show
            log.warning("outdated_not_recorded", error=str(error), ref=ref)

    async def all(self, kind: OutdatedKind) -> list[OutdatedMessage]:
        query = select(outdated_messages).where(outdated_messages.c.kind == kind)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(outdated_messages.c.created_at))).all()
        return [OutdatedMessage(kind, row.ref, person_in(row), row.version) for row in rows]

    async def mark_drawn(self, message: OutdatedMessage) -> None:
        """The messages show what is so, unless another update was not taken meanwhile."""
        this = and_(
            outdated_messages.c.kind == message.kind,
            outdated_messages.c.ref == message.ref,
            outdated_messages.c.version == message.version,
        )
        async with self._db.writing() as connection:
            await connection.execute(delete(outdated_messages).where(this))

    async def purge(self) -> int:
        """Delete what was recorded a week ago. Returns how many."""
        old = delete(outdated_messages).where(is_older(outdated_messages.c.created_at, KEPT))
        async with self._db.writing() as connection:
            return (await connection.execute(old)).rowcount
