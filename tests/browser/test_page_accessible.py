"""axe-core finds nothing on the page, its windows and its dialogs, in light and dark, wide and narrow."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.kit import actions, field, modal, mrkdwn, open_window, options, plain, post
from tests.browser.stage import NARROW, at

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

CONFIRM = {
    "title": plain("Really?"),
    "text": plain("It is gone then."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
    "style": "danger",
}


ALL = {"resultTypes": ["violations"]}
COLOURS = ALL | {"runOnly": ["color-contrast"]}


async def violations(me, rules=ALL):
    """What axe-core says is wrong, by the elements."""
    await me.page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => {})))")
    is_there = await me.page.evaluate("'axe' in window")
    axe = Axe("") if is_there else Axe()  # the script, once for each page: it is long
    found = (await axe.run(me.page, options=rules)).response["violations"]
    return {one["id"]: [node["html"] for node in one["nodes"]] for one in found}


def say_everything(notes):
    """A message with every kind of block and element, one that only ada sees, and one by a person."""
    post(
        notes,
        {"type": "header", "text": plain("A header")},
        mrkdwn(
            "*bold* _slanted_ ~gone~ `code` :fire: <@U0ADA> <@U0BEN> <https://example.com|a link>\n> quoted\n```block```"
        ),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*One*\n1"}, {"type": "mrkdwn", "text": "*Two*\n2"}]},
        {"type": "divider"},
        {"type": "context", "elements": [plain("small print")]},
        {"type": "image", "image_url": "https://x.example/i", "alt_text": "a dog", "title": plain("Pets")},
        {"type": "video", "title": plain("unknown")},
        actions(
            {"type": "button", "text": plain("Plain"), "action_id": "a"},
            {"type": "button", "text": plain("Go"), "action_id": "b", "style": "primary"},
            {"type": "button", "text": plain("Drop"), "action_id": "c", "style": "danger", "confirm": CONFIRM},
            {"type": "static_select", "action_id": "d", "placeholder": plain("Pick"), "options": options("red")},
            {"type": "overflow", "action_id": "e", "options": options("edit")},
            {"type": "checkboxes", "action_id": "f", "options": options("red", "green")},
            {"type": "datepicker", "action_id": "g", "placeholder": plain("A day")},
        ),
    )
    notes.workspace.state.post(notes.channel, {"text": "only you"}, to="U0ADA")
    notes.workspace.state.post(notes.channel, {"text": "hello"}, user="U0BEN")


def window():
    kinds = {
        "text": {"type": "plain_text_input", "placeholder": plain("like this")},
        "long": {"type": "plain_text_input", "multiline": True},
        "choice": {"type": "static_select", "options": options("red", "green")},
        "ticks": {"type": "checkboxes", "options": options("a", "b")},
        "radio": {"type": "radio_buttons", "options": options("x", "y")},
        "people": {"type": "multi_users_select"},
    }
    return modal(*(field(name, kind, hint=plain("A hint")) for name, kind in kinds.items()))


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [pytest.param("light", ALL, id="light"), pytest.param("dark", COLOURS, id="dark", marks=pytest.mark.slow)],
)
async def test_axe_finds_nothing(chromium, notes, scheme, rules):
    found = {}
    notes.onetime.share("ada@example.com", "text", passphrase="x")
    notes.onetime.open_as_outsider(notes.onetime.share(None, "opened").secret_key)
    notes.onetime.burn_as_owner(notes.onetime.share(None, "burned").metadata_key)
    async with at(chromium, notes.page.url, scheme=scheme) as me:
        say_everything(notes)
        await me.type("/note something")
        await expect(me.page.get_by_role("article")).to_have_count(3)
        await me.page.locator(".accounts summary").click()
        await me.page.locator("#composer-text").fill("/")
        found["messages, suggestions, secrets and calls"] = await violations(me, rules)
        await me.page.locator("#composer-text").fill("")

        await me.page.get_by_role("button", name="Drop").click()
        found["a question"] = await violations(me, rules)
        await me.page.keyboard.press("Escape")

        await _open_window_with_errors(me, notes)
        found["a window"] = await violations(me, rules)
        await me.page.keyboard.press("Escape")

        await me.secrets.last.get_by_role("button").click()
        found["a menu"] = await violations(me, rules)
        await me.page.get_by_role("menuitem", name="Open its link").click()
        await expect(me.dialog).to_be_visible()
        found["a stranger's browser"] = await violations(me, rules)
        await me.page.keyboard.press("Escape")
        await me.page.get_by_role("button", name="Make one").click()
        found["making a secret"] = await violations(me, rules)
        await me.page.keyboard.press("Escape")
        await me.page.locator(".call").first.click()
        await expect(me.dialog).to_be_visible()
        found["a call"] = await violations(me, rules)
        await me.page.keyboard.press("Escape")

        await me.go("Notes")
        await me.page.get_by_role("button", name="Home").click()
        notes.workspace.state.publish("U0ADA", {"type": "home", "blocks": [mrkdwn("Your notes")]})
        await expect(me.page.get_by_role("region", name="Home")).to_contain_text("Your notes")
        found["home"] = await violations(me, rules)

    assert {where: wrong for where, wrong in found.items() if wrong} == {}


async def test_axe_finds_nothing_on_a_narrow_screen(chromium, notes):
    found = {}
    async with at(chromium, notes.page.url, NARROW) as me:
        found["empty"] = await violations(me)
        await me.beside()
        found["beside"] = await violations(me)
        await me.workspace()
        await _open_window_with_errors(me, notes)
        found["a window"] = await violations(me)

    assert {where: wrong for where, wrong in found.items() if wrong} == {}


async def _open_window_with_errors(me, notes):
    open_window(notes, window())
    await me.press("Save")
    await expect(me.window.locator(".field-error").first).to_be_visible()


async def test_axe_would_find_something(chromium, notes):
    async with at(chromium, notes.page.url) as me:
        await me.page.evaluate("document.querySelector('#composer-text').removeAttribute('aria-label')")
        await me.page.evaluate("document.querySelector('#composer-text').removeAttribute('placeholder')")

        assert {"label", "aria-input-field-name"} & (await violations(me)).keys()
