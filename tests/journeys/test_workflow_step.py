"""The workflow step: a workflow asks somebody for a secret and goes on when they answered, declined or were too late."""

import asyncio
import itertools
import json
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault, SlackWorkspace
from bot.sandbox.world import World
from bot.workflow_step import FUNCTIONS, MAX_PURPOSE, MAX_WORKFLOW, REQUEST_STEP
from tests.journeys.test_request import SHARE_ROUTE, TEXT, answers, decline_window
from tests.support.waiting import eventually

TEAM = "T0STEPS0000"

_numbers = itertools.count(1)


def workspace_with_step(team_id):
    workspace = SlackWorkspace(team_id=team_id, enterprise_id="E0STEPS")
    workspace.state.org_install = True
    workspace.allow_steps(FUNCTIONS)
    return workspace


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def organisation():
    async with World(workspace=workspace_with_step(TEAM)) as world:
        yield world


@pytest.fixture
def place(organisation):
    organisation.workspace.clear_faults()
    organisation.onetime.forget()
    return organisation


def new_people(workspace):
    number = next(_numbers)
    return [
        workspace.person(f"W0{name.upper()}{number:04}", f"{name}{number}", locale="en-GB")
        for name in ("ada", "ben", "cleo")
    ]


@pytest.fixture
def people(place):
    return new_people(place.workspace)


async def run(place, runner, asked, /, **inputs):
    """A workflow that `runner` started comes to the step."""
    usual = {"asked": asked.id, "purpose": "the staging password", "workflow": "Onboarding"}
    execution, delivery = await place.workspace.run_step(REQUEST_STEP, runner, **(usual | inputs))
    assert (delivery.status, delivery.answer) == (200, None)
    return execution


async def asks(place, runner, asked, **inputs):
    """The execution, the message to the person who is asked, and the card of the person who ran the workflow."""
    before, cards = len(asked.dm), len(runner.dm)
    execution = await run(place, runner, asked, **inputs)
    message = await asked.until(lambda: asked.dm[before:] and asked.dm[-1])
    card = await runner.until(lambda: runner.dm[cards:] and runner.dm[-1])
    return execution, message, card


async def ended(execution):
    await eventually(lambda: execution.state != "running")
    return execution.state


def change(place, statement):
    with closing(sqlite3.connect(place.directory / "bot.db", timeout=10)) as connection, connection:
        connection.execute(statement)


def ends_of(place, execution):
    """All calls that end this execution, with what Slack said."""
    return [
        (one.method, one.verdict)
        for one in place.workspace.export()
        if one.payload.get("function_execution_id") == execution.id
    ]


async def starts_again(place):
    await place.bot.stop()
    await place.start_bot()


# --- what both see


async def test_who_is_asked_sees_the_workflow_and_who_ran_it(place, people):
    ada, ben, _cleo = people

    execution, message, card = await asks(place, ada, ben)

    assert f"The workflow “Onboarding”, which @{ada.id} started, asks you for a secret." in message.shows
    assert "the staging password" in message.shows
    assert f"Your workflow “Onboarding” asked @{ben.id} for a secret." in card.shows
    assert "Not answered yet" in card.shows
    assert execution.state == "running"


@pytest.mark.parametrize(
    ("locale", "said"),
    [("de-DE", "Der Workflow „Onboarding“, den"), ("fr-FR", "Le workflow «\u00a0Onboarding\u00a0», lancé par")],
)
async def test_who_is_asked_reads_it_in_their_language(place, people, locale, said):
    ada, ben, _cleo = people
    place.workspace.set_locale(ben.id, locale)

    _execution, message, _card = await asks(place, ada, ben)

    assert said in message.shows


async def test_hostile_names_are_shown_as_they_are(place, people):
    ada, ben, _cleo = people
    sent = len(place.workspace.export())

    _execution, message, _card = await asks(
        place, ada, ben, workflow="<!here> *now*", purpose="<https://evil.example|x>"
    )

    calls = json.dumps([one.payload for one in place.workspace.export()[sent:]])
    assert "!here" in message.shows
    assert "<!here>" not in calls
    assert "<https://evil" not in calls


# --- how it ends


async def test_an_answer_lets_the_workflow_go_on_and_brings_the_secret_to_who_ran_it(place, people):
    ada, ben, cleo = people
    execution, message, card = await asks(place, ada, ben)

    await answers(ben, message)

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "answered"
    assert execution.outputs["permalink"].endswith(f"/archives/{card.channel}/p{card.ts.replace('.', '')}")
    brought = await ada.until(lambda: ada.dm[-1] is not card and ada.dm[-1])
    await ada.click(brought, action_id="share_open")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Show here" and ada.view))
    await ada.until(lambda: ada.view.secret_text() == TEXT)
    assert "The workflow goes on" in card.shows
    assert cleo.dm == []


