"""Sharing, played by three people in front of the sandbox page."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.person import OPEN
from tests.browser.stage import NARROW, WIDE, at, page_of

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

TEXT = "the staging password"


async def share(me, command, **fields):
    await me.go("team")
    await me.type(command)
    await me.sees_window("Share a secret")
    for label, value in {"The secret": TEXT, **fields}.items():
        await me.fill(label, value)
    await me.press("Share")
    await me.sees_window("Shared")
    await me.press("Done")
    await expect(me.window).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="wide, light"),
        pytest.param(NARROW, "dark", id="narrow, dark", marks=pytest.mark.slow),
    ],
)
async def test_a_colleague_opens_what_is_shared_with_them_and_the_sender_sees_it(chromium, world, size, scheme):
    async with page_of(world) as page, at(chromium, page.url, size, scheme) as me:
        await share(me, "/ots share @ben")
        await me.be("ben")
        await me.go("Onetime Secret")
        await me.sees("shares a one-time secret")
        await me.open_shared("shares a one-time secret")
        await me.sees_window("Your secret", TEXT)
        await me.press("Done")

        await me.be("ada")
        await me.go("Onetime Secret")
        await me.sees(re.compile("ben.* opened your one-time secret"))
        await me.sees(re.compile("What you shared · Opened"))


@pytest.mark.slow
async def test_in_a_channel_the_first_gets_it_and_a_guest_and_the_next_do_not(me, world):
    await share(me, "/ots share #team")
    button = me.message("shares a one-time secret").get_by_role("button", name=OPEN)
    await me.be("dora")
    await me.go("team")
    await button.click()
    await me.dialog.get_by_role("button", name="Open", exact=True).click()
    await me.sees("for full members of this workspace")
    await me.be("ben")
    await me.go("team")
    await button.click()
    await me.dialog.get_by_role("button", name="Open", exact=True).click()

    await me.sees_window("Your secret", TEXT)
    await me.press("Done")
    await me.be("ada")
    await me.go("team")
    await me.sees(re.compile("ben.* opened"))
    (held,) = world.onetime.everything()
    assert world.onetime.claims_of(held.secret_key) == 1
