"""Leases and due times that are not valid: of a process that died, or of a clock that was ahead and was set right.

On SQLite there is one process, so no lease is valid when it starts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, and_, exists, null, or_, select, update

from bot.storage.engine.database import Database, now
from bot.storage.tables import deliveries, notifications, watches

MAX_PAUSE = 900.0  # seconds; nothing is ever put off for longer: hosts and Slack may ask for 15 minutes at most
MAX_LEASE = 60.0  # seconds; claims give less, and renew

FREE: dict[str, Any] = {"lease": null(), "lease_until": null()}


async def free_leases(db: Database) -> None:
    """Give back all leases, so that nobody waits until they end. Only for the one process on a SQLite database.

    Raises `StorageUnavailable`.
    """
    asleep = and_(watches.c.lease.is_not(None), watches.c.next_poll_at.is_(None))
    async with db.writing() as connection:
        await connection.execute(update(watches).where(asleep).values(FREE))
        await connection.execute(update(watches).where(watches.c.lease.is_not(None)).values(**FREE, next_poll_at=now))
        await connection.execute(update(notifications).where(notifications.c.lease.is_not(None)).values(FREE))
        reminding = update(deliveries).where(deliveries.c.reminder_lease_until.is_not(None))
        await connection.execute(reminding.values(reminder_lease_until=null()))


async def correct_future_times(db: Database) -> int:
    """Make due at once what has a time that only a wrong clock explains. Returns how many rows were changed.

    That is a poll or notification that is due later than the longest pause, or leased for longer than the longest
    lease. A process that still works on such a row is fenced: it does not have the lease any more.

    Raises `StorageUnavailable`.
    """
    changed = 0
    for table, due_at in ((watches, watches.c.next_poll_at), (notifications, notifications.c.due_at)):
        changed += await _correct(db, table, due_at)
    return changed


async def _correct(db: Database, table: Table, due_at: Column[float]) -> int:
    is_wrong = or_(due_at > now + MAX_PAUSE, table.c.lease_until > now + MAX_LEASE)
    async with db.reading() as connection:  # nearly always there is none, and a writer would keep others waiting
        if not await connection.scalar(select(exists().where(is_wrong))):
            return 0
    async with db.writing() as connection:
        return (await connection.execute(update(table).where(is_wrong).values({**FREE, due_at.name: now}))).rowcount
