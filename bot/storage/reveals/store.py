"""Reveals: opening a secret, as a row that survives a crash.

    ready ──reserve──► opening ──claim──► claiming ──keep──► escrowed ──mark_shown──► shown
      ▲                   │                  │
      └──────release──────┴──────release─────┘                  any state ──close──► over

In `opening` nothing was sent to the host, and only the click that reserved the reveal may change the window. From
`claiming` on, the secret may have been opened. A secret can be opened once, and only the answer of Onetime Secret has
its text. So the claim is on disk before the call, the escrow is on disk before anything is shown, and the escrow is
wiped after the secret was shown. In `shown` and `over` the row has neither the key nor the text of the secret.

Several people may open a delivery. Each of them has a reveal without a key. Reserving, releasing and opening a reveal
change the delivery in the same transaction, so no crash leaves a delivery reserved without a reveal.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row, and_, case, exists, insert, null, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours, StorageUnavailable
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import Database, moment, now
from bot.storage.reveals.memory import RevealMemory
from bot.storage.reveals.rows import (
    ESCROW_MINUTES,
    MAX_WRONG_TRIES,
    OVER,
    READY,
    ROW_LIFE,
    WIPE,
    Reveal,
    RevealState,
    change,
    columns,
    decrypt,
    decrypt_escrow,
    encrypt_escrow,
    encrypt_key,
    is_in,
    is_of_same_secret,
    is_other_of_same_secret,
    lock_reveals,
    mark_delivery_opened,
    release_delivery,
    reserve_delivery,
)
from bot.storage.sealing.blind_indexes import NamedIndex, index_of_secret
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueOpener
from bot.storage.tables import is_id, own_row, owned_by, owner, person_in, reveals

TriedWith = Literal["passphrase", "nothing"]

_SHOWN: Final[RevealState] = "shown"
_OTHERS = reveals.alias()
_HAS_EARLIER = exists().where(  # an earlier window of the same person for the same secret, within the last hour
    is_of_same_secret(_OTHERS, reveals),
    _OTHERS.c.id != reveals.c.id,
    _OTHERS.c.created_at <= reveals.c.created_at,
    _OTHERS.c.expires_at > now,
)


class Reveals:
    """All methods raise `StorageUnavailable`; the row is then as it was before.

    Methods that take only an id are for a row that `find` returned to its owner before. What `release`, `mark_shown`
    and `close` could not write is remembered as long as the process lives, and written by recovery.
    """

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        escrow_minutes: float = ESCROW_MINUTES,
        memory: RevealMemory | None = None,
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._keys = DataKeys(db, sealer)
        self._escrow_life = escrow_minutes * 60  # seconds
        self._memory = memory or RevealMemory()

    async def begin(self, person: Person, id: str, host: str, key: SecretKey, *, delivery_id: str | None = None) -> int:
        """Make a reveal that can be claimed for an hour. Raises `ValueError` unless `id` comes from `tables.new_id`.

        Returns how many wrong passphrases this person tried for this secret in the last hour. They count for the new
        reveal too: with `MAX_WRONG_TRIES` of them the new reveal is over from the start.
        """
        if not is_id(id):
            raise ValueError("not an id of ours")
        before = (
            select(reveals.c.blind_index, reveals.c.blind_index_kid, reveals.c.wrong_tries)
            .where(
                owned_by(reveals, person),
                reveals.c.blind_index.in_(self._sealer.blind_indexes(host, key)),
                reveals.c.expires_at > now,
            )
            .order_by(reveals.c.wrong_tries.desc())
            .limit(1)
        )
        values: dict[str, Any] = {
            "id": id,
            **owner(person),
            "host": host,
            "delivery_id": delivery_id,
            "outcome_unknown": False,
            "created_at": now,
            "expires_at": now + ROW_LIFE,
        }
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, person)
            await lock_reveals(self._db, connection, person)
            index = await index_of_secret(self._db, connection, self._sealer, host, key)
            earlier = (await connection.execute(before)).one_or_none()
            if earlier:  # all rows of one secret have one index, also while a new key becomes the primary one
                index = NamedIndex(earlier.blind_index_kid, earlier.blind_index)
            tries: int = earlier.wrong_tries if earlier else 0
            enough = tries >= MAX_WRONG_TRIES
            values |= {**index.values(), "wrong_tries": tries, "state": OVER if enough else READY}
            sealed = None if delivery_id or enough else encrypt_key(person, host, id, key, sealer)
            await connection.execute(insert(reveals).values(secret_key=sealed, **values))
        return tries

    async def find(self, person: Person, id: object) -> Reveal:
        """The reveal with this id. Raises `NotYours` unless it is this person's and has not expired; `Unsealable`."""
        return decrypt(*await self._own(person, id))

    async def find_for_window(self, person: Person, id: object) -> Reveal:
        """Like `find`, but also a reveal that expired while its window was open: `is_expired`, without a key."""
        return decrypt(*await self._own(person, id, with_expired=True))

    async def latest_of(self, person: Person, delivery_id: str) -> Reveal | None:
        """This person's latest reveal of a delivery, if there is one. Its key is in the delivery's own row."""
        query = select(*columns(self._escrow_life, self._memory)).where(
            owned_by(reveals, person), reveals.c.delivery_id == delivery_id
        )
        async with self._db.reading() as connection:
            row = (await connection.execute(query.order_by(reveals.c.created_at.desc()).limit(1))).one_or_none()
            opener = await self._keys.opener(connection, [row])
        return None if row is None else decrypt(row, opener)

    async def is_shown(self, id: str) -> bool:
        """Whether this reveal, or another one of the same person and secret, has shown the secret."""
        shown = exists().where(is_of_same_secret(_OTHERS, reveals), _OTHERS.c.state == _SHOWN)
        async with self._db.reading() as connection:
            return bool(await connection.scalar(select(shown).where(reveals.c.id == id)))

    async def reserve(self, id: str) -> bool:
        """Ready → opening. True for exactly one caller: a second click, or a second process, gets False.

        False also if somebody else has reserved the delivery, or if the delivery is over.
        """
        free = and_(is_in("ready"), reveals.c.expires_at > now)
        async with self._db.writing() as connection:
            row = await change(connection, id, free, state="opening", claimed_at=now)
            if row is None:
                return False
            if await reserve_delivery(connection, row):
                return True
            await change(connection, id, true(), state="ready", claimed_at=null())
        return False

    async def claim(self, id: str) -> bool:
        """Opening (or ready) → claiming. True for exactly one caller, even among many processes.

        A person tries one passphrase for one secret at a time, and `MAX_WRONG_TRIES` in all, in whichever windows. Else
        this returns False, and the reveal is ready again, or over.
        """
        at_it = or_(is_in("opening"), and_(is_in("ready"), reveals.c.delivery_id.is_(None)))
        free = and_(at_it, reveals.c.expires_at > now)
        async with self._db.writing() as connection:
            owner_row = (await connection.execute(select(reveals).where(reveals.c.id == id))).one_or_none()
            if owner_row is None:
                return False
            await lock_reveals(self._db, connection, person_in(owner_row))
            row = await change(connection, id, free, state="claiming", claimed_at=now)
            if row is None:
                return False
            enough = row.wrong_tries >= MAX_WRONG_TRIES
            elsewhere = exists().where(is_other_of_same_secret(row), is_in("claiming"))
            if not enough and not await connection.scalar(select(elsewhere)):
                return True
            values = {"state": OVER, "secret_key": null()} if enough else {"state": READY}
            await change(connection, id, true(), claimed_at=null(), **values)
            await release_delivery(connection, row)
        return False

    async def release(self, id: str, *, tried: TriedWith | None = None, outcome_unknown: bool = False) -> int:
        """Opening or claiming → ready: the secret was not opened, or nobody knows. Returns the wrong tries so far.

        `tried` says what did not open the secret: a passphrase is a wrong try. Nothing is one too, except in the first
        window that this person opened for this secret: nobody could know that it has a passphrase. The fifth wrong try
        closes the reveal and wipes the key.
        """
        return await self._memory.write(id, lambda: self._release(id, tried=tried, outcome_unknown=outcome_unknown))

    async def _release(self, row_id: str, *, tried: TriedWith | None, outcome_unknown: bool) -> int:
        wrong = case((_HAS_EARLIER, 1), else_=0) if tried == "nothing" else int(tried == "passphrase")
        tries = reveals.c.wrong_tries + wrong
        enough = tries >= MAX_WRONG_TRIES
        values: dict[str, Any] = {
            "secret_key": case((enough, null()), else_=reveals.c.secret_key),
            "wrong_tries": tries,
            "outcome_unknown": True if outcome_unknown else reveals.c.outcome_unknown,
            "claimed_at": null(),
        }
        async with self._db.writing() as connection:
            state = case((enough, OVER), else_=READY)
            row = await change(connection, row_id, is_in("opening", "claiming"), state=state, **values)
            if row is not None:
                await release_delivery(connection, row)
                if tried is not None:
                    await self._count_in_all_windows(connection, row)
                return int(row.wrong_tries)
            return await connection.scalar(select(reveals.c.wrong_tries).where(reveals.c.id == row_id)) or 0

    async def _count_in_all_windows(self, connection: AsyncConnection, row: Row[Any]) -> None:
        """Give the person's other reveals of the same secret the count of wrong tries of this one."""
        others = update(reveals).where(is_other_of_same_secret(row))
        await connection.execute(others.values(wrong_tries=row.wrong_tries))
        if row.wrong_tries >= MAX_WRONG_TRIES:
            await connection.execute(others.where(is_in("ready")).values(state=OVER, secret_key=null()))

    async def keep(self, reveal: Reveal, text: Secret) -> datetime:
        """Claiming → escrowed. The text is encrypted on disk when this returns. Returns when the escrow ends.

        Ready → escrowed too: recovery may have reclaimed the reveal while the host was slow, and the text shows that
        this claim opened the secret. Raises `StorageUnavailable` if the row cannot take the text; the text then exists
        only in memory.
        """
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, reveal.person)
            row = await change(
                connection,
                reveal.id,
                is_in("claiming", "ready"),
                state="escrowed",
                escrow=encrypt_escrow(reveal, text, sealer),
                escrow_expires_at=now + self._escrow_life,
                expires_at=now + ROW_LIFE + self._escrow_life,
                notified_at=null(),
            )
            if row is None:
                raise StorageUnavailable("the reveal is not being claimed any more")
            await mark_delivery_opened(connection, row)
        self._memory.begin_escrow(reveal.id, row.escrow_expires_at - self._escrow_life, self._escrow_life)
        return moment(row.escrow_expires_at)

    async def read_escrow(self, person: Person, id: object) -> Secret | None:
        """The text that waits to be shown, or None. Raises `NotYours`, `Unsealable`."""
        row, opener = await self._own(person, id)
        return decrypt_escrow(row, opener) if row.has_escrow else None

    async def mark_notified(self, id: str) -> None:
        """Record that the person was notified that the secret waits to be shown, or that it is lost."""
        async with self._db.writing() as connection:
            await change(connection, id, reveals.c.notified_at.is_(None), notified_at=now)

    async def mark_shown(self, id: str) -> None:
        """The person saw the secret: wipe the escrow and the key."""
        await self._memory.write(id, lambda: self._wipe(id, "shown"))

    async def close(self, id: str) -> None:
        """The secret was opened and cannot be shown any more: wipe the escrow and the key."""
        await self._memory.write(id, lambda: self._wipe(id, "over"))

    async def _wipe(self, row_id: str, state: RevealState) -> None:
        async with self._db.writing() as connection:
            opened = is_in("claiming", "escrowed")
            row = await change(connection, row_id, opened, state=state, **WIPE)
            if row is not None:
                await mark_delivery_opened(connection, row)
            else:
                await change(connection, row_id, true(), state=state, **WIPE)
        self._memory.end_escrow(row_id)
        await self._db.checkpoint()

    async def _own(self, person: Person, row_id: object, *, with_expired: bool = False) -> tuple[Row[Any], ValueOpener]:
        mine = own_row(reveals, person, row_id)
        if not with_expired:
            mine = and_(mine, reveals.c.expires_at > now)
        query = select(*columns(self._escrow_life, self._memory)).where(mine)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise NotYours
        return row, opener
