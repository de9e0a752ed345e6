"""Opening a secret, as a row that survives a crash: who may open it, whether somebody is at it, what was found.

    ready ──reserve──► opening ──claim──► claiming ──keep──► escrowed ──shown──► shown
      ▲                   │                  │
      └──────release──────┴──────release─────┘                    any ──over──► over

While it is `opening` nothing was sent, and only the one who reserved it may touch the window; from `claiming` on
the secret may be open. A secret can be opened once, and only Onetime Secret's answer has it. So the claim comes
before the call, the escrow is on disk before anything is shown, and what was shown is wiped. In `shown` and `over`
neither the key nor the secret is left.

A delivery is several people's to open: each has a row here, without a key. Whoever reserves takes the delivery in the
same transaction, and what becomes of the row becomes of the delivery: no crash leaves it taken by nobody.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, case, func, insert, null, or_, select, true

from bot.errors import NotYours, StorageUnavailable
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.reveals.rows import (
    COLUMNS,
    ESCROW_MINUTES,
    MAX_WRONG_TRIES,
    ROW_LIFE,
    WIPE,
    Reveal,
    RevealRows,
    RevealState,
    change,
    mark_delivery_opened,
    release_delivery,
    reserve_delivery,
)
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import is_id, own_row, owned_by, owner, reveals


class Reveals:
    """All methods raise `StorageUnavailable`; the row is then as it was before.

    Methods that take a bare id are for a row that `find` gave to its owner before.
    """

    def __init__(self, db: Database, sealer: Sealer, escrow_minutes: float = ESCROW_MINUTES) -> None:
        self._db = db
        self._rows = RevealRows(sealer)
        self._escrow_life = escrow_minutes * 60  # seconds

    async def begin(self, person: Person, id: str, host: str, key: SecretKey, *, delivery_id: str | None = None) -> int:
        """A new row, ready to be claimed for an hour. `id` is the caller's, from `tables.new_id`.

        Returns the wrong tries of this person at this secret in the last hour, which go on counting here; with
        `MOST_WRONG_TRIES` of them the row is over from the start.
        """
        if not is_id(id):
            raise ValueError("not an id of ours")
        sealed = None if delivery_id else self._rows.encrypt_key(person, host, id, key)
        blind = self._rows.blind_index(host, key)
        before = select(func.max(reveals.c.wrong_tries)).where(
            owned_by(reveals, person), reveals.c.blind_index == blind
        )
        values: dict[str, Any] = {
            "id": id,
            **owner(person),
            "host": host,
            "blind_index": blind,
            "delivery_id": delivery_id,
            "outcome_unknown": False,
            "created_at": now,
            "expires_at": now + ROW_LIFE,
        }
        async with self._db.writing() as connection:
            tries = await connection.scalar(before) or 0
            enough = tries >= MAX_WRONG_TRIES
            values |= {"wrong_tries": tries, "state": "over" if enough else "ready"}
            await connection.execute(insert(reveals).values(secret_key=None if enough else sealed, **values))
        return tries

    async def find(self, person: Person, id: object) -> Reveal:
        """Raises `NotYours` unless it is this person's and has not expired; `Unsealable`."""
        return self._rows.decrypt(await self._own(person, id))

    async def reserve(self, id: str) -> bool:
        """Ready → opening. True for exactly one caller: a second click, or a second process, gets False.

        So does everybody for a delivery that somebody else has taken, or that is over.
        """
        free = and_(reveals.c.state == "ready", reveals.c.expires_at > now)
        async with self._db.writing() as connection:
            row = await change(connection, id, free, state="opening", claimed_at=now)
            if row is None:
                return False
            if await reserve_delivery(connection, row):
                return True
            await change(connection, id, true(), state="ready", claimed_at=null())
        return False

    async def claim(self, id: str) -> bool:
        """Opening (or ready) → claiming. True for exactly one caller, whatever the number of processes."""
        at_it = or_(reveals.c.state == "opening", and_(reveals.c.state == "ready", reveals.c.delivery_id.is_(None)))
        free = and_(at_it, reveals.c.expires_at > now)
        async with self._db.writing() as connection:
            return await change(connection, id, free, state="claiming", claimed_at=now) is not None

    async def release(self, id: str, *, wrong_passphrase: bool = False, outcome_unknown: bool = False) -> int:
        """Opening or claiming → ready: it was not opened, or nobody knows. Returns the wrong tries so far.

        The fifth wrong passphrase makes it over and wipes the key.
        """
        tries = reveals.c.wrong_tries + int(wrong_passphrase)
        enough = tries >= MAX_WRONG_TRIES
        values: dict[str, Any] = {
            "state": case((enough, "over"), else_="ready"),
            "secret_key": case((enough, null()), else_=reveals.c.secret_key),
            "wrong_tries": tries,
            "outcome_unknown": True if outcome_unknown else reveals.c.outcome_unknown,
            "claimed_at": null(),
        }
        async with self._db.writing() as connection:
            row = await change(connection, id, reveals.c.state.in_(("opening", "claiming")), **values)
            if row is not None:
                await release_delivery(connection, row)
                return int(row.wrong_tries)
            return await connection.scalar(select(reveals.c.wrong_tries).where(reveals.c.id == id)) or 0

    async def keep(self, reveal: Reveal, text: Secret) -> datetime:
        """Claiming → escrowed: the opened secret, on disk and sealed when this returns. Until when it is kept.

        Also from ready, should the janitor have taken the claim back meanwhile: the text is here, so this claim
        was the one. Raises `StorageUnavailable` if the row cannot take it; the text is then only in memory.
        """
        async with self._db.writing() as connection:
            row = await change(
                connection,
                reveal.id,
                reveals.c.state.in_(("claiming", "ready")),
                state="escrowed",
                escrow=self._rows.encrypt_escrow(reveal, text),
                escrow_expires_at=now + self._escrow_life,
                expires_at=now + ROW_LIFE + self._escrow_life,
                notified_at=null(),
            )
            if row is None:
                raise StorageUnavailable("the reveal is not being claimed any more")
            await mark_delivery_opened(connection, row)
        return datetime.fromtimestamp(row.escrow_expires_at, UTC)

    async def read_escrow(self, person: Person, id: object) -> Secret | None:
        """The secret that waits to be shown; None if none does (any more). Raises `NotYours`, `Unsealable`."""
        row = await self._own(person, id)
        return self._rows.decrypt_escrow(row) if row.has_escrow else None

    async def mark_notified(self, id: str) -> None:
        """The person was told that it waits, or that it is lost."""
        async with self._db.writing() as connection:
            await change(connection, id, reveals.c.notified_at.is_(None), notified_at=now)

    async def mark_shown(self, id: str) -> None:
        """The person saw it: wipe the escrow and the key."""
        await self._wipe(id, "shown")

    async def close(self, id: str) -> None:
        """It was opened and nothing more can come of it: wipe the escrow and the key."""
        await self._wipe(id, "over")

    async def _wipe(self, row_id: str, state: RevealState) -> None:
        async with self._db.writing() as connection:
            opened = reveals.c.state.in_(("claiming", "escrowed"))
            row = await change(connection, row_id, opened, state=state, **WIPE)
            if row is not None:
                await mark_delivery_opened(connection, row)
            else:
                await change(connection, row_id, true(), state=state, **WIPE)
        await self._db.checkpoint()

    async def _own(self, person: Person, row_id: object) -> Row[Any]:
        query = select(*COLUMNS).where(own_row(reveals, person, row_id), reveals.c.expires_at > now)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotYours
        return row
