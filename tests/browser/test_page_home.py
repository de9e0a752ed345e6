"""The Home tab in front of a person: what they read there, what they press, and that nothing of it is cut."""

import re

import pytest
from playwright.async_api import expect

from bot.sandbox.page.controls import SetLanguage
from tests.browser.showing import find_flaws
from tests.browser.stage import TALL_NARROW, TALL_WIDE, at, page_of, picture
from tests.support.share_window import submit_share

APP = "Onetime Secret"
LANGUAGES = {  # what somebody reads who has shared and is connected, then somebody new, then a guest
    "en": (("What you shared and track", "Waiting for you", "wifi"), ("Nothing yet",), ("full members",)),
    "de": (("Was du geteilt hast und verfolgst", "Wartet auf dich", "wifi"), ("Noch nichts",), ("Vollmitglieder",)),
    "fr": (("Ce que vous partagez et suivez", "Ce qui vous attend", "wifi"), ("Rien",), ("membres",)),
}


def member(world, name):
    return next(one for one in world.workspace.people if one.name == name)


async def share(sender, recipient, note):
    """Shares as a person does, without the page."""
    await sender.command("/ots", f"share <@{recipient.id}|{recipient.name}>")
    view = await sender.until(lambda: sender.view and "text1" in sender.view.values and sender.view)
    before = len(recipient.dm)
    await submit_share(sender, view, {"text1": "hunter2", "note": note})
    await recipient.until(lambda: len(recipient.dm) > before)
    await sender.until(lambda: sender.view and "text1" not in sender.view.values)
    await sender.close()


async def connect(person, email, token):
    await person.command("/ots", "connect")
    view = await person.until(lambda: person.view and "token" in person.view.values and person.view)
    await person.submit(view, {"username": email, "token": token})
    await person.until(lambda: person.view and "token" not in person.view.values)
    await person.close()


async def everything(world):
    """Ada has shared two secrets, of which ben has opened one; something waits for her, and she has an account."""
    ada, ben = member(world, "ada"), member(world, "ben")
    await connect(ada, "ada@example.com", "sandbox-token-of-ada")
    await share(ada, ben, "the key of the staging database")
    await share(ada, ben, "wifi")
    await ben.click(ben.dm[-1], action_id="share_open_now")
    await ben.until(lambda: ben.view and "hunter2" in ben.view.text)
    await ben.close()
    await share(ben, ada, "vpn")
    await ben.command("/ots", f"request <@{ada.id}|ada> the licence")
    view = await ben.until(lambda: ben.view and "note" in ben.view.values and ben.view)
    await ben.submit(view)
    await ada.until(lambda: "the licence" in ada.sees())
    await ben.close()


async def go_home(me):
    await me.page.get_by_role("navigation").get_by_role("button", name=APP).click()
    await me.page.get_by_role("button", name=re.compile("^(Home|Startseite|Accueil)$")).click()
    return me.page.locator("#home")


async def test_home_of_somebody_new_leads_to_the_window_for_sharing(me):
    home = await go_home(me)
    await expect(home).to_contain_text("Nothing yet")

    await home.get_by_role("button", name="Share", exact=True).click()

    await me.sees_window("Share a secret")


async def test_a_burn_in_home_is_seen_there_and_in_the_messages(me, world):
    await everything(world)
    home = await go_home(me)
    await expect(home).to_contain_text("the key of the staging database")

    await home.get_by_role("button", name=re.compile("^Burn .*staging")).click()
    await me.dialog.get_by_role("button", name="Burn it").click()
    await me.sees_window(APP, "Burned")
    await me.window.locator(".button", has_text="Close").click()

    await expect(home.get_by_role("button", name=re.compile("^Burn .*staging"))).to_have_count(0)
    await expect(home).to_contain_text("Burned")
    await me.page.get_by_role("button", name="Messages").click()
    await me.sees("burned before anybody opened it")


async def test_a_guest_reads_one_sentence(me):
    await me.be("dora")

    home = await go_home(me)

    await expect(home).to_contain_text("This app is for full members of this workspace.")
    await expect(home.get_by_role("button")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [TALL_WIDE, TALL_NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_of_home_is_cut_in_any_language(chromium, world, language, size, scheme):
    async with page_of(world) as page, at(chromium, page.url, size, scheme) as me:
        await page.controls.do(SetLanguage(language))
        await everything(world)
        for name, said in zip(("ada", "cleo", "dora"), LANGUAGES[language], strict=True):
            await me.be(name)
            home = await go_home(me)
            for words in said:
                await expect(home).to_contain_text(words)
            await picture(me, f"home-{language}-{name}-{size['width']}-{scheme}")

            assert await find_flaws(home, is_wide=size is TALL_WIDE) == []
