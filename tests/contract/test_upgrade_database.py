"""The upgrade of a database with rows in every table, from the revision of commit 8a783c1: no row is lost.

The three tables at the top list what was renamed since. Everything else is as it was, to the byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.storage.engine.migrate import migrate
from bot.storage.sealing.keyring import generate_line
from tests.contract.test_migrations import FORKS, count_statements, killed_at
from tests.contract.upgrade import fixture
from tests.contract.upgrade.emulators import run_bot
from tests.contract.upgrade.fixture import Row
from tests.contract.upgrade.opening import SEALED, opened
from tests.support.postgres import Cluster, postgres

__all__ = ["postgres"]

# Table of revision 0006 -> its name now; tables that are not listed keep their name.
TABLES = {
    "handles": "button_contexts",
    "let_go": "ignored",
    "notices": "notifications",
    "uses": "limit_uses",
    "parcels": "deliveries",
}

# Table of revision 0006 -> column -> its name now, or None if the column is gone.
COLUMNS: dict[str, dict[str, str | None]] = {
    "handles": {"facts": "data"},
    "reveals": {
        "blind": "blind_index",
        "unsure": "outcome_unknown",
        "told_at": "notified_at",
        "parcel_id": "delivery_id",
    },
    "watches": {"next_look_at": "next_poll_at"},
    "tracked": {"blind": "blind_index", "secret_blind": "secret_blind_index"},
    "let_go": {"blind": "blind_index"},
    "notices": {"once": "idempotency_key", "parked": "dead_letter"},
    "preferences": {"news": "notifications"},
    "uses": {"once": "idempotency_key"},
    "shares": {"once": "idempotency_key"},
    "parcels": {
        "place": "position",
        "to_enterprise_id": "recipient_enterprise_id",
        "to_team_id": "recipient_team_id",
        "to_user_id": "recipient_user_id",
        "to_channel": "recipient_channel",
        "why": "reason",
        "handed_at": "link_shown_at",
        "untold_since": "unannounced_since",
    },
}

# Table and column of revision 0006 -> stored word -> the word now, in values that are one word or several with commas.
WORDS = {
    ("parcels", "state"): {"handed": "link_shown", "doubtful": "unknown_outcome", "refused": "undeliverable"},
    ("shares", "passphrase_to"): {"addressee": "recipient"},
}

# Table and column of revision 0006 -> the value now, computed from the old row: for changes that are not in WORDS.
VALUES: dict[tuple[str, str], Callable[[Row], Any]] = {}


def answered_request(share: Row, everything: dict[str, list[Row]]) -> str | None:
    """The request that the share answered: in revision 0006 both had exactly the same time."""
    found = [
        request["id"]
        for request in everything["requests"]
        if (request["state"], request["over_at"]) == ("answered", share["created_at"])
        and request["asked_id"] == share["user_id"]
    ]
    return found[0] if found else None


# Table and column that are new since revision 0006 -> the value, computed from the old row and all old rows.
ADDED: dict[tuple[str, str], Callable[[Row, dict[str, list[Row]]], Any]] = {("shares", "request_id"): answered_request}

KEYS = {  # of a table without `id`
    "let_go": ("enterprise_id", "team_id", "user_id", "blind"),
    "preferences": ("enterprise_id", "team_id", "user_id"),
    "key_checks": ("kid",),
}


@dataclass(frozen=True)
class Upgraded:
    """A database that was upgraded: how to reach it, and its rows before and after."""

    url: str
    before: dict[str, list[Row]]
    after: dict[str, list[Row]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def new_url(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    if kind == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('upgrade')}/bot.db"
    cluster: Cluster = request.getfixturevalue("postgres")
    return cluster.new_database


@pytest.fixture(scope="module")
def upgraded(new_url: Callable[[], str]) -> Upgraded:
    url = new_url()
    before = fixture.lay_down(url)
    migrate(url)
    return Upgraded(url, before, fixture.read_all(url))


def table_now(table: str) -> str:
    return TABLES.get(table, table)


def column_now(table: str, column: str) -> str | None:
    return COLUMNS.get(table, {}).get(column, column)


def row_now(table: str, row: Row, everything: dict[str, list[Row]]) -> Row:
    """The row that an old row must have become."""
    now = {}
    for column, value in row.items():
        name = column_now(table, column)
        if name is not None:
            now[name] = VALUES[table, column](row) if (table, column) in VALUES else word_now(table, column, value)
    added = {column: value(row, everything) for (at, column), value in ADDED.items() if at == table_now(table)}
    return now | added


def word_now(table: str, column: str, value: Any) -> Any:
    words = WORDS.get((table, column))
    if words is None or not isinstance(value, str):
        return value
    return ",".join(words.get(word, word) for word in value.split(","))


def key_of(table: str, row: Row) -> tuple[Any, ...]:
    """The primary key of a row, by the columns as they are called now."""
    names = [column_now(table, name) for name in KEYS.get(table, ("id",))]
    return tuple(row[name] for name in names if name is not None)


def test_there_are_rows_in_every_table_and_in_every_state():
    tables = fixture.read("0006.json")["tables"]

    def words(table: str, column: str) -> set[Any]:
        at = tables[table]["columns"].index(column)
        return {row[at] for row in tables[table]["rows"]}

    assert all(one["rows"] for one in tables.values())
    assert words("reveals", "state") == {"ready", "opening", "claiming", "escrowed", "shown", "over"}
    assert words("tracked", "state") == {"new", "received", "burned", "expired", "orphaned", "unknown"}
    assert words("requests", "state") == {
        "waiting", "asked", "answered", "withdrawn", "declined", "expired", "undeliverable"
    }  # fmt: skip
    assert words("parcels", "state") == {
        "waiting", "asking", "made", "sent", "opening", "handed", "opened", "failed", "doubtful", "refused", "burned",
        "expired", "gone",
    }  # fmt: skip
    assert words("shares", "passphrase_to") == {"nobody", "sender", "addressee"}
    assert words("handles", "kind") == {"share", "metadata", "secret", "page", "recent", "tracked_page"}
    assert words("notices", "kind") == {
        "received", "burned", "expired", "orphaned", "unknown", "reminder", "reconnect", "card"
    }  # fmt: skip
    assert words("watches", "paused") == {None, "reconnect"}
    always_empty = {
        (name, column) for name, one in tables.items() for column in one["columns"] if words(name, column) == {None}
    }
    assert always_empty == set()


def test_no_row_is_lost_and_none_is_added(upgraded):
    before = {table_now(table): len(rows) for table, rows in upgraded.before.items()}

    # Tables that a later migration adds are empty.
    assert {table: len(rows) for table, rows in upgraded.after.items() if rows or table in before} == before


@pytest.mark.parametrize("table", sorted(fixture.read("0006.json")["tables"]))
def test_every_value_of_every_row_is_there(upgraded, table):
    expected = [row_now(table, row, upgraded.before) for row in upgraded.before[table]]
    there = {key_of(table, row): row for row in upgraded.after[table_now(table)]}

    assert len(there) == len(expected)
    # Columns that a later migration adds are not compared.
    found = [{name: there[key_of(table, row)].get(name, "missing") for name in row} for row in expected]
    assert found == expected


def test_every_sealed_value_opens_with_the_names_that_it_was_bound_to(upgraded):
    """Opened by code of the tests alone, which knows the names of revision 0006 and does not use the bot."""
    for table, column, purpose in SEALED:
        name = column_now(table, column)
        assert name is not None
        now = {key_of(table, row): row for row in upgraded.after[table_now(table)]}
        for row in upgraded.before[table]:
            if row[column] is not None:
                same = {**row, column: now[key_of(table, row_now(table, row, upgraded.before))][name]}
                assert opened(same, table, column, purpose) == opened(row, table, column, purpose)


def count_sealed(upgraded) -> int:
    return sum(row[column] is not None for table, column, _ in SEALED for row in upgraded.before[table])


async def test_keys_list_counts_every_sealed_value(upgraded):
    code, said = await run_bot("keys", "list", DATABASE_URL=upgraded.url, ENCRYPTION_KEYS=fixture.KEY_LINE)

    assert code == 0, said
    assert said.startswith(f"k1  primary  {count_sealed(upgraded)} values need it  in use since ")


async def test_keys_list_counts_every_value_of_a_missing_key(upgraded):
    code, said = await run_bot("keys", "list", DATABASE_URL=upgraded.url, ENCRYPTION_KEYS=generate_line("k2").reveal())

    assert code == 0, said
    assert f"k1  MISSING  {count_sealed(upgraded)} values need it" in said.splitlines()


async def test_keys_verify_opens_every_sealed_value(upgraded):
    sealed = count_sealed(upgraded)

    code, said = await run_bot("keys", "verify", DATABASE_URL=upgraded.url, ENCRYPTION_KEYS=fixture.KEY_LINE)

    assert code == 0, said
    assert said.splitlines() == [f"k1  {sealed} open  0 do not", "Every sealed value opens."]
    assert sealed > 200


def shape(url: str) -> dict[str, Any]:
    """Columns, keys, indexes and constraints of every table, as the database reports them."""
    connected = fixture.engine(url)
    inspector = sa.inspect(connected)
    try:
        return {table: _shape(inspector, table) for table in inspector.get_table_names()}
    finally:
        connected.dispose()


def _shape(inspector: sa.Inspector, table: str) -> dict[str, Any]:
    columns = {one["name"]: (str(one["type"]), one["nullable"], one["default"]) for one in inspector.get_columns(table)}
    return {
        "columns": columns,
        "primary key": inspector.get_pk_constraint(table),
        "foreign keys": sorted(map(str, inspector.get_foreign_keys(table))),
        "unique": sorted(map(str, inspector.get_unique_constraints(table))),
        "checks": sorted(map(str, inspector.get_check_constraints(table))),
        "indexes": sorted(map(_index, inspector.get_indexes(table))),
    }


def _index(one: Any) -> str:
    options = {name: str(value) for name, value in one.get("dialect_options", {}).items()}
    return str((one["name"], one["column_names"], bool(one["unique"]), options))


def test_it_has_the_columns_constraints_and_indexes_of_a_new_database(upgraded, new_url):
    new = new_url()
    migrate(new)

    assert shape(upgraded.url) == shape(new)


@pytest.fixture
def undone(upgraded: Upgraded) -> Iterator[sa.Connection]:
    """A connection whose changes are all rolled back."""
    connected = fixture.engine(upgraded.url)
    with connected.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        yield connection
        connection.rollback()
    connected.dispose()


def tables_of(connection: sa.Connection) -> dict[str, sa.Table]:
    return {table.name: table for table in fixture.reflected(connection)}


@pytest.mark.parametrize("table", ["reveals", "tracked", "requests", "parcels"])
def test_a_state_that_there_is_not_is_refused(undone, table):
    rows = tables_of(undone)[table_now(table)]

    with pytest.raises(IntegrityError):
        undone.execute(rows.update().values({column_now(table, "state") or "": "nonsense"}))


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("accounts", ("enterprise_id", "team_id", "user_id", "host")),
        ("watches", ("enterprise_id", "team_id", "user_id", "host")),
        ("tracked", ("enterprise_id", "team_id", "user_id", "blind")),
        ("notices", ("once",)),
        ("shares", ("once",)),
        ("let_go", KEYS["let_go"]),
        ("preferences", KEYS["preferences"]),
    ],
)
def test_what_there_can_be_once_cannot_be_there_twice(undone, table, columns):
    rows = tables_of(undone)[table_now(table)]
    names = [column_now(table, column) or "" for column in columns]
    one, another = undone.execute(sa.select(rows).limit(2)).mappings()
    at_one = sa.and_(*(column == another[column.name] for column in rows.primary_key))

    with pytest.raises(IntegrityError):
        undone.execute(rows.update().where(at_one).values({name: one[name] for name in names}))


def test_nobody_has_two_default_accounts(undone):
    accounts = tables_of(undone)[table_now("accounts")]

    with pytest.raises(IntegrityError):
        undone.execute(accounts.update().values({column_now("accounts", "is_default") or "": True}))


@pytest.mark.parametrize(
    ("table", "pointing", "column"),
    [
        ("accounts", "handles", "account_id"),
        ("watches", "tracked", "watch_id"),
        ("tracked", "notices", "tracked_id"),
        ("shares", "parcels", "share_id"),
    ],
)
def test_what_points_at_a_row_goes_with_it(undone, upgraded, table, pointing, column):
    tables = tables_of(undone)
    pointers = tables[table_now(pointing)]
    name = column_now(pointing, column)
    assert name is not None
    pointed = Counter(row[column] for row in upgraded.before[pointing] if row[column] is not None)
    row_id, times = pointed.most_common(1)[0]
    theirs = sa.select(sa.func.count()).select_from(pointers).where(pointers.c[name] == row_id)
    assert undone.scalar(theirs) == times

    undone.execute(tables[table_now(table)].delete().where(tables[table_now(table)].c.id == row_id))

    assert undone.scalar(theirs) == 0


@pytest.mark.slow
@FORKS
def test_an_upgrade_that_is_killed_changes_nothing(new_url):
    counted = new_url()
    fixture.lay_down(counted)
    url = new_url()
    before = fixture.lay_down(url)

    for number in range(1, count_statements(counted) + 1):
        killed_at(number, url)
        assert fixture.read_all(url) == before
    migrate(url)

    assert sum(map(len, fixture.read_all(url).values())) == sum(map(len, before.values()))
