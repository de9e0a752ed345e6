"""The emulated Slack runs the workflow steps of a manifest, and lets the app end each once, by Slack's rules."""

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace, WorkflowBroken
from bot.sandbox.slack.rate_limits import LIMITS, TIER_3

STEP = {
    "title": "Ask",
    "description": "Asks somebody",
    "input_parameters": {
        "properties": {
            "who": {"type": "slack#/types/user_id", "title": "Who", "description": "Who is asked"},
            "how": {"type": "string", "enum": ["loud", "soft"], "title": "How", "description": "In which voice"},
            "by": {"type": "slack#/types/user_context", "title": "By", "description": "Who runs it"},
        },
        "required": ["who", "by"],
    },
    "output_parameters": {
        "properties": {
            "state": {"type": "string", "title": "State", "description": "What became of it"},
            "link": {"type": "string", "title": "Link", "description": "Where"},
        },
        "required": ["state"],
    },
}


@pytest_asyncio.fixture
async def workspace():
    made = SlackWorkspace()
    made.allow_steps({"ask": STEP})
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def ada(workspace):
    return workspace.person("U0ADA", "ada")


async def call(workspace, method, token=None, **args):
    headers = {"Authorization": f"Bearer {token or workspace.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.api_url}functions.{method}", json=args, headers=headers) as answer,
    ):
        return await answer.json()


async def running(workspace, ada):
    execution, _delivery = await workspace.run_step("ask", ada, who=ada.id)
    return execution


async def test_the_event_has_what_slack_sends(workspace, ada):
    execution, delivery = await workspace.run_step("ask", ada, who=ada.id, how="soft")

    event = delivery.payload["event"]
    assert event.keys() == {
        "type", "function", "inputs", "function_execution_id", "workflow_execution_id", "event_ts", "bot_access_token",
    }  # fmt: skip
    assert event["inputs"]["who"] == ada.id
    assert event["inputs"]["by"]["id"] == ada.id
    assert event["function_execution_id"] == execution.id
    assert event["function"]["callback_id"] == "ask"
    assert [one["is_required"] for one in event["function"]["input_parameters"]] == [True, False, True]


@pytest.mark.parametrize(
    ("callback_id", "inputs", "why"),
    [
        ("other", {"who": "U0ADA"}, "no such step"),
        ("ask", {}, "who is missing"),
        ("ask", {"who": "U0ADA", "how": "shrill"}, "how is no choice"),
        ("ask", {"who": ["U0ADA"]}, "who has a wrong type"),
        ("ask", {"who": "U0ADA", "why": "because"}, "why is no parameter"),
    ],
    ids=["unknown step", "missing", "no choice", "wrong type", "unknown input"],
)
async def test_a_workflow_with_wrong_inputs_does_not_run(workspace, ada, callback_id, inputs, why):
    with pytest.raises(WorkflowBroken, match=why):
        await workspace.run_step(callback_id, ada, **inputs)

    assert workspace.deliveries == []


async def test_a_workflow_that_nobody_started_has_no_person_to_give(workspace, ada):
    with pytest.raises(WorkflowBroken, match="by is missing"):
        await workspace.run_step("ask", None, who=ada.id)


async def test_an_execution_ends_once(workspace, ada):
    execution = await running(workspace, ada)

    first = await call(
        workspace, "completeSuccess", function_execution_id=execution.id, outputs={"state": "done", "link": "here"}
    )
    again = await call(workspace, "completeSuccess", function_execution_id=execution.id, outputs={"state": "done"})
    failed = await call(workspace, "completeError", function_execution_id=execution.id, error="no")

    assert first == {"ok": True}
    assert again["error"] == failed["error"] == "execution_not_in_running_state"
    assert (execution.state, execution.outputs) == ("completed", {"state": "done", "link": "here"})


async def test_an_error_ends_it_with_its_words(workspace, ada):
    execution = await running(workspace, ada)

    assert await call(workspace, "completeError", function_execution_id=execution.id, error="no") == {"ok": True}

    assert (execution.state, execution.error) == ("failed", "no")


@pytest.mark.parametrize(
    ("method", "args", "code"),
    [
        ("completeSuccess", {"outputs": {"state": "done"}}, "invalid_arguments"),
        ("completeSuccess", {"function_execution_id": "Fx0"}, "function_execution_not_found"),
        ("completeSuccess", {"function_execution_id": None}, "invalid_arguments"),
        ("completeError", {"function_execution_id": "Fx0", "error": "no"}, "function_execution_not_found"),
    ],
    ids=["no id", "unknown id", "empty id", "unknown id of an error"],
)
async def test_what_slack_refuses_is_refused(workspace, method, args, code):
    assert (await call(workspace, method, **args))["error"] == code


@pytest.mark.parametrize(
    ("method", "args", "code"),
    [
        ("completeSuccess", {}, "invalid_arguments"),
        ("completeSuccess", {"outputs": {}}, "parameter_validation_failed"),
        ("completeSuccess", {"outputs": {"state": 3}}, "parameter_validation_failed"),
        ("completeSuccess", {"outputs": {"state": "done", "secret": "x"}}, "parameter_validation_failed"),
        ("completeError", {}, "invalid_arguments"),
        ("completeError", {"error": ""}, "invalid_arguments"),
    ],
    ids=["no outputs", "a missing output", "a wrong type", "an undeclared output", "no error", "an empty error"],
)
async def test_outputs_that_the_manifest_does_not_have_end_nothing(workspace, ada, method, args, code):
    execution = await running(workspace, ada)

    answer = await call(workspace, method, function_execution_id=execution.id, **args)

    assert answer["error"] == code
    assert execution.state == "running"


async def test_the_token_of_the_event_ends_before_the_step_does(workspace, ada):
    execution = await running(workspace, ada)

    late = await call(
        workspace, "completeSuccess", execution.token, function_execution_id=execution.id, outputs={"state": "done"}
    )

    assert late["error"] == "token_revoked"
    assert execution.state == "running"


async def test_the_methods_have_slacks_tier():
    assert LIMITS["functions.completeSuccess"] is LIMITS["functions.completeError"] is TIER_3
