"""Rotation: makes the primary key the one that everything needs, in batches, while the bot is serving.

The data keys of workspaces and the keys of the audit are sealed anew with the primary key. What data keys sealed stays
as it is. Values that an encryption key sealed itself are sealed anew under the data key of their workspace.

A value is replaced only if it is still the one that was read (compare-and-set), so nothing that others write meanwhile
is lost. The blind indexes of the keys in a batch are made anew in the same transaction. What is done is done: after a
kill, the next run goes on with what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StorageRefused, StorageUnavailable, Unsealable
from bot.failpoints import failpoint
from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.sealing.blind_indexes import INDEXED, lock_indexes, replace_indexes
from bot.storage.sealing.data_keys import DataKeys, begin_data_keys
from bot.storage.sealing.key_checks import check_keys, starts_with
from bot.storage.sealing.key_uses import count_rows
from bot.storage.sealing.sealer import DATA_VERSION, Binding, Sealer, ValueOpener, ValueSealer, header_of
from bot.storage.tables import (
    LINK_CARD,
    SEALED,
    SEALED_KEYS,
    SealedColumn,
    button_contexts,
    deliveries,
    reveals,
    tracked,
    workspace_values,
)

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
    left: int  # values that are not sealed as they should be, or have an index by another key than the primary one
    unreadable: int  # those of them that do not open, or whose workspace has a data key that does not


class Rotation:
    """Makes the primary key of `sealer` the one that all values need. Methods raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer, read_link: ReadLink, tell: Tell, batch: int = BATCH) -> None:
        self._db = db
        self._sealer = sealer
        self._keys = DataKeys(db, sealer)
        self._primary = sealer.keyring.primary
        self._read_link = read_link
        self._tell = tell
        self._batch = batch
        self._resealed = 0
        self._keyless = 0  # rows that are sealed anew, and whose key nobody can read: as if they had an index alone
        self._total = 0

    async def run(self) -> Rotated:
        """Repeat until nothing is left that can be sealed anew. Raises `CannotStart` for missing or wrong keys.

        From now on new values are sealed under data keys.
        """
        await check_keys(self._db, self._sealer)
        async with self._db.writing() as connection:
            await begin_data_keys(connection)
        self._total = await self._count_left()
        left = unreadable = 0
        for _ in range(MAX_PASSES):
            self._keyless = 0
            unreadable = sum([await self._rotate(column, self._is_stale(column)) for column in SEALED])
            left = await self._count_left() - self._keyless
            if left <= unreadable:
                break
        await self._make_indexes_anew()
        await self._db.checkpoint()
        return Rotated(self._resealed, left, unreadable)

    async def _make_indexes_anew(self) -> None:
        """Make indexes anew whose keys are in rows of other tables, which do not say which key made the indexes."""
        async with self._db.reading() as connection:
            stale = [one.column.is_not(None) & one.kid.is_distinct_from(self._primary) for one in INDEXED]
            counts = [await count_rows(connection, one.table, old) for one, old in zip(INDEXED, stale, strict=True)]
        if any(counts):
            for sealed in SEALED:
                if (sealed.table, sealed.name) in _KEYS - _INDEX_BESIDE:
                    await self._rotate(sealed, sealed.column.is_not(None))

    async def _count_left(self) -> int:
        left = 0
        async with self._db.reading() as connection:
            for column in SEALED:
                left += await count_rows(connection, column.table, self._is_stale(column))
        return left

    def _is_stale(self, sealed: SealedColumn) -> ColumnElement[bool]:
        """The condition that a value is not sealed as it should be, or the index of the key in it is by another key."""
        other = ~starts_with(sealed.column, self._start_of(sealed))
        if (sealed.table, sealed.name) in _INDEX_BESIDE:
            kid = next(one.kid for one in INDEXED if one.table is sealed.table and one.name == "blind_index")
            other = or_(other, kid.is_distinct_from(self._primary))
        return and_(sealed.column.is_not(None), other)

    def _start_of(self, sealed: SealedColumn) -> bytes:
        """How the values of this column should begin."""
        return header_of(self._primary) if sealed in SEALED_KEYS else DATA_VERSION

    async def _rotate(self, sealed: SealedColumn, condition: ColumnElement[bool]) -> int:
        """Seal those values of one column anew that meet the condition. Returns how many do not open."""
        row_id, last, unreadable = sealed.table.c.id, "", 0
        query = select(*sealed.bound_columns, sealed.column).where(condition)
        while True:
            async with self._db.reading() as connection:
                some = query.where(row_id > last).order_by(row_id).limit(self._batch)
                rows: Any = (await connection.execute(some)).all()  # SQLAlchemy types a row by its first ten columns
                opener = await self._keys.opener(connection, rows)
            if not rows:
                return unreadable
            last = rows[-1].id
            batch = _Batch(self._sealer, opener, self._read_link, sealed, self._start_of(sealed))
            unreadable += sum(not batch.add(row) for row in rows)
            await self._write_patiently(batch)
            unreadable += batch.left_out
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
            written = await batch.write_values(connection, await self._sealers_for(connection, batch))
            await replace_indexes(connection, self._primary, batch.new_by_old)
            failpoint("batch_rotating")
        return written

    async def _sealers_for(self, connection: AsyncConnection, batch: _Batch) -> dict[Person, ValueSealer]:
        """What seals the values of each workspace in the batch. A workspace whose data key does not open has none."""
        if batch.sealed in SEALED_KEYS:
            return dict.fromkeys(batch.workspaces, self._sealer)
        sealers: dict[Person, ValueSealer] = {}
        for one in sorted(batch.workspaces, key=lambda workspace: sorted(workspace_values(workspace).items())):
            with suppress(StorageRefused):
                sealers[one] = await self._keys.sealer_for(connection, one)
        return sealers


