"""`python -m bot change-ids`: a workspace joined an organisation of Enterprise Grid, and Slack sends other ids since.

The rows get the organisation's id, and new ids of people where Slack changed them. What is sealed is bound to these
ids, so it is opened and sealed anew.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CannotStart, Unsealable
from bot.secret import Secret
from bot.storage.engine.commands import existing_database
from bot.storage.sealing.data_keys import DataKeys, destroy_keys
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import NOBODY, Sealer, ValueOpener, ValueSealer
from bot.storage.tables import AUDIT, SEALED, data_keys, metadata, person_of, requests

PEOPLE = ("", "recipient_", "opener_")  # each is followed by enterprise_id, team_id and user_id in names of columns


@dataclass(frozen=True, slots=True)
class NewIds:
    """The ids that Slack sends since a workspace joined an organisation. People who are not in `users` keep theirs."""

    team: str
    enterprise: str
    users: Mapping[str, str]

    def changes(self, table: Table, row: Mapping[str, Any]) -> dict[str, str]:
        """The columns of a row that change, with their new values; none if the row is about another workspace."""
        changed: dict[str, str] = {}
        for prefix in PEOPLE:
            if row.get(f"{prefix}team_id") == self.team and row[f"{prefix}enterprise_id"] in (NOBODY, None):
                user = row[f"{prefix}user_id"]
                changed[f"{prefix}enterprise_id"] = self.enterprise
                changed[f"{prefix}user_id"] = self.users.get(user, user)
                if table is requests and not prefix:
                    changed["asked_id"] = self.users.get(row["asked_id"], row["asked_id"])
        return changed


def read_users(file: Path | None) -> dict[str, str]:
    """Old id -> new id, from a CSV file with two columns and no heading. Raises `CannotStart` with the line."""
    if file is None:
        return {}
    try:
        lines = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise CannotStart(f"--users {file} cannot be read: it should be CSV in UTF-8, old id and new id.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        ids = [one.strip() for one in line]
        if len(ids) != 2 or not all(one[:1] in ("U", "W") and one.isalnum() for one in ids):  # noqa: PLR2004 - a pair
            raise CannotStart(f"--users {file}, line {number}: should be old id, comma, new id, such as U012AB,W012AB.")
        found[ids[0]] = ids[1]
    if len(set(found.values())) != len(found):
        raise CannotStart(f"--users {file}: two people have the same new id.")
    return found


async def change_ids(database_url: Secret | str, keyring: KeyRing, new: NewIds) -> str:
    """Change all rows of the workspace in one transaction, or none. Returns what to print. Raises `CannotStart`.

    The workspace gets a new data key, and its old one is destroyed. The audit stays under the old ids: its chain could
    not be verified otherwise.

    Rows that exist under the new ids already are left as they are, and stop the change if both cannot be there.
    """
    async with existing_database(database_url) as db, db.writing() as connection:
        keys = DataKeys(db, Sealer(keyring))
        tables = [table for table in metadata.sorted_tables if table not in AUDIT]
        counts = {table.name: await _change(connection, table, keys, new) for table in tables}
        await destroy_keys(db, connection, and_(data_keys.c.enterprise_id == NOBODY, data_keys.c.team_id == new.team))
    changed = {name: count for name, count in counts.items() if count}
    return "\n".join(
        [*(f"{name}  {count}" for name, count in changed.items()), f"{sum(counts.values())} rows changed."]
    )


async def _change(connection: AsyncConnection, table: Table, keys: DataKeys, new: NewIds) -> int:
    teams = [table.c[f"{prefix}team_id"] for prefix in PEOPLE if f"{prefix}user_id" in table.c]
    if not teams:
        return 0
    count = 0
    concerned = select(table).where(or_(*(column == new.team for column in teams)))
    rows = (await connection.execute(concerned)).all()
    opener = await keys.opener(connection, rows)
    for row in [found._asdict() for found in rows]:
        changed: dict[str, Any] = dict(new.changes(table, row))
        if not changed:
            continue
        if await _is_taken(connection, table, row, changed):
            raise CannotStart(
                f"Somebody used the bot under the new ids already (table {table.name}), and nothing was changed. "
                "Erase what is stored under one of the two, and try again."
            )
        after = {**row, **changed}
        person = person_of(after["enterprise_id"], after["team_id"], after["user_id"])
        if any(sealed.table is table for sealed in SEALED):
            changed |= _sealed_anew(table, row, after, opener, await keys.sealer_for(connection, person))
        await connection.execute(update(table).where(_is_row(table, row)).values(changed))
        count += 1
    return count


def _sealed_anew(
    table: Table, row: Mapping[str, Any], changed: Mapping[str, Any], opener: ValueOpener, sealer: ValueSealer
) -> dict[str, bytes]:
    """The sealed values of a row, for the row with its new ids. Raises `CannotStart` for one that does not open."""
    before, after = {"host": NOBODY, **row}, {"host": NOBODY, **changed}
    found: dict[str, bytes] = {}
    for sealed in SEALED:
        if sealed.table is not table or row[sealed.name] is None:
            continue
        try:
            opened = opener.open(sealed.purpose, sealed.binding(before), row[sealed.name])
        except (Unsealable, ValueError):
            raise CannotStart(
                f"A value in the table {table.name} does not open, and nothing was changed. "
                "`python -m bot keys verify` counts them."
            ) from None
        found[sealed.name] = sealer.seal(sealed.purpose, sealed.binding(after), opened)
    return found


def _is_row(table: Table, row: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(column == row[column.name] for column in table.primary_key))


async def _is_taken(
    connection: AsyncConnection, table: Table, row: Mapping[str, Any], changed: Mapping[str, Any]
) -> bool:
    """Whether another row has what only one may have, once this row has its new ids."""
    for constraint in table.constraints:
        columns = [column.name for column in getattr(constraint, "columns", ())]
        is_unique = constraint.__visit_name__ in ("unique_constraint", "primary_key_constraint")
        if is_unique and changed.keys() & columns:
            same = and_(*(table.c[name] == changed.get(name, row[name]) for name in columns))
            if (await connection.execute(select(table).where(same, ~_is_row(table, row)).limit(1))).first():
                return True
    return False
