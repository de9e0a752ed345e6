"""Data keys: each workspace's rows are sealed under a key of its own. When it is destroyed, nobody can open them.

A data key is 32 random bytes, stored sealed by an encryption key and bound to its workspace. So a copy of a row that
outlives its workspace opens for nobody who has no copy of the row with its data key, whoever has the encryption keys.

A workspace's key is made when the first value is sealed. On PostgreSQL none is made after an upgrade from a version
without data keys: processes of that version may be running, and cannot open what a data key sealed. `keys rotate`
begins with them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, delete, exists, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StorageRefused, Unsealable
from bot.person import Person
from bot.storage.engine.database import Database, now
from bot.storage.sealing.keyring import KEY_BYTES
from bot.storage.sealing.sealer import (
    DATA_KEY_KEPT,
    Binding,
    Purpose,
    RootKey,
    Sealer,
    ValueOpener,
    ValueSealer,
    data_header_of,
    data_key_of,
    kid_of,
)
from bot.storage.tables import DATA_KEY, SEALED, SEALED_KEYS, data_keys, key_checks, new_id, workspace_values

MAX_VALUES = 500  # in one statement: databases limit how many there may be
_IN_USE = "data_key_in_use"  # the name of a lock: shared by whoever seals, and not by whoever destroys


class RowOpener(ValueOpener):
    """Opens the values of some rows, whichever key sealed them."""

    def __init__(self, sealer: Sealer, keys: Mapping[str, RootKey]) -> None:
        self._sealer = sealer
        self._keys = keys  # by id

    def open(self, purpose: Purpose, binding: Binding, blob: bytes) -> bytes:
        # A data key that is not there is like an encryption key that is not there.
        key = self._keys.get(data_key_of(blob) or "")
        return (key or self._sealer).open(purpose, binding, blob)


class DataKeys:
    """Methods are part of the transaction of their connection. All of them raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def sealer_for(self, connection: AsyncConnection, person: Person) -> ValueSealer:
        """What seals new values of this person's workspace, in a transaction that writes.

        Raises `StorageRefused` if the workspace has a key that does not open.

        Until the transaction ends, nobody can destroy the key: `destroy_keys` waits, and what was written is there to
        be deleted. So nothing is ever sealed under a key that is gone. Call this before the transaction locks anything
        else: the other order could end in a deadlock with `destroy_keys`.
        """
        row = await self._lock(connection, person)
        if row is None:
            if not await are_in_use(connection):
                return self._sealer
            row = await self._make(connection, person)
        try:
            return self._opened(row)
        except Unsealable:
            raise StorageRefused("the data key of a workspace does not open") from None

    async def opener(self, connection: AsyncConnection, rows: Iterable[Row[Any] | None]) -> RowOpener:
        """What opens the values in these rows. Nothing is asked of the database if their keys were used lately."""
        named = {key_id for row in rows if row for value in row if (key_id := _data_key_in(value))}
        keys = {key_id: key for key_id in named if (key := self._sealer.data_keys.get(key_id))}
        unknown = sorted(named - keys.keys())
        for start in range(0, len(unknown), MAX_VALUES):
            query = select(data_keys).where(data_keys.c.id.in_(unknown[start : start + MAX_VALUES]))
            keys |= self._all_opened((await connection.execute(query)).all())
        return RowOpener(self._sealer, keys)

    async def opener_of_all(self, connection: AsyncConnection) -> RowOpener:
        """What opens every value in the database."""
        return RowOpener(self._sealer, self._all_opened((await connection.execute(select(data_keys))).all()))

    async def _make(self, connection: AsyncConnection, person: Person) -> Row[Any]:
        await self._db.advisory_lock(connection, "data_keys", *workspace_values(person).values())
        row = (await connection.execute(_query(person))).one_or_none()
        if row is None:  # nobody else has made one meanwhile
            values = {"id": new_id(), **workspace_values(person)}
            sealed = self._sealer.seal(DATA_KEY.purpose, DATA_KEY.binding(values), os.urandom(KEY_BYTES))
            await connection.execute(insert(data_keys).values(**values, key=sealed, created_at=now))
            row = (await connection.execute(_query(person))).one()
        return row

    async def _lock(self, connection: AsyncConnection, person: Person) -> Row[Any] | None:
        """The workspace's key, which nobody can destroy until the transaction ends.

        The row itself is not locked: PostgreSQL would write it to its log again and again, for as long as that is kept.
        """
        await self._db.advisory_lock(connection, _IN_USE, *workspace_values(person).values(), shared=True)
        return (await connection.execute(_query(person))).one_or_none()

    def _opened(self, row: Row[Any]) -> RootKey:
        """Raises `Unsealable`."""
        known = self._sealer.data_keys.get(row.id)
        if known is None:
            root = self._sealer.open(DATA_KEY.purpose, DATA_KEY.binding(row._asdict()), row.key)
            known = self._sealer.data_keys[row.id] = RootKey(data_header_of(row.id), root)
            asyncio.get_running_loop().call_later(DATA_KEY_KEPT + 1, self._sealer.data_keys.expire)
        return known

    def _all_opened(self, rows: Iterable[Row[Any]]) -> dict[str, RootKey]:
        """By id. A key that does not open is left out: then what it sealed does not open either."""
        found = {}
        for row in rows:
            try:
                found[row.id] = self._opened(row)
            except Unsealable:
                continue
        return found


