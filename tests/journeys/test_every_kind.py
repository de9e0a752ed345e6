"""Each kind of payload that Slack can send reaches its handler, through signed HTTP and over Socket Mode."""

import itertools
import json

import pytest
import pytest_asyncio

from bot.interaction.feature import Kind
from bot.sandbox.slack import SlackFault
from bot.sandbox.slack.payloads import interaction
from bot.sandbox.world import World
from tests.journeys.conftest import after_the_lines_so_far
from tests.support.every_kind_bot import FEATURE
from tests.support.waiting import eventually

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["http", "socket"])
async def place(request):
    async with World(mode=request.param, command=("-m", "tests.support.every_kind_bot", "run")) as world:
        yield world


@pytest.fixture
def ada(place):
    number = next(_numbers)
    return place.workspace.person(f"U0ADA{number:04}", f"ada{number}")


@pytest_asyncio.fixture(loop_scope="session")
async def ended(place, ada):
    """Waits for the log line of work that ended, and returns its outcome and the reason."""
    start = await after_the_lines_so_far(place, ada)

    async def line(kind):
        mark, output = f'"event": "{kind}"'.encode(), place.bot.output
        await eventually(lambda: any(mark in one and b"outcome" in one for one in output[start:].splitlines()))
        (found,) = [json.loads(one) for one in output[start:].splitlines() if mark in one]
        return found["outcome"], found.get("reason")

    return line


async def test_the_feature_has_a_handler_of_each_kind():
    assert FEATURE.handlers.keys() == set(Kind)


async def test_a_global_shortcut_opens_a_window(place, ada, ended):
    delivery = await ada.shortcut("kinds")

    assert (delivery.status, delivery.answer) == (200, None)
    await ada.until(lambda: ada.view and ada.view.title == "Reached")
    assert await ended("shortcut") == ("shown", None)


async def test_a_message_shortcut_is_given_the_message(place, ada, ended):
    channel = place.workspace.channel("C0GENERAL", "general", [ada])
    message = ada.say("read this", channel=channel)

    delivery = await ada.message_shortcut("kinds", message)

    assert (delivery.status, delivery.answer) == (200, None)
    assert await ended("message_shortcut") == ("shown", None)
    assert '"text": "read this"' in ada.sees()
    assert message.ts in ada.sees().replace("read this", "", 1)


async def test_an_opened_home_tab_is_an_event(place, ada, ended):
    delivery = await ada.open_home()

    assert (delivery.status, delivery.answer) == (200, None)
    assert await ended("event") == ("done", None)
    assert "inputs" in ada.sees()


async def test_an_event_that_nobody_caused_reaches_a_handler_that_needs_no_member(place, ada, ended):
    delivery = await place.workspace.emit({"type": "app_uninstalled"})

    assert (delivery.status, delivery.answer) == (200, None)
    assert await ended("event") == ("done", None)


async def test_an_event_that_names_nobody_is_refused_by_a_handler_that_needs_a_member(place, ada, ended):
    await place.workspace.emit({"type": "app_home_opened"})

    assert await ended("event") == ("refused", "NotAllowed")


async def test_an_event_of_a_guest_is_refused(place, ada, ended):
    place.workspace.person("U0GUEST", "guest", guest=True)

    await place.workspace.emit({"type": "app_home_opened", "user": "U0GUEST"})

    assert await ended("event") == ("refused", "NotAllowed")


async def test_an_event_that_slack_sends_again_has_one_effect(place, ada, ended):
    first = await ada.open_home()
    await ended("event")
    posts = [one for one in place.workspace.calls if one.method == "chat.postMessage"]

    again = await place.workspace.retry(first)
    await ada.shortcut("kinds")  # handled after the retry
    await ada.until(lambda: ada.view)

    assert again.status == 200
    assert [one for one in place.workspace.calls if one.method == "chat.postMessage"] == posts


def asks(place, person, typed):
    return interaction(place.workspace.state, person.person, "block_suggestion", action_id="kinds", value=typed)


@pytest.mark.parametrize(("typed", "expected"), [("", ["red", "green", "blue"]), ("gr", ["green"]), ("x", [])])
async def test_a_menu_gets_the_options_that_fit(place, ada, ended, typed, expected):
    for _ in range(2):  # a repeated request is answered again
        delivery = await place.workspace.deliver("interactive", asks(place, ada, typed))

        assert delivery.status == 200
        assert [one["value"] for one in delivery.answer["options"]] == expected


async def test_a_guests_menu_gets_no_options(place, ada, ended):
    guest = place.workspace.person("U0GUEST", "guest", guest=True)

    delivery = await place.workspace.deliver("interactive", asks(place, guest, ""))

    assert (delivery.status, delivery.answer) == (200, {"options": []})
    assert await ended("options") == ("refused", "NotAllowed")


async def test_a_workflow_step_is_given_its_inputs(place, ada, ended):
    step = {"type": "function_executed", "function": {"callback_id": "kinds"}, "function_execution_id": "Fx1",
            "inputs": {"user_id": ada.id, "note": "for the step"}}  # fmt: skip

    delivery = await place.workspace.emit(step)

    assert (delivery.status, delivery.answer) == (200, None)
    assert await ended("function") == ("done", None)
    assert '"note": "for the step"' in ada.sees()


# --- a view that is no modal


def home_with(place, person, action):
    """The person's Home tab, open, with one button."""
    button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "Press"}}
    person.has_home_open = True
    return place.workspace.state.publish(
        person.id, {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    )


async def test_a_button_in_the_home_tab_is_answered_in_a_window_over_it(place, ada, ended):
    published = home_with(place, ada, "kinds_say")

    await ada.click(published, action_id="kinds_say")

    assert await ended("action") == ("shown", None)
    await ada.until(lambda: ada.view and "inputs" in ada.view.text)
    assert ada.dm == []


async def test_a_button_in_the_home_tab_is_answered_in_a_direct_message_when_its_window_was_closed(place, ada, ended):
    published = home_with(place, ada, "kinds_say")
    place.workspace.plan("views.update", SlackFault.error("not_found"), None)

    await ada.click(published, action_id="kinds_say")

    assert await ended("action") == ("shown", None)
    assert "inputs" in ada.dm[0].shows
    place.workspace.clear_faults()


async def test_a_button_in_the_home_tab_opens_a_window_by_its_trigger(place, ada, ended):
    published = home_with(place, ada, "kinds_open")

    await ada.click(published, action_id="kinds_open")

    await ada.until(lambda: ada.view and ada.view.title == "Reached")
    assert await ended("action") == ("shown", None)
    assert place.workspace.state.homes[ada.id].payload["blocks"] == published.payload["blocks"]


async def test_what_goes_wrong_in_the_home_tab_is_told_in_a_window_over_it(place, ada, ended):
    published = home_with(place, ada, "account_disconnect")

    await ada.click(published, action_id="account_disconnect")

    assert await ended("action") == ("refused", "NotYours")
    await ada.until(lambda: ada.view and "is not available to you" in ada.view.text)
    assert ada.dm == []
