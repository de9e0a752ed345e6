"""Reveals that were interrupted, or whose secret waits in escrow and was not shown: what recovery does about them."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, null, or_, select, update

from bot.storage.engine.database import Database, is_older, now
from bot.storage.reveals.rows import (
    COLUMNS,
    ESCROW_MINUTES,
    HAS_ESCROW,
    OVER,
    READY,
    ROW_LIFE,
    WIPE,
    Reveal,
    RevealRows,
    change,
    is_in,
    release_delivery,
)
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import reveals

REPORT_LIFE: Final = 7 * 86_400.0  # seconds that an expired row stays if its person was not notified

_CLAIMED_AT: ColumnElement[float] = reveals.c.claimed_at
_IS_UNNOTIFIED = and_(is_in("escrowed"), reveals.c.notified_at.is_(None))


class InterruptedReveals:
    """All methods raise `StorageUnavailable`; the row is then as it was before."""

    def __init__(self, db: Database, sealer: Sealer, escrow_minutes: float = ESCROW_MINUTES) -> None:
        self._db = db
        self._rows = RevealRows(sealer)
        self._escrow_life = escrow_minutes * 60  # seconds

    async def reclaim_reserved(self, older_than: float) -> int:
        """Opening → ready, for reveals that were reserved `older_than` seconds ago. Returns how many.

        The process that reserved them has ended without sending anything to the host.
        """
        stale = and_(is_in("opening"), is_older(_CLAIMED_AT, older_than))
        back = update(reveals).where(stale).values(state=READY, claimed_at=null()).returning(reveals)
        async with self._db.writing() as connection:
            rows = (await connection.execute(back)).all()
            for row in rows:
                await release_delivery(connection, row)
        return len(rows)

    async def stale_claims(self, older_than: float) -> list[Reveal]:
        """Reveals that were claimed `older_than` seconds ago and are still claiming: most likely a process died."""
        return await self._all(is_in("claiming"), is_older(_CLAIMED_AT, older_than))

    async def mark_outcome_unknown(self, id: str) -> bool:
        """Claiming → ready, with `outcome_unknown` and a new hour to try again. False if it was not claiming."""
        values: dict[str, Any] = {"outcome_unknown": True, "claimed_at": null(), "expires_at": now + ROW_LIFE}
        async with self._db.writing() as connection:
            row = await change(connection, id, is_in("claiming"), state=READY, **values)
            if row is not None:
                await release_delivery(connection, row)
        return row is not None

    async def unseen(self, older_than: float) -> list[Reveal]:
        """Reveals that were escrowed `older_than` seconds ago, were not shown, and whose person was not notified.

        This includes reveals whose escrow has expired (`has_escrow` is False): the person must hear that the secret
        is lost.
        """
        kept_at = reveals.c.escrow_expires_at - self._escrow_life
        return await self._all(_IS_UNNOTIFIED, is_older(kept_at, older_than))

    async def purge(self) -> int:
        """Wipe expired escrows and delete expired rows. Returns how many rows changed.

        A row whose person was not notified yet (see `unseen`, `stale_claims`) stays up to a week longer, without the
        secret.
        """
        expired_escrow = and_(reveals.c.escrow.is_not(None), ~HAS_ESCROW)
        finished = and_(is_in("escrowed"), ~HAS_ESCROW, reveals.c.notified_at.is_not(None))
        is_needed = or_(_IS_UNNOTIFIED, is_in("opening", "claiming"))
        old = or_(and_(reveals.c.expires_at <= now, ~is_needed), reveals.c.expires_at <= now - REPORT_LIFE)
        wiped_escrow = {"escrow": null(), "secret_key": null()}
        async with self._db.writing() as connection:
            done = await connection.execute(update(reveals).where(finished).values(state=OVER, **WIPE))
            wiped = await connection.execute(update(reveals).where(expired_escrow).values(wiped_escrow))
            gone = await connection.execute(delete(reveals).where(old))
        await self._db.checkpoint()
        return done.rowcount + wiped.rowcount + gone.rowcount

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Reveal]:
        query = select(*COLUMNS).where(*conditions).order_by(reveals.c.created_at, reveals.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._rows.decrypt_or_empty(row) for row in rows]
