"""Two workspaces and an organisation install the app by OAuth, use it, and see nothing of each other."""

import asyncio
import os
import re
import sqlite3
import sys
from contextlib import closing
from functools import partial

import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackFault, SlackWorkspace
from bot.watch.notifier import CONCURRENCY
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.many_world import Browser, ManyWorld
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

FIRST, SECOND, GRID = "T0FIRST0000", "T0SECOND000", "E0GRID00000"


def places():
    first, second = SlackWorkspace(team_id=FIRST), SlackWorkspace(team_id=SECOND)
    organisation = SlackWorkspace(team_id="T0OFGRID000", enterprise_id=GRID)
    organisation.state.org_install = True
    return [first, second, organisation]


def rows_of(world, team_id):
    """How many rows the database has of a workspace, in any table but the audit, which has a time of its own."""
    count = 0
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'audit%'"
        ).fetchall():
            names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for name in names & {"team_id", "install_team", "message_team"}:
                count += connection.execute(f"SELECT count(*) FROM {table} WHERE {name} = ?", (team_id,)).fetchone()[0]
    return count


def accounts_of(world):
    """The user ids of those who have an account."""
    return users_in(world, "accounts")


def audit_keys_of(world):
    """The user ids of those whose entries in the audit can be opened."""
    return [one for one in users_in(world, "audit_keys") if one != "-"]


def users_in(world, table):
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        return [row[0] for row in connection.execute(f"SELECT user_id FROM {table} ORDER BY user_id")]


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


async def test_only_an_id_goes_on_to_slacks_address(world):
    _, _, named = await Browser().get(f"{world.url}/slack/install?team={SECOND}")
    status, _, forged = await Browser().get(f"{world.url}/slack/install?team=T1%26scope=admin%0d%0aX:%20y")

    assert named.endswith(f"&team={SECOND}")
    assert (status, "team" in forged, "admin" in forged) == (302, False, False)


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


async def test_only_those_install_whom_the_operator_allows():
    async with ManyWorld(places(), settings={"INSTALL_ALLOWED": f"{SECOND}, {GRID}"}) as world:
        first, second, organisation = world.platform.workspaces

        status, text = await world.install(first)
        assert (status, FIRST in text, bool(first.bot_tokens), rows_of(world, FIRST)) == (403, True, False, 0)
        for workspace in (second, organisation):
            assert (await world.install(workspace))[0] == 200


async def test_a_token_that_ends_is_renewed_and_no_command_is_lost():
    async with ManyWorld(places(), rotation=True) as world:
        workspace = world.platform.workspaces[0]
        ada = workspace.person("U0ADA", "ada")
        world.platform.token_lives = 20  # less than a call may take
        await world.install(workspace)
        first = workspace.bot_token
        world.platform.token_lives = 43_200

        await ada.command("/ots", "accounts")
        await ada.until(lambda: "You have not connected an account" in ada.sees())

        assert (world.platform.renewals, workspace.bot_token != first) == (1, True)
        world.platform.expire(workspace, first)
        await ada.command("/ots", "recent")
        await ada.until(lambda: len(ada.ephemerals) > 1)
        assert world.platform.renewals == 1


def has_answers(person, count):
    return len(person.ephemerals) == count


async def test_a_token_that_ends_within_hours_is_renewed_beside_the_work():
    async with ManyWorld(places(), rotation=True) as world:
        workspace = world.platform.workspaces[0]
        ada = workspace.person("U0ADA", "ada")
        world.platform.token_lives = 3_600
        await world.install(workspace)
        world.platform.token_lives = 43_200

        for count in range(1, 4):
            await ada.command("/ots", "accounts")
            await ada.until(partial(has_answers, ada, count))
        await eventually(lambda: world.platform.renewals == 1)


async def test_revoked_tokens_stop_everything_and_keep_it(world):
    workspace = world.platform.workspaces[0]
    ada = workspace.person("U0ADA", "ada")
    await world.install(workspace)
    await connect(ada)
    kept, calls = rows_of(world, FIRST), len(workspace.calls)

    await world.platform.revoke(workspace)
    await eventually(lambda: b"token_revoked" in world.bot.output)
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "has ended this app's access" in ada.sees())
    assert (rows_of(world, FIRST) >= kept, len(workspace.calls)) == (True, calls)

    await world.install(workspace)
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "Your accounts" in ada.sees())


async def test_a_person_who_was_deactivated_is_erased(world):
    workspace = world.platform.workspaces[0]
    await world.install(workspace)
    ada, ben = workspace.person("U0ADA", "ada"), workspace.person("U0BEN", "ben")
    for person in (ada, ben):
        await connect(person)

    await workspace.emit({"type": "user_change", "user": {"id": "U0ADA", "deleted": False, "profile": {}}})
    await workspace.emit({"type": "user_change", "user": {"id": "U0BEN", "deleted": True}})

    await eventually(lambda: accounts_of(world) == ["U0ADA"])


