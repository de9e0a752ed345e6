"""Cards under one-time links that people post, played by three people in front of the sandbox page."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.stage import NARROW, WIDE, at, page_of, picture

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

CARD = "One-time link on 127.0.0.1"


async def post(me, what="link"):
    """Posts the link or the private link of the newest secret in the channel."""
    await me.go("team")
    await me.with_newest(f"Write its {what}")
    field = me.page.locator("#composer-text")
    await expect(field).to_have_value(re.compile("^http"))
    await me.workspace()
    await field.press("Enter")


async def post_link(me):
    await me.make_secret("the staging password")
    await post(me)
    await me.sees(CARD)


def card(me):
    return me.message(CARD)


async def burn(me):
    await card(me).get_by_role("button", name="Burn the secret of this one-time link").click()
    await expect(me.dialog).to_contain_text("Burn this secret?")
    await me.dialog.get_by_role("button", name="Burn it", exact=True).click()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="wide, light"),
        pytest.param(NARROW, "dark", id="narrow, dark", marks=pytest.mark.slow),
    ],
)
async def test_whoever_made_the_secret_burns_it_and_nobody_else(chromium, world, size, scheme):
    async with page_of(world) as page, at(chromium, page.url, size, scheme) as me:
        await me.connect()
        await post_link(me)
        await picture(me, f"card-{scheme}")
        await me.be("ben")
        await me.go("team")
        await burn(me)
        await me.sees("Only the private link of this secret can burn it")
        await picture(me, f"card-refused-{scheme}")
        await expect(card(me)).to_contain_text("Opens once.")

        await me.be("ada")
        await me.go("team")
        await burn(me)

        await me.sees(re.compile(f"{CARD}.*Its secret was burned"))
        await expect(card(me).get_by_role("button", name=re.compile("^Open this"))).to_have_count(0)
        await picture(me, f"card-burned-{scheme}")
        (held,) = world.onetime.everything()
        assert held.state == "burned"


async def test_it_opens_in_a_window_for_who_clicks_alone(me, world):
    await post_link(me)
    await me.be("ben")
    await me.go("team")
    await card(me).get_by_role("button", name="Check this one-time link").click()
    await me.sees_window("Check one-time link", "A one-time link on")
    await picture(me, "card-check")
    await me.page.keyboard.press("Escape")
    await expect(me.window).to_have_count(0)
    await card(me).get_by_role("button", name="Open this one-time link in a window").click()
    await me.sees_window("Open a one-time link", "This works once")
    await me.press("Open")
    await me.sees_window("Your secret", "the staging password")

    await me.press("Done")
    await me.sees(re.compile(f"{CARD}.*Its secret was opened"))
    await me.be("cleo")
    await me.go("team")
    await expect(me.window).to_have_count(0)
    await me.sees(re.compile(f"{CARD}.*Its secret was opened"))
    await picture(me, "card-opened")


async def test_whoever_posts_a_private_link_is_warned(me):
    await me.make_secret("the staging password")
    await post(me, "private link")
    await me.go("Onetime Secret")

    await me.sees("You posted a private link, of a one-time secret")
    await picture(me, "private-link-warning")


@pytest.mark.parametrize(("language", "said"), [("de", "Öffnet nur einmal"), ("fr", "S’ouvre une seule fois")])
async def test_the_card_is_in_the_language_of_who_posted_the_link(me, world, language, said):
    await me.make_secret("the staging password")
    for one in world.workspace.people:
        world.workspace.set_locale(one.id, {"de": "de-DE", "fr": "fr-FR"}[language])
    await post(me)

    await me.sees(said)
    await picture(me, f"card-{language}")
