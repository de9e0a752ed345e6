"""Tells Slack how an execution of the workflow step ended. Until then its workflow waits.

What Slack is told has no text of anybody, no key and no link to a secret: a word for the state, and the link to the
message that shows the request to the person who ran the workflow. Nobody else can open that.
"""

from __future__ import annotations

from typing import Final, assert_never

from bot.errors import BotError, GivenUp, NotYours, SlackError, Unsealable
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.screen.pieces import Phrase, say
from bot.storage.executions import Execution
from bot.storage.requests import Request
from bot.workflow_step import MAX_OPENERS, MAX_PURPOSE, MAX_WORKFLOW, PERMALINK, STATE, StepState

OVER: Final = "execution_not_in_running_state"  # Slack's code: told before, or the workflow was ended otherwise

log = Log("workflow_steps")

# Why nobody was asked, for the person who ran the workflow: Slack shows it to them and to who built it.
REFUSALS: Final[dict[str, Phrase]] = {
    "unknown_step": say("This version of the app does not know this step. Please tell the person who runs the app."),
    "unreadable": say("The app could not read what the workflow gave it. Please run the workflow again."),
    "nobody_ran": say("Slack did not say who runs the workflow. Let people start it, for example from a link."),
    "not_for_runner": say(
        "Only full members of this workspace can run this step: no guests, and nobody of another workspace."
    ),
    "asked_missing": say("The workflow does not say who is asked. Please choose a person for this step."),
    "not_for_asked": say("Only full members of this workspace can be asked: no guests, no apps."),
    "not_for_opener": say("Only full members of this workspace can open the secret: no guests, no apps."),
    "too_many_openers": say("A secret can be requested for up to {count} people.", count=MAX_OPENERS),
    "opener_asked": say("The person who is asked cannot be one of those who open the secret."),
    "purpose_missing": say("The workflow does not say what the secret is for. Please fill that in for this step."),
    "purpose_too_long": say("What the secret is for has to be in {count} characters or fewer.", count=MAX_PURPOSE),
    "workflow_missing": say("The workflow's name is missing. Please fill it in for this step."),
    "workflow_too_long": say("The workflow's name has to be in {count} characters or fewer.", count=MAX_WORKFLOW),
    "unknown_wait": say("This step does not offer that time for the answer. Choose one of its times, 7 days at most."),
    "limit": say("Too many secrets were requested today. Please try again tomorrow."),
}


def step_state(request: Request) -> StepState | None:
    """What the workflow is told of the request; None while it is open."""
    match request.state:
        case "waiting" | "asked":
            return None
        case "undeliverable":
            return "not_asked"
        case "answered" | "declined" | "expired" | "withdrawn":
            return request.state
        case _:
            assert_never(request.state)


async def try_to_complete(services: Services, request: Request) -> None:
    """Complete the execution that made this request, if the request is over. What fails now, recovery does later."""
    if request.workflow is None or step_state(request) is None:
        return
    try:
        execution = await services.executions.of_request(request.id)
        if execution is not None and not execution.is_done:
            await complete(services, execution, request)
    except BotError as error:
        log.warning("step_not_completed", error=str(error), ref=request.id)


async def complete_due(services: Services, execution: Execution) -> None:
    """For recovery: tell Slack of an execution that has ended. Raises `StorageUnavailable`, `SlackError`."""
    if execution.refusal is not None:
        await refuse(services, execution, execution.refusal)
        return
    try:
        request = await services.requests.find(execution.person, execution.request_id)
    except (NotYours, Unsealable):  # somebody changed in the database who asked or is asked
        await _tell(services, execution, {STATE: "not_asked"})
        return
    await complete(services, execution, request)


async def complete(services: Services, execution: Execution, request: Request) -> None:
    """Tell Slack what became of the request. Nothing while it is open, or while its answer may come to nothing.

    Raises `StorageUnavailable`, `SlackError`.
    """
    state = step_state(request)
    if state is None or await services.requests.is_being_answered(request.id):
        return
    outputs: dict[str, str] = {STATE: state}
    if request.card is not None:
        try:
            outputs[PERMALINK] = await services.permalink(request.card)
        except SlackError as error:
            if error.about == "now":
                raise
            log.info("no_permalink", error=str(error), ref=execution.id)
    await _tell(services, execution, outputs)


async def _tell(services: Services, execution: Execution, outputs: dict[str, str]) -> None:
    try:
        await services.complete_step(execution.install_team, execution.execution, outputs)
    except SlackError as error:
        _check_final(execution, error)
    failpoint("step_completed")
    await services.executions.mark_done(execution.id)


async def refuse(services: Services, execution: Execution, refusal: str) -> None:
    """Tell Slack why nobody was asked. Raises `StorageUnavailable`, `SlackError`."""
    said = REFUSALS.get(refusal, REFUSALS["unreadable"])
    try:
        await services.fail_step(execution.install_team, execution.execution, said, execution.person)
    except SlackError as error:
        _check_final(execution, error)
    failpoint("step_refused")
    await services.executions.mark_done(execution.id)


def _check_final(execution: Execution, error: SlackError) -> None:
    """Raise the error unless Slack will never take it: an execution that is over needs nothing more.

    What was given up is a dead letter, which an operator can have sent again.
    """
    if isinstance(error, GivenUp) or not error.is_permanent:
        raise error
    if error.code != OVER:
        log.warning("step_given_up", error=str(error), ref=execution.id)
