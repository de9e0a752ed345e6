"""Two workspaces and an organisation install the app by OAuth, use it, and see nothing of each other."""

import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.many_world import ManyWorld

FIRST, SECOND, GRID = "T0FIRST0000", "T0SECOND000", "E0GRID00000"


def places():
    first, second = SlackWorkspace(team_id=FIRST), SlackWorkspace(team_id=SECOND)
    organisation = SlackWorkspace(team_id="T0OFGRID000", enterprise_id=GRID)
    organisation.state.org_install = True
    return [first, second, organisation]


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
