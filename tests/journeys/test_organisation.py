"""An organisation (Enterprise Grid) that has the app once: a person of two workspaces is two people to the bot."""

import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect

FIRST, SECOND = "T0FIRST0000", "T0SECOND000"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def organisation():
    workspace = SlackWorkspace(team_id=FIRST, enterprise_id="E0GRID")
    workspace.state.org_install = True
    async with World(workspace=workspace) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world


def acts_in(person, team_id):
    """From here on: what Slack sends says that workspace, and users.info goes on to name the first."""
    person.person.team_id = team_id
    return person


async def accounts(person):
    seen = len(person.ephemerals)
    await person.command("/ots", "accounts")
    return await person.until(lambda: person.ephemerals[seen:] and person.ephemerals[-1])


async def test_an_account_belongs_to_the_workspace_that_it_was_connected_in(organisation):
    ada = organisation.workspace.person("W0ADA", "ada")
    await connect(acts_in(ada, FIRST))
    listed = await accounts(ada)
    assert "Your accounts" in listed.shows

    elsewhere = await accounts(acts_in(ada, SECOND))
    assert "You have not connected an account" in elsewhere.shows
    await ada.click(listed, action_id="account_disconnect")
    await ada.until(lambda: "is not available to you" in ada.sees())

    assert "Your accounts" in (await accounts(acts_in(ada, FIRST))).shows


async def test_what_is_connected_in_both_is_two_accounts_and_one_can_go(organisation):
    ben = organisation.workspace.person("W0BEN", "ben")
    for team in (FIRST, SECOND):
        await connect(acts_in(ben, team))

    await ben.command("/ots", "disconnect")
    await ben.until(lambda: "Which account" in ben.sees())
    await ben.click(action_id="account_disconnect")
    await ben.until(lambda: "is disconnected" in ben.sees())

    assert "You have not connected an account" in (await accounts(ben)).shows
    assert "Your accounts" in (await accounts(acts_in(ben, FIRST))).shows
