"""The log says of each thing that a person did what came of it."""

import json

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN
from tests.journeys.test_share import SHARE_ROUTE, press_share, share
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def world():
    """A bot of its own: in the log of one that all tests share stands what came of earlier tests."""
    async with World() as started:
        started.onetime.add_account(EMAIL, TOKEN)
        yield started


@pytest.fixture
def outcomes(world):
    """Waits for so many outcomes of commands, buttons and forms in the bot's log; all that are there, in their order."""

    def read():
        lines = [json.loads(line) for line in bytes(world.bot.output).splitlines()]
        return [(line["event"], line["outcome"]) for line in lines if "outcome" in line]

    async def wait(count):
        await eventually(lambda: len(read()) >= count)
        return read()

    return wait


async def test_opening_a_secret_is_told_from_looking_at_it_and_from_being_too_late(world, ada, outcomes):
    held = world.onetime.share(None, "the text")
    for count in (2, 4):
        await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
        view = await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)
        await ada.submit(view)
        found = await outcomes(count)
        await ada.close()

    assert found == [("command", "shown"), ("form", "opened"), ("command", "shown"), ("form", "refused")]


async def test_burning_is_told_from_a_burn_that_came_too_late(world, ada, outcomes):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view))
    await outcomes(2)
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")

    assert await outcomes(3) == [("command", "shown"), ("form", "done"), ("command", "refused")]


async def test_sharing_with_all_is_told_from_sharing_with_some(world, outcomes, connected, people):
    ben, cleo = people
    before = len(await outcomes(2))  # she has connected her account
    await share(connected, to=[ben.id])
    await outcomes(before + 2)
    await connected.close()
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("delay"))
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=422, body=b'{"message": "no"}'))

    await press_share(connected, to=[ben.id, cleo.id])

    found = [outcome for _, outcome in (await outcomes(before + 4))[before:]]
    assert found == ["shown", "done", "shown", "partly_done"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (OnetimeFault("answer", status=422, body=b'{"message": "no"}'), "refused"),
        (OnetimeFault("drop after"), "unknown"),
    ],
    ids=["refused", "no answer"],
)
async def test_a_share_of_which_nothing_came_says_why(world, outcomes, connected, fault, outcome):
    before = len(await outcomes(2))  # she has connected her account
    world.onetime.plan(SHARE_ROUTE, fault)

    await press_share(connected)

    chose_just_the_link = ("action", "shown")
    assert (await outcomes(before + 3))[before:] == [("command", "shown"), chose_just_the_link, ("form", outcome)]
