"""The workflow step “Request a secret” as Slack knows it: its name, what goes in, and what comes out.

Slack calls it a custom function. It is in the manifest of apps that an organisation installs, and in no other.
Source: docs.slack.dev, workflow steps, the manifest reference, and the types of parameters.

The event `function_executed` names neither the workflow nor, outside the inputs, who ran it. So the workflow's name is
an input that whoever builds the workflow fills in. Who ran it is of type `user_context`: Slack fills it in, Workflow
Builder shows no field for it, and nobody can choose somebody else.

How long a step may wait is documented nowhere. Slack's own step for waiting, Delay, waits for 7 days at most, so
nothing longer is offered here. Steps of the kind before this one were seen to wait for more than 30 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

REQUEST_STEP: Final = "request_secret"  # the callback id

# The inputs.
ASKED, OPENERS, PURPOSE, WAIT, WORKFLOW, RUNNER = "asked", "openers", "purpose", "wait", "workflow", "runner"

DAY: Final = 86_400.0  # seconds
WAITS: Final[Mapping[str, float]] = {  # value of the input WAIT -> seconds
    "1_hour": 3_600.0,
    "8_hours": 8 * 3_600.0,
    "1_day": DAY,
    "3_days": 3 * DAY,
    "7_days": 7 * DAY,
}
DEFAULT_WAIT: Final = "7_days"
_WAIT_TITLES: Final = ("1 hour", "8 hours", "1 day", "3 days", "7 days")

MAX_OPENERS: Final = 10
MAX_PURPOSE: Final = 200  # characters
MAX_WORKFLOW: Final = 80  # characters

# What became of the request: the output STATE.
StepState = Literal["answered", "declined", "expired", "withdrawn", "not_asked"]
STATE, PERMALINK = "state", "permalink"

FUNCTIONS: Final[Mapping[str, Any]] = {
    REQUEST_STEP: {
        "title": "Request a secret",
        "description": "Asks somebody for a one-time secret, and waits until they have sent it or declined",
        "input_parameters": {
            "properties": {
                ASKED: {
                    "type": "slack#/types/user_id",
                    "title": "Who is asked?",
                    "description": "A full member of this workspace. They get a direct message with a Send button.",
                },
                OPENERS: {
                    "type": "array",
                    "items": {"type": "slack#/types/user_id"},
                    "maxItems": MAX_OPENERS,
                    "title": "Who may open it?",
                    "description": "Each gets a secret of their own. Empty: only the person who runs the workflow.",
                },
                PURPOSE: {
                    "type": "string",
                    "maxLength": MAX_PURPOSE,
                    "title": "What for?",
                    "description": "The person who is asked sees this. It must not hold anything secret.",
                },
                WAIT: {
                    "type": "string",
                    "enum": [*WAITS],
                    "choices": [
                        {"value": value, "title": title} for value, title in zip(WAITS, _WAIT_TITLES, strict=True)
                    ],
                    "default": DEFAULT_WAIT,
                    "title": "How long may they take?",
                    "description": "After that the step ends as expired.",
                },
                WORKFLOW: {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_WORKFLOW,
                    "title": "The name of this workflow",
                    "description": "The person who is asked sees it, beside who ran the workflow.",
                },
                RUNNER: {
                    "type": "slack#/types/user_context",
                    "title": "Who runs the workflow",
                    "description": "Slack fills this in.",
                },
            },
            "required": [ASKED, PURPOSE, WORKFLOW, RUNNER],
        },
        "output_parameters": {
            "properties": {
                STATE: {
                    "type": "string",
                    "title": "What became of it",
                    "description": "answered, declined, expired, withdrawn or not_asked",
                },
                PERMALINK: {
                    "type": "string",
                    "title": "Link to the request",
                    "description": "The message with its status, which only the person who ran the workflow can open",
                },
            },
            "required": [STATE],
        },
    }
}
