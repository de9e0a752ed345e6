"""A first round without a mouse."""

from playwright.async_api import expect

MOST_TABS = 40


async def tab_to(me, control):
    """Presses Tab until `control` has the focus."""
    for _ in range(MOST_TABS):
        if await control.evaluate("one => one === document.activeElement"):
            return
        await me.page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


async def test_connecting_sharing_and_burning_need_only_the_keyboard(me, world):
    keys, composer = me.page.keyboard, me.page.locator("#composer-text")
    await tab_to(me, composer)
    await keys.type("/o")
    await keys.press("Tab")
    await keys.type("conn")
    await keys.press("Tab")
    await keys.press("Enter")
    await me.sees_window("Connect an account")
    await tab_to(me, me.window.get_by_label("E-mail"))
    await keys.type("ada@example.com")
    await tab_to(me, me.window.get_by_label("API token"))
    await keys.type("sandbox-token-of-ada")
    await keys.press("Enter")
    await me.sees_window("Connected")
    await keys.press("Escape")
    await expect(composer).to_be_focused()

    await keys.type("/ots sh")
    await keys.press("Tab")
    await keys.type("@b")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(composer).to_have_value("/ots share @ben ")
    await keys.press("Enter")
    await me.sees_window("Share a secret")
    await expect(me.window.get_by_label("The secret")).to_be_focused()
    await keys.type("the staging password")
    await tab_to(me, me.window.get_by_role("button", name="Share"))
    await keys.press("Enter")
    await me.sees_window("Shared")
    await expect(me.page.locator("#polite")).to_contain_text("has a message with an Open button")
    await keys.press("Escape")
    await expect(composer).to_be_focused()

    await tab_to(me, me.page.get_by_role("radio", name="ada"))
    await keys.press("ArrowRight")
    await expect(me.page.get_by_role("radio", name="ben")).to_be_checked()
    await keys.press("ArrowLeft")
    await tab_to(me, me.page.get_by_role("navigation").get_by_role("button", name="Onetime Secret"))
    await keys.press("Enter")
    burn = me.message("Not opened yet").get_by_role("button", name="Burn")
    await tab_to(me, burn)
    await keys.press("Enter")
    await expect(me.dialog).to_contain_text("Burn this secret?")
    await keys.press("Escape")
    await expect(burn).to_be_focused()
    await keys.press("Enter")
    await tab_to(me, me.dialog.get_by_role("button", name="Burn it"))
    await keys.press("Enter")

    await me.sees("Burned")
    assert not world.onetime.everything()[0].has_plaintext
    assert await me.page.evaluate("document.activeElement.closest('article') !== null")
