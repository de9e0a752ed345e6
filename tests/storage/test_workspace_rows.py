"""Erasing a workspace or an organisation takes all of its rows, and none of another."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.features import leaving
from bot.features.leaving import KEPT_FOR
from bot.secret import Secret
from bot.storage.engine.database import Database
from bot.storage.installations import Installations, NewInstallation
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import AUDIT, acts, executions, homes, installations, link_cards, metadata
from bot.storage.workspace_rows import WorkspaceRows
from tests.support.full_database import ROWS, fill
from tests.support.services import make_services


def of(team: str, enterprise: str) -> Any:
    def value(name: str, number: int) -> str | None:
        if name == "install_team":
            return f"{team}{number}" if number else team
        if name.endswith("team_id") or name == "message_team":
            return team
        return enterprise if name.endswith("enterprise_id") else None

    return value


@pytest.fixture
async def full(database: Database, sealer: Sealer) -> Database:
    """Rows in every table of three workspaces: one alone, and two of an organisation."""
    async with database.writing() as connection:
        for number, (team, enterprise) in enumerate((("T1", "-"), ("T2", "E1"), ("T3", "E1"))):
            await fill(connection, sealer, of(team, enterprise), first=ROWS * number)
    return database


async def left(db: Database) -> dict[str, set[str]]:
    """The tables that have rows of each workspace, without the audit."""
    found: dict[str, set[str]] = {"T1": set(), "T2": set(), "T3": set()}
    async with db.reading() as connection:
        for table in metadata.sorted_tables:
            if "team_id" in table.c and table not in AUDIT:
                for team in (await connection.scalars(select(table.c.team_id))).all():
                    found.setdefault(team, set()).add(table.name)
    return found


async def test_a_workspace_goes_with_all_of_its_rows(full):
    before = await left(full)
    assert await WorkspaceRows(full).erase("T1")

    assert await left(full) == before | {"T1": set()}


async def test_what_people_of_other_workspaces_did_in_it_goes_with_a_workspace(full):
    """A channel may be shared with another workspace, whose people post links there and press buttons."""
    here = {link_cards: "message_team", acts: "install_team", executions: "install_team", homes: "install_team"}
    async with full.writing() as connection:
        for table, name in here.items():
            of_t2 = update(table).where(table.c.team_id == "T2")
            await connection.execute(of_t2.values({name: "T1", "team_id": "T9", "enterprise_id": "-"}))

    await WorkspaceRows(full).erase("T1")

    async with full.reading() as connection:
        for table in here:
            assert (await connection.execute(select(table).where(table.c.team_id == "T9"))).all() == [], table.name


@pytest.mark.parametrize("is_revoked", [False, True])
async def test_a_workspace_whose_organisation_has_the_app_keeps_its_rows_unless_that_is_revoked(
    full, sealer, is_revoked
):
    made = await new(full, sealer, team_id=None, enterprise_id="E9", token=Secret("xoxb-org"))
    await made.note_member("T1", "E9")
    if is_revoked:
        assert await made.revoke("E9", time.time() + 60)
    before = await left(full)

    await WorkspaceRows(full).erase("T1")

    kept = before["T1"] - {"installations"}
    assert (await left(full))["T1"] - {"installations"} == (set() if is_revoked else kept)


async def test_an_organisation_goes_with_its_workspaces_but_not_with_those_that_installed_it_themselves(full):
    async with full.writing() as connection:
        await connection.execute(update(installations).where(installations.c.install_team == "T2").values(team_id="T2"))
        await connection.execute(
            update(installations).where(installations.c.install_team == "T3").values(install_team="E1", team_id="-")
        )
    async with full.reading() as connection:
        tables = [one for one in metadata.sorted_tables if "team_id" in one.c and one not in (*AUDIT, installations)]
        before = {
            one.name: (await connection.execute(select(one).where(one.c.team_id == "T2"))).all() for one in tables
        }

    await WorkspaceRows(full).erase("E1")

    async with full.reading() as connection:
        for table in tables:
            rows = (await connection.execute(select(table))).all()
            assert {row.team_id for row in rows} <= {"T1", "T2"}, table.name
            assert len([row for row in rows if row.team_id == "T2"]) == len(before[table.name]), table.name


async def new(database: Database, sealer: Sealer, **given: Any) -> Installations:
    made = Installations(database, sealer)
    usual = {"enterprise_id": None, "team_id": "T1", "installed_by": "U1", "app_id": "A1", "bot_id": "B1"}
    values: Any = usual | {"bot_user_id": "U9", "scopes": ("commands",), "token": Secret("xoxb-one")} | given
    await made.save(NewInstallation(**values))
    return made


async def test_a_later_installation_keeps_everything(database, sealer):
    made = await new(database, sealer)

    assert await WorkspaceRows(database).erase("T1", unless_installed_after=time.time() - 60) is None
    assert await made.find("T1") is not None
    assert await WorkspaceRows(database).erase("T1", unless_installed_after=time.time() + 60)
    assert await made.find("T1") is None


async def test_a_later_installation_is_not_revoked_by_an_earlier_event(database, sealer):
    made = await new(database, sealer)

    assert not await made.revoke("T1", time.time() - 60)
    assert await made.revoke("T1", time.time() + 60)
    found = await made.find("T1")
    assert found is not None
    assert found.is_revoked


async def test_a_reinstall_replaces_the_token_and_what_was_revoked(database, sealer):
    made = await new(database, sealer)
    await made.revoke("T1", time.time() + 60)
    await new(database, sealer, token=Secret("xoxb-two"))

    found = await made.find("T1")
    assert found is not None
    assert (found.token, found.is_revoked) == (Secret("xoxb-two"), False)


async def test_a_workspace_of_an_organisation_is_found_by_the_organisations_installation(database, sealer):
    made = await new(database, sealer, team_id=None, enterprise_id="E1", token=Secret("xoxb-org"))
    assert await made.find("T7") is None
    await made.note_member("T7", "E1")

    found = await made.find("T7")
    assert found is not None
    assert found.token == Secret("xoxb-org")
    await new(database, sealer, team_id="T7", enterprise_id="E1", token=Secret("xoxb-own"))
    found = await made.find("T7")
    assert found is not None
    assert found.token == Secret("xoxb-own")


async def test_one_process_at_a_time_renews_a_token(database, sealer):
    made = await new(database, sealer, refresh_token=Secret("refresh"), token_lives=60.0)
    found = await made.find("T1")
    assert found is not None

    assert [await made.claim_renewal(found.id) for _ in range(3)] == [True, False, False]
    await made.renew(found, Secret("xoxb-next"), Secret("refresh-next"), 43_200.0)
    later = await made.find("T1")
    assert later is not None
    assert (later.token, later.refresh_token) == (Secret("xoxb-next"), Secret("refresh-next"))
    assert later.token_lives == pytest.approx(43_200.0, abs=60)
    assert await made.claim_renewal(found.id)


async def test_what_was_revoked_seven_days_ago_is_erased_and_no_sooner(database, sealer):
    services = make_services(database, sealer)
    made = await new(database, sealer)
    await made.revoke("T1", time.time() + 60)

    await leaving.recover(services)
    assert await made.find("T1") is not None

    async with database.writing() as connection:
        await connection.execute(update(installations).values(revoked_at=time.time() - KEPT_FOR - 60))
    await leaving.recover(services)
    assert await made.find("T1") is None
