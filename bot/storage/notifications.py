"""Notifications: written together with the change, claimed with a lease, and marked as sent behind a fence.

A notification is sent at least once. Its sender may die between Slack's answer and `mark_sent`. The next sender sends
the notification again with the same `client_msg_id`, which is computed from `idempotency_key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select, update

from bot.errors import Unsealable
from bot.person import Person
from bot.storage.engine.database import Database, clock, now
from bot.storage.leases import FREE
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import OWNER, new_id, notifications, person_in, tracked
from bot.storage.tracking.changes import IS_WAITING
from bot.storage.tracking.rows import NotificationKind, Tracked, TrackedRows

UNREADABLE: Final = "unreadable"  # dead letter: the tracked secret cannot be decrypted
REMINDER: Final[NotificationKind] = "reminder"
MAX_CODE = 80  # characters


@dataclass(frozen=True, slots=True)
class Notification:
    id: str
    person: Person
    kind: NotificationKind
    idempotency_key: str  # unique; all tries of one notification have the same key
    tries: int  # including the current one
    tracked: Tracked | None  # None: the notification is about an account
    host: str  #: canonical base URL
    lease: str


class Notifications:
    """All methods raise `StorageUnavailable`.

    Methods that take a `Notification` change nothing and return False unless its lease is still the one from `claim`.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = TrackedRows(sealer)

    async def claim(self, limit: int, lease_seconds: float = 30) -> list[Notification]:
        """Up to `limit` notifications that are due and that nobody is sending, at most one for each person.

        A person gets notifications in order: a notification that waits, is being sent or is rescheduled delays later
        ones. Only a reminder delays no other notification. A notification about a secret that cannot be decrypted
        becomes a dead letter.
        """
        async with self._db.writing() as connection:
            moment = await clock(connection)
            ids = (await connection.execute(_due(moment, limit))).scalars().all()
            if not ids:
                return []
            taken = update(notifications).where(notifications.c.id.in_(ids)).returning(notifications)
            # From now, not from `moment`: the query above may have taken a while.
            taken = taken.values(lease=new_id(), lease_until=now + lease_seconds, tries=notifications.c.tries + 1)
            rows = sorted((await connection.execute(taken)).all(), key=lambda row: (row.created_at, row.id))
            about = select(tracked).where(tracked.c.id.in_([row.tracked_id for row in rows if row.tracked_id]))
            secrets = {row.id: row for row in (await connection.execute(about)).all()}
        claimed = [await self._decrypt_or_dead_letter(row, secrets.get(row.tracked_id)) for row in rows]
        return [notification for notification in claimed if notification is not None]

    async def holds(self, notification: Notification) -> bool:
        """Whether the notification still exists, is unsent, and we have its lease. Called right before it is sent."""
        query = select(exists().where(_held(notification.id, notification.lease), notifications.c.lease_until > now))
        async with self._db.reading() as connection:
            return bool(await connection.scalar(query))

    async def renew(self, held: Sequence[Notification], lease_seconds: float) -> None:
        """Extend the leases to `lease_seconds` from now. A lease that is not ours any more stays as it is."""
        async with self._db.writing() as connection:
            statement = update(notifications).where(_all_held(held)).values(lease_until=now + lease_seconds)
            await connection.execute(statement)

    async def release(self, *held: Notification) -> int:
        """Give back leases of notifications that were not sent: another process may claim them. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(update(notifications).where(_all_held(held)).values(FREE))).rowcount

    async def mark_sent(self, notification: Notification) -> bool:
        """Record that the notification was sent."""
        return await self._release_lease(notification.id, notification.lease, sent_at=now)

    async def reschedule(self, notification: Notification, in_seconds: float) -> bool:
        """Try again in `in_seconds`: the notification was not sent, or nobody knows whether it was."""
        return await self._release_lease(notification.id, notification.lease, due_at=now + in_seconds)

    async def dead_letter(self, notification: Notification, code: str) -> bool:
        """Record that it can never be sent, for the reason `code`. Later notifications do not wait for it."""
        return await self._release_lease(notification.id, notification.lease, dead_letter=code[:MAX_CODE])

    async def dead_count(self) -> int:
        return await self._count(notifications.c.dead_letter.is_not(None))

    async def waiting_count(self) -> int:
        """How many notifications still have to be sent, now or later."""
        return await self._count(IS_WAITING)

    async def _decrypt_or_dead_letter(self, row: Row[Any], about: Row[Any] | None) -> Notification | None:
        try:
            secret = None if about is None else self._rows.decrypt(about)
        except Unsealable:
            await self._release_lease(row.id, row.lease, dead_letter=UNREADABLE)
            return None
        return Notification(
            id=row.id,
            person=person_in(row),
            kind=row.kind,
            idempotency_key=row.idempotency_key,
            tries=row.tries,
            tracked=secret,
            host=row.host,
            lease=row.lease,
        )

    async def _release_lease(self, row_id: str, lease: str, **values: Any) -> bool:
        statement = update(notifications).where(_held(row_id, lease)).values(**FREE, **values)
        async with self._db.writing() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def _count(self, condition: ColumnElement[bool]) -> int:
        async with self._db.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(notifications).where(condition)) or 0


def _held(row_id: str, lease: str) -> ColumnElement[bool]:
    """The condition that the notification has this lease. Sent ones and dead letters have none."""
    return and_(notifications.c.id == row_id, notifications.c.lease == lease)


def _all_held(held: Sequence[Notification]) -> ColumnElement[bool]:
    leases = {notification.lease for notification in held}
    return and_(notifications.c.id.in_([notification.id for notification in held]), notifications.c.lease.in_(leases))


def _due(moment: float, limit: int) -> Any:
    """The ids of the notifications to send now: the first of each person, if it is due and nobody has its lease.

    A reminder delays no other notification.
    """
    earlier = notifications.alias("earlier")
    before = or_(
        earlier.c.created_at < notifications.c.created_at,
        and_(earlier.c.created_at == notifications.c.created_at, earlier.c.id < notifications.c.id),
    )
    same_person = and_(*(earlier.c[name] == notifications.c[name] for name in OWNER))
    waits = and_(earlier.c.sent_at.is_(None), earlier.c.dead_letter.is_(None), earlier.c.kind != REMINDER)
    # OFFSET stops PostgreSQL from using a join: its statistics say that the table is nearly empty, so a join would
    # compare all rows with all rows.
    overtakes = select(earlier.c.id).where(same_person, before, waits).limit(1).offset(0).exists()
    free = or_(notifications.c.lease_until.is_(None), notifications.c.lease_until <= moment)
    return (
        select(notifications.c.id)
        .where(IS_WAITING, notifications.c.due_at <= moment, free, ~overtakes)
        .order_by(notifications.c.due_at, notifications.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=notifications)
    )
