"""Chromium in front of the sandbox page. One browser for each worker, one world for each test.

Where there is no Chromium the tests are skipped and say why; under CI they fail instead.
"""

import itertools
import os
import shutil
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from bot.sandbox.main import ACCOUNTS, new_world, settle
from bot.sandbox.page import Page, read_manifest
from tests.browser.person import Person

_numbers = itertools.count(1)
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",  # containers often lack what it needs; only our own page is shown
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def program():
    """Where Chromium is; skips where there is none, and fails under CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Chromium is not installed")
    return found


@asynccontextmanager
async def started_browser():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    async with started_browser() as browser:
        yield browser


@asynccontextmanager
async def page_of(world):
    """The page, in front of a world that is up."""
    page = Page(world, read_manifest(), ACCOUNTS)
    await page.start()
    page.controls.bot_is_up()
    try:
        yield page
    finally:
        await page.stop()


@asynccontextmanager
async def started_world():
    world = new_world()
    try:
        yield await world.start()
    finally:
        await world.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_world():
    async with started_world() as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_world):
    """Everybody in it is new to the bot, and Onetime Secret is empty. One bot serves all tests."""
    shared_world.workspace.forget()
    shared_world.onetime.forget()
    settle(shared_world, str(next(_numbers)))
    return shared_world


@pytest_asyncio.fixture(loop_scope="session")
async def own_world():
    """With a bot of its own: what is tracked is watched long after a test."""
    async with started_world() as world:
        settle(world)
        yield world


class Complaints(list):
    """What the browser says went wrong: errors of scripts, refusals by the policy, missing files."""

    def listen(self, page):
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning") and self.append(said.text))


@asynccontextmanager
async def at(browser, url, viewport=None, scheme="light"):
    """Somebody in front of the page. Whatever the browser complained of is an error."""
    context = await browser.new_context(
        viewport=viewport or WIDE, color_scheme=scheme, locale="en-GB", timezone_id="UTC"
    )
    page = await context.new_page()
    page.set_default_timeout(8_000)
    complaints = Complaints()
    complaints.listen(page)
    somebody = Person(page)
    await somebody.arrive(url)
    yield somebody
    await context.close()
    assert complaints == []


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
