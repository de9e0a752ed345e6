"""Blind indexes in the database: which columns have one, and which index a new row gets.

A blind index is made with an encryption key, so each encryption key makes another index of one and the same secret.
Look-ups try the indexes by all keys. Rows are also compared with each other, where the secret's key is not at hand: the
card of a link with a tracked secret, two reveals of one secret. So all rows of one secret have one index, in all
tables: a new row gets the index that another row of the secret has. A rotation changes all of them in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, exists, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.sealing.keyring import is_kid
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import OWNER, ignored, link_cards, link_warnings, reveals, tracked

MAX_VALUES: Final = 500  # in one statement: databases limit how many there may be


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A column of blind indexes. Beside it is a column with the name of the encryption key that made the index."""

    table: Table
    name: str = "blind_index"
    unique_with: tuple[str, ...] = ()  # the columns that are unique together with the index; none: it is not unique

    @property
    def column(self) -> Column[bytes]:
        return self.table.c[self.name]

    @property
    def kid(self) -> Column[str]:
        return self.table.c[f"{self.name}_kid"]


SECRET_COLUMNS: Final = (  # rows of these columns are compared with each other
    IndexColumn(reveals),
    IndexColumn(link_cards, unique_with=("message_team", "channel", "ts")),
    IndexColumn(tracked, "secret_blind_index"),
)
INDEXED: Final = (
    *SECRET_COLUMNS,
    IndexColumn(tracked, unique_with=OWNER),
    IndexColumn(ignored, unique_with=OWNER),
    IndexColumn(link_warnings, unique_with=OWNER),
)


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """A blind index, and the name of the encryption key that made it. None: not known."""

    kid: str | None
    index: bytes

    def values(self, name: str = "blind_index") -> dict[str, Any]:
        """The values of a row for the column of this name."""
        return {name: self.index, f"{name}_kid": self.kid}


def primary_index(sealer: Sealer, host: str, key: Secret) -> NamedIndex:
    """The index by the primary key, for a table whose rows are only looked up by all indexes."""
    return NamedIndex(sealer.keyring.primary, sealer.blind_index(host, key))


async def index_of_secret(
    db: Database, connection: AsyncConnection, sealer: Sealer, host: str, key: Secret
) -> NamedIndex:
    """The index for a new row of a secret: that of its other rows, else the one by the primary key.

    While several encryption keys are in use, the transaction must be a writing one. It keeps rotations waiting then,
    until it ends.
    """
    return await adopt_index(db, connection, [NamedIndex(*named) for named in sealer.named_indexes(host, key).items()])


async def adopt_index(db: Database, connection: AsyncConnection, named: list[NamedIndex]) -> NamedIndex:
    """`index_of_secret`, where only the indexes by all encryption keys are known, the one by the primary key first."""
    if len(named) > 1:
        await lock_indexes(db, connection)
        by_index = {one.index: one for one in named}
        for one in SECRET_COLUMNS:
            query = select(one.column).where(one.column.in_(by_index)).limit(1)
            found: bytes | None = await connection.scalar(query)
            if found is not None:
                return by_index[found]
    return named[0]


async def lock_indexes(db: Database, connection: AsyncConnection) -> None:
    """Let one transaction at a time choose the indexes of new rows, or change indexes."""
    await db.advisory_lock(connection, "blind_indexes")


async def replace_indexes(connection: AsyncConnection, kid: str, new_by_old: Mapping[bytes, bytes]) -> None:
    """Put the indexes by the key `kid` in the place of older ones, in all tables. `lock_indexes` goes before it.

    A row stays as it is where a second row of the same person and secret has the new index already.
    """
    olds = list(new_by_old)
    for one in INDEXED:
        stale = one.kid.is_distinct_from(kid)
        found: set[bytes] = set()
        for start in range(0, len(olds), MAX_VALUES):
            some = one.column.in_(olds[start : start + MAX_VALUES])
            found.update((await connection.execute(select(one.column).where(some, stale))).scalars())
        if not found:
            continue
        old, new = bindparam("old", type_=one.column.type), bindparam("new", type_=one.column.type)
        free = or_(old == new, ~_is_taken(one, new)) if one.unique_with else true()
        statement = update(one.table).where(one.column == old, stale, free)
        values: dict[Any, Any] = {one.column: new, one.kid: kid}
        parameters = [{"old": index, "new": new_by_old[index]} for index in sorted(found)]
        await connection.execute(statement.values(values), parameters)


def _is_taken(one: IndexColumn, index: ColumnElement[bytes]) -> ColumnElement[bool]:
    """The condition that a second row, which may not have this index too, has it."""
    other = one.table.alias()
    same = and_(*(other.c[name] == one.table.c[name] for name in one.unique_with))
    return exists().where(other.c[one.name] == index, same)


def name_indexes(sealer: Sealer, host: str, key: Secret) -> list[str]:
    """Names for a secret, one by each encryption key, the primary one first. They say nothing about the key.

    With several encryption keys each name says which of them made it.
    """
    named = sealer.named_indexes(host, key)
    return [index.hex() if len(named) == 1 else f"{kid}:{index.hex()}" for kid, index in named.items()]


def read_name(name: str) -> NamedIndex:
    """What `name_indexes` made."""
    kid, _, index = name.rpartition(":")
    return NamedIndex(kid if is_kid(kid) else None, bytes.fromhex(index))
