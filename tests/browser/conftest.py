"""Chromium in front of the sandbox page. One browser for each worker, one page for each test.

Where there is no Chromium the tests are skipped and say why; under CI they fail instead.
"""

import itertools

import pytest
import pytest_asyncio

from bot.sandbox.main import populate
from tests.browser.app import started_notes
from tests.browser.stage import at, page_of, started_browser, started_world

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    async with started_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_world():
    async with started_world() as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def notes():
    """A page with an app that answers nothing and keeps what it was sent."""
    async with started_notes() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_world):
    """Everybody in it is new to the bot, and Onetime Secret is empty. One bot serves all tests."""
    shared_world.workspace.forget()
    shared_world.onetime.forget()
    populate(shared_world, str(next(_numbers)))
    return shared_world


@pytest_asyncio.fixture(loop_scope="session")
async def own_world():
    """With a bot of its own: what is tracked is watched long after a test."""
    async with started_world() as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def me(chromium, world):
    """Somebody at the page, as ada, on a wide screen."""
    async with page_of(world) as page, at(chromium, page.url) as somebody:
        yield somebody


@pytest_asyncio.fixture(loop_scope="session")
async def tracker(chromium, own_world):
    """The same, for who tracks secrets."""
    async with page_of(own_world) as page, at(chromium, page.url) as somebody:
        yield somebody
