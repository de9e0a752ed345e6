"""Tables, columns and stored words get the field's standard names; a share names the request that it answers.

Code of 0006 does not run on this schema: stop the bot, migrate, start the new version. Sealed values stay as they are,
since they are bound to the first names of their tables and columns (bot/storage/sealing/bound_names.py).

PostgreSQL renames in place. SQLite cannot rename a constraint, so each table is created again under its new names and
its rows are copied. Source: sqlite.org, “Making Other Kinds Of Table Schema Changes”.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


class Renamed(NamedTuple):
    """New names of one table. `words` are stored values of its column `state`, which a CHECK constraint lists."""

    old: str
    new: str
    columns: Mapping[str, str]
    words: Mapping[str, str] = {}

    def rename(self, text: str) -> str:
        """An SQL statement, or the name of a constraint or an index, with the new names in it."""
        names = {self.old: self.new, **self.columns, **self.words}
        pattern = "|".join(sorted(names, key=len, reverse=True))
        return re.sub(rf"(?<![a-z])({pattern})(?![a-z])", lambda found: names[found[1]], text)


TABLES = (
    Renamed("handles", "button_contexts", {"facts": "data"}),
    Renamed(
        "reveals",
        "reveals",
        {"blind": "blind_index", "unsure": "outcome_unknown", "told_at": "notified_at", "parcel_id": "delivery_id"},
    ),
    Renamed("watches", "watches", {"next_look_at": "next_poll_at"}),
    Renamed("tracked", "tracked", {"blind": "blind_index", "secret_blind": "secret_blind_index"}),
    Renamed("let_go", "ignored", {"blind": "blind_index"}),
    Renamed("notices", "notifications", {"once": "idempotency_key", "parked": "dead_letter"}),
    Renamed("preferences", "preferences", {"news": "notifications"}),
    Renamed("uses", "limit_uses", {"once": "idempotency_key"}),
    Renamed("shares", "shares", {"once": "idempotency_key"}),
    Renamed(
        "parcels",
        "deliveries",
        {
            "place": "position",
            "to_enterprise_id": "recipient_enterprise_id",
            "to_team_id": "recipient_team_id",
            "to_user_id": "recipient_user_id",
            "to_channel": "recipient_channel",
            "why": "reason",
            "handed_at": "link_shown_at",
            "untold_since": "unannounced_since",
        },
        {"handed": "link_shown", "doubtful": "unknown_outcome", "refused": "undeliverable"},
    ),
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # Without this, renaming a table also changes the foreign keys of the others.
        op.execute("PRAGMA legacy_alter_table=ON")
    for table in TABLES:
        if connection.dialect.name == "sqlite":
            _make_anew(connection, table)
        else:
            _rename_in_place(connection, table)
    if connection.dialect.name == "sqlite":
        op.execute("PRAGMA legacy_alter_table=OFF")
    op.execute("UPDATE shares SET passphrase_to = 'recipient' WHERE passphrase_to = 'addressee'")
    op.add_column("shares", sa.Column("request_id", sa.String(22)))
    op.create_index(op.f("ix_shares_request_id"), "shares", ["request_id"])
    _join_requests()


def _make_anew(connection: sa.Connection, table: Renamed) -> None:
    made = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :name AND type = :type AND sql IS NOT NULL")
    (create,) = connection.execute(made, {"name": table.old, "type": "table"}).scalars().all()
    indexes = connection.execute(made, {"name": table.old, "type": "index"}).scalars().all()
    columns = [column["name"] for column in sa.inspect(connection).get_columns(table.old)]
    old = f"old_{table.old}"
    op.execute(f"ALTER TABLE {table.old} RENAME TO {old}")
    connection.exec_driver_sql(table.rename(create))
    named = ", ".join(_quoted(table.columns.get(name, name)) for name in columns)
    values = ", ".join(_translated(table, name) for name in columns)
    connection.exec_driver_sql(f"INSERT INTO {table.new} ({named}) SELECT {values} FROM {old}")  # noqa: S608 - our own names
    op.execute(f"DROP TABLE {old}")
    for index in indexes:
        connection.exec_driver_sql(table.rename(index))


def _translated(table: Renamed, column: str) -> str:
    if column != "state" or not table.words:
        return _quoted(column)
    cases = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in table.words.items())
    return f"CASE state {cases} ELSE state END"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _rename_in_place(connection: sa.Connection, table: Renamed) -> None:
    if table.words:
        checks = sa.inspect(connection).get_check_constraints(table.old)
        op.drop_constraint(op.f(f"ck_{table.old}_state"), table.old, type_="check")
    for old, new in table.columns.items():
        op.alter_column(table.old, old, new_column_name=new)
    if table.new != table.old:
        op.rename_table(table.old, table.new)
    if table.words:
        op.execute(f"UPDATE {table.new} SET state = {_translated(table, 'state')}")  # noqa: S608 - our own names
        op.create_check_constraint(op.f(f"ck_{table.new}_state"), table.new, table.rename(checks[0]["sqltext"]))
    for kind, name in _constraints_and_indexes(connection, table.new):
        if table.rename(name) != name and kind == "constraint":
            op.execute(f"ALTER TABLE {table.new} RENAME CONSTRAINT {name} TO {table.rename(name)}")
        elif table.rename(name) != name:
            op.execute(f"ALTER INDEX {name} RENAME TO {table.rename(name)}")


def _constraints_and_indexes(connection: sa.Connection, table: str) -> list[tuple[str, str]]:
    """Constraints first: renaming a constraint also renames its index."""
    query = sa.text(
        "SELECT 'constraint', conname FROM pg_constraint WHERE conrelid = to_regclass(:table) UNION ALL "
        "SELECT 'index', indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = :table AND "
        "NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname AND conrelid = to_regclass(:table))"
    )
    return [(kind, name) for kind, name in connection.execute(query, {"table": table})]


def _join_requests() -> None:
    """Fill `request_id`. In 0006 a request and its answer had the same time, and the person asked sent the answer."""
    op.execute(
        "UPDATE shares SET request_id = requests.id FROM requests WHERE requests.state = 'answered' "
        "AND requests.over_at = shares.created_at AND requests.enterprise_id = shares.enterprise_id "
        "AND requests.team_id = shares.team_id AND requests.asked_id = shares.user_id"
    )