async def test_only_those_whom_the_workflow_names_can_open_it(place, people):
    ada, ben, cleo = people
    dora = place.workspace.person(f"W0DORA{next(_numbers):04}", "dora")
    execution, message, card = await asks(place, ada, ben, openers=[cleo.id, dora.id])
    assert f"only by @{cleo.id} and @{dora.id}" in message.shows

    await answers(ben, message)

    assert await ended(execution) == "completed"
    for one in (cleo, dora):
        brought = await one.until(lambda one=one: one.dm and one.dm[-1])
        assert f"@{ben.id}" in brought.shows
    assert ada.dm == [card]  # who ran it got no secret
    assert len(place.onetime.everything()) == 2


async def test_it_is_answered_when_one_of_them_has_it_and_the_others_can_still_be_sent_it(place, people):
    ada, ben, cleo = people
    dora = place.workspace.person(f"W0DORA{next(_numbers):04}", "dora")
    execution, message, _card = await asks(place, ada, ben, openers=[cleo.id, dora.id])
    place.onetime.plan(SHARE_ROUTE, OnetimeFault("delay", seconds=0))
    place.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))

    await answers(ben, message)

    await ben.until(lambda: ben.view and "for the people below only" in ben.view.text)
    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "answered"
    await ben.submit()
    await ben.until(lambda: ben.view and ben.view.title == "Shared")
    for one in (cleo, dora):
        assert len(one.dm) == 1
    assert ends_of(place, execution) == [("functions.completeSuccess", "ok")]


async def test_an_answer_that_comes_to_nothing_lets_the_workflow_wait_on(place, people):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    place.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))

    await answers(ben, message)

    await ben.until(lambda: ben.view and ben.view.submit == "Share" and "makes a new secret" in ben.view.text)
    assert ends_of(place, execution) == []
    await ben.submit()
    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "answered"


async def test_no_call_that_ends_a_step_has_the_secret_its_key_or_its_link(place, people):
    ada, ben, _cleo = people
    before = len(place.workspace.export())
    execution, message, _card = await asks(place, ada, ben)
    await answers(ben, message)
    await ended(execution)

    (held,) = place.onetime.everything()
    sent = [one for one in place.workspace.export()[before:] if one.method.startswith("functions.")]
    said = json.dumps([one.payload for one in sent])
    assert len(sent) == 1
    assert not any(part in said for part in (TEXT, held.secret_key, held.metadata_key, place.onetime.url, "/secret/"))
    assert execution.outputs.keys() == {"state", "permalink"}


async def test_a_decline_lets_the_workflow_go_on_without_the_reason(place, people):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)

    await ben.submit(await decline_window(ben, message), {"reason": "ask Cleo, she has it"})

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "declined"
    assert "Cleo" not in json.dumps(execution.outputs)


async def test_who_ran_the_workflow_can_withdraw_it(place, people):
    ada, ben, _cleo = people
    execution, message, card = await asks(place, ada, ben)

    await ada.click(card, label="Withdraw")

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "withdrawn"
    await ben.until(lambda: "withdrawn" in message.shows)


async def test_a_step_that_nobody_answers_ends_as_expired(place, people):
    ada, ben, _cleo = people
    execution, message, card = await asks(place, ada, ben, wait="1_hour")
    change(place, f"UPDATE requests SET expires_at = 0 WHERE user_id = '{ada.id}'")

    await starts_again(place)

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "expired"
    await ben.until(lambda: "Its time has passed" in message.shows)
    await ada.until(lambda: "Not answered in time" in card.shows)
    assert "can be opened only by" not in card.shows
    assert "has not answered your workflow's request in time" in ada.dm[-1].shows


@pytest.mark.parametrize(("wait", "hours"), [("1_hour", 1), ("8_hours", 8), ("3_days", 72), (None, 168)])
async def test_a_step_waits_as_long_as_it_says_and_at_most_a_week(place, people, wait, hours):
    ada, ben, _cleo = people
    await asks(place, ada, ben, **({"wait": wait} if wait else {}))

    with closing(sqlite3.connect(place.directory / "bot.db")) as connection:
        query = "SELECT expires_at - created_at FROM requests WHERE user_id = ?"
        (seconds,) = connection.execute(query, (ada.id,)).fetchone()

    assert seconds == pytest.approx(hours * 3600)


