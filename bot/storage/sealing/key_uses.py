"""Which rows use an encryption key: values that it sealed, and blind indexes that it made."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.audit.heads import count_heads
from bot.storage.sealing.blind_indexes import INDEXED
from bot.storage.sealing.key_checks import starts_with
from bot.storage.sealing.sealer import header_of
from bot.storage.tables import SEALED


async def count_uses(connection: AsyncConnection, kid: str) -> tuple[Counter[str], Counter[str]]:
    """How many values the key sealed, and how many blind indexes it made or may have made, by table.

    Nobody knows which key made an index of a row from before schema 0026.
    """
    sealed, indexed = Counter[str](), Counter[str]()
    for one in SEALED:
        sealed[one.table.name] += await count_rows(connection, one.table, starts_with(one.column, header_of(kid)))
    for index in INDEXED:
        by_key = or_(index.kid == kid, index.kid.is_(None))
        indexed[index.table.name] += await count_rows(connection, index.table, index.column.is_not(None) & by_key)
    sealed["audit_chains"] += (await count_heads(connection))[kid]  # signed by it
    return +sealed, +indexed


async def count_rows(connection: AsyncConnection, table: Table, condition: ColumnElement[bool]) -> int:
    """How many rows of the table meet the condition."""
    return await connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
