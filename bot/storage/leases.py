"""Leases of a process that died. On SQLite there is one process, so no lease is valid when it starts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, null, update

from bot.storage.engine.database import Database, now
from bot.storage.tables import notifications, watches

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
