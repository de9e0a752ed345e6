"""What the page does so that much can be read at a glance: messages and calls in groups, days, languages, colours."""

import json
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.sandbox.page.server import STATIC
from tests.browser.kit import field, modal, mrkdwn, open_window, post
from tests.browser.stage import at, page_of

pytestmark = pytest.mark.slow  # each test loads the page in Chromium; test_page_journeys.py stays in the quick run

DAY = 86_400  # seconds


@pytest_asyncio.fixture(loop_scope="session")
async def me(chromium, notes):
    async with at(chromium, notes.page.url) as somebody:
        yield somebody


# --- messages


async def heads(me):
    """For each message, whether its sender's name is shown."""
    return await me.page.locator("article").evaluate_all("all => all.map(one => !one.matches('.message-more'))")


async def test_messages_of_one_sender_in_a_row_are_shown_under_one_name(me, notes):
    def say(text, **how):
        return notes.workspace.state.post(notes.channel, {"text": text}, **how)

    say("one", user="U0BEN")
    say("two", user="U0BEN")
    say("of another", user="U0CLEO")
    say("of the app")
    third = say("of the app, too")
    say("only to you", to="U0ADA")
    await expect(me.page.get_by_role("article")).to_have_count(6)

    assert await heads(me) == [True, False, True, True, False, True]
    await expect(me.message("two")).to_have_accessible_name("ben")
    notes.workspace.state.edit(third, {"text": "changed now"})
    await expect(me.message("changed now")).to_be_visible()
    assert await heads(me) == [True, False, True, True, False, True]
    notes.workspace.state.delete(notes.workspace.messages[0])
    await expect(me.page.get_by_role("article")).to_have_count(5)
    assert await heads(me) == [True, True, True, False, True]
    for one in notes.workspace.messages[1:4]:
        notes.workspace.state.delete(one)
    await expect(me.page.get_by_role("article")).to_have_count(2)


async def test_a_line_with_the_day_is_between_messages_of_two_days(chromium, world):
    async with page_of(world) as page, at(chromium, page.url) as me:
        await me.type("on the first day")
        await me.sees("on the first day")
        await expect(me.page.locator(".day")).to_have_text(["today"])

        await me.page.get_by_role("button", name="Move the clock on by 1 day").click()
        await expect(me.page.locator(".day")).to_have_text(["yesterday"])
        await me.type("a day later")
        await me.sees("a day later")

        await expect(me.page.locator(".day")).to_have_text(["yesterday", "today"])
        assert await heads(me) == [True, True]


async def test_a_day_in_a_message_gets_another_name_when_the_clock_moves_on(chromium, world):
    state = world.workspace.state
    async with page_of(world) as page, at(chromium, page.url) as me:
        await me.go("team")
        made = f"made <!date^{int(world.clock.now())}^{{date_pretty}}|then>"
        state.post(state.channels["C0TEAM"], {"text": made})
        await me.sees("made today")

        await me.page.get_by_role("button", name="Move the clock on by 1 day").click()

        await me.sees("made yesterday")


async def test_the_choice_of_a_person_is_not_drawn_anew_when_a_message_comes(me, notes):
    """Somebody may be pressing it at that moment."""
    before = await me.page.locator(".person", has_text="ben").element_handle()

    notes.workspace.state.post(notes.workspace.state.open_dm("U0BEN"), {"text": "for you"})
    await expect(me.page.get_by_role("radio", name="ben 1 unread")).to_be_attached()

    assert await before.evaluate("node => node.isConnected")


async def test_a_command_is_suggested_with_its_usage_hint(me):
    await me.page.locator("#composer-text").fill("/n")

    await expect(me.page.locator(".suggestion")).to_contain_text("/note add <text> | list | for @person")


# --- calls


def delivery(number, at, title="/note", took=0.1):
    return {"number": number, "from": "slack", "to": "bot", "title": title, "outcome": "200", "ok": True} | {
        "began": at - took, "at": at, "who": "ada",
    }  # fmt: skip


def call(number, at, to, title, outcome="ok"):
    return {
        "number": number,
        "from": "bot",
        "to": to,
        "title": title,
        "outcome": outcome,
        "ok": True,
        "began": at,
        "at": at,
    }


async def grouped(me, calls):
    script = """async calls => (await import("/static/js/call_groups.js")).groupCalls(calls).map(
        ({cause, rows}) => [cause && cause.title, rows.map(one => [one.call.title, one.calls.length])])"""
    return await me.page.evaluate(script, calls)


async def test_calls_stand_under_what_caused_them_and_repeated_polls_are_one_row(me):
    recent = "GET v1/private/recent"
    calls = [
        call(1, 100.05, "slack", "views.open"),  # made before the answer to the delivery
        delivery(2, 100.1, "/note share", took=0.1),
        call(3, 100.4, "onetime", "POST v1/share", "200"),
        call(4, 104.9, "slack", "chat.postMessage"),  # after a slow host
        *(call(5 + many, 106.0 + 5 * many, "onetime", recent, "200") for many in range(14)),
        delivery(30, 180.0, "/note recent"),
        call(31, 180.1, "onetime", recent, "200"),
        call(32, 185.0, "onetime", recent, "200"),
    ]

    assert await grouped(me, calls) == [
        [None, [[recent, 1]]],
        ["/note recent", [[recent, 1]]],
        [None, [[recent, 14]]],
        ["/note share", [["views.open", 1], ["POST v1/share", 1], ["chat.postMessage", 1]]],
    ]


