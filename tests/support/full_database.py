"""Rows in every table, made from the tables themselves, so that a new table has rows without a change here.

Sealed columns hold values that open: under data keys, one for each workspace. The first row of a table has a value in
every column, the second one in none that can do without, and the values are those that a copy would get wrong first:
NUL bytes, fractions, both truths, emoji.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Integer, LargeBinary, String, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.sealing.sealer import RootKey, Sealer, data_header_of
from bot.storage.tables import DATA_KEY, SEALED, SEALED_KEYS, data_keys, key_checks, metadata, new_id

ROWS = 2
BYTES = bytes(range(256))
TIME = 1_764_259_200.123456


Ids = Callable[[str, int], str | None]  # the value of a column of this name in the row of this number; None: any


async def fill(
    connection: AsyncConnection, sealer: Sealer, ids: Ids = lambda _name, _number: None, first: int = 0
) -> dict[str, int]:
    """Insert rows into every table, those first that others refer to. Returns how many each table has.

    The values of a second call differ if `first` does.
    """
    made: dict[str, list[dict[str, Any]]] = {}
    keys = _Keys(sealer)
    for table in metadata.sorted_tables:
        if table is data_keys:
            continue
        rows = [_row(table, number, made, keys, ids, first) for number in range(ROWS)]
        # Given ids may leave room for one row alone.
        by_key = {tuple(row[column.name] for column in table.primary_key): row for row in rows}
        made[table.name] = list(by_key.values())
        await connection.execute(insert(table), made[table.name])
    made[data_keys.name] = keys.rows
    await connection.execute(insert(data_keys), keys.rows)
    return {name: len(rows) for name, rows in made.items()}


class _Keys:
    """The data keys of the workspaces that have rows."""

    def __init__(self, sealer: Sealer) -> None:
        self.sealer = sealer
        self.rows: list[dict[str, Any]] = []
        self._by_workspace: dict[tuple[str, str], RootKey] = {}

    def of(self, row: dict[str, Any]) -> RootKey:
        workspace = row["enterprise_id"], row["team_id"]
        if workspace not in self._by_workspace:
            key_id, root = new_id(), os.urandom(32)
            made = {"id": key_id, "enterprise_id": workspace[0], "team_id": workspace[1], "created_at": TIME}
            sealed = self.sealer.seal(DATA_KEY.purpose, DATA_KEY.binding(made), root)
            self.rows.append({**made, "key": sealed})
            self._by_workspace[workspace] = RootKey(data_header_of(key_id), root)
        return self._by_workspace[workspace]


def _row(
    table: Table, number: int, made: dict[str, list[dict[str, Any]]], keys: _Keys, ids: Ids, first: int
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            (key,) = column.foreign_keys
            row[column.name] = made[key.column.table.name][number][key.column.name]
        elif (given := ids(column.name, number)) is not None:
            row[column.name] = given
        elif (number and column.nullable) or column is key_checks.c.seals_values:  # true: there are no data keys
            row[column.name] = None
        else:
            row[column.name] = _value(table, column, first + number)
    for sealed in SEALED:
        if sealed.table is table and row[sealed.name] is not None:
            binding = sealed.binding({**row, "host": row.get("host", "-")})
            sealer = keys.sealer if sealed in SEALED_KEYS else keys.of(row)
            row[sealed.name] = sealer.seal(sealed.purpose, binding, BYTES)
    return row


def _value(table: Table, column: Column[Any], number: int) -> Any:
    if column.name == "id":
        return new_id()
    if isinstance(column.type, Boolean):
        return not number % 2
    if isinstance(column.type, Double):
        return TIME + number
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, LargeBinary):
        return bytes([number]) + BYTES
    assert isinstance(column.type, String)
    return _allowed(table, column) or f"{column.name[:8]} “ü🔑” {number}"[: column.type.length or None]


def _allowed(table: Table, column: Column[Any]) -> str | None:
    """A value that the table's own check lets through; None if it has none for the column."""
    for check in table.constraints:
        words = re.match(r"(\w+) IN \('(\w+)'", str(check.sqltext)) if isinstance(check, CheckConstraint) else None
        if words and words[1] == column.name:
            return words[2]
    return None