async def test_somebody_whom_slack_gives_no_messages_is_not_asked(place, people):
    ada, ben, _cleo = people
    place.workspace.plan("chat.postMessage", SlackFault.error("cannot_dm_bot"), about=ada.id)

    execution = await run(place, ada, ben)

    assert await ended(execution) == "completed"
    assert execution.outputs == {"state": "not_asked"}


# --- what is refused


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"purpose": "   "}, "does not say what the secret is for"),
        ({"purpose": "x" * (MAX_PURPOSE + 1)}, f"{MAX_PURPOSE} characters or fewer"),
        ({"workflow": "\u200b "}, "name is missing"),
        ({"workflow": "x" * (MAX_WORKFLOW + 1)}, f"{MAX_WORKFLOW} characters or fewer"),
        ({"asked": "W0NOBODY"}, "Only full members of this workspace can be asked"),
        ({"openers": ["W0NOBODY"]}, "Only full members of this workspace can open the secret"),
        ({"openers": [f"W0MANY{number}" for number in range(11)]}, "up to 10 people"),
    ],
    ids=["no purpose", "long purpose", "no name", "long name", "asks nobody", "opener is nobody", "many openers"],
)  # fmt: skip
async def test_what_is_wrong_with_the_inputs_is_said_and_nobody_is_asked(place, people, inputs, said):
    ada, ben, _cleo = people

    execution = await run(place, ada, ben, **inputs)

    assert await ended(execution) == "failed"
    assert said in execution.error
    assert [ada.dm, ben.dm] == [[], []]


@pytest.mark.parametrize("flags", [{"guest": True}, {"stranger": True}, {"deleted": True}], ids=str)
async def test_a_guest_a_stranger_and_somebody_who_left_are_not_asked(place, people, flags):
    ada, _ben, _cleo = people
    other = place.workspace.person(f"W0OTHER{next(_numbers):04}", "other", **flags)

    execution = await run(place, ada, other)

    assert await ended(execution) == "failed"
    assert "Only full members of this workspace can be asked" in execution.error
    assert other.dm == []


async def test_the_bot_itself_is_not_asked(place, people):
    ada, _ben, _cleo = people
    bot = place.workspace.state.bot

    execution, _delivery = await place.workspace.run_step(
        REQUEST_STEP, ada, asked=bot.id, purpose="the key", workflow="Onboarding"
    )

    assert await ended(execution) == "failed"
    assert "Only full members of this workspace can be asked" in execution.error


async def test_a_guest_who_runs_it_is_refused_in_their_language(place, people):
    _ada, ben, _cleo = people
    guest = place.workspace.person(f"W0GUEST{next(_numbers):04}", "guest", guest=True, locale="de-DE")

    execution = await run(place, guest, ben)

    assert await ended(execution) == "failed"
    assert "Diesen Schritt können nur Vollmitglieder" in execution.error
    assert ben.dm == []


async def test_who_is_asked_is_not_one_who_opens_it(place, people):
    ada, ben, _cleo = people

    for asked, openers in ((ada, []), (ben, [ben.id])):
        execution = await run(place, ada, asked, openers=openers)
        assert await ended(execution) == "failed"
        assert "cannot be one of those who open" in execution.error

    assert [ada.dm, ben.dm] == [[], []]


async def test_who_runs_it_may_be_asked_for_somebody_else(place, people):
    ada, _ben, cleo = people

    execution = await run(place, ada, ada, openers=[cleo.id])
    await ada.until(lambda: len(ada.dm) == 2)  # the question, and then the card
    message = next(one for one in ada.dm if "asks you" in one.shows)
    await answers(ada, message)

    assert await ended(execution) == "completed"
    await cleo.until(lambda: cleo.dm)


async def test_a_wait_that_the_step_does_not_offer_is_refused(place, people):
    ada, ben, _cleo = people
    event = {
        "type": "function_executed", "function": {"callback_id": REQUEST_STEP}, "function_execution_id": "Fx0WAIT",
        "inputs": {"asked": ben.id, "purpose": "the key", "workflow": "W", "wait": "30_days",
                   "runner": {"id": ada.id, "secret": "s"}},
    }  # fmt: skip

    await place.workspace.emit(event)

    def ends():
        return [one for one in place.workspace.export() if one.payload.get("function_execution_id") == "Fx0WAIT"]

    await eventually(ends)
    (said,) = ends()
    assert "This step does not offer that time" in said.payload["error"]
    assert ben.dm == []


