"""The workflow step “Request a secret”: a workflow asks somebody for a secret, and waits for the answer.

Whatever is wrong with the inputs ends the execution with a sentence for whoever built the workflow; nothing is sent
then. All of it can be done again after a crash: the request is made together with the change of the execution.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bot.errors import BotError, LimitReached, SlackError
from bot.failpoints import failpoint
from bot.features.request.asking import ask
from bot.interaction.feature import Interaction, Outcome, Reply
from bot.interaction.limits import requests_in_a_day, requests_to
from bot.interaction.parsed_text import parse_field
from bot.interaction.services import Services
from bot.logs import Log
from bot.person import Person
from bot.secret import Secret
from bot.sharing import workflow_steps
from bot.storage.executions import Execution, StepInputs
from bot.storage.requests import Request, StepRequest
from bot.workflow_step import (
    ASKED,
    DEFAULT_WAIT,
    MAX_OPENERS,
    MAX_PURPOSE,
    MAX_WORKFLOW,
    OPENERS,
    PURPOSE,
    REQUEST_STEP,
    WAIT,
    WAITS,
    WORKFLOW,
)

INTERRUPTED: Final = 60.0  # seconds without a request, or since the end that Slack was not told of

log = Log("workflow_step")


class StepRefused(BotError):
    """The step asks nobody. `refusal` names the sentence that says why."""

    def __init__(self, refusal: str) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class StepTerms(NamedTuple):
    """What the inputs of a step say."""

    asked: Person
    purpose: Secret
    step: StepRequest
    life: float  # seconds


async def run_step(interaction: Interaction, execution: Execution) -> Reply:
    """The event function_executed. Raises `StorageUnavailable`, `SlackError`: recovery goes on then."""
    try:
        request = await begin(interaction.services, execution)
    except StepRefused:
        return Reply(None, Outcome.REFUSED)
    if request is None:
        return Reply(None, Outcome.REFUSED)
    return Reply(None, Outcome.REFUSED if request.state == "undeliverable" else Outcome.DONE)


async def refuse_unknown_step(interaction: Interaction, execution: Execution) -> Reply:
    """A step that this version of the bot does not know. Raises `StorageUnavailable`, `SlackError`."""
    await _refuse(interaction.services, execution, "unknown_step")
    return Reply(None, Outcome.REFUSED)


async def begin(services: Services, execution: Execution) -> Request | None:
    """Ask, or tell Slack why nobody is asked. None if that was done before.

    Raises `StepRefused` after that was told; `StorageUnavailable` and `SlackError` if it has to be done again.
    """
    try:
        terms = await _read(services, execution)
        await _count(services, execution, terms.asked)
    except StepRefused as refused:
        await _refuse(services, execution, refused.refusal)
        raise
    request = await services.requests.begin_for_step(
        execution.id, execution.person, terms.asked, terms.purpose, terms.step, terms.life
    )
    if request is None:
        return None
    failpoint("step_begun")
    request = await ask(services, request)
    await workflow_steps.try_to_complete(services, request)
    return request


async def _refuse(services: Services, execution: Execution, refusal: str) -> None:
    if await services.executions.refuse(execution.id, refusal):
        failpoint("step_to_refuse")
        log.info("step_refused", reason=refusal, ref=execution.id)
        await workflow_steps.refuse(services, execution, refusal)


async def _count(services: Services, execution: Execution, asked: Person) -> None:
    try:
        await services.limits.consume(
            execution.person, requests_in_a_day(), requests_to(asked), idempotency_key=f"step:{execution.id}"
        )
    except LimitReached:
        raise StepRefused("limit") from None


async def _read(services: Services, execution: Execution) -> StepTerms:
    """Raises `StepRefused`, and `SlackError` if Slack cannot say who is a member."""
    if execution.name != REQUEST_STEP:
        raise StepRefused("unknown_step")
    if not (execution.person.team_id and execution.person.user_id):
        raise StepRefused("nobody_ran")
    if execution.inputs is None:
        raise StepRefused("unreadable")
    asked, openers = _read_people(execution.person, execution.inputs)
    purpose = _read_text(execution.inputs, PURPOSE, MAX_PURPOSE, "purpose")
    workflow = _read_text(execution.inputs, WORKFLOW, MAX_WORKFLOW, "workflow")
    life = WAITS.get(execution.inputs.texts.get(WAIT, DEFAULT_WAIT))
    if life is None:
        raise StepRefused("unknown_wait")
    await _require_member(services, execution.person, "not_for_runner")
    await _require_member(services, asked, "not_for_asked")
    for one in openers:
        await _require_member(services, one, "not_for_opener")
    step = StepRequest(workflow, tuple(one.user_id for one in openers))
    return StepTerms(asked, Secret(purpose), step, life)


def _read_people(runner: Person, inputs: StepInputs) -> tuple[Person, list[Person]]:
    """Who is asked, and who may open it: by default who runs the workflow. Raises `StepRefused`."""
    asked = inputs.texts.get(ASKED, "")
    if not asked:
        raise StepRefused("asked_missing")
    chosen = inputs.lists.get(OPENERS) or tuple(filter(None, [inputs.texts.get(OPENERS)])) or (runner.user_id,)
    openers = tuple(dict.fromkeys(chosen))
    if len(openers) > MAX_OPENERS:
        raise StepRefused("too_many_openers")
    if asked in openers:
        raise StepRefused("opener_asked")
    return _colleague(runner, asked), [_colleague(runner, one) for one in openers]


def _colleague(runner: Person, user_id: str) -> Person:
    return Person(runner.enterprise_id, runner.team_id, user_id)


def _read_text(inputs: StepInputs, name: str, max_length: int, refusal: str) -> str:
    """A text of the workflow, in one line. Raises `StepRefused`."""
    said = parse_field(Secret(inputs.texts.get(name, ""))).readable
    if not said:
        raise StepRefused(f"{refusal}_missing")
    if len(said) > max_length:
        raise StepRefused(f"{refusal}_too_long")
    return said


async def _require_member(services: Services, person: Person, refusal: str) -> None:
    if not await services.is_member(person):
        raise StepRefused(refusal)


async def recover(services: Services, alone_for: float | None) -> None:
    """Begin executions that were interrupted, and tell Slack of those that ended. Raises `StorageUnavailable`."""
    interrupted = INTERRUPTED if alone_for is None else alone_for
    for execution in await services.executions.received(interrupted):
        await _begin_again(services, execution)
    for execution in await services.executions.due(interrupted):
        try:
            await workflow_steps.complete_due(services, execution)
        except SlackError as error:
            log.info("step_not_completed", error=str(error), ref=execution.id)
    await services.executions.purge()


async def _begin_again(services: Services, execution: Execution) -> None:
    try:
        await begin(services, execution)
    except StepRefused:
        return
    except SlackError as error:
        log.info("step_not_begun", error=str(error), ref=execution.id)
