"""Shares and deliveries that were interrupted, or whose sender does not know yet what became of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, delete, exists, or_, select

from bot.storage.engine.database import Database, is_older, now
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import (
    CAN_BE_OPENED,
    Delivery,
    PassphraseTo,
    Share,
    decrypt_or_empty,
    decrypt_share,
    is_in,
)
from bot.storage.tables import deliveries, shares

WEEK: Final = 7 * 86_400.0  # seconds that a share stays when all its deliveries are over
LATE: Final = 86_400.0  # seconds after which the watcher should have reported a delivery that has expired

_RECIPIENT: Final[PassphraseTo] = "recipient"
_BEGUN = is_in("waiting", "asking")
_HAS_RECIPIENT = or_(deliveries.c.recipient_user_id.is_not(None), deliveries.c.recipient_channel.is_not(None))
_IS_LATE = and_(is_in(*CAN_BE_OPENED), deliveries.c.expires_at <= now - LATE)
_UNSENT = and_(is_in("made"), _HAS_RECIPIENT)


class InterruptedShares:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def unfinished(self, older_than: float) -> list[Delivery]:
        """Unfinished deliveries that did not change for `older_than` seconds: most likely a process died.

        They are waiting or asking; made and not sent, or not tracked; undeliverable and not burned; or they have a
        passphrase that was not sent to the recipient.
        """
        to_recipient = exists().where(shares.c.id == deliveries.c.share_id, shares.c.passphrase_to == _RECIPIENT)
        has_passphrase = and_(deliveries.c.passphrase.is_not(None), is_in("sent", "link_shown"), to_recipient)
        untracked = and_(is_in("made"), deliveries.c.tracked_id.is_(None))
        unburned = and_(is_in("undeliverable"), deliveries.c.over_at.is_(None))
        undone = or_(_BEGUN, _UNSENT, has_passphrase, untracked, unburned)
        query = select(deliveries).where(undone, is_older(deliveries.c.changed_at, older_than))
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(deliveries.c.created_at, deliveries.c.position))).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_empty(row, opener) for row in rows]

    async def without_card(self, older_than: float) -> list[Share]:
        """Shares that began `older_than` seconds ago, have no message to their sender, and are not being made."""
        busy = exists().where(deliveries.c.share_id == shares.c.id, or_(_BEGUN, _UNSENT))
        has_no_card = and_(shares.c.card_channel.is_(None), is_older(shares.c.created_at, older_than))
        query = select(shares).where(has_no_card, ~busy).order_by(shares.c.created_at, shares.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_share(row, opener) for row in rows]

    async def unannounced(self, older_than: float = 0.0) -> list[Delivery]:
        """Deliveries that were opened here `older_than` seconds ago, and may not have been announced to the sender."""
        query = (
            select(deliveries)
            .where(is_older(deliveries.c.unannounced_since, older_than))
            .order_by(deliveries.c.unannounced_since)
        )
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_empty(row, opener) for row in rows]

    async def late(self) -> list[Delivery]:
        """Deliveries that expired a day ago, which the watcher should have reported: nobody looks at them any more."""
        async with self._db.reading() as connection:
            rows = (
                await connection.execute(select(deliveries).where(_IS_LATE).order_by(deliveries.c.expires_at))
            ).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_empty(row, opener) for row in rows]

    async def purge(self) -> int:
        """Delete shares that have been over for a week. Returns how many."""
        lives = or_(deliveries.c.over_at.is_(None), deliveries.c.over_at > now - WEEK)
        is_needed = exists().where(deliveries.c.share_id == shares.c.id, lives)
        async with self._db.writing() as connection:
            gone = await connection.execute(delete(shares).where(shares.c.created_at <= now - WEEK, ~is_needed))
        await self._db.checkpoint()
        return gone.rowcount
