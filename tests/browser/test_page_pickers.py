"""Fields in which people, conversations and options are found by typing: tokens, mouse, keyboard, screen reader."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.kit import field, modal, mrkdwn, open_window, options
from tests.browser.stage import NARROW, WIDE, at

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run


@pytest_asyncio.fixture(loop_scope="session")
async def me(chromium, notes):
    async with at(chromium, notes.page.url) as somebody:
        yield somebody


def chosen(notes, name="people"):
    return notes.app.last("view_submission")["view"]["state"]["values"][name]["it"]


async def test_people_are_found_by_typing_and_become_tokens_that_can_be_removed(me, notes):
    open_window(notes, modal(field("people", {"type": "multi_users_select"})))
    people = me.window.get_by_label("People")

    await people.press_sequentially("@E")
    await expect(me.page.locator(".option")).to_have_text([re.compile("ben"), re.compile("cleo *guest")])
    await me.page.get_by_role("option", name="cleo").click()
    await people.press_sequentially("b")
    await me.page.get_by_role("option", name="ben").click()
    await expect(me.window.locator(".token")).to_have_text([re.compile("cleo"), re.compile("ben")])
    await me.window.get_by_role("button", name="Remove cleo").click()

    await expect(people).to_be_focused()
    await me.press("Save")
    await expect(me.window).to_have_count(0)
    assert chosen(notes)["selected_users"] == ["U0BEN"]


async def test_the_keyboard_alone_chooses_and_removes(me, notes):
    open_window(notes, modal(field("people", {"type": "multi_users_select"})))
    people, keys = me.window.get_by_label("People"), me.page.keyboard
    await expect(people).to_be_focused()

    await keys.press("ArrowDown")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(me.window.locator(".token")).to_have_text([re.compile("ben")])
    await keys.type("ad")
    await keys.press("Enter")
    await keys.type("nobody")
    await expect(me.page.get_by_role("listbox")).to_have_text("Nothing found")
    await keys.press("Escape")
    await expect(me.page.get_by_role("listbox")).to_have_count(0)
    await expect(me.window).to_be_visible()
    for _ in "nobody":
        await keys.press("Backspace")
    await keys.press("Backspace")

    await expect(me.window.locator(".token")).to_have_text([re.compile("ben")])
    await keys.press("Enter")
    await expect(me.window).to_have_count(0)
    assert chosen(notes)["selected_users"] == ["U0BEN"]


async def test_a_screen_reader_is_told_the_options_the_active_one_and_what_was_chosen(me, notes):
    open_window(notes, modal(field("people", {"type": "multi_users_select"})))
    people, said = me.window.get_by_role("combobox", name="People"), me.page.locator("#polite")

    await people.press("ArrowDown")
    await expect(people).to_have_attribute("aria-expanded", "true")
    await expect(said).to_have_text("3 options")
    active = me.page.get_by_role("listbox").get_by_role("option", selected=True)
    await expect(active).to_have_text(re.compile("ada"))
    await expect(people).to_have_attribute("aria-activedescendant", await active.get_attribute("id") or "?")
    await people.press("Enter")

    await expect(people).to_have_attribute("aria-expanded", "false")
    await expect(people).to_have_accessible_description("Chosen: ada")
    await expect(said).to_have_text("ada chosen")


async def test_one_choice_replaces_the_other(me, notes):
    open_window(notes, modal(field("where", {"type": "conversations_select", "filter": {"include": ["public", "im"]}})))
    where = me.window.get_by_label("Where")

    await me.pick(where, "Notes", "#team")

    await expect(me.window.locator(".token")).to_have_text([re.compile("#team")])
    await me.press("Save")
    await expect(me.window).to_have_count(0)
    assert chosen(notes, "where")["selected_conversation"] == "C0TEAM"


async def test_no_more_than_the_app_allows_can_be_chosen(me, notes):
    open_window(notes, modal(field("people", {"type": "multi_users_select", "max_selected_items": 1})))
    open_picker = me.window.get_by_label("People")
    await me.pick(open_picker, "ben")

    await open_picker.click()

    # One is the most, so a further choice takes its place, as with a menu for one.
    await me.page.get_by_role("option", name="ada").click()
    await expect(me.window.locator(".token")).to_have_text([re.compile("ada")])


async def test_two_are_the_most_where_the_app_says_so(me, notes):
    element = {"type": "multi_static_select", "options": options("red", "green", "blue"), "max_selected_items": 2}
    open_window(notes, modal(field("colours", element)))
    colours = me.window.get_by_label("Colours")
    await me.pick(colours, "Red", "Blue")

    await colours.click()

    await expect(me.page.get_by_role("listbox")).to_have_text("No more can be chosen")


async def test_what_the_app_chose_before_is_there_as_tokens(me, notes):
    open_window(notes, modal(field("people", {"type": "multi_users_select", "initial_users": ["U0BEN", "U0CLEO"]})))

    await expect(me.window.locator(".token")).to_have_text([re.compile("ben"), re.compile("cleo")])


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_list_lies_over_the_window_and_inside_the_screen(chromium, notes, size):
    above = [mrkdwn(f"Line {number}") for number in range(30)]
    async with at(chromium, notes.page.url, size) as me:
        open_window(notes, modal(*above, field("people", {"type": "multi_users_select"})))
        await me.window.get_by_label("People").click()

        for one in await me.page.locator(".option").all():
            await expect(one).to_be_in_viewport(ratio=1)
        await me.page.get_by_role("option", name="cleo").click()

        await expect(me.window.locator(".token")).to_have_text([re.compile("cleo")])


@pytest.mark.parametrize("kind", ["multi_users_select", "checkboxes", "radio_buttons", "plain_text_input"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_error_of_a_field_out_of_sight_is_scrolled_into_sight(chromium, notes, size, kind):
    element = {"type": kind} | ({"options": options("a", "b")} if kind in ("checkboxes", "radio_buttons") else {})
    below = [mrkdwn(f"Line {number}") for number in range(30)]
    notes.app.answers["view_submission"] = {"response_action": "errors", "errors": {"it": "Choose somebody else"}}
    async with at(chromium, notes.page.url, size) as me:
        open_window(
            notes,
            modal(field("it", element, optional=True), *below, field("last", {"type": "datepicker"}, optional=True)),
        )
        await me.window.get_by_label("Last").scroll_into_view_if_needed()

        await me.press("Save")

        await expect(me.window.get_by_text("Choose somebody else")).to_be_in_viewport(ratio=1)
        assert await me.page.evaluate(
            "document.activeElement.closest('.block-input').querySelector('.field-error') !== null"
        )
