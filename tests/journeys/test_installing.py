"""Two workspaces and an organisation install the app by OAuth, use it, and see nothing of each other."""

import sqlite3
from contextlib import closing

import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.many_world import Browser, ManyWorld
from tests.support.waiting import eventually

FIRST, SECOND, GRID = "T0FIRST0000", "T0SECOND000", "E0GRID00000"


def places():
    first, second = SlackWorkspace(team_id=FIRST), SlackWorkspace(team_id=SECOND)
    organisation = SlackWorkspace(team_id="T0OFGRID000", enterprise_id=GRID)
    organisation.state.org_install = True
    return [first, second, organisation]


def rows_of(world, team_id):
    """How many rows the database has of a workspace, in any table."""
    count = 0
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for name in names & {"team_id", "install_team", "message_team"}:
                count += connection.execute(f"SELECT count(*) FROM {table} WHERE {name} = ?", (team_id,)).fetchone()[0]
    return count


@pytest_asyncio.fixture(loop_scope="session")
async def world():
    async with ManyWorld(places()) as started:
        started.onetime.add_account(EMAIL, TOKEN)
        yield started


async def test_each_installs_uses_and_sees_nothing_of_the_others(world):
    people = [workspace.person("U0ADA", "ada") for workspace in world.platform.workspaces]
    for workspace, ada in zip(world.platform.workspaces, people, strict=True):
        status, text = await world.install(workspace)
        assert (status, "is installed in your" in text) == (200, True)
        await ada.command("/ots", "accounts")
        await ada.until(lambda ada=ada: "You have not connected an account" in ada.sees())
    await connect(people[0])

    for ada in people:
        await ada.command("/ots", "accounts")
    await people[0].until(lambda: "Your accounts" in people[0].sees())
    for other in people[1:]:
        await other.until(lambda other=other: len(other.ephemerals) == 2)
        assert EMAIL not in other.sees()


async def start_installing(world):
    """A browser that has begun, and the address at which Slack asks."""
    browser = Browser()
    status, _, authorize = await browser.get(f"{world.url}/slack/install")
    assert status == 302
    return browser, authorize


async def test_a_state_works_once_and_in_the_browser_that_began(world):
    workspace = world.platform.workspaces[0]
    browser, authorize = await start_installing(world)
    back = world.platform.allow(authorize, workspace, "U0ADA")

    for stranger in (Browser(), (await start_installing(world))[0]):
        status, text, _ = await stranger.get(back)
        assert (status, "another browser" in text, "is installed" in text) == (400, True, False)
    assert not workspace.bot_tokens

    cookies = dict(browser.cookies)
    assert (await browser.get(back))[0] == 200
    browser.cookies = cookies  # a browser that deletes no cookie
    again = world.platform.allow(authorize, workspace, "U0ADA")
    status, text, _ = await browser.get(again)
    assert (status, "used before" in text) == (401, True)


async def test_who_cancels_or_brings_a_code_of_nobodys_installs_nothing(world):
    browser, authorize = await start_installing(world)
    status, text, _ = await browser.get(world.platform.deny(authorize))
    assert (status, "You did not allow the app" in text) == (200, True)

    back = world.platform.allow(authorize, world.platform.workspaces[0], "U0ADA")
    head, _, tail = back.partition("code=")
    status, text, _ = await browser.get(f"{head}code=forged&{tail.partition('&')[2]}")
    assert (status, "did not accept the code" in text) == (401, True)

    browser, authorize = await start_installing(world)
    hostile = world.platform.deny(authorize).replace("access_denied", "%3Cscript%3Ealert(1)%3C/script%3E")
    status, text, _ = await browser.get(hostile)
    assert (status, "<script>" in text, "alert" in text) == (200, False, False)


async def test_nobody_else_is_served_before_the_app_is_installed(world):
    ada = world.platform.workspaces[0].person("U0ADA", "ada")
    await ada.command("/ots", "accounts")

    await ada.until(lambda: "not available to you" in ada.sees() or "full members" in ada.sees())
    assert not world.platform.workspaces[0].calls


async def test_a_reinstall_replaces_the_token(world):
    workspace = world.platform.workspaces[0]
    ada = workspace.person("U0ADA", "ada")
    await world.install(workspace)
    await connect(ada)
    world.platform.end_tokens(workspace)
    await world.install(workspace)

    await ada.command("/ots", "accounts")
    await ada.until(lambda: "Your accounts" in ada.sees())


async def test_who_removes_the_app_is_erased_and_the_others_are_not(world):
    first, second, _ = world.platform.workspaces
    people = [workspace.person("U0ADA", "ada") for workspace in (first, second)]
    for workspace, ada in zip((first, second), people, strict=True):
        await world.install(workspace)
        await connect(ada)
    before = len(first.calls)

    await world.platform.uninstall(first)
    await eventually(lambda: not rows_of(world, FIRST))

    assert rows_of(world, SECOND)
    await people[0].command("/ots", "accounts")
    await people[1].command("/ots", "accounts")
    await people[1].until(lambda: "Your accounts" in people[1].sees())
    assert len(first.calls) == before


async def test_a_late_repetition_erases_nothing_of_who_installed_again(world):
    first = world.platform.workspaces[0]
    ada = first.person("U0ADA", "ada")
    await world.install(first)
    await world.platform.uninstall(first)
    await eventually(lambda: not rows_of(world, FIRST))
    removed = next(one for one in first.deliveries if one.payload["event"]["type"] == "app_uninstalled")
    await world.install(first)
    await connect(ada)

    late = {**removed.payload, "event_id": "Ev0LATE", "event_time": removed.payload["event_time"] - 3_600}
    await first.deliver("events_api", late)
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "Your accounts" in ada.sees())
