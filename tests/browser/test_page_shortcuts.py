"""Shortcuts, used by a person from the menus of the page: three of the app, and two of each message."""

import pytest
from playwright.async_api import expect

from tests.browser.stage import picture
from tests.browser.test_page_home import member
from tests.journeys.test_check_link import KINDS, private_link, secret_link

PASSWORD = "hunter2 <&> it is"


async def use(me, name):
    """A shortcut from the menu beside the composer."""
    await me.page.get_by_role("button", name="Shortcuts").click()
    await me.page.get_by_role("menuitem", name=name).click()


async def use_on(me, text, name):
    """A shortcut from the menu of the message with this text."""
    await use_on_message(me, me.message(text), name)


async def use_on_message(me, message, name):
    await message.hover()
    await message.get_by_role("button", name="Message actions").click()
    await me.page.get_by_role("menuitem", name=name).click()


async def test_the_menus_have_all_shortcuts(me):
    await me.go("team")
    await me.type("hello")
    await me.page.get_by_role("button", name="Shortcuts").click()
    await expect(me.page.get_by_role("menuitem")).to_have_count(3)
    await me.page.keyboard.press("Escape")
    message = me.message("hello")
    await message.hover()
    await message.get_by_role("button", name="Message actions").click()

    await expect(me.page.get_by_role("menuitem")).to_have_count(2)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Share a one-time secret", "Share a secret"),
        ("Open a one-time link", "Open a one-time link"),
        ("Request a secret", "Request a secret"),
    ],
)
async def test_a_global_shortcut_opens_its_window(me, name, title):
    await use(me, name)

    await me.sees_window(title)


async def test_a_guest_reads_in_a_window_what_they_can_do(me):
    await me.be("dora")

    await use(me, "Share a one-time secret")

    await me.sees_window("Onetime Secret", "This app is for full members of this workspace")


async def test_a_posted_link_is_checked_and_opened(me, world):
    held = world.onetime.share(None, "from the channel")
    await me.go("team")
    await me.type(f"here: {world.onetime.url}/secret/{held.secret_key}")
    await me.be("ben")
    await me.go("team")

    await use_on(me, "here:", "Check one-time link")
    await me.sees_window("Check one-time link", "It opens a secret, once.")
    assert world.onetime.find_secret(held.secret_key).has_plaintext
    await me.press("Check now whether this secret can be opened")
    await me.sees_window("Check one-time link", "It can still be opened.")
    await me.press("Open this one-time secret")
    await me.press("Open")

    await expect(me.window.locator("pre")).to_have_text("from the channel")


@pytest.mark.slow
async def test_each_kind_of_message_is_explained(me, world):
    ada, ben = member(world, "ada"), member(world, "ben")
    (team,) = (one for one in world.workspace.channels if one.name == "team")
    await ada.command("/ots", "help")  # so that the window opens at once
    await me.go("team")
    for number, (make, said) in enumerate(KINDS.values()):
        held = world.onetime.share(None, "of ben")
        message = make(secret_link(world, held), private_link(world, held))
        ben.say(channel=team, **message | {"text": f"{message['text']} {number}"})
        articles = me.page.get_by_role("article")
        await expect(articles).to_have_count(number + 1)

        await use_on_message(me, articles.last, "Check one-time link")

        await me.sees_window("Check one-time link", said.replace("*", ""))
        await picture(me, f"check-{number}")
        await me.page.keyboard.press("Escape")
        await expect(me.window).to_have_count(0)
        assert world.onetime.find_secret(held.secret_key).has_plaintext


async def test_a_message_with_a_password_becomes_a_secret_and_its_author_gets_words(me, world):
    await me.go("team")
    await me.type(PASSWORD)
    await me.be("ben")
    await me.go("team")

    await use_on(me, PASSWORD, "Make a one-time link")
    await me.sees_window("Share a secret", "This is the text of the message.")
    await expect(me.window.get_by_label("The secret")).to_have_value(PASSWORD)
    await me.pick(me.window.get_by_role("combobox", name="People"), "cleo")
    await me.press("Share")

    await me.sees_window("Shared", "Ask @ada to delete it and to change the secret")
    await expect(me.window.locator("pre")).to_contain_text("Please delete that message and change the secret.")
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key) == PASSWORD
