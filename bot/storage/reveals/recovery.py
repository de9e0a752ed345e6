"""Openings that were cut off, or whose secret was not seen: for whoever tidies up after a crash."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, delete, null, or_, select, update

from bot.storage.engine.database import Database, now
from bot.storage.reveals.rows import (
    COLUMNS,
    ESCROW_MINUTES,
    HELD,
    ROW_LIFE,
    WIPE,
    Reveal,
    RevealRows,
    change,
    release_delivery,
)
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import reveals

REPORT_LIFE: Final = 7 * 86_400.0  # seconds that a row waits longer because its person was not told yet

_IS_UNNOTIFIED = and_(reveals.c.state == "escrowed", reveals.c.notified_at.is_(None))


class InterruptedReveals:
    """All methods raise `StorageUnavailable`; the row is then as it was before."""

    def __init__(self, db: Database, sealer: Sealer, escrow_minutes: float = ESCROW_MINUTES) -> None:
        self._db = db
        self._rows = RevealRows(sealer)
        self._escrow_life = escrow_minutes * 60  # seconds

    async def reclaim_reserved(self, older_than: float) -> int:
        """Opening → ready after so many seconds: whoever reserved it is gone, and nothing was sent. How many."""
        waits = and_(reveals.c.state == "opening", reveals.c.claimed_at <= now - older_than)
        back = update(reveals).where(waits).values(state="ready", claimed_at=null()).returning(reveals)
        async with self._db.writing() as connection:
            rows = (await connection.execute(back)).all()
            for row in rows:
                await release_delivery(connection, row)
        return len(rows)

    async def stale_claims(self, older_than: float) -> list[Reveal]:
        """Claimed at least `older_than` seconds ago and nothing since: most likely a process died."""
        return await self._all(reveals.c.state == "claiming", reveals.c.claimed_at <= now - older_than)

    async def mark_outcome_unknown(self, id: str) -> bool:
        """Claiming → ready, with the doubt noted and a new hour to try again. Whether it was this call that did it."""
        claimed = reveals.c.state == "claiming"
        values = {"state": "ready", "outcome_unknown": True, "claimed_at": null(), "expires_at": now + ROW_LIFE}
        async with self._db.writing() as connection:
            row = await change(connection, id, claimed, **values)
            if row is not None:
                await release_delivery(connection, row)
        return row is not None

    async def unseen(self, older_than: float) -> list[Reveal]:
        """Escrowed at least `older_than` seconds ago, neither shown nor told.

        Also those whose time is up (`has_escrow` is False): their persons must hear that the secret is lost.
        """
        kept_at = reveals.c.escrow_expires_at - self._escrow_life
        return await self._all(_IS_UNNOTIFIED, kept_at <= now - older_than)

    async def purge(self) -> int:
        """Wipe expired escrows and delete expired rows; how many rows changed.

        A row that its person must still hear about (see `unseen`, `stranded`) stays, without the secret.
        """
        expired_escrow = and_(reveals.c.escrow.is_not(None), ~HELD)
        finished = and_(reveals.c.state == "escrowed", ~HELD, reveals.c.notified_at.is_not(None))
        waits = or_(_IS_UNNOTIFIED, reveals.c.state.in_(("opening", "claiming")))
        old = or_(
            and_(reveals.c.expires_at <= now, ~waits),
            reveals.c.expires_at <= now - REPORT_LIFE,
        )
        async with self._db.writing() as connection:
            done = await connection.execute(update(reveals).where(finished).values(state="over", **WIPE))
            wiped = await connection.execute(
                update(reveals).where(expired_escrow).values(escrow=null(), secret_key=null())
            )
            gone = await connection.execute(delete(reveals).where(old))
        await self._db.checkpoint()
        return done.rowcount + wiped.rowcount + gone.rowcount

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Reveal]:
        query = select(*COLUMNS).where(*conditions).order_by(reveals.c.created_at, reveals.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._rows.decrypt_or_empty(row) for row in rows]
