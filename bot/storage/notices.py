"""What people are to be told: written with the change itself, claimed with a lease, marked with a fence.

A notice is sent at least once. Its sender may die between Slack's answer and the mark: the next one sends it again
with the same id, which is made of `once`, and Slack leaves the second out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, or_, select, update

from bot.errors import Unsealable
from bot.person import Person
from bot.storage.changes import WAITS
from bot.storage.database import Database, clock, now
from bot.storage.leases import FREE
from bot.storage.preferences import Preferences, Prefs
from bot.storage.seal import Sealer
from bot.storage.tables import OWNER, new_id, notices, owned_by, person_of, tracked
from bot.storage.tracked import Tracked, TrackedRows

__all__ = ["UNREADABLE", "Notice", "Notices", "Preferences", "Prefs"]

UNREADABLE: Final = "unreadable"  # parked because what it is about does not open
LONGEST_CODE = 80  # characters


@dataclass(frozen=True, slots=True)
class Notice:
    id: str
    person: Person
    kind: str  # received, burned, expired, orphaned, unknown, reminder; reconnect; card
    once: str  # the same whenever it is tried, and no other notice has it
    tries: int  # this one included
    tracked: Tracked | None  # None if it is about an account
    host: str  #: canonical base URL
    lease: str


class Notices:
    """All methods raise `StorageTrouble`.

    Those that take a `Notice` change nothing and return False unless its lease is still the one that `claim` gave.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = TrackedRows(sealer)

    async def claim(self, limit: int, lease_seconds: float = 30) -> list[Notice]:
        """Up to `limit` that are due and that nobody is sending, at most one for each person.

        A person's notices come in order: while one waits, is being sent or is to be tried again, later ones wait
        too. Only reminders keep nothing back. One about a secret that does not open is parked.
        """
        async with self._db.writing() as connection:
            moment = await clock(connection)
            ids = (await connection.execute(_due(moment, limit))).scalars().all()
            if not ids:
                return []
            taken = update(notices).where(notices.c.id.in_(ids)).returning(notices)
            # From now, not from `moment`: finding them may have taken a while.
            taken = taken.values(lease=new_id(), lease_until=now + lease_seconds, tries=notices.c.tries + 1)
            rows = sorted((await connection.execute(taken)).all(), key=lambda row: (row.created_at, row.id))
            about = select(tracked).where(tracked.c.id.in_([row.tracked_id for row in rows if row.tracked_id]))
            secrets = {row.id: row for row in (await connection.execute(about)).all()}
        claimed = [await self._opened_or_parked(row, secrets.get(row.tracked_id)) for row in rows]
        return [notice for notice in claimed if notice is not None]

    async def holds(self, notice: Notice) -> bool:
        """Whether it is still there, still ours to send and not sent: the last question before it goes out."""
        query = select(exists().where(_held(notice.id, notice.lease), notices.c.lease_until > now))
        async with self._db.reading() as connection:
            return bool(await connection.scalar(query))

    async def renew(self, held: Sequence[Notice], lease_seconds: float) -> None:
        """The leases go on for so long from now. Those that are not ours any more stay as they are."""
        async with self._db.writing() as connection:
            statement = update(notices).where(_all_held(held)).values(lease_until=now + lease_seconds)
            await connection.execute(statement)

    async def release(self, *held: Notice) -> int:
        """Not sent: another may, at once. How many were still ours."""
        async with self._db.writing() as connection:
            return (await connection.execute(update(notices).where(_all_held(held)).values(FREE))).rowcount

    async def sent(self, notice: Notice) -> bool:
        """It has gone out."""
        return await self._leave(notice.id, notice.lease, sent_at=now)

    async def again(self, notice: Notice, in_seconds: float) -> bool:
        """It has not gone out, or nobody knows: try again later."""
        return await self._leave(notice.id, notice.lease, due_at=now + in_seconds)

    async def park(self, notice: Notice, code: str) -> bool:
        """It can never go out; why, as an error code. Later notices of the person are not kept back by it."""
        return await self._leave(notice.id, notice.lease, parked=code[:LONGEST_CODE])

    async def parked_count(self) -> int:
        return await self._count(notices.c.parked.is_not(None))

    async def waiting_count(self) -> int:
        """How many are to be sent, now or later."""
        return await self._count(WAITS)

    async def cancel_for(self, person: Person, host: str) -> int:
        """Take back what was not sent; how many."""
        unsent = and_(owned_by(notices, person), notices.c.host == host, notices.c.sent_at.is_(None))
        async with self._db.writing() as connection:
            return (await connection.execute(delete(notices).where(unsent))).rowcount

    async def _opened_or_parked(self, row: Row[Any], about: Row[Any] | None) -> Notice | None:
        try:
            secret = None if about is None else self._rows.opened(about)
        except Unsealable:
            await self._leave(row.id, row.lease, parked=UNREADABLE)
            return None
        person = person_of(row.enterprise_id, row.team_id, row.user_id)
        return Notice(row.id, person, row.kind, row.once, row.tries, secret, row.host, row.lease)

    async def _leave(self, row_id: str, lease: str, **values: Any) -> bool:
        statement = update(notices).where(_held(row_id, lease)).values(**FREE, **values)
        async with self._db.writing() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def _count(self, condition: ColumnElement[bool]) -> int:
        async with self._db.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(notices).where(condition)) or 0


def _held(row_id: str, lease: str) -> ColumnElement[bool]:
    """What was sent or parked has no lease any more."""
    return and_(notices.c.id == row_id, notices.c.lease == lease)


def _all_held(held: Sequence[Notice]) -> ColumnElement[bool]:
    leases = {notice.lease for notice in held}
    return and_(notices.c.id.in_([notice.id for notice in held]), notices.c.lease.in_(leases))


def _due(moment: float, limit: int) -> Any:
    """The ids of those to be sent now: the first of each person, if its time has come and nobody has it.

    A reminder that waits, for its turn or for Slack, keeps no news back.
    """
    earlier = notices.alias("earlier")
    before = or_(
        earlier.c.created_at < notices.c.created_at,
        and_(earlier.c.created_at == notices.c.created_at, earlier.c.id < notices.c.id),
    )
    same_person = and_(*(earlier.c[name] == notices.c[name] for name in OWNER))
    waits = and_(earlier.c.sent_at.is_(None), earlier.c.parked.is_(None), earlier.c.kind != "reminder")
    # OFFSET keeps PostgreSQL from joining: it believes an outbox to be nearly empty, and would compare all with all.
    overtakes = select(earlier.c.id).where(same_person, before, waits).limit(1).offset(0).exists()
    free = or_(notices.c.lease_until.is_(None), notices.c.lease_until <= moment)
    return (
        select(notices.c.id)
        .where(WAITS, notices.c.due_at <= moment, free, ~overtakes)
        .order_by(notices.c.due_at, notices.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=notices)
    )
