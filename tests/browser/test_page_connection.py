"""What the page does when the sandbox ends, and when it is there again."""

from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from tests.browser.app import started_notes
from tests.browser.kit import field, modal, mrkdwn, open_window, post
from tests.browser.stage import at

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

LOST = "The sandbox does not answer"
ANEW = "The sandbox was started anew"


@asynccontextmanager
async def something_else(port):
    """A server that is no sandbox."""
    runner = web.AppRunner(web.Application(), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def anew(chromium):
    """Somebody at the page when all of its sandbox has ended: their port is free."""
    async with started_notes() as notes:
        visit = at(chromium, notes.page.url, may_complain=True)  # browsers do, where nobody listens
        me = await visit.__aenter__()
        await me.be("ben")
        post(notes, mrkdwn("of the first sandbox"))
        await expect(me.page.get_by_role("radio", name="ada 1 unread")).to_be_attached()
        await me.go("Notes")
        await me.page.get_by_role("button", name="Home").click()
        await notes.ada.until(lambda: notes.app.got)
        open_window(notes, modal(field("name", {"type": "plain_text_input"})))
    await expect(me.page.get_by_role("alert").filter(has_text=LOST)).to_be_visible()
    yield me, urlsplit(notes.page.url).port
    await visit.__aexit__(None, None, None)


async def test_a_sandbox_that_is_started_anew_is_found_again_and_nothing_of_the_old_one_is_shown(anew):
    me, port = anew

    async with started_notes(port) as notes:
        await expect(me.page.get_by_role("alert").filter(has_text=ANEW)).to_be_visible()

        await expect(me.page.locator("#lost")).to_be_empty()
        await expect(me.page.get_by_role("radio", name="ben")).to_be_checked()
        await expect(me.page.get_by_role("radio", name="unread")).to_have_count(0)
        await me.be("ada")
        await expect(me.window).to_have_count(0)
        await me.go("team")
        await expect(me.page.get_by_role("article")).to_have_count(0)
        await me.type("/note list")
        await notes.ada.until(lambda: notes.app.got)


async def test_it_is_found_again_after_something_else_answered_in_its_place(anew):
    me, port = anew
    async with something_else(port):
        await me.page.wait_for_event("console", lambda said: "404" in said.text)

    async with started_notes(port):
        await expect(me.page.get_by_role("alert").filter(has_text=ANEW)).to_be_visible()


async def test_the_app_is_told_again_of_the_home_tab_that_somebody_looks_at(anew):
    _me, port = anew

    async with started_notes(port) as notes:
        await notes.ada.until(lambda: notes.app.got)

        assert notes.app.got[0]["event"]["type"] == "app_home_opened"


async def test_what_came_while_the_connection_was_lost_is_unread(chromium):
    async with started_notes() as notes, at(chromium, notes.page.url) as me:
        await me.go("Notes")
        for page in list(notes.page._feed._pages):
            notes.page._feed.leave(page)
            page.put_nowait(None)

        post(notes, mrkdwn("while nobody listened"))

        await expect(me.badge).to_have_text("1 unread")
        await expect(me.page.get_by_role("alert").filter(has_text=ANEW)).to_have_count(0)
