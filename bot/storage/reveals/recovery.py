"""Reveals that were interrupted, or whose secret waits in escrow and was not shown: what recovery does about them."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, null, or_, select, update

from bot.storage.engine.database import Database, clock, is_older, now
from bot.storage.reveals.memory import RevealMemory
from bot.storage.reveals.rows import (
    ESCROW_MINUTES,
    LATE_LIFE,
    READY,
    ROW_LIFE,
    Reveal,
    change,
    columns,
    decrypt_or_empty,
    has_escrow,
    is_in,
    release_delivery,
)
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import reveals

REPORT_LIFE: Final = 7 * 86_400.0  # seconds that an expired row stays if its person was not notified

_CLAIMED_AT: ColumnElement[float] = reveals.c.claimed_at


class InterruptedReveals:
    """All methods raise `StorageUnavailable`; the row is then as it was before."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        escrow_minutes: float = ESCROW_MINUTES,
        memory: RevealMemory | None = None,
    ) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)
        self._escrow_life = escrow_minutes * 60  # seconds
        self._memory = memory or RevealMemory()

    async def write_unwritten(self) -> None:
        """Write the changes that this process made while the database took none."""
        await self._memory.write_all()

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
        """Reveals that were escrowed `older_than` seconds ago, were not shown, and whose person was not notified."""
        kept_at = reveals.c.escrow_expires_at - self._escrow_life
        return await self._all(
            is_in("escrowed"), reveals.c.notified_at.is_(None), self._has_escrow, is_older(kept_at, older_than)
        )

    async def lost(self) -> list[Reveal]:
        """Reveals whose escrow is over, and that were not shown. Their persons must hear that the secret is lost."""
        return await self._all(is_in("escrowed"), ~await self._is_kept())

    async def purge(self) -> int:
        """Wipe escrows that are over, and keys that were not used; delete expired rows. Returns how many rows changed.

        The row of an expired window stays for LATE_LIFE without its key, to explain the window if it is still open.

        A row whose person has to be notified (see `unseen`, `lost`, `stale_claims`) stays up to a week longer, without
        the secret.
        """
        is_over = and_(reveals.c.escrow.is_not(None), ~await self._is_kept())
        is_needed = is_in("opening", "claiming", "escrowed")
        is_late = and_(is_in("ready"), reveals.c.expires_at > now - LATE_LIFE)  # its window may still be open
        expired = and_(reveals.c.expires_at <= now, ~is_needed)
        old = or_(and_(expired, ~is_late), reveals.c.expires_at <= now - REPORT_LIFE)
        unused = and_(expired, is_late, reveals.c.secret_key.is_not(None))
        over = self._memory.over()
        async with self._db.writing() as connection:
            wiped = await connection.execute(update(reveals).where(is_over).values(escrow=null(), secret_key=null()))
            late = await connection.execute(update(reveals).where(unused).values(secret_key=null()))
            gone = await connection.execute(delete(reveals).where(old))
        for row_id in over:
            self._memory.end_escrow(row_id)
        await self._db.checkpoint()
        return wiped.rowcount + late.rowcount + gone.rowcount

    @property
    def _has_escrow(self) -> ColumnElement[bool]:
        return has_escrow(self._escrow_life, self._memory)

    async def _is_kept(self) -> ColumnElement[bool]:
        """The condition that the escrow can be shown, or will be when the clock, which has jumped, is set right."""
        async with self._db.reading() as connection:
            spared = self._memory.spared(await clock(connection))
        return or_(self._has_escrow, reveals.c.id.in_(spared))

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Reveal]:
        """All but those of which this process knows more than their rows say."""
        known_better = reveals.c.id.in_(self._memory.unwritten)
        query = select(*columns(self._escrow_life, self._memory)).where(*conditions, ~known_better)
        query = query.order_by(reveals.c.created_at, reveals.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_empty(row, opener) for row in rows]
