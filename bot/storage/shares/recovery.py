"""Shares and deliveries that were interrupted, or whose sender does not know yet what became of them."""

from __future__ import annotations

from sqlalchemy import and_, delete, exists, or_, select, update

from bot.storage.engine.database import Database, now
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import CAN_BE_OPENED, WIPE, Delivery, DeliveryRows, Share, ShareRows
from bot.storage.tables import deliveries, shares

WEEK = 7 * 86_400.0  # seconds that a share stays when all its deliveries are over
LATE = 86_400.0  # seconds after its end in which the watcher should have told what became of a delivery

_BEGUN = deliveries.c.state.in_(("waiting", "asking"))
_ADDRESSED = or_(deliveries.c.recipient_user_id.is_not(None), deliveries.c.recipient_channel.is_not(None))
_UNSENT = and_(deliveries.c.state == "made", _ADDRESSED)


class InterruptedShares:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._shares = ShareRows(sealer)
        self._deliveries = DeliveryRows(sealer)

    async def unfinished(self, older_than: float) -> list[Delivery]:
        """Those with something left to do, untouched for so many seconds: most likely a process died.

        Waiting, asking, made and not sent, refused and not burned, or with a passphrase that waits for its recipient.
        """
        wanting = exists().where(shares.c.id == deliveries.c.share_id, shares.c.passphrase_to == "recipient")
        unsaid = and_(deliveries.c.passphrase.is_not(None), deliveries.c.state.in_(("sent", "link_shown")), wanting)
        unfollowed = and_(deliveries.c.state == "made", deliveries.c.tracked_id.is_(None))
        unburned = and_(deliveries.c.state == "undeliverable", deliveries.c.over_at.is_(None))
        undone = or_(_BEGUN, _UNSENT, unsaid, unfollowed, unburned)
        query = select(deliveries).where(undone, deliveries.c.changed_at <= now - older_than)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(deliveries.c.created_at, deliveries.c.position))).all()
        return [self._deliveries.decrypt_or_empty(row) for row in rows]

    async def without_card(self, older_than: float) -> list[Share]:
        """Shares begun so many seconds ago whose sender was not told, and of which no delivery is being made."""
        busy = exists().where(deliveries.c.share_id == shares.c.id, or_(_BEGUN, _UNSENT))
        untold = and_(shares.c.card_channel.is_(None), shares.c.created_at <= now - older_than)
        query = select(shares).where(untold, ~busy).order_by(shares.c.created_at, shares.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._shares.decrypt(row) for row in rows]

    async def unannounced(self, older_than: float = 0.0) -> list[Delivery]:
        """Opened here so many seconds ago, and those whom it concerns may not know."""
        query = (
            select(deliveries)
            .where(deliveries.c.unannounced_since <= now - older_than)
            .order_by(deliveries.c.unannounced_since)
        )
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._deliveries.decrypt_or_empty(row) for row in rows]

    async def purge(self) -> int:
        """Delete shares that have been over for a week; wipe what opens deliveries whose time is up. How many rows."""
        late = and_(deliveries.c.state.in_(CAN_BE_OPENED), deliveries.c.expires_at <= now - LATE)
        wiped = {"state": "expired", "over_at": now, **WIPE}
        lives = or_(deliveries.c.over_at.is_(None), deliveries.c.over_at > now - WEEK)
        waits = exists().where(deliveries.c.share_id == shares.c.id, lives)
        async with self._db.writing() as connection:
            over = await connection.execute(update(deliveries).where(late).values(wiped))
            gone = await connection.execute(delete(shares).where(shares.c.created_at <= now - WEEK, ~waits))
        await self._db.checkpoint()
        return over.rowcount + gone.rowcount