@dataclass(frozen=True, slots=True)
class _StaleValue:
    """A value that is to be sealed anew."""

    row_id: str
    old: bytes
    binding: Binding
    plain: bytes = field(repr=False)
    workspace: Person


class _Batch:
    """Values that are sealed anew together, and the blind indexes of the keys in them."""

    def __init__(
        self, sealer: Sealer, opener: ValueOpener, read_link: ReadLink, sealed: SealedColumn, start: bytes
    ) -> None:
        self._sealer = sealer
        self._opener = opener
        self._read_link = read_link
        self.sealed = sealed
        self._start = start  # of a value that is sealed as it should be
        self._values: list[_StaleValue] = []
        self.new_by_old: dict[bytes, bytes] = {}
        self.keyless = 0
        self.left_out = 0  # values of workspaces whose data key does not open

    def add(self, row: Any) -> bool:
        """Add the value of this row. False if it does not open."""
        sealed, blob = self.sealed, getattr(row, self.sealed.name)
        try:
            binding = sealed.binding(row._asdict())
            plain = self._opener.open(sealed.purpose, binding, blob)
        except (Unsealable, ValueError):  # ValueError: a part of the row was emptied
            return False
        is_new = blob.startswith(self._start)
        if not is_new:
            self._values.append(_StaleValue(row.id, blob, binding, plain, sealed.workspace(row._asdict())))
        key = self._key(Secret(plain.decode("utf-8", "surrogatepass"))) if self._has_key else None
        if key is not None:
            new_index, *older = self._sealer.blind_indexes(row.host, key)
            self.new_by_old |= dict.fromkeys([new_index, *older], new_index)
        elif is_new:
            self.keyless += 1  # a card whose link is of a host that is not allowed any more
        return True

    @property
    def workspaces(self) -> set[Person]:
        """The workspaces of the values that are to be sealed anew."""
        return {value.workspace for value in self._values}

    @property
    def _has_key(self) -> bool:
        return self.sealed is LINK_CARD or (self.sealed.table, self.sealed.name) in _KEYS

    def _key(self, text: Secret) -> Secret | None:
        return self._read_link(text) if self.sealed is LINK_CARD else text

    async def write_values(self, connection: AsyncConnection, sealers: Mapping[Person, ValueSealer]) -> int:
        """Seal each value that has a sealer, and compare-and-set it. Returns how many were written."""
        sealable = [one for one in self._values if one.workspace in sealers]
        self.left_out = len(self._values) - len(sealable)
        if not sealable:
            return 0
        column, purpose = self.sealed.column, self.sealed.purpose
        this = and_(self.sealed.table.c.id == bindparam("row_id"), column == bindparam("old", type_=column.type))
        statement = update(self.sealed.table).where(this).values({column: bindparam("new", type_=column.type)})
        values = [
            {
                "row_id": one.row_id,
                "old": one.old,
                "new": sealers[one.workspace].seal(purpose, one.binding, one.plain),
            }
            for one in sealable
        ]
        return (await connection.execute(statement, values)).rowcount
