"""The journeys, played by a person in front of the sandbox page."""

import re

import pytest
from playwright.async_api import expect

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.page.controls import SetLanguage
from tests import pictures, readme
from tests.browser.stage import NARROW, at, page_of


async def test_help_is_shown_where_it_was_asked_for_and_to_nobody_else(me):
    await me.type("/ots help")

    await me.sees("opens a one-time link")
    await expect(me.message("opens a one-time link")).to_contain_text("Only visible to you")
    await me.be("ben")
    await expect(me.page.get_by_role("article")).to_have_count(0)


async def test_a_wrong_token_is_said_at_its_field_and_the_right_one_connects(me):
    await me.type("/ots connect")
    await me.sees_window("Connect an account")
    await me.fill("E-mail", "ada@example.com")
    await me.fill("API token", "not-the-token")
    await me.press("Connect")
    token = me.window.get_by_label("API token")
    await expect(token).to_have_attribute("aria-invalid", "true")
    await expect(token).to_have_accessible_description(re.compile("did not accept this e-mail address"))
    await expect(token).to_be_focused()

    await me.fill("API token", "sandbox-token-of-ada")
    await me.press("Connect")

    await me.sees_window("Connected", "is connected")


async def test_a_wrong_passphrase_can_be_corrected_and_the_secret_is_shown_byte_for_byte(me, world):
    await pictures.opened(me)

    assert await me.window.locator("pre").evaluate("one => one.textContent") == pictures.TEXT
    await expect(me.secrets.first).to_contain_text("opened")
    await expect(me.secrets.first).to_contain_text("its text is gone")
    (held,) = world.onetime.everything()
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_the_pictured_share_plays_to_its_end(me, world):
    moments = [said async for said, _part in pictures.shared(me)]

    assert len(moments) == 3
    (held,) = world.onetime.everything()
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_burning_asks_first_and_then_nobody_can_open_it_on_a_phone_too(chromium, world):
    async with page_of(world) as page, at(chromium, page.url, NARROW, "dark") as me:
        await pictures.burning(me)
        await me.dialog.get_by_role("button", name="Keep it").click()
        assert world.onetime.everything()[0].has_plaintext

        await me.message("Not opened yet").get_by_role("button", name="Burn").click()
        await me.dialog.get_by_role("button", name="Burn it").click()

        await me.sees("Burned")
        assert not world.onetime.everything()[0].has_plaintext
        await me.be("ben")
        await expect(me.page.locator(".conversation-title")).to_have_text("Onetime Secret")
        await expect(me.page.get_by_role("article")).to_have_count(0)


@pytest.mark.slow
async def test_a_stranger_opens_a_tracked_secret_and_the_card_changes_and_a_message_comes(tracker):
    await pictures.tracked(tracker)

    await expect(tracker.page.get_by_role("article")).to_have_count(2)
    await expect(tracker.page.get_by_role("article").first).to_contain_text("edited")
    await expect(tracker.badge).to_have_count(0)


async def test_a_window_closed_too_early_loses_nothing(me, world):
    await me.make_secret("nearly lost")
    await me.command("/ots retrieve", "link")
    await me.sees_window("Open a one-time link")
    answer = OnetimeFault("hang after")
    world.onetime.plan("/api/v1/secret/{key}", answer)
    await me.press("Open")
    await world.onetime.wait_for_call("/api/v1/secret/{key}")

    await me.page.keyboard.press("Escape")
    await expect(me.window).to_have_count(0)
    answer.release()

    await me.go("Onetime Secret")
    await me.sees("its window closed too early")
    await me.message("its window closed").get_by_text("Show again").click()
    await me.sees_window("Your secret", "nearly lost")


async def test_an_outage_is_said_in_plain_words_and_passes(me):
    await me.connect()
    await me.set_part("Onetime Secret", "is down")
    await me.type("/ots recent")
    await me.sees("could not be reached")

    await me.set_part("Onetime Secret", "works")
    await me.type("/ots recent")

    await me.sees("0 secrets")


async def test_a_guest_is_turned_away(me):
    await me.make_secret("not for guests")
    await me.be("dora")

    await me.command("/ots retrieve", "link")

    await me.sees_window("Onetime Secret", "for full members of this workspace")
    await expect(me.secrets.first).to_contain_text("not opened")


async def test_a_bot_that_was_killed_is_told_by_slack_and_works_again_when_started(me):
    parts = me.page.locator("#parts")
    await parts.get_by_role("button", name="Kill").click()
    await expect(parts.get_by_role("button", name="Start")).to_be_visible()
    await me.type("/ots help")
    await expect(me.page.get_by_role("alert")).to_contain_text('/ots failed with the error "dispatch_failed"')

    await parts.get_by_role("button", name="Start").click()
    await expect(parts.get_by_role("button", name="Kill")).to_be_visible()
    await me.type("/ots help")

    await me.sees("opens a one-time link")


async def test_a_call_that_slack_refuses_is_marked_among_the_calls(me):
    await me.set_part("Slack", "fails")

    await me.type("/ots connect")

    refused = me.page.locator(".call-bad", has_text="views.open")
    await expect(refused.first).to_contain_text("http_503")
    await me.set_part("Slack", "works")


@pytest.mark.parametrize("picture", pictures.PICTURES, ids=lambda one: one.file.stem)
async def test_the_readme_shows_the_picture_and_it_is_small(picture):
    assert f"]({picture.file.relative_to(readme.ROOT)})" in readme.text()
    assert picture.file.read_bytes().startswith(b"\x89PNG")
    assert picture.file.stat().st_size <= pictures.MOST


async def test_there_are_no_pictures_of_journeys_that_are_not_played():
    assert sorted(pictures.FOLDER.glob("*.png")) == sorted(one.file for one in pictures.PICTURES)


async def test_what_slack_says_at_a_field_is_in_the_language_of_the_page(chromium, world):
    async with page_of(world) as page, at(chromium, page.url) as me:
        await page.controls.do(SetLanguage("de"))
        await me.type("/ots connect")
        await me.sees_window("Konto verbinden")

        await me.press("Verbinden")
        await me.sees_window("Konto verbinden", "Bitte fülle dieses Pflichtfeld aus.")
        await me.fill("E-Mail-Adresse", "no address")
        await me.press("Verbinden")

        await me.sees_window("Konto verbinden", "Gib eine gültige E-Mail-Adresse ein.")
