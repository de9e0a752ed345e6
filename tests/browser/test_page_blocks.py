"""Every kind of block and element on the page: what is shown of it, and what using it sends to the app."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.kit import actions, field, modal, mrkdwn, open_window, options, plain, post
from tests.browser.stage import NARROW, WIDE, at

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run


@pytest_asyncio.fixture(loop_scope="session")
async def me(chromium, notes):
    async with at(chromium, notes.page.url) as somebody:
        yield somebody


async def actions_told(notes, action_id):
    """Waits until the app is told of that action; what it was told. Then that is over."""
    await notes.ada.until(lambda: notes.app.got and notes.app.got[-1]["actions"][0]["action_id"] == action_id)
    told = notes.app.got[-1]["actions"]
    notes.app.got.append({"type": "seen", "actions": [{"action_id": None}]})
    return told


# --- text


DRAWN = {
    "*bold* words": ("strong", "bold"),
    "_slanted_ words": ("em", "slanted"),
    "~gone~ words": ("s", "gone"),
    "`code *stays*`": ("code", "code *stays*"),
    "```two\nlines```": ("pre", "two\nlines"),
    "> quoted\nnot": ("blockquote", "quoted"),
    "for <@U0BEN>": (".mention", "@ben"),
    "for <@U0ADA>": (".mention-me", "@ada"),
    "in <#C0TEAM|old-name>": (".mention", "#team"),
    "<!here> now": (".mention", "@here"),
    ":fire: hot": (".emoji", "🔥"),
    "<https://example.com/a?b=1&amp;c=2|the site>": (".link-dead", "the site"),
    "see https://example.com/x": (".link-dead", "https://example.com/x"),
    "<!date^1000000000^{date} at {time}|long ago>": ("time", "9 September 2001 at 01:46"),
    "<!date^1000000000^{nonsense}|long ago>": ("time", "long ago"),
    "*bold _and slanted_*": ("strong em", "and slanted"),
}
STAYS = {
    "1 * 2 * 3 snake_case_name": "1 * 2 * 3 snake_case_name",
    "*\u200bnot bold*\u200b": "*\u200bnot bold*\u200b",
    "&lt;b&gt;not a tag&lt;/b&gt; &amp;amp;": "<b>not a tag</b> &amp;",
    ":no_such_sign: stays": ":no_such_sign: stays",
    "<img src=x onerror=alert(1)>": "img src=x onerror=alert(1)",
}


async def _texts(me, many, selectors):
    """What the selector finds in the text of each message, in order."""
    await expect(me.page.get_by_role("article")).to_have_count(many)
    script = """selectors => [...document.querySelectorAll("article .block-text")].map(
        (text, at) => (selectors[at] ? text.querySelector(selectors[at]) : text)?.textContent ?? null)"""
    return await me.page.evaluate(script, selectors)


async def test_mrkdwn_is_drawn(me, notes):
    for source in DRAWN:
        post(notes, mrkdwn(source))

    drawn = await _texts(me, len(DRAWN), [selector for selector, _ in DRAWN.values()])
    assert dict(zip(DRAWN, drawn, strict=True)) == {source: shown for source, (_, shown) in DRAWN.items()}


async def test_what_is_no_markup_stays_text(me, notes):
    for source in STAYS:
        post(notes, mrkdwn(source))

    assert dict(zip(STAYS, await _texts(me, len(STAYS), [""] * len(STAYS)), strict=True)) == STAYS
    await expect(me.page.locator("article .block-text").locator("strong, em, img, b")).to_have_count(0)


async def test_rich_text_is_drawn_with_its_lists_styles_and_preformatted_parts(me, notes):
    section = {"type": "rich_text_section"}

    def say(text, **style):
        return {"type": "text", "text": text, **({"style": style} if style else {})}

    post(
        notes,
        {
            "type": "rich_text",
            "elements": [
                section | {"elements": [say("strong", bold=True), {"type": "user", "user_id": "U0BEN"}]},
                {"type": "rich_text_list", "style": "ordered", "elements": [section | {"elements": [say("first")]}]},
                {"type": "rich_text_quote", "elements": [say("said")]},
                {"type": "rich_text_preformatted", "elements": [say(" exact\n\ttext <b> &amp; ")]},
                {"type": "rich_text_section", "elements": [{"type": "hologram", "text": "?"}]},
            ],
        },
    )

    message = me.message("")
    await expect(message.locator("strong").first).to_have_text("strong")
    await expect(message.locator("ol li")).to_have_text("first")
    await expect(message.locator("blockquote")).to_have_text("said")
    assert await message.locator("pre").evaluate("one => one.textContent") == " exact\n\ttext <b> &amp; "
    await expect(message.locator(".unknown")).to_contain_text("cannot show hologram")


async def test_the_quiet_blocks_are_drawn(me, notes):
    post(
        notes,
        {"type": "header", "text": plain("A header")},
        {"type": "divider"},
        {
            "type": "context",
            "elements": [
                plain("small print"),
                {"type": "image", "image_url": "https://x.example/i", "alt_text": "a cat"},
            ],
        },
        {"type": "section", "fields": [plain("one"), plain("two")]},
        {"type": "image", "image_url": "https://x.example/i", "alt_text": "a dog", "title": plain("Pets")},
    )

    message = me.message("")
    await expect(message.get_by_role("heading")).to_have_text("A header")
    await expect(message.get_by_role("separator")).to_be_visible()
    await expect(message.get_by_role("img", name="a cat")).to_be_visible()
    await expect(message.locator(".block-field")).to_have_text(["one", "two"])
    await expect(message.locator("figcaption")).to_have_text("Pets")


async def test_what_the_page_does_not_know_is_shown_as_an_error(me, notes):
    kinds = ("video", "plan", "card")
    button = {"type": "workflow_button", "text": plain("Run"), "action_id": "run"}
    post(notes, *({"type": kind, "title": plain("?")} for kind in kinds), actions(button))

    said = me.message("").locator(".unknown")
    await expect(said).to_have_text([f"This page cannot show {kind}." for kind in (*kinds, "workflow_button")])


# --- elements in messages


async def test_a_button_sends_its_own_block_and_value_among_others_of_its_name(me, notes):
    def row(number):
        button = {"type": "button", "text": plain("Take"), "action_id": "take", "value": str(number)}
        return {"type": "actions", "block_id": f"row{number}", "elements": [button]}

    post(notes, row(1), row(2), row(3))

    await me.message("").get_by_role("button", name="Take").nth(1).click()

    await notes.ada.until(lambda: notes.app.got)
    (action,) = notes.app.last("block_actions")["actions"]
    assert (action["block_id"], action["action_id"], action["value"]) == ("row2", "take", "2")


async def test_a_button_that_asks_first_sends_nothing_when_one_thinks_better_of_it(me, notes):
    confirm = {
        "title": plain("Really?"),
        "text": plain("It is gone then."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    post(
        notes,
        actions({"type": "button", "text": plain("Drop"), "action_id": "drop", "confirm": confirm, "style": "danger"}),
    )
    button = me.message("").get_by_role("button", name="Drop")

    await button.click()
    await expect(me.dialog).to_contain_text("It is gone then.")
    await me.page.keyboard.press("Escape")
    await expect(me.dialog).to_have_count(0)
    await expect(button).to_be_focused()
    assert notes.app.got == []

    await button.click()
    await me.dialog.get_by_role("button", name="Yes").click()
    await notes.ada.until(lambda: notes.app.got)


CHOOSE = {
    "static_select": ("Green", lambda told: told["selected_option"]["value"] == "green"),
    "users_select": ("ben", lambda told: told["selected_user"] == "U0BEN"),
    "channels_select": ("#team", lambda told: told["selected_channel"] == "C0TEAM"),
    "conversations_select": ("#team", lambda told: told["selected_conversation"] == "C0TEAM"),
}


@pytest.mark.parametrize("kind", ["dialog", "window"])
async def test_the_focus_comes_back_to_a_button_that_was_drawn_anew_meanwhile(me, notes, kind):
    confirm = {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")}
    button = {"type": "button", "text": plain("Drop"), "action_id": "drop"} | (
        {"confirm": confirm} if kind == "dialog" else {}
    )
    message = post(notes, mrkdwn("before"), actions(button))
    drop = me.page.get_by_role("button", name="Drop", exact=True)
    await drop.press("Enter")
    if kind == "window":
        open_window(notes, modal(mrkdwn("a window")))
    await expect(me.page.get_by_role("dialog")).to_be_visible()

    notes.workspace.state.edit(message, {"text": "a message", "blocks": [mrkdwn("after"), actions(button)]})
    await expect(me.message("after")).to_be_visible()
    await me.page.keyboard.press("Escape")

    await expect(me.page.get_by_role("dialog")).to_have_count(0)
    await expect(drop).to_be_focused()


async def test_choosing_in_a_menu_tells_the_app(me, notes):
    offered = {"static_select": {"options": options("red", "green")}}
    post(
        notes,
        actions(
            *({"type": kind, "action_id": kind, "placeholder": plain(kind), **offered.get(kind, {})} for kind in CHOOSE)
        ),
    )

    for kind, (label, is_right) in CHOOSE.items():
        field = me.message("").get_by_role("combobox", name=kind)
        await (field.select_option(label=label) if kind == "static_select" else me.pick(field, label))
        (told,) = await actions_told(notes, kind)
        assert is_right(told), kind


SEVERAL = {
    "multi_static_select": ("selected_options", ["Blue", "Grey"]),
    "multi_users_select": ("selected_users", ["ada", "ben"]),
    "multi_conversations_select": ("selected_conversations", ["#team", "Notes"]),
}


async def test_choosing_several_tells_the_app_all_of_them(me, notes):
    offered = {"multi_static_select": {"options": options("blue", "grey")}}
    fields = (
        {"type": kind, "action_id": kind, "placeholder": plain(kind), **offered.get(kind, {})} for kind in SEVERAL
    )
    post(notes, actions(*fields))

    for place, (kind, (name, labels)) in enumerate(SEVERAL.items()):
        for label in labels:
            await me.pick(me.message("").get_by_role("combobox").nth(place), label)
            (told,) = await actions_told(notes, kind)
        assert len(told[name]) == len(labels), kind


async def test_ticking_several_boxes_tells_the_app_all_of_them(me, notes):
    post(notes, actions({"type": "checkboxes", "action_id": "tick", "options": options("red", "green")}))

    for label in ("Red", "Green"):
        await me.message("").get_by_role("checkbox", name=label, exact=True).check()
        (told,) = await actions_told(notes, "tick")

    assert [one["value"] for one in told["selected_options"]] == ["red", "green"]


async def test_radio_buttons_tell_the_one_that_was_chosen(me, notes):
    post(notes, actions({"type": "radio_buttons", "action_id": "choose", "options": options("red", "green")}))

    await me.message("").get_by_role("radio", name="Green").check()

    await notes.ada.until(lambda: notes.app.got)
    assert notes.app.got[-1]["actions"][0]["selected_option"]["value"] == "green"


async def test_an_overflow_menu_opens_by_keyboard_and_tells_the_option(me, notes):
    overflow = {"type": "overflow", "action_id": "more", "options": options("edit", "copy", "drop")}
    post(notes, {"type": "section", "block_id": "row", "text": plain("A row"), "accessory": overflow})
    button = me.message("").get_by_role("button", name="More actions")

    await button.press("Enter")
    await me.page.keyboard.press("ArrowDown")
    await me.page.keyboard.press("Enter")

    await notes.ada.until(lambda: notes.app.got)
    assert notes.app.got[-1]["actions"][0]["selected_option"]["value"] == "copy"
    await expect(button).to_be_focused()


PICK = {
    "datepicker": ("selected_date", "2030-05-17", "2030-05-17"),
    "timepicker": ("selected_time", "13:37", "13:37"),
    "datetimepicker": ("selected_date_time", "2030-05-17T13:37", 1905255420),
}


async def test_a_date_or_time_is_told(me, notes):
    post(notes, actions(*({"type": kind, "action_id": kind} for kind in PICK)))

    for place, (kind, (name, entered, told)) in enumerate(PICK.items()):
        await me.message("").locator("input").nth(place).fill(entered)
        await me.message("").locator("input").nth(place).blur()
        (action,) = await actions_told(notes, kind)
        assert action[name] == told


async def test_a_message_that_changes_keeps_its_place_and_says_so(me, notes):
    first = post(notes, mrkdwn("before"))
    post(notes, mrkdwn("later"))
    await expect(me.page.get_by_role("article")).to_have_count(2)

    notes.workspace.state.edit(first, {"text": "x", "blocks": [mrkdwn("after")]})

    await expect(me.page.get_by_role("article").first).to_contain_text("after")
    await expect(me.page.get_by_role("article").first).to_contain_text("edited")
    notes.workspace.state.delete(first)
    await expect(me.page.get_by_role("article")).to_have_count(1)


async def test_old_style_attachments_are_shown_as_an_error(me, notes):
    notes.workspace.state.post(notes.channel, {"text": "", "attachments": [{"text": "old"}]})

    await expect(me.message("").locator(".unknown")).to_contain_text("cannot show attachments")


async def test_a_link_to_onetime_secret_leads_a_stranger_there(me, notes):
    held = notes.onetime.share(None, "behind the link")
    post(notes, mrkdwn(f"Here: <{notes.onetime.url}/secret/{held.secret_key}|your secret>"))

    await me.message("").get_by_role("button", name="your secret").click()

    await expect(me.dialog).to_contain_text("A secret is waiting")
    assert notes.onetime.find_secret(held.secret_key).has_plaintext


async def test_a_new_message_is_read_out(me, notes):
    notes.workspace.state.post(
        notes.channel, {"text": "What matters &amp; more", "blocks": [mrkdwn("drawn otherwise")]}
    )

    await expect(me.page.get_by_role("status").first).to_have_text("Notes: What matters & more")


# --- windows


async def test_every_field_of_a_window_arrives_at_the_app(me, notes):
    fields = {
        "text": {"type": "plain_text_input"},
        "long": {"type": "plain_text_input", "multiline": True},
        "mail": {"type": "email_text_input"},
        "web": {"type": "url_text_input"},
        "number": {"type": "number_input", "is_decimal_allowed": False},
        "rich": {"type": "rich_text_input"},
        "day": {"type": "datepicker"},
        "colour": {"type": "static_select", "options": options("red", "green"), "initial_option": options("red")[0]},
        "grouped": {"type": "static_select", "option_groups": [{"label": plain("Warm"), "options": options("pink")}]},
        "ticks": {"type": "checkboxes", "options": options("a", "b")},
        "radio": {"type": "radio_buttons", "options": options("x", "y")},
        "people": {"type": "multi_users_select"},
    }
    open_window(notes, modal(*(field(name, element) for name, element in fields.items())))
    window = me.window
    typed = {
        "Text": "one",
        "Long": "two\nlines",
        "Mail": "a@b.example",
        "Web": "https://x.example",
        "Number": "42",
        "Rich": "plain",
        "Day": "2030-01-02",
    }

    for label, value in typed.items():
        await window.get_by_label(label, exact=True).fill(value)
    await window.get_by_label("Grouped").select_option(label="Pink")
    await window.get_by_role("checkbox", name="B", exact=True).check()
    await window.get_by_role("radio", name="Y", exact=True).check()
    await me.pick(window.get_by_label("People", exact=True), "ben")
    await me.press("Save")

    await expect(window).to_have_count(0)
    values = {
        name: states["it"] for name, states in notes.app.last("view_submission")["view"]["state"]["values"].items()
    }
    assert {name: state["value"] for name, state in values.items() if "value" in state} == {
        "text": "one", "long": "two\nlines", "mail": "a@b.example", "web": "https://x.example", "number": "42",
    }  # fmt: skip
    assert values["rich"]["rich_text_value"]["elements"][0]["elements"][0]["text"] == "plain"
    assert values["day"]["selected_date"] == "2030-01-02"
    assert values["colour"]["selected_option"]["value"] == "red"
    assert values["grouped"]["selected_option"]["value"] == "pink"
    assert [one["value"] for one in values["ticks"]["selected_options"]] == ["b"]
    assert values["radio"]["selected_option"]["value"] == "y"
    assert values["people"]["selected_users"] == ["U0BEN"]


async def test_slack_itself_asks_for_a_required_field(me, notes):
    open_window(notes, modal(field("name", {"type": "plain_text_input"})))

    await me.press("Save")

    await expect(me.window.get_by_label("Name")).to_have_accessible_description("Please complete this required field.")
    assert notes.app.got == []


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_a_window_longer_than_the_screen_scrolls_and_its_buttons_stay_in_sight(chromium, notes, size):
    async with at(chromium, notes.page.url, size) as me:
        open_window(notes, modal(*[field(f"field {number}", {"type": "plain_text_input"}) for number in range(20)]))

        await expect(me.window.get_by_role("button", name="Save")).to_be_in_viewport(ratio=1)

        last = me.window.get_by_label("Field 19")
        await last.focus()
        await expect(last).to_be_in_viewport(ratio=1)
        await expect(me.window.get_by_role("button", name="Close", exact=True)).to_be_in_viewport(ratio=1)


async def test_on_a_narrow_screen_the_two_panes_are_chosen_at_its_lower_edge(chromium, notes):
    async with at(chromium, notes.page.url, NARROW) as me:
        panes = await me.page.get_by_role("navigation", name="Panes").bounding_box()

    assert panes["y"] + panes["height"] == NARROW["height"]


async def test_errors_of_the_app_stand_at_their_fields_and_what_was_typed_stays(me, notes):
    notes.app.answers["view_submission"] = {"response_action": "errors", "errors": {"name": "Taken already"}}
    open_window(notes, modal(field("name", {"type": "plain_text_input"}), field("other", {"type": "plain_text_input"})))
    await me.fill("Name", "typed")
    await me.fill("Other", "kept")

    await me.press("Save")

    await expect(me.window.get_by_label("Name")).to_have_accessible_description("Taken already")
    await expect(me.window.get_by_label("Name")).to_be_focused()
    await expect(me.window.get_by_label("Name")).to_have_value("typed")
    await expect(me.window.get_by_label("Other")).to_have_value("kept")


async def test_a_window_that_changes_under_the_hands_keeps_what_was_typed_and_the_caret(me, notes):
    view = open_window(notes, modal(field("name", {"type": "plain_text_input"})))
    name = me.window.get_by_label("Name")
    await name.fill("half a wo")

    notes.workspace.state.update_view(view, modal(mrkdwn("something new"), field("name", {"type": "plain_text_input"})))

    await expect(me.window).to_contain_text("something new")
    await expect(name).to_be_focused()
    await name.press("r")
    await expect(name).to_have_value("half a wor")


async def test_a_window_that_gets_its_fields_later_has_the_focus_in_the_first_one(me, notes):
    view = open_window(notes, modal(mrkdwn("One moment…")))
    await expect(me.window).to_be_focused()

    notes.workspace.state.update_view(view, modal(field("name", {"type": "plain_text_input"})))

    await expect(me.window.get_by_label("Name")).to_be_focused()


async def test_a_window_that_gets_its_fields_later_leaves_the_focus_on_what_somebody_chose(me, notes):
    view = open_window(notes, modal(mrkdwn("One moment…")))
    await expect(me.window).to_be_focused()
    close = me.window.get_by_role("button", name="Close", exact=True)
    await close.focus()

    notes.workspace.state.update_view(view, modal(field("name", {"type": "plain_text_input"})))

    await expect(me.window.get_by_label("Name")).to_be_visible()
    await expect(close).to_be_focused()


async def test_windows_lie_on_each_other_and_close_one_by_one_or_all_at_once(me, notes):
    notes.app.answers["view_submission"] = {
        "response_action": "push",
        "view": modal(mrkdwn("the second"), title=plain("On top")),
    }
    open_window(notes, modal(mrkdwn("the first"), close=plain("Leave")))
    await me.press("Save")
    await me.sees_window("On top", "2 of 3")

    await me.press("Cancel")
    await me.sees_window("A window", "the first")

    notes.app.answers["view_submission"] = {
        "response_action": "push",
        "view": modal(mrkdwn("again"), title=plain("On top")),
    }
    await me.press("Save")
    await me.sees_window("On top")
    await me.window.get_by_role("button", name="Close", exact=True).click()
    await expect(me.window).to_have_count(0)


async def test_a_button_in_a_window_sends_what_was_typed_beside_it(me, notes):
    button = {"type": "button", "text": plain("Check"), "action_id": "check"}
    open_window(notes, modal(field("name", {"type": "plain_text_input"}), actions(button)))
    await me.fill("Name", "half done")

    await me.press("Check")

    await notes.ada.until(lambda: notes.app.got)
    assert notes.app.last("block_actions")["view"]["state"]["values"]["name"]["it"]["value"] == "half done"


async def test_what_slack_cannot_show_of_an_answer_is_said(me, notes):
    notes.app.answers["view_submission"] = {"response_action": "update", "view": {"type": "modal"}}
    open_window(notes, modal(mrkdwn("a window")))

    await me.press("Save")

    await expect(me.page.get_by_role("alert")).to_contain_text("Slack says: We had some trouble connecting")


async def test_the_keyboard_stays_in_a_window_and_comes_back_afterwards(me, notes):
    composer = me.page.locator("#composer-text")
    await composer.focus()
    open_window(notes, modal(field("name", {"type": "plain_text_input"})))
    name = me.window.get_by_label("Name")
    await expect(name).to_be_focused()

    for _ in range(8):
        await me.page.keyboard.press("Tab")
        assert await me.page.evaluate("document.activeElement.closest('#window') !== null")
    await me.page.keyboard.press("F6")
    assert await me.page.evaluate("document.activeElement.closest('#behind') !== null")
    await me.page.keyboard.press("F6")
    await me.page.keyboard.press("Escape")

    await expect(me.window).to_have_count(0)
    await expect(composer).to_be_focused()


# --- what a workspace offers


async def test_the_composer_suggests_commands_their_ways_and_people(me):
    field = me.page.locator("#composer-text")
    options = me.page.locator("#suggestions").get_by_role("option")

    await field.press_sequentially("/")
    await expect(options).to_have_text([re.compile(r"^/note add <text> \| list"), re.compile("^/plain")])
    await field.press_sequentially("n")
    await field.press("Tab")
    await expect(field).to_have_value("/note ")
    await expect(options).to_have_text(["/note add <text>", "/note list", "/note for @person"])
    await field.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await field.press("Enter")
    await expect(field).to_have_value("/note add ")
    await field.press_sequentially("thanks @b")
    await expect(options).to_have_text(["@ben"])
    await field.press("Escape")

    await expect(options).to_have_count(0)


async def test_a_command_arrives_as_slack_sends_it(me, notes):
    await me.type("/note for @ben <b> & https://example.com/x#team in #team")
    await me.type("/plain @ben & co")

    await notes.ada.until(lambda: len(notes.app.got) == 2)
    escaped = "for <@U0BEN|ben> &lt;b&gt; &amp; <https://example.com/x#team> in <#C0TEAM|team>"
    assert [one["text"] for one in notes.app.got] == [escaped, "@ben &amp; co"]


async def test_a_command_that_does_not_exist_is_not_sent_and_stays_in_the_field(me, notes):
    await me.type("/nonsense now")

    await expect(me.page.get_by_role("alert")).to_contain_text("/nonsense is not a valid command")
    await expect(me.page.locator("#composer-text")).to_have_value("/nonsense now")
    assert notes.app.got == []


async def test_what_somebody_says_is_seen_by_the_others_with_a_mark(me):
    await me.type("good morning, @ben")
    await me.sees("good morning, @ben")
    await expect(me.page.get_by_role("radio", name="ben 1 unread")).to_be_attached()

    await me.be("ben")

    await expect(me.message("good morning").locator(".mention-me")).to_have_text("@ben")


async def test_shortcuts_of_both_kinds_are_offered_and_sent(me, notes):
    await me.type("worth a note")
    await me.sees("worth a note")
    await me.message("worth a note").get_by_role("button", name="Message actions").click()
    await me.page.get_by_role("menuitem", name="Keep this").click()
    await notes.ada.until(lambda: notes.app.got)
    assert notes.app.last("message_action")["message"]["text"] == "worth a note"

    await me.page.get_by_role("button", name="Shortcuts").click()
    await me.page.get_by_role("menuitem", name="Write a note").click()

    await notes.ada.until(lambda: len(notes.app.got) == 2)
    assert notes.app.last("shortcut")["callback_id"] == "write"


async def test_the_home_tab_is_told_when_opened_and_its_buttons_work(me, notes):
    button = {"type": "button", "text": plain("New"), "action_id": "new"}
    await me.go("Notes")
    await me.page.get_by_role("button", name="Home").click()
    await notes.ada.until(lambda: notes.app.got)
    assert notes.app.got[-1]["event"]["type"] == "app_home_opened"

    notes.workspace.state.publish("U0ADA", {"type": "home", "blocks": [mrkdwn("Your notes"), actions(button)]})
    await expect(me.page.get_by_role("region", name="Home")).to_contain_text("Your notes")
    await me.page.get_by_role("button", name="New").click()

    await notes.ada.until(lambda: notes.app.got[-1].get("type") == "block_actions")
    assert notes.app.got[-1]["view"]["type"] == "home"
