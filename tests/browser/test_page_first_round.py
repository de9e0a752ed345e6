"""The first round: it leads a newcomer from sharing to the changed message, and can be ended and shown again."""

from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.sandbox.first_round import FIRST_ROUND
from bot.sandbox.main import ACCOUNTS
from bot.sandbox.page import Page, read_manifest
from tests.browser.stage import NARROW, WIDE, at

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run


@asynccontextmanager
async def started_page(world, port=0):
    page = Page(world, read_manifest(), ACCOUNTS, FIRST_ROUND)
    await page.start(port)
    page.controls.watch_bot()
    yield page
    await page.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(world):
    async with started_page(world) as page:
        yield page


def step(me):
    return me.page.get_by_role("complementary", name="First round")


async def play(me):
    """The whole round, as the page tells it."""
    await expect(step(me)).to_contain_text("Step 1 of 5")
    await step(me).get_by_role("button", name="Write it for me").click()
    await me.page.locator("#composer-text").press("Enter")
    await expect(step(me)).to_contain_text("Step 2 of 5")
    await me.window.locator("textarea").first.fill("the staging password")
    await me.window.locator("[type=submit]").click()
    await expect(step(me)).to_contain_text("Step 3 of 5")
    await me.page.keyboard.press("Escape")
    await expect(me.window).to_have_count(0)
    await step(me).get_by_role("button", name="Be Ben").click()
    await me.open_shared("shares a one-time secret")
    await expect(step(me)).to_contain_text("Step 4 of 5")
    await me.page.keyboard.press("Escape")
    await expect(me.window).to_have_count(0)
    await step(me).get_by_role("button", name="Be Ada").click()
    await expect(step(me)).to_contain_text("Step 5 of 5")
    await me.sees("Opened")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])
async def test_the_round_starts_by_itself_and_leads_to_the_changed_message(chromium, page, size, scheme):
    async with at(chromium, page.url, size, scheme) as me:
        await play(me)


async def test_who_ended_it_is_not_led_again_unless_they_ask(chromium, page):
    async with at(chromium, page.url) as me:
        await expect(step(me)).to_be_visible()

        await step(me).get_by_role("button", name="Dismiss").click()
        await expect(step(me)).to_have_count(0)
        await me.arrive(page.url)
        await expect(me.page.locator(".welcome")).to_be_visible()
        await expect(step(me)).to_have_count(0)
        await me.page.get_by_role("button", name="Settings").click()
        await me.dialog.get_by_role("button", name="Show the first round again").click()

        await expect(step(me)).to_contain_text("Step 1 of 5")


async def test_it_can_be_played_once_more_after_it_was_played(chromium, page):
    async with at(chromium, page.url) as me:
        await play(me)
        await me.page.get_by_role("button", name="Settings").click()
        await me.dialog.get_by_role("button", name="Show the first round again").click()

        await play(me)


async def test_another_window_is_not_the_one_that_the_first_step_waits_for(chromium, page):
    async with at(chromium, page.url) as me:
        await me.command("/ots connect")
        await expect(me.window).to_contain_text("API token")

        await expect(step(me)).to_contain_text("Step 1 of 5")


async def test_a_secret_that_was_opened_before_the_message_is_not_the_one_of_the_round(chromium, page):
    """As README's first step has it: a secret of the website is opened before anything is shared."""
    async with at(chromium, page.url) as me:
        await me.make_secret("made on the website")
        await me.command("/ots retrieve", "link")
        await me.press("Open")
        await expect(me.window).to_contain_text("made on the website")
        await expect(step(me)).to_contain_text("Step 1 of 5")
        await me.page.keyboard.press("Escape")
        await expect(me.window).to_have_count(0)

        await play(me)


async def test_a_page_that_is_loaded_again_goes_on_where_the_round_was(chromium, page, world):
    async with at(chromium, page.url) as me:
        ben = next(one for one in world.workspace.people if one.person.name == "ben")
        world.workspace.state.post(world.workspace.state.open_dm(ben.id), {"text": "for you"})
        await expect(step(me)).to_contain_text("Step 3 of 5")

        await me.arrive(page.url)

        await expect(step(me)).to_contain_text("Step 3 of 5")


async def test_in_a_sandbox_that_was_started_anew_it_begins_again(chromium, world):
    async with AsyncExitStack() as stack:
        async with started_page(world) as first:
            me = await stack.enter_async_context(at(chromium, first.url, may_complain=True))  # while nobody listens
            ben = next(one for one in world.workspace.people if one.person.name == "ben")
            world.workspace.state.post(world.workspace.state.open_dm(ben.id), {"text": "for you"})
            await expect(step(me)).to_contain_text("Step 3 of 5")

        async with started_page(world, urlsplit(first.url).port):
            await expect(step(me)).to_contain_text("Step 1 of 5")
