"""A workspace joins an organisation: every row of it opens under the new ids, and those of others are as they were."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.errors import CannotStart
from bot.person import Person
from bot.secret import Secret
from bot.storage.accounts import Accounts
from bot.storage.change_ids import NewIds, change_ids, read_users
from bot.storage.engine.database import Database
from bot.storage.sealing import commands
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import AUDIT, metadata, preferences
from tests.support.full_database import ROWS, Ids, fill

HOST = "https://eu.onetimesecret.com"
NEW = NewIds("T1", "E1", {"U0": "W0", "U1": "W1"})
PERSON = ("user_id", "recipient_user_id", "opener_user_id", "asked_id")


def of_team(team: str) -> Ids:
    """Two people of a workspace that is in no organisation."""

    def value(name: str, number: int) -> str | None:
        if name in PERSON:
            return f"U{number}"
        if name.endswith("team_id"):
            return team
        return "-" if name.endswith("enterprise_id") else None

    return value


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.read(generate_line("k1"))


@pytest.fixture
async def full(database: Database, ring: KeyRing) -> Database:
    async with database.writing() as connection:
        await fill(connection, Sealer(ring), of_team("T1"))
        await fill(connection, Sealer(ring), of_team("T2"), first=ROWS)
    return database


async def rows(db: Database) -> dict[str, list[dict[str, Any]]]:
    async with db.reading() as connection:
        return {
            table.name: sorted((dict(row) for row in (await connection.execute(select(table))).mappings()), key=repr)
            for table in metadata.sorted_tables
        }


def are_of(team: str, found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    of_people = [table.name for table in metadata.sorted_tables if "user_id" in table.c and table not in AUDIT]
    return {name: [row for row in found[name] if row["team_id"] == team] for name in of_people}


async def test_every_row_of_the_workspace_opens_under_the_new_ids_and_no_other_is_changed(full, url, ring):
    before = await rows(full)
    assert (await commands.verify(url, ring))[1] == 0

    said = await change_ids(url, ring, NEW)

    after = await rows(full)
    assert are_of("T2", after) == are_of("T2", before)
    assert (await commands.verify(url, ring))[1] == 0
    for name, some in are_of("T1", after).items():
        assert len(some) == len(are_of("T1", before)[name])
        for row in some:
            assert (row["enterprise_id"], row["user_id"][0]) == ("E1", "W"), name
            assert [row[one] for one in PERSON if row.get(one) and not row[one].startswith("W")] == [], name
    assert said.endswith(f"{sum(map(len, are_of('T1', after).values()))} rows changed.")


async def test_what_is_sealed_belongs_to_the_new_person_alone(database, url, ring):
    old, new = Person(None, "T1", "U0"), Person("E1", "T1", "W0")
    accounts = Accounts(database, Sealer(ring))
    await accounts.connect(old, HOST, Secret("name"), Secret("token"))

    await change_ids(url, ring, NEW)

    assert [one.host for one in await accounts.all_of(new)] == [HOST]
    assert await accounts.all_of(old) == []


async def test_the_workspace_gets_a_new_data_key_and_its_old_one_is_destroyed(full, url, ring):
    before = {(row["enterprise_id"], row["team_id"]): row for row in (await rows(full))["data_keys"]}

    await change_ids(url, ring, NEW)

    after = {(row["enterprise_id"], row["team_id"]): row for row in (await rows(full))["data_keys"]}
    assert (set(before), set(after)) == ({("-", "T1"), ("-", "T2")}, {("E1", "T1"), ("-", "T2")})
    assert after["E1", "T1"]["id"] != before["-", "T1"]["id"]
    assert after["-", "T2"] == before["-", "T2"]


async def test_a_data_key_of_the_new_ids_that_is_there_already_is_used(database, url, ring):
    old, came_back = Person(None, "T1", "U0"), Person("E1", "T1", "W7")
    accounts = Accounts(database, Sealer(ring))
    for person in (old, came_back):
        await accounts.connect(person, HOST, Secret("name"), Secret(f"token of {person.user_id}"))

    await change_ids(url, ring, NEW)

    read = Accounts(database, Sealer(ring))
    found = [await read.all_of(person) for person in (Person("E1", "T1", "W0"), came_back)]
    assert [one[0].token.reveal() for one in found] == ["token of U0", "token of W7"]
    assert len((await rows(database))["data_keys"]) == 1


async def test_a_person_who_came_back_before_the_change_stops_all_of_it(full, url, ring):
    async with full.writing() as connection:
        taken = {"enterprise_id": "E1", "team_id": "T1", "user_id": "W1", "notifications": "", "reminders": True}
        await connection.execute(insert(preferences).values(taken))
    before = await rows(full)

    with pytest.raises(CannotStart, match="under the new ids already"):
        await change_ids(url, ring, NEW)

    assert await rows(full) == before


async def test_with_the_wrong_key_nothing_is_changed(full, url):
    before = await rows(full)

    with pytest.raises(CannotStart, match="does not open, and nothing was changed"):
        await change_ids(url, KeyRing.read(generate_line("k1")), NEW)

    assert await rows(full) == before


def test_the_file_of_people_is_read(tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("U012AB,W012AB\nU1, U2\n")

    assert read_users(file) == {"U012AB": "W012AB", "U1": "U2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("old,new\n", "line 1"),
        ("U1,U2\nU3\n", "line 2"),
        ("U1,U9\nU2,U9\n", "two people have the same new id"),
    ],
    ids=["a heading", "a missing id", "one id twice"],
)
def test_a_file_of_people_that_is_wrong_is_refused(tmp_path, text, said):
    file = tmp_path / "users.csv"
    file.write_text(text)

    with pytest.raises(CannotStart, match=said):
        read_users(file)