async def test_a_message_reaches_every_workspace_of_an_organisation(world):
    organisation = world.platform.workspaces[2]
    await world.install(organisation)
    ada, ben = organisation.person("W0ADA", "ada"), organisation.person("W0BEN", "ben")
    await ada.command("/ots", "accounts")
    await ada.until(lambda: ada.ephemerals)
    for person in (ada, ben):
        person.person.team_id = "T0SECONDOFG"
    await connect(ada)

    await ada.command("/ots", "share")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "the secret itself", "to": ["W0BEN"]})
    await ben.until(lambda: ben.dm)
    await ada.until(lambda: ada.dm and "What you shared" in ada.dm[0].shows)


async def test_a_workspace_that_slack_limits_for_ten_minutes_delays_no_other():
    """More people wait there than messages are sent at once; in the other, everything goes on meanwhile."""
    async with ManyWorld(places(), settings={"WATCH_EVERY": "5"}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        limited, other, _ = world.platform.workspaces
        crowd = [limited.person(f"U0CROWD{number:02}", f"one{number}") for number in range(CONCURRENCY + 2)]
        ada = other.person("U0ADA", "ada")
        for workspace in (limited, other):
            await world.install(workspace)
        tracked = [await tracks(world, await connect(person)) for person in (*crowd, ada)]
        before = len(limited.messages)

        limited.plan("*", SlackFault.rate_limited(600), None)
        for secret in tracked:
            world.onetime.open_as_outsider(secret.secret_key)
        await ada.until(lambda: any("was opened" in one.shows for one in ada.dm))
        await eventually(lambda: world.bot.output.count(b'"sending_paused"') > 0)
        later = await tracks(world, ada)
        world.onetime.open_as_outsider(later.secret_key)
        await ada.until(lambda: sum("was opened" in one.shows for one in ada.dm) == 2)
        await ada.open_home()
        await ada.until(lambda: ada.home)

        assert len(limited.messages) == before


async def tracks(world, person):
    """A secret that the person tracks from now on."""
    held, seen = world.onetime.share(EMAIL, "text"), len(person.messages)
    await person.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    await person.until(lambda: any("You will get a message" in one.shows for one in person.messages[seen:]))
    return held


async def test_who_wants_to_be_forgotten_is_and_what_they_shared_opens(world):
    workspace = world.platform.workspaces[0]
    await world.install(workspace)
    ada, ben = workspace.person("U0ADA", "ada"), workspace.person("U0BEN", "ben")
    await connect(ada)
    await ada.command("/ots", "share")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "the secret itself", "to": ["U0BEN"]})
    message = await ben.until(lambda: ben.dm and ben.dm[0])
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    await ada.close()

    await ada.open_home()
    home = await ada.until(lambda: ada.home and "Erase my data" in str(ada.home.blocks) and ada.home)
    await ada.click(home, action_id="erase_me")
    await ada.until(lambda: ada.view and ada.view.title == "Erased")

    assert accounts_of(world) == []
    await ben.command("/ots", "accounts")
    await eventually(lambda: "U0BEN" in audit_keys_of(world))  # so what was noted before is stored, too
    assert "U0ADA" not in audit_keys_of(world)
    await ben.click(message, label="Open")
    await ben.until(lambda: ben.view and "the secret itself" in ben.view.text)


@pytest.mark.parametrize("what", ["workspace", "person"])
async def test_an_operator_erases_by_hand(world, what):
    first, second, _ = world.platform.workspaces
    for workspace in (first, second):
        await world.install(workspace)
        await connect(workspace.person("U0ADA", "ada"))
    arguments = [FIRST] if what == "workspace" else ["U0ADA", "--workspace", FIRST]

    said = await forget(world, what, *arguments)

    assert re.fullmatch(rf"{arguments[0]}: [0-9]+ rows erased\.\n", said)
    assert accounts_of(world) == ["U0ADA"]
    assert (rows_of(world, FIRST) == 0) is (what == "workspace")
    assert rows_of(world, SECOND)


async def forget(world, *arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "forget", *arguments,
        env=os.environ | world.settings(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode()


async def test_in_socket_mode_browsers_install_and_commands_come_by_the_socket():
    async with ManyWorld([SlackWorkspace(team_id=FIRST)], mode="socket") as world:
        (workspace,) = world.platform.workspaces
        ada = workspace.person("U0ADA", "ada")
        assert (await world.install(workspace))[0] == 200

        await ada.command("/ots", "accounts")
        await ada.until(lambda: "You have not connected an account" in ada.sees())
        assert workspace.deliveries[-1].via == "socket"
