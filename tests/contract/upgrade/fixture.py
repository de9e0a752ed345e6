"""What a bot of commit 8a783c1 left behind: its database at revision 0006, with rows in every table.

`0006.json` holds the rows, `encryption-keys` the key that sealed them, `slack.json` what Slack showed at that moment and
`onetime.json` what the Onetime Secret server held. The real bot of that commit made them by playing journeys between
the two emulators; states that last only for a moment were written with its storage classes. The files never change:
they are what an upgrade finds.

Nothing here imports the bot. The database is reached by SQL, because the code of the tables changes with each upgrade.
"""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

REVISION = "0006"
KEY_LINE = (HERE / "encryption-keys").read_text(encoding="utf-8").splitlines()[-1]  # as ENCRYPTION_KEYS takes it
AGE = 1.0  # seconds; the newest row is at least this old, because the bot looks for rows older than its own start

Row = dict[str, Any]


@cache
def read(name: str) -> Any:
    """The content of one of the JSON files. The caller must not change it."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def shift() -> float:
    """Seconds to add to all times in the files, so that they are as fresh as when they were made."""
    return float(int(time.time() - read("0006.json")["made_at"] - AGE))


def engine(url: str) -> sa.Engine:
    """For plain SQL on a database of either kind."""
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def lay_down(url: str) -> dict[str, list[Row]]:
    """Make the tables of revision 0006 in an empty database, and insert all rows. The rows by table, as inserted."""
    connected = engine(url)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    try:
        with connected.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)
            tables = reflected(connection)
            rows = {table.name: _rows(table) for table in tables}
            for table in tables:
                connection.execute(table.insert(), rows[table.name])
    finally:
        connected.dispose()
    return rows


def read_all(url: str) -> dict[str, list[Row]]:
    """Every row of every table, by the names that the database itself has."""
    connected = engine(url)
    try:
        with connected.connect() as connection:
            return {
                table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
                for table in reflected(connection)
            }
    finally:
        connected.dispose()


def reflected(connection: sa.Connection) -> list[sa.Table]:
    """The tables that the database has; tables that others refer to come first."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _rows(table: sa.Table) -> list[Row]:
    kept = read("0006.json")["tables"][table.name]
    assert sorted(kept["columns"]) == sorted(table.columns.keys())
    columns = [table.columns[name] for name in kept["columns"]]
    later = shift()
    return [
        {column.name: _value(column, value, later) for column, value in zip(columns, row, strict=True)}
        for row in kept["rows"]
    ]


def _value(column: sa.Column[Any], value: Any, later: float) -> Any:
    if value is None:
        return None
    if isinstance(column.type, sa.LargeBinary):
        return base64.b64decode(value)
    if isinstance(column.type, sa.Float):  # all of them are times
        return value + later
    return bool(value) if isinstance(column.type, sa.Boolean) else value


# --- what Slack and Onetime Secret held


def stories() -> dict[str, Any]:
    """Name -> what a person had in front of them: the person, the message or the window, and the values in it."""
    found: dict[str, Any] = read("slack.json")["stories"]
    return found


def blocks_of(kept: Row) -> list[Row]:
    """The blocks of a message or a window of `slack.json`, where repeated blocks are stored once, by number."""
    often = read("slack.json")["blocks"]
    return [often[block] if isinstance(block, int) else block for block in kept.get("blocks", [])]


def everything_shown() -> list[Row]:
    """All messages and windows as they were sent to Slack, with their blocks."""
    slack = read("slack.json")
    shown = (*slack["messages"], *(view["payload"] for view in slack["views"]))
    return [{**kept, "blocks": blocks_of(kept)} for kept in shown]
