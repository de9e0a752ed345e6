"""Rotation: seals every stored value anew with the primary key, in batches, while the bot is serving.

A value is replaced only if it is still the one that was read (compare-and-set), so nothing that others write meanwhile
is lost. The blind indexes of the keys in a batch are made anew in the same transaction. What is done is done: after a
kill, the next run goes on with what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StorageRefused, StorageUnavailable, Unsealable
from bot.failpoints import failpoint
from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.sealing.blind_indexes import INDEXED, lock_indexes, replace_indexes
from bot.storage.sealing.key_checks import check_keys, starts_with
from bot.storage.sealing.key_uses import count_sealed
from bot.storage.sealing.sealer import Sealer, header_of
from bot.storage.tables import LINK_CARD, SEALED, SealedColumn, button_contexts, deliveries, reveals, tracked

BATCH: Final = 200  # rows in one transaction
PAUSE: Final = 0.01  # seconds between two batches
SQLITE_PAUSE: Final = 0.15  # seconds: whoever waits to write looks every 0.1 seconds whether it can
MAX_PASSES: Final = 5  # over all tables; more only if processes go on sealing with an old key
TRIES: Final = 20  # for a batch that finds the database busy
# PostgreSQL lets the first of two that wait for each other fail, after a second. A batch gives up long before that, so
# that it is never the bot's transaction that fails.
LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '200ms'"

ReadLink = Callable[[Secret], Secret | None]  # the link of a card -> its secret key
Tell = Callable[[int, int], None]  # how many values are done, and how many there are

# The columns that hold a key which blind indexes are made of. Of a card it is in the link.
_KEYS: Final = frozenset({
    (button_contexts, "key"), (reveals, "secret_key"), (tracked, "key"), (deliveries, "secret_key"),
    (deliveries, "metadata_key"),
})  # fmt: skip
_INDEX_BESIDE: Final = {(reveals, "secret_key"), (tracked, "key"), (LINK_CARD.table, LINK_CARD.name)}


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    resealed: int  # values that it sealed anew
    left: int  # values that are sealed by other keys than the primary one, or have an index by another one
    unreadable: int  # those of them that do not open


class Rotation:
    """Seals all values anew with the primary key of `sealer`. Methods raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer, read_link: ReadLink, tell: Tell, batch: int = BATCH) -> None:
        self._db = db
        self._sealer = sealer
        self._primary = sealer.keyring.primary
        self._read_link = read_link
        self._tell = tell
        self._batch = batch
        self._resealed = 0
        self._keyless = 0  # rows that are sealed anew, and whose key nobody can read: as if they had an index alone
        self._total = 0

    async def run(self) -> Rotated:
        """Repeat until nothing is left that can be sealed anew. Raises `CannotStart` for missing or wrong keys."""
        await check_keys(self._db, self._sealer)
        self._total = await self._count_left()
        left = unreadable = 0
        for _ in range(MAX_PASSES):
            self._keyless = 0
            unreadable = sum([await self._rotate(column) for column in SEALED])
            left = await self._count_left() - self._keyless
            if left <= unreadable:
                break
        await self._db.checkpoint()
        return Rotated(self._resealed, left, unreadable)

    async def _count_left(self) -> int:
        left = 0
        async with self._db.reading() as connection:
            for column in SEALED:
                left += await count_sealed(connection, column, self._is_stale(column))
        return left

    def _is_stale(self, sealed: SealedColumn) -> ColumnElement[bool]:
        """The condition that a value is sealed by an older key, or that the index of the key in it is made by one."""
        other = ~starts_with(sealed.column, header_of(self._primary))
        if (sealed.table, sealed.name) in _INDEX_BESIDE:
            kid = next(one.kid for one in INDEXED if one.table is sealed.table and one.name == "blind_index")
            other = or_(other, kid.is_distinct_from(self._primary))
        return and_(sealed.column.is_not(None), other)

    async def _rotate(self, sealed: SealedColumn) -> int:
        """Seal all values of one column anew. Returns how many do not open."""
        row_id, last, unreadable = sealed.table.c.id, "", 0
        query = select(*sealed.bound_columns, sealed.column).where(self._is_stale(sealed))
        while True:
            async with self._db.reading() as connection:
                some = query.where(row_id > last).order_by(row_id).limit(self._batch)
                rows = (await connection.execute(some)).all()
            if not rows:
                return unreadable
            last = rows[-1].id
            batch = _Batch(self._sealer, self._read_link, sealed)
            unreadable += sum(not batch.add(row) for row in rows)
            await self._write_patiently(batch)
            self._keyless += batch.keyless
            self._tell(min(self._resealed, self._total), self._total)
            await asyncio.sleep(SQLITE_PAUSE if self._db.is_sqlite else PAUSE)

    async def _write_patiently(self, batch: _Batch) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                self._resealed += await self._write(batch)
            except StorageRefused:
                raise
            except StorageUnavailable:
                if not tries_left:
                    raise
                await asyncio.sleep(PAUSE * (TRIES - tries_left))
            else:
                failpoint("batch_rotated")
                return

    async def _write(self, batch: _Batch) -> int:
        """One transaction. Returns how many values were still those that were read."""
        async with self._db.writing() as connection:
            await lock_indexes(self._db, connection)  # nobody waits for us yet, so this may take its time
            if not self._db.is_sqlite:
                await connection.exec_driver_sql(LOCK_TIMEOUT)
            written = await batch.write_values(connection)
            await replace_indexes(connection, self._primary, batch.new_by_old)
            failpoint("batch_rotating")
        return written


class _Batch:
    """Values that are sealed anew together, and the blind indexes of the keys in them."""

    def __init__(self, sealer: Sealer, read_link: ReadLink, sealed: SealedColumn) -> None:
        self._sealer = sealer
        self._read_link = read_link
        self._sealed = sealed
        self._values: list[dict[str, Any]] = []
        self.new_by_old: dict[bytes, bytes] = {}
        self.keyless = 0

    def add(self, row: Any) -> bool:
        """Add the value of this row. False if it does not open."""
        sealed, blob = self._sealed, getattr(row, self._sealed.name)
        try:
            binding = sealed.binding(row._asdict())
            plain = self._sealer.open(sealed.purpose, binding, blob)
        except (Unsealable, ValueError):  # ValueError: a part of the row was emptied
            return False
        is_new = blob.startswith(header_of(self._sealer.keyring.primary))
        if not is_new:
            new = self._sealer.seal(sealed.purpose, binding, plain)
            self._values.append({"row_id": row.id, "old": blob, "new": new})
        key = self._key(Secret(plain.decode("utf-8", "surrogatepass"))) if self._has_key else None
        if key is not None:
            new_index, *older = self._sealer.blind_indexes(row.host, key)
            self.new_by_old |= dict.fromkeys([new_index, *older], new_index)
        elif is_new:
            self.keyless += 1  # a card whose link is of a host that is not allowed any more
        return True

    @property
    def _has_key(self) -> bool:
        return self._sealed is LINK_CARD or (self._sealed.table, self._sealed.name) in _KEYS

    def _key(self, text: Secret) -> Secret | None:
        return self._read_link(text) if self._sealed is LINK_CARD else text

    async def write_values(self, connection: AsyncConnection) -> int:
        """Compare-and-set each value. Returns how many were written."""
        if not self._values:
            return 0
        column = self._sealed.column
        this = and_(self._sealed.table.c.id == bindparam("row_id"), column == bindparam("old", type_=column.type))
        statement = update(self._sealed.table).where(this).values({column: bindparam("new", type_=column.type)})
        return (await connection.execute(statement, self._values)).rowcount