async def test_a_poll_that_fails_is_not_hidden_among_those_that_did_not(me):
    calls = [
        call(many, 10.0 * many, "onetime", "GET v1/private/recent", "500" if many == 2 else "200") for many in range(4)
    ]

    ((_, rows),) = await grouped(me, calls)

    assert [many for _, many in rows] == [3, 1]


async def test_repeated_calls_are_one_row_that_unfolds(tracker):
    me = tracker
    await me.connect()
    await me.make_secret("for a colleague")
    await me.command("/ots track", "private link")
    await me.sees("You will get a message")
    row = me.page.locator("#calls button", has_text=re.compile(r"private/recent × \d"))

    await row.first.click()

    await expect(row.first).to_have_attribute("aria-expanded", "true")
    assert await me.page.locator("#calls .call-rows .call-rows li").count() > 1


# --- languages and colours


def own_texts(language):
    source = (STATIC / "js" / f"texts_{language}.js").read_text(encoding="utf-8")
    found = dict(re.findall(r'^  (\w+): "(.*)",?(?: //.*)?$', source, re.MULTILINE))
    return {name: json.loads(f'"{text}"') for name, text in found.items()}


async def set_language(me, label):
    await me.page.locator("#page-settings button").click()
    await me.dialog.locator("select").first.select_option(label=label)
    await expect(me.page.locator("html")).to_have_attribute("lang", {"Deutsch": "de", "Français": "fr"}[label])
    name = "Einstellungen" if label == "Deutsch" else "Réglages"
    await expect(me.dialog.get_by_role("heading", level=2)).to_have_text(name)
    await me.page.keyboard.press("Escape")
    await expect(me.page.locator("dialog")).to_have_count(0)  # a closed dialog stays in the page for a moment


@pytest.mark.parametrize(("label", "language"), [("Deutsch", "de"), ("Français", "fr")])
async def test_the_page_and_its_people_read_another_language(chromium, notes, label, language):
    notes.onetime.share("ada@example.com", "text", passphrase="x")
    english, other = own_texts("en"), own_texts(language)
    stays_english = {english[name] for name in english.keys() & other.keys() if english[name] != other[name]} - set(
        other.values()
    )
    async with at(chromium, notes.page.url) as me:
        await me.type("/note something")
        await me.type("hello")

        await set_language(me, label)
        seen = set(await _texts(me, "body"))
        open_window(notes, modal(field("people", {"type": "multi_users_select"}, optional=True)))
        await expect(me.window).to_be_visible()
        seen |= set(await _texts(me, "#window"))
        await me.page.keyboard.press("Escape")

    assert other["calls"] in seen
    assert seen & stays_english == set()
    assert {one.person.locale for one in notes.workspace.people} == {{"de": "de-DE", "fr": "fr-FR"}[language]}


async def _texts(me, selector):
    """The texts and accessible names in a part of the page."""
    script = """root => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("script, noscript")) texts.push(walker.currentNode.data.trim());
      for (const one of root.querySelectorAll("[aria-label], [placeholder], [title]"))
        texts.push(one.getAttribute("aria-label"), one.getAttribute("placeholder"), one.getAttribute("title"));
      return texts.filter(Boolean);
    }"""
    return await me.page.locator(selector).evaluate(script)


async def test_one_person_reads_another_language_than_the_others(me, notes):
    await me.page.get_by_role("button", name="Settings").click()

    await me.dialog.get_by_label("ben reads").select_option(label="Deutsch")

    await notes.ada.until(lambda: notes.workspace.state.people["U0BEN"].locale == "de-DE")
    assert notes.workspace.state.people["U0ADA"].locale == "en-GB"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_colours_can_be_changed(chromium, notes, scheme):
    colour = "getComputedStyle(document.body).getPropertyValue('--paper')"
    async with at(chromium, notes.page.url, scheme=scheme) as me:
        neutral = await me.page.evaluate(colour)
        await me.page.get_by_role("button", name="Settings").click()

        await me.dialog.get_by_label("Colours").select_option(label="paper")

        await expect(me.page.locator("html")).to_have_attribute("data-theme", "paper")
        assert await me.page.evaluate(colour) != neutral


async def test_an_emoji_is_drawn_and_needs_no_font(me, notes):
    post(notes, mrkdwn(":envelope_with_arrow: and :lock:"))

    drawn = me.message("and").get_by_role("img")
    await expect(drawn).to_have_count(2)
    await expect(drawn.first).to_have_accessible_name("envelope with arrow")
    boxes = [await one.bounding_box() for one in await drawn.locator("svg").all()]
    assert all(box and box["width"] > 10 and box["height"] > 10 for box in boxes)