async def test_a_step_that_is_not_known_is_refused_in_plain_words(place, people):
    ada, _ben, _cleo = people
    place.workspace.allow_steps({**FUNCTIONS, "from_tomorrow": FUNCTIONS[REQUEST_STEP]})

    execution, _delivery = await place.workspace.run_step(
        "from_tomorrow", ada, asked=ada.id, purpose="the key", workflow="Onboarding"
    )

    assert await ended(execution) == "failed"
    assert "does not know this step" in execution.error
    place.workspace.allow_steps(FUNCTIONS)


async def test_a_step_of_which_slack_names_nobody_is_refused(place, people):
    _ada, ben, _cleo = people
    event = {
        "type": "function_executed", "function": {"callback_id": REQUEST_STEP}, "function_execution_id": "Fx0NOBODY",
        "inputs": {"asked": ben.id, "purpose": "the key", "workflow": "W"},
    }  # fmt: skip

    delivery = await place.workspace.emit(event)

    assert delivery.status == 200
    await eventually(
        lambda: (
            "Slack did not say who runs the workflow"
            in json.dumps(
                [
                    one.payload
                    for one in place.workspace.export()
                    if one.payload.get("function_execution_id") == "Fx0NOBODY"
                ]
            )
        )
    )
    assert ben.dm == []


async def test_a_workflow_cannot_ask_somebody_again_and_again(place, people):
    ada, ben, _cleo = people
    for _ in range(3):
        await asks(place, ada, ben)

    execution = await run(place, ada, ben)

    assert await ended(execution) == "failed"
    assert "Too many secrets were requested today" in execution.error
    assert len(ben.dm) == 3


# --- the token, and what goes wrong


async def test_the_step_is_ended_by_the_installations_token(place, people):
    """The token of the event is revoked by then, so its calls would be refused."""
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    assert place.workspace.state.step_tokens[execution.token] is False

    await ben.submit(await decline_window(ben, message))

    assert await ended(execution) == "completed"
    assert ends_of(place, execution) == [("functions.completeSuccess", "ok")]


async def test_a_repeated_event_asks_once_and_ends_once(place, people):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    first = place.workspace.deliveries[-1]

    for number in (1, 2):
        again = await place.workspace.retry(first, number)
        assert (again.status, again.answer) == (200, None)
    await ben.submit(await decline_window(ben, message))
    await ended(execution)

    assert len(ben.dm) == 1
    assert ends_of(place, execution) == [("functions.completeSuccess", "ok")]


@pytest.mark.parametrize("fault", [SlackFault.http(500), SlackFault.rate_limited(30)], ids=["500", "429"])
async def test_what_slack_does_not_take_now_is_told_after_a_restart(place, people, fault):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    place.workspace.plan("functions.completeSuccess", fault)
    await ben.submit(await decline_window(ben, message))
    await place.workspace.wait_for_call("functions.completeSuccess")
    assert execution.state == "running"

    await starts_again(place)

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "declined"


async def test_a_step_that_slack_has_ended_is_not_told_again(place, people):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    execution.state = "failed"  # somebody ended the workflow

    await ben.submit(await decline_window(ben, message))
    await eventually(lambda: ends_of(place, execution))
    await eventually(lambda: is_done(place, execution))
    await starts_again(place)

    assert ends_of(place, execution) == [("functions.completeSuccess", "execution_not_in_running_state")]


def is_done(place, execution):
    with closing(sqlite3.connect(place.directory / "bot.db")) as connection:
        query = "SELECT done_at IS NOT NULL FROM executions WHERE execution = ?"
        return connection.execute(query, (execution.id,)).fetchone() == (1,)


async def test_who_ran_it_is_erased_and_the_workflow_still_goes_on(place, people):
    ada, ben, _cleo = people
    execution, message, _card = await asks(place, ada, ben)
    await place.workspace.emit({"type": "user_change", "user": {"id": ada.id, "deleted": True}})
    await asyncio.sleep(0.2)

    await ben.submit(await decline_window(ben, message))

    assert await ended(execution) == "completed"
    assert execution.outputs["state"] == "declined"


# --- Socket Mode


async def test_in_socket_mode_a_step_outlives_a_restart_and_ends_with_the_answer():
    workspace = workspace_with_step("T0SOCKSTEP0")
    async with World(workspace=workspace, mode="socket") as world:
        ada, ben, _cleo = new_people(workspace)
        execution, delivery = await workspace.run_step(
            REQUEST_STEP, ada, asked=ben.id, purpose="the staging password", workflow="Onboarding"
        )
        assert delivery.via == "socket"
        message = await ben.until(lambda: ben.dm and ben.dm[-1])

        await starts_again(world)
        await answers(ben, message)

        assert await ended(execution) == "completed"
        assert execution.outputs["state"] == "answered"
        assert [one.ts for one in ben.dm if "asks you for a secret" in one.text] == [message.ts]
