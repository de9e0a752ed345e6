"""Which installations are read again: those that may have changed, by whichever process, and not all of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.errors import StorageUnavailable
from bot.secret import Secret
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.many_workspaces import FRESH_FOR, RENEW_BEFORE, ManyWorkspaces
from bot.slack.web import AppCredentials, SlackClient
from bot.storage.engine.database import Database
from bot.storage.installations import Installation, Installations, NewInstallation
from bot.storage.sealing.sealer import Sealer
from bot.storage.workspace_rows import WorkspaceRows

TEAMS = [f"T{number}" for number in range(20)]


class Counted(Installations):
    """Counts its queries; raises if the database `is_away`."""

    is_away = False

    def __init__(self, db: Database, sealer: Sealer) -> None:
        super().__init__(db, sealer)
        self.queries: Counter[str] = Counter()

    async def find(self, install_team: str) -> Installation | None:
        self._count("row")
        return await super().find(install_team)

    async def fingerprint(self) -> tuple[Any, ...]:
        self._count("look")
        return await super().fingerprint()

    def _count(self, what: str) -> None:
        self.queries[what] += 1
        if self.is_away:
            raise StorageUnavailable("away")


class Process:
    """One process that serves many workspaces, by a clock that the tests move."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self.now = 1_000.0
        self.installations = Counted(db, sealer)
        slack, app = SlackClient(None, "http://127.0.0.1:9/"), AppCredentials("1.2", Secret("client secret"))
        self.workspaces = ManyWorkspaces(self.installations, slack, app, BackgroundTasks(), lambda: self.now)

    async def find_all(self) -> Counter[str]:
        """Returns the queries that it took."""
        self.installations.queries.clear()
        for team in TEAMS:
            assert await self.workspaces.find(team) is not None
        return +self.installations.queries


async def install(installations: Installations, team_id: str, **given: Any) -> None:
    usual = {"enterprise_id": None, "installed_by": "U1", "app_id": "A1", "bot_id": "B1", "bot_user_id": "U9"}
    values: Any = usual | {"scopes": ("commands",), "token": Secret(f"xoxb-{team_id}")} | given
    await installations.save(NewInstallation(team_id=team_id, **values))


@pytest.fixture
async def process(database: Database, sealer: Sealer) -> Process:
    made = Process(database, sealer)
    for team in TEAMS:
        await install(made.installations, team)
    await made.workspaces.load()
    return made


async def test_one_query_says_of_all_workspaces_that_they_are_as_they_were(process: Process) -> None:
    assert await process.find_all() == {"row": len(TEAMS)}

    for _ in range(3):
        process.now += FRESH_FOR + 1
        assert await process.find_all() == {"look": 1}


async def test_who_asks_at_the_same_time_waits_for_the_same_query(process: Process) -> None:
    await process.find_all()
    process.installations.queries.clear()
    process.now += FRESH_FOR + 1

    await asyncio.gather(*map(process.workspaces.find, TEAMS))

    assert process.installations.queries == {"look": 1}


async def revoke(other: Installations, _db: Database) -> None:
    assert await other.revoke("T3", time.time() + 60)


async def remove(_other: Installations, db: Database) -> None:
    assert await WorkspaceRows(db).erase("T3")


async def install_again(other: Installations, _db: Database) -> None:
    await install(other, "T3", token=Secret("xoxb-next"))


@pytest.mark.parametrize("change", [revoke, remove, install_again])
async def test_what_another_process_changes_is_noticed_within_ten_seconds(
    process: Process, database: Database, sealer: Sealer, change: Callable[[Installations, Database], Awaitable[None]]
) -> None:
    await process.find_all()
    process.now += FRESH_FOR + 1
    await process.find_all()
    before = await process.workspaces.find("T3")
    assert before is not None

    await change(Installations(database, sealer), database)
    process.now += FRESH_FOR
    after = await process.workspaces.find("T3")

    if change is remove:
        assert after is None
    else:
        assert after is not None
        assert (after.is_revoked, after.slack is before.slack) == (change is revoke, False)


async def test_a_change_of_one_lets_each_be_read_once_more(process: Process) -> None:
    await process.find_all()
    await install(process.installations, "T99")

    process.now += FRESH_FOR + 1
    assert await process.find_all() == {"look": 1, "row": len(TEAMS)}
    process.now += FRESH_FOR + 1
    assert await process.find_all() == {"look": 1}


async def test_a_token_that_is_about_to_end_is_read_again(process: Process) -> None:
    await install(process.installations, "T0", refresh_token=Secret("refresh"), token_lives=RENEW_BEFORE + 60)
    await process.workspaces.find("T0")
    process.installations.queries.clear()

    process.now += 61
    await process.workspaces.find("T0")

    assert process.installations.queries["row"] == 1


async def test_while_the_database_is_away_the_last_known_ones_are_used_after_one_try(process: Process) -> None:
    await process.find_all()
    process.installations.is_away = True
    process.now += FRESH_FOR + 1

    assert await process.find_all() == {"look": len(TEAMS)}
