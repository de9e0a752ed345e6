"""What this version of the bot does not know: it is acknowledged, logged in one line, and changes nothing.

A manifest may be newer than the code. Slack switches off an app's events after enough answers that are errors.
"""

import json

import pytest
import pytest_asyncio

from bot.sandbox.slack.payloads import event_payload, interaction, view_payload
from bot.sandbox.world import World
from tests.journeys.conftest import after_the_lines_so_far
from tests.support.rows import each_row
from tests.support.waiting import eventually

CANARY = "canary-in-the-body-4b1d"
FORM_KEPT = (
    "This window is from another version of the app. Nothing was done. Copy what you typed, and open the window again."
)
NOTHING_DONE = "This window is from another version of the app. Nothing was done. Open it again."


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["http", "socket"])
async def place(request):
    async with World(mode=request.param) as world:
        yield world


@pytest.fixture
def ada(place):
    return place.workspace.person("U0ADA", "ada")


@pytest_asyncio.fixture(loop_scope="session")
async def logged(place, ada):
    """Waits for the one `unknown_payload` line and returns its kind and its action."""
    start = await after_the_lines_so_far(place, ada)

    async def line():
        output = place.bot.output
        await eventually(lambda: b"unknown_payload" in output[start:] and output.endswith(b"\n"))
        assert CANARY.encode() not in output[start:]
        (found,) = [one for one in output[start:].splitlines() if b"unknown_payload" in one]
        said = json.loads(found)
        return said["kind"], said["action"]

    return line


def payload(place, person, kind, **more):
    trigger = place.workspace.state.new_trigger(person.id)
    return interaction(place.workspace.state, person.person, kind, trigger_id=trigger, **more)


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("shortcut", {"callback_id": "from_tomorrow"}, ("shortcut", "from_tomorrow")),
        ("shortcut", {"callback_id": CANARY}, ("shortcut", "other")),
        ("message_action", {"callback_id": "from_tomorrow", "message": {"text": CANARY}},
         ("message_shortcut", "from_tomorrow")),
        ("block_actions", {"actions": [{"action_id": "from_tomorrow", "value": CANARY}]}, ("action", "from_tomorrow")),
        ("view_closed", {"view": {"id": "V1", "callback_id": "from_tomorrow"}}, ("closed", "from_tomorrow")),
        ("interactive_message", {"callback_id": CANARY}, ("other", "interactive_message")),
        ("workflow_step_edit", {"callback_id": CANARY}, ("other", "workflow_step_edit")),
        (CANARY, {"callback_id": CANARY}, ("other", "other")),
    ],
    ids=["shortcut", "odd name", "message shortcut", "button", "closed window", "legacy button", "legacy step", "odd"],
)  # fmt: skip
async def test_an_unknown_act_is_acknowledged(place, ada, logged, kind, more, said):
    delivery = await place.workspace.deliver("interactive", payload(place, ada, kind, **more))

    assert (delivery.status, delivery.answer) == (200, None)
    assert await logged() == said


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"type": "app_mention", "user": "U0ADA"}, ("event", "app_mention")),
        ({"type": "team_join"}, ("event", "team_join")),
        ({"type": "message", "text": CANARY, "channel": "C1", "ts": "1.2"}, ("event", "message")),
        ({"type": "function_executed", "function": {"callback_id": "step"}, "function_execution_id": "Fx1",
          "inputs": {"note": CANARY}}, ("function", "step")),
        ({"type": CANARY}, ("event", "other")),
    ],
    ids=["mention", "somebody joined", "message", "workflow step", "odd"],
)  # fmt: skip
async def test_an_unknown_event_is_acknowledged(place, ada, logged, event, said):
    delivery = await place.workspace.emit(event)

    assert (delivery.status, delivery.answer) == (200, None)
    assert await logged() == said


@pytest.mark.parametrize("kind", ["block_suggestion", "dialog_suggestion"])
async def test_an_unknown_menu_gets_no_options(place, ada, logged, kind):
    asked = payload(place, ada, kind, action_id="from_tomorrow", callback_id=CANARY, value=CANARY)

    delivery = await place.workspace.deliver("interactive", asked)

    assert (delivery.status, delivery.answer) == (200, {"options": []})
    assert (await logged())[0] == "options"


# --- forms


def view_with(*blocks):
    return {
        "type": "modal", "callback_id": "from_tomorrow", "title": {"type": "plain_text", "text": "Tomorrow"},
        "submit": {"type": "plain_text", "text": "Send"}, "blocks": list(blocks),
    }  # fmt: skip


WORDS = {"type": "section", "block_id": "words", "text": {"type": "mrkdwn", "text": "Really?"}}
FIELDS = tuple(
    {
        "type": "input", "block_id": name, "label": {"type": "plain_text", "text": name},
        "element": {"type": "plain_text_input", "action_id": name},
    }
    for name in ("first", "second")
)  # fmt: skip


def opened(place, person, *blocks):
    state = place.workspace.state
    return state.open_view(state.new_trigger(person.id), view_with(*blocks))


async def test_an_unknown_form_stays_with_all_that_was_typed(place, ada, logged):
    view = opened(place, ada, WORDS, *FIELDS)

    delivery = await ada.submit(view, {"first": "one", "second": "two"})

    assert delivery.answer == {"response_action": "errors", "errors": {"first": FORM_KEPT}}
    assert ada.view is view
    assert view.errors == {"first": FORM_KEPT}
    assert view_payload(place.workspace.state, view)["state"]["values"]["second"]["second"]["value"] == "two"
    assert await logged() == ("form", "from_tomorrow")


async def test_an_unknown_window_without_fields_stays_under_the_error(place, ada, logged):
    view = opened(place, ada, WORDS)

    delivery = await ada.submit(view)

    assert delivery.ok
    assert NOTHING_DONE in ada.view.text
    assert ada.views[0].id == view.id
    assert await logged() == ("form", "from_tomorrow")


async def test_an_event_that_is_forged_is_still_refused(place, ada):
    forged = event_payload(place.workspace.state, {"type": "from_tomorrow"})

    delivery = await place.workspace.deliver("events_api", forged, sign=False)

    assert delivery.status in (401, None)  # in Socket Mode nothing listens


# --- payloads in which a field has a type that Slack never sends

READ_BY_BOLT = ("event", "enterprise", "team", "user", "authorizations", "view", "actions", "response_urls", "channel")


@each_row("odd", [0.5, "text", [], [None], {"id": {}}, None, True])
@each_row("field", READ_BY_BOLT)
@each_row("kind", ["event_callback", "block_actions", "view_submission", "shortcut", "block_suggestion"])
async def test_a_field_of_any_type_is_taken(place, ada, kind, field, odd):
    asked = payload(place, ada, kind, callback_id="from_tomorrow", action_id="from_tomorrow") | {field: odd}

    delivery = await place.workspace.deliver("events_api" if kind == "event_callback" else "interactive", asked)

    assert delivery.status == 200
    assert b'"level": "error"' not in place.bot.output
