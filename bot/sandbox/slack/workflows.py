"""Workflow steps that the app declares in its manifest: running one, and the functions.* methods that end it.

Source: docs.slack.dev, workflow steps, function_executed, functions.completeSuccess and functions.completeError. Slack
revokes the token in the event early: once the event is acknowledged (slackapi/bolt-js#2288, slackapi/bolt-python#1305).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from bot.sandbox.slack.model import Payload
from bot.sandbox.slack.state import Refusal, WorkspaceState

ExecutionState = Literal["running", "completed", "failed"]

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "slack#/types/user_id": str,
    "slack#/types/user_context": dict,
}


class WorkflowBroken(Exception):
    """Workflow Builder publishes no workflow whose step has such inputs, or Slack runs none."""


@dataclass(slots=True)
class StepExecution:
    """One run of a step. Its workflow waits while it is running."""

    id: str
    callback_id: str
    inputs: Payload = field(repr=False)
    token: str = field(repr=False)  #: the one in the event
    state: ExecutionState = "running"
    outputs: Payload = field(default_factory=dict, repr=False)
    error: str = ""  #: what Slack shows to whoever ran the workflow and to who built it


def run(state: WorkspaceState, callback_id: str, runner: str | None, inputs: Payload) -> tuple[StepExecution, Payload]:
    """Begin an execution, and the event that tells the app. Inputs of type user_context are `runner`, None: nobody.

    Raises `WorkflowBroken`.
    """
    definition = state.functions.get(callback_id)
    if definition is None:
        raise WorkflowBroken("the app has no such step")
    given = dict(inputs)
    for name, parameter in definition["input_parameters"]["properties"].items():
        if parameter["type"] == "slack#/types/user_context" and runner is not None:
            given[name] = {"id": runner, "secret": secrets.token_urlsafe(16)}
    problems = _find_problems(definition["input_parameters"], given)
    if problems:
        raise WorkflowBroken(", ".join(problems))
    number = f"Fx{secrets.token_hex(5).upper()}"
    execution = StepExecution(number, callback_id, given, f"xwfp-{secrets.token_hex(12)}")
    state.executions[number] = execution
    state.step_tokens[execution.token] = True
    return execution, event_of(state, execution, definition)


def event_of(state: WorkspaceState, execution: StepExecution, definition: Payload) -> Payload:
    """The event function_executed. It names neither the workflow nor, outside the inputs, who ran it."""
    return {
        "type": "function_executed",
        "function": {
            "id": f"Fn{execution.callback_id.upper()[:9]}",
            "callback_id": execution.callback_id,
            "title": definition["title"],
            "description": definition["description"],
            "type": "app",
            "input_parameters": _list_parameters(definition["input_parameters"]),
            "output_parameters": _list_parameters(definition["output_parameters"]),
            "app_id": state.app_id,
            "date_created": 0,
            "date_updated": 0,
            "date_deleted": 0,
        },
        "inputs": execution.inputs,
        "function_execution_id": execution.id,
        "workflow_execution_id": f"Wx{execution.id[2:]}",
        "event_ts": state.new_ts(),
        "bot_access_token": execution.token,
    }


def revoke_token(state: WorkspaceState, execution: StepExecution) -> None:
    """From now on no call is taken by the token of the event."""
    state.step_tokens[execution.token] = False


async def complete_success(state: WorkspaceState, args: Payload) -> Payload:
    execution = _find_running(state, args)
    outputs = args.get("outputs")
    if not isinstance(outputs, dict):
        _refuse_arguments("outputs")
    definition = state.functions.get(execution.callback_id, {}).get("output_parameters", {"properties": {}})
    problems = _find_problems(definition, outputs)
    if problems:
        raise Refusal("parameter_validation_failed", response_metadata={"messages": problems})
    execution.state, execution.outputs = "completed", outputs
    return {}


async def complete_error(state: WorkspaceState, args: Payload) -> Payload:
    execution = _find_running(state, args)
    error = args.get("error")
    if not isinstance(error, str) or not error:
        _refuse_arguments("error")
    execution.state, execution.error = "failed", error
    return {}


def _find_running(state: WorkspaceState, args: Payload) -> StepExecution:
    if not args.get("function_execution_id"):
        _refuse_arguments("function_execution_id")
    execution: StepExecution | None = state.executions.get(str(args["function_execution_id"]))
    if execution is None:
        raise Refusal("function_execution_not_found")
    if execution.state != "running":
        raise Refusal("execution_not_in_running_state")
    return execution


def _refuse_arguments(name: str) -> NoReturn:
    raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})


def _find_problems(parameters: Payload, values: Payload) -> list[str]:
    """What Slack refuses of these values: an unknown name, one that is missing, a wrong type, an unknown choice."""
    properties = parameters["properties"]
    problems = [f"{name} is no parameter" for name in values if name not in properties]
    problems += [f"{name} is missing" for name in parameters.get("required", ()) if values.get(name) in (None, "")]
    for name, value in values.items():
        parameter = properties.get(name)
        if parameter is None:
            continue
        if not isinstance(value, _TYPES[parameter["type"]]):
            problems.append(f"{name} has a wrong type")
        elif "enum" in parameter and value not in parameter["enum"]:
            problems.append(f"{name} is no choice")
    return problems


def _list_parameters(parameters: Payload) -> list[Payload]:
    """The parameters as an event has them: flat, each with its name."""
    required = parameters.get("required", ())
    return [
        {"type": one["type"], "name": name, "title": one["title"], "description": one["description"],
         "is_required": name in required}
        for name, one in parameters["properties"].items()
    ]  # fmt: skip
