"""Reminders to recipients: at most one an hour, now or at a time that the sender chose.

    none ──schedule──► due at `remind_at` ──claim──► leased ──mark_sent──► none, and `reminded_at` is now
      ▲                    │      ▲                    │
      └──────cancel────────┘      └── the lease ends: the process died, or Slack did not take it

A reminder that is due is claimed only while its delivery waits to be opened, and an hour after the last one. So none
is sent about a secret that was opened, burned or expired.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, null, or_, select, true, update

from bot.errors import Unsealable
from bot.logs import Log
from bot.storage.engine.database import Database, is_older, now
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import Delivery, change, decrypt_delivery, decrypt_or_empty, is_in
from bot.storage.tables import deliveries

REMINDER_INTERVAL: Final = 3_600.0  # seconds
LEASE: Final = 60.0  # seconds in which a claimed reminder is sent, and after which it is tried again

_IS_UNSENT_HOUR = or_(deliveries.c.reminded_at.is_(None), is_older(deliveries.c.reminded_at, REMINDER_INTERVAL))
_HAS_TIME = or_(deliveries.c.expires_at.is_(None), deliveries.c.expires_at > now)
_LEASE_ENDS = deliveries.c.reminder_lease_until
# A lease that is longer than any lease is of a clock that was ahead and was set right.
_IS_FREE = or_(_LEASE_ENDS.is_(None), now >= _LEASE_ENDS, now + LEASE < _LEASE_ENDS)
_IS_DUE = and_(is_in("sent"), deliveries.c.remind_at <= now, _HAS_TIME, _IS_UNSENT_HOUR, _IS_FREE)

log = Log("reminders")


class Reminders:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def claim_now(self, delivery_id: str) -> bool:
        """True if the recipient may be reminded now: sent, and no reminder in the last hour. Starts a new hour."""
        async with self._db.writing() as connection:
            free = and_(is_in("sent"), _IS_UNSENT_HOUR)
            return await change(connection, delivery_id, free, reminded_at=now) is not None

    async def unclaim_now(self, delivery: Delivery) -> None:
        """The reminder that was claimed was not sent: the hour of the one before it counts again."""
        async with self._db.writing() as connection:
            await change(connection, delivery.id, true(), reminded_at=delivery.reminded_at)

    async def schedule(self, share_id: str, at: datetime) -> bool:
        """Remind everybody of this share who has not opened it, at this time, to the second.

        It takes the place of an earlier time. False if nobody is left.
        """
        waiting = update(deliveries).where(deliveries.c.share_id == share_id, is_in("sent"))
        values = {"remind_at": int(at.timestamp()), "reminder_lease_until": null(), "changed_at": now}
        async with self._db.writing() as connection:
            return bool((await connection.execute(waiting.values(values))).rowcount)

    async def cancel(self, share_id: str) -> bool:
        """Send no reminder. False if none was to come."""
        due = update(deliveries).where(deliveries.c.share_id == share_id, deliveries.c.remind_at.is_not(None))
        async with self._db.writing() as connection:
            return bool((await connection.execute(due.values(remind_at=null(), reminder_lease_until=null()))).rowcount)

    async def claim(self, limit: int) -> list[Delivery]:
        """Deliveries whose reminder is due and that nobody is sending, each for one caller, for `LEASE` seconds.

        One that cannot be decrypted, or whose recipient was changed, has no reminder any more.
        """
        found = select(deliveries.c.id).where(_IS_DUE).order_by(deliveries.c.remind_at).limit(limit)
        async with self._db.writing() as connection:
            ids = (await connection.execute(found.with_for_update(skip_locked=True))).scalars().all()
            if not ids:
                return []
            leased = update(deliveries).where(deliveries.c.id.in_(ids), _IS_DUE).returning(deliveries)
            rows = (await connection.execute(leased.values(reminder_lease_until=now + LEASE))).all()
            opener = await self._keys.opener(connection, rows)
        claimed: list[Delivery] = []
        for row in rows:
            try:
                claimed.append(decrypt_delivery(row, opener))
            except Unsealable:
                log.warning("reminder_unreadable", ref=row.id)
                await self._end(decrypt_or_empty(row, opener))
        return claimed

    async def mark_sent(self, delivery: Delivery) -> None:
        """The reminder was sent: a new hour begins. Another time that was chosen meanwhile stays."""
        await self._end(delivery, reminded_at=now)

    async def give_up(self, delivery: Delivery) -> None:
        """The reminder can never be sent. Another time that was chosen meanwhile stays."""
        await self._end(delivery)

    async def _end(self, delivery: Delivery, **values: Any) -> None:
        at = None if delivery.remind_at is None else delivery.remind_at.timestamp()
        left = case((deliveries.c.remind_at == at, null()), else_=deliveries.c.remind_at)
        async with self._db.writing() as connection:
            await change(connection, delivery.id, true(), remind_at=left, reminder_lease_until=null(), **values)
