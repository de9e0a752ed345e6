"""Chromium, the world, and somebody in front of its page: for the tests here and for the pictures of the README."""

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from playwright.async_api import Browser, async_playwright, expect
from playwright.async_api import Page as Tab

from bot.sandbox.main import ACCOUNTS, new_world, populate
from bot.sandbox.page import Page, read_manifest
from tests.browser.person import PATIENCE, Person

expect.set_options(timeout=PATIENCE)

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TALL_WIDE, TALL_NARROW = WIDE | {"height": 2400}, NARROW | {"height": 2200}  # have room for a whole Home tab
PICTURES = os.environ.get("PICTURES")  # a folder
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


@asynccontextmanager
async def page_of(world):
    """The page, in front of a world that is up."""
    page = Page(world, read_manifest(), ACCOUNTS)
    await page.start()
    page.controls.watch_bot()
    try:
        yield page
    finally:
        await page.stop()


@asynccontextmanager
async def started_world():
    """The world as `python -m bot sandbox` makes it."""
    world = new_world()
    populate(world)
    try:
        yield await world.start()
    finally:
        await world.stop()


class Complaints(list[str]):
    """What the browser says went wrong: errors of scripts, refusals by the policy, missing files."""

    def listen(self, page):
        page.on("pageerror", self._failed)
        page.on("console", self._said)

    def end(self, page):
        page.remove_listener("pageerror", self._failed)
        page.remove_listener("console", self._said)

    def _failed(self, error):
        self.append(str(error))

    def _said(self, said):
        if said.type in ("error", "warning"):
            self.append(said.text)


_free: WeakKeyDictionary[Browser, list[Tab]] = WeakKeyDictionary()  # tabs: a new one takes seconds of a busy machine


async def _tab(browser):
    if tabs := _free.get(browser):
        return tabs.pop()
    context = await browser.new_context(locale="en-GB", timezone_id="UTC")
    tab = await context.new_page()
    tab.set_default_timeout(PATIENCE)
    return tab


@asynccontextmanager
async def at(browser, url, viewport=None, scheme="light", *, may_complain=False):
    """Somebody in front of the page. Whatever the browser complains of is an error, unless it may.

    The page keeps nothing in the browser, so the next one gets the same tab.
    """
    tab = await _tab(browser)
    await tab.set_viewport_size(viewport or WIDE)
    await tab.emulate_media(color_scheme=scheme, reduced_motion="no-preference")
    complaints = Complaints()
    complaints.listen(tab)
    somebody = Person(tab)
    await somebody.arrive(url)
    yield somebody
    complaints.end(tab)
    await tab.goto("about:blank")
    _free.setdefault(browser, []).append(tab)
    assert may_complain or complaints == []


async def picture(me, name):
    """For somebody to look at, where the environment names a folder."""
    if PICTURES:
        await me.page.screenshot(path=Path(PICTURES) / f"{name}.png")
