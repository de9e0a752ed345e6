"""Writes the audit out, entry by entry: as JSON, one object a line, or as CSV that a spreadsheet takes for text."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from sqlalchemy import ColumnElement, select, true, tuple_

from bot.errors import Unsealable
from bot.storage.audit.entry import FIELDS
from bot.storage.audit.keys import AuditKeys
from bot.storage.engine.database import Database
from bot.storage.sealing.sealer import NOBODY, Sealer
from bot.storage.tables import audit_entries

PAGE: Final = 500  # entries that are in memory at once
COLUMNS: Final = ("at", "enterprise", "workspace", "sequence", *FIELDS, "erased", "commitment", "hash")

ExportFormat = Literal["ndjson", "csv"]


class Output(Protocol):
    def write(self, text: str, /) -> object: ...


async def export(
    db: Database,
    sealer: Sealer,
    output: Output,
    form: ExportFormat,
    *,
    since: datetime,
    until: datetime | None = None,
    workspace: str | None = None,
) -> int:
    """Write the entries from `since` to before `until`, by workspace and number. Returns how many.

    `workspace` is the id of a workspace or of an organisation. Entries of erased people have no content. Raises
    `StorageUnavailable`.
    """
    write = _csv_writer(output) if form == "csv" else _json_writer(output)
    count = 0
    async for values in _entries(db, AuditKeys(sealer), _chosen(since, until, workspace)):
        write(values)
        count += 1
    return count


def _chosen(since: datetime, until: datetime | None, workspace: str | None) -> list[ColumnElement[bool]]:
    columns = audit_entries.c
    return [
        columns.at >= since.timestamp(),
        true() if until is None else columns.at < until.timestamp(),
        true() if workspace is None else (columns.team_id == workspace) | (columns.enterprise_id == workspace),
    ]


async def _entries(db: Database, keys: AuditKeys, chosen: list[ColumnElement[bool]]) -> AsyncIterator[dict[str, Any]]:
    columns = audit_entries.c
    place = tuple_(columns.enterprise_id, columns.team_id, columns.sequence)
    after: tuple[str, str, int] = ("", "", 0)
    while True:
        async with db.reading() as connection:
            query = select(audit_entries).where(*chosen, place > after).order_by(*place).limit(PAGE)
            rows = (await connection.execute(query)).all()
            known = await keys.find_ids(connection, {row.key_id for row in rows})
        for row in rows:
            yield _values(row, known)
        if len(rows) < PAGE:
            return
        after = (rows[-1].enterprise_id, rows[-1].team_id, rows[-1].sequence)


def _values(row: Any, known: dict[str, Any]) -> dict[str, Any]:
    """The columns of an export. What an entry does not say is None."""
    values: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "at": datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds"),
        "enterprise": None if row.enterprise_id == NOBODY else row.enterprise_id,
        "workspace": row.team_id,
        "sequence": row.sequence,
        "erased": False,
        "commitment": row.commitment.hex(),
        "hash": row.hash.hex(),
    }
    try:
        entry = known[row.key_id].open((row.enterprise_id, row.team_id), row.sequence, row.at, row.sealed)
    except (KeyError, Unsealable):
        return values | {"erased": True}
    user = entry.person.user_id
    return values | {name: getattr(entry, name) for name in FIELDS if name != "user"} | {
        "user": None if user == NOBODY else user
    }  # fmt: skip


def _json_writer(output: Output) -> Callable[[dict[str, Any]], None]:
    def write(values: dict[str, Any]) -> None:
        output.write(json.dumps(values) + "\n")

    return write


def _csv_writer(output: Output) -> Callable[[dict[str, Any]], None]:
    rows = csv.writer(output)
    rows.writerow(COLUMNS)

    def write(values: dict[str, Any]) -> None:
        rows.writerow([as_text(value) for value in values.values()])

    return write


def as_text(value: object) -> str:
    """A value for a spreadsheet, which would run a text that begins like a formula: that gets an apostrophe first.

    Source: owasp.org, CSV Injection.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) else text
