"""Erasing a person takes every row that is theirs alone, and none of anybody else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, update

from bot.person import Person
from bot.storage.engine.database import Database
from bot.storage.people import PeopleRows
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import AUDIT, accounts, metadata, shares, watches
from tests.support.full_database import ROWS, fill

TEAMS, USERS = ("T1", "T2"), ("U1", "U2")
EVERYBODY = [Person(None, team_id, user_id) for team_id in TEAMS for user_id in USERS]
ADA, _, ADA_ELSEWHERE, _ = EVERYBODY
# What others need, and what an operator or a workspace keeps. Each row of these goes by its time.
STAYS = {"acts", "deliveries", "executions", "installations", "link_cards", "requests", "shares"}
HAVE_OWNERS = [one for one in metadata.sorted_tables if "user_id" in one.c and one not in AUDIT]


def of(team_id: str) -> Any:
    """The first row of each table is the first user's, the second one the second user's."""

    def value(name: str, number: int) -> str | None:
        values = {
            "enterprise_id": "-",
            "team_id": team_id,
            "user_id": USERS[number],
            "install_team": f"{team_id}{number}",
        }
        return values.get(name)

    return value


@pytest.fixture
async def full(database: Database, sealer: Sealer) -> Database:
    """Rows of each person in every table that can have some, which go with no other row where they need none."""
    async with database.writing() as connection:
        for number, team_id in enumerate(TEAMS):
            await fill(connection, sealer, of(team_id), first=ROWS * number)
        for table in HAVE_OWNERS:
            if without := {column.name: None for column in table.columns if column.foreign_keys and column.nullable}:
                await connection.execute(update(table).values(without))
    return database


async def rows_of(db: Database, person: Person) -> dict[str, int]:
    """How many rows of this person each table has."""
    async with db.reading() as connection:
        found = {}
        for table in HAVE_OWNERS:
            mine = (table.c.team_id == person.team_id, table.c.user_id == person.user_id)
            found[table.name] = len((await connection.execute(select(table).where(*mine))).all())
    return found


async def test_what_is_a_persons_alone_goes_and_nothing_of_anybody_else(full):
    before = {person: await rows_of(full, person) for person in EVERYBODY}
    assert all(before[ADA].values())

    assert await PeopleRows(full).erase(ADA)

    left = await rows_of(full, ADA)
    assert {name for name, count in left.items() if count} == STAYS
    assert {name: left[name] for name in STAYS} == {name: before[ADA][name] for name in STAYS}
    for other in EVERYBODY[1:]:
        assert await rows_of(full, other) == before[other]


@pytest.mark.parametrize(("team_id", "gone"), [("T1", [ADA]), (None, [ADA, ADA_ELSEWHERE])])
async def test_an_operator_erases_a_user_in_one_workspace_or_in_all(full, team_id, gone):
    before = {person: await rows_of(full, person) for person in EVERYBODY}

    await PeopleRows(full).erase_user("U1", team_id)

    for person in EVERYBODY:
        left = await rows_of(full, person)
        if person in gone:
            assert {name for name, count in left.items() if count} == STAYS
        else:
            assert left == before[person]


@pytest.mark.parametrize("has_left", [True, False])
async def test_what_somebody_who_left_has_shared_is_marked_and_nothing_else(full, has_left):
    async with full.writing() as connection:
        await connection.execute(update(shares).values(sender_left_at=None))

    await PeopleRows(full).erase(ADA, has_left=has_left)

    async with full.reading() as connection:
        marked = await connection.execute(
            select(shares.c.team_id, shares.c.user_id).where(shares.c.sender_left_at.is_not(None))
        )
        assert {(row.team_id, row.user_id) for row in marked} == ({("T1", "U1")} if has_left else set())


@pytest.mark.parametrize("only", [accounts, watches, shares], ids=lambda table: table.name)
async def test_everybody_of_whom_something_is_kept_is_asked_for_until_they_have_left(full, only):
    """Slack is asked once a day whether they are still members."""
    async with full.writing() as connection:
        for table in {accounts, watches, shares} - {only}:
            await connection.execute(delete(table))
        await connection.execute(update(shares).values(sender_left_at=None))

    assert set(await PeopleRows(full).not_known_to_have_left()) == set(EVERYBODY)
    await PeopleRows(full).erase(ADA, has_left=True)
    assert set(await PeopleRows(full).not_known_to_have_left()) == set(EVERYBODY[1:])
