"""How many steps people need in front of the sandbox page, counted by the page itself."""

import pytest
from playwright.async_api import expect

from tests.browser.person import OPEN

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

TEXT = "the staging password"
COUNT = """() => {
    const steps = window.steps = {commands: 0, fields: new Set(), clicks: 0}
    const inWindow = (event) => event.target.closest("#window") !== null
    addEventListener("click", (event) => { if (event.isTrusted && event.detail > 0) steps.clicks += 1 }, true)
    addEventListener("input", (event) => { if (inWindow(event)) steps.fields.add(event.target) }, true)
    addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.id === "composer-text") steps.commands += 1
    }, true)
}"""
COUNTED = "() => { const {commands, fields, clicks} = window.steps; return [commands, fields.size, clicks] }"


async def test_sharing_takes_one_command_one_field_and_one_click_and_opening_two_clicks(me):
    await me.page.evaluate(COUNT)
    await me.type("/ots share @ben")
    await me.sees_window("Share a secret")
    await me.window.get_by_label("The secret").press_sequentially(TEXT)
    await me.press("Share")
    await me.sees_window("Shared")
    assert await me.page.evaluate(COUNTED) == [1, 1, 1]
    await me.press("Done")
    await expect(me.window).to_have_count(0)

    await me.be("ben")
    await me.go("Onetime Secret")
    await me.page.evaluate(COUNT)
    await me.message("shares a one-time secret").get_by_role("button", name=OPEN).click()
    await me.dialog.get_by_role("button", name="Open", exact=True).click()
    await me.sees_window("Your secret", TEXT)
    assert await me.page.evaluate(COUNTED) == [0, 0, 2]