async def are_in_use(connection: AsyncConnection) -> bool:
    """Whether workspaces get data keys. Not after an upgrade on PostgreSQL, until `keys rotate` has run."""
    return not await connection.scalar(select(exists().where(key_checks.c.seals_values)))


async def begin_data_keys(connection: AsyncConnection) -> None:
    """From now on new values are sealed under data keys. No process of a version without them may be running."""
    await connection.execute(update(key_checks).where(key_checks.c.seals_values).values(seals_values=None))


async def destroy_keys(db: Database, connection: AsyncConnection, condition: ColumnElement[bool]) -> int:
    """Delete the data keys that meet the condition. Returns how many.

    This waits for whoever is sealing something under one of them. Until the transaction ends nobody makes a new one.
    """
    if not db.is_sqlite:
        await connection.execute(text("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE"))
        whose = (data_keys.c.enterprise_id, data_keys.c.team_id)
        for row in (await connection.execute(select(*whose).where(condition).order_by(*whose))).all():
            await db.advisory_lock(connection, _IN_USE, *row)
    return (await connection.execute(delete(data_keys).where(condition))).rowcount


async def destroy_unused_keys(db: Database) -> int:
    """Delete the data keys of workspaces of which nothing else is stored. Returns how many.

    Something that was under way while its workspace was erased makes a new key, and then writes nothing.
    """
    unused = and_(
        *(~exists().where(_is_of(table)) for table in {one.table for one in SEALED if one not in SEALED_KEYS})
    )
    async with db.reading() as connection:
        if not await connection.scalar(select(exists().where(unused).select_from(data_keys))):
            return 0
    async with db.writing() as connection:
        return await destroy_keys(db, connection, unused)


def _is_of(table: Table) -> ColumnElement[bool]:
    """The condition that the data key may have sealed something in a row of this table."""
    teams = [table.c[name] for name in ("team_id", "message_team") if name in table.c]
    return and_(
        table.c.enterprise_id == data_keys.c.enterprise_id, or_(*(team == data_keys.c.team_id for team in teams))
    )


async def kids_of_data_keys(connection: AsyncConnection) -> dict[str, str]:
    """By the id of each data key: the name of the encryption key that sealed it, or "" where nobody can say."""
    rows = await connection.execute(select(data_keys.c.id, data_keys.c.key))
    return {row.id: kid_of(row.key) or "" for row in rows}


def _query(person: Person) -> Any:
    return select(data_keys).where(*(data_keys.c[name] == value for name, value in workspace_values(person).items()))


def _data_key_in(value: object) -> str | None:
    return data_key_of(value) if isinstance(value, bytes) else None
