"""The real bot process between the two emulators, and people to use it.

One bot serves all journeys of a test worker, as it would serve a workspace; each test is another person, with
another account, and finds Onetime Secret empty. What needs other settings starts a `World` of its own.
"""

import asyncio
import itertools
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.world import World
from tests.support.waiting import eventually

EMAIL = "ada@example.com"
TOKEN = "token-of-ada-0123456789"
SOON = 8.0  # seconds: before the bot gives up, after 10, a host that hangs; a machine may be too busy for Slack's 3

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_world():
    async with World() as started:
        yield started


async def forget_watches(world):
    """What earlier tests track would be asked for in the middle of later ones. Also by a look that is under way."""
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM notifications")
        watched = connection.execute("DELETE FROM watches").rowcount
        connection.commit()
    asked = -1
    while watched and asked != (asked := len(world.onetime.calls)):  # noqa: ASYNC110 - quiet is no event
        await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_world):
    await forget_watches(shared_world)
    shared_world.onetime.forget()
    shared_world.onetime.add_account(EMAIL, TOKEN)
    yield shared_world
    shared_world.workspace.clear_faults()
    shared_world.onetime.clear_faults()


def somebody(world, name, **flags):
    """Whom the bot has never met."""
    number = next(_numbers)
    return world.workspace.person(f"U0{name.upper()}{number:04}", f"{name}{number}", **flags)


@pytest.fixture
def ada(world):
    return somebody(world, "ada")


@pytest.fixture
def ben(world):
    return somebody(world, "ben")


@pytest.fixture
def cleo(world):
    return somebody(world, "cleo")


@pytest.fixture
def people(ben, cleo):
    return [ben, cleo]


async def connect(person, on=""):
    """Connect the account that there is to this person."""
    await person.command("/ots", f"connect {on}".strip())
    view = await person.until(lambda: person.view and person.view.submit == "Connect" and person.view)
    await person.submit(view, {"username": EMAIL, "token": TOKEN})
    await person.until(lambda: person.view and person.view.title == "Connected")
    await person.close()
    return person


def menus(message):
    """The menus of the rows of a list, each as its block id and the labels of its items."""
    found = [one for one in message.blocks if one.get("accessory", {}).get("type") == "overflow"]
    return [(one["block_id"], [item["text"]["text"] for item in one["accessory"]["options"]]) for one in found]


async def choose(person, message, what, *, row=0):
    """Choose the item that begins with these words in the menu of a row."""
    block_id, labels = menus(message)[row]
    await person.click(message, block_id=block_id, option=next(one for one in labels if one.startswith(what)))


async def after_the_lines_so_far(world, person):
    """The length of the bot's output once it holds every line on what was done before. The bot writes them late."""
    start = len(world.bot.output)
    await person.command("/ots", "help")
    await eventually(lambda: b'"verb": "help"' in world.bot.output[start:], every=0.002)
    return len(world.bot.output)


@pytest_asyncio.fixture(loop_scope="session")
async def connected(ada):
    """Ada, with her account connected."""
    return await connect(ada)
