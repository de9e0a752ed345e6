"""`/ots request`: asks a colleague for a secret. The secret itself is never in a message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bot.errors import LimitReached
from bot.failpoints import failpoint
from bot.features.request import screens
from bot.features.request.asking import ask
from bot.features.request.recovery import recover
from bot.features.request.step import run_step
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.limits import requests_in_a_day, requests_to
from bot.interaction.owners import any_member, own_execution, own_request, received_request
from bot.interaction.parsed_text import parse_field
from bot.person import Person
from bot.screen.pieces import say
from bot.secret import Secret
from bot.sharing import request_messages
from bot.sharing.form import open_form as open_share
from bot.sharing.form_state import FormState
from bot.sharing.request_messages import announce_end, card, over_window, update_messages
from bot.storage.requests import Request
from bot.workflow_step import REQUEST_STEP

SHORTCUT = "request_secret"
ANSWER_WITHIN = 45.0  # seconds; making a secret takes 20 at most
ANSWER_INTERVAL = 0.5  # seconds between two looks whether it is made


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots request [@person] [what for]`, or the shortcut."""
    person, note = interaction.text.after_first_person()
    asks_to_choose = person is None and interaction.text.has_unknown_names
    return Reply(screens.form(person, note[: screens.MAX_NOTE], asks_to_choose=asks_to_choose), Outcome.SHOWN)


async def submit(interaction: Interaction, _row: None) -> Reply:
    """Commit the request, then send it. After a crash in between, recovery.py sends it."""
    asked = await _read_person(interaction)
    try:
        await interaction.services.limits.consume(interaction.person, requests_in_a_day(), requests_to(asked))
    except LimitReached as reached:
        raise FieldErrors({"people": reached.tell}) from None
    note = parse_field(interaction.text_inputs.get("note", Secret(""))).readable
    request = await interaction.services.requests.begin(interaction.person, asked, Secret(note) if note else None)
    failpoint("begun")
    request = await ask(interaction.services, request)
    return Reply(screens.outcome(request), Outcome.REFUSED if request.state == "undeliverable" else Outcome.DONE)


async def _read_person(interaction: Interaction) -> Person:
    """The person to ask: a full member of the workspace, not the requester. Raises `FieldErrors`, `SlackError`."""
    user_ids = interaction.pickers.get("people", ())
    if len(user_ids) != 1:
        raise FieldErrors({"people": say("Please choose one person.")})
    asked = Person(interaction.person.enterprise_id, interaction.person.team_id, user_ids[0])
    if asked == interaction.person:
        raise FieldErrors({"people": say("That is you. `/ots share` makes a link for yourself.")})
    if not await interaction.is_member(asked):
        raise FieldErrors({"people": say("Only members of this workspace can be asked: no guests, no apps.")})
    return asked


async def answer(interaction: Interaction, request: Request) -> Reply:
    """The Send button: the window of `/ots share`, with the person who asked as its only recipient."""
    if not request.is_open:
        return await _refuse_as_over(interaction, request)
    form_state = FormState(only=request.openers, request=request.id, note=request.note or "")
    return Reply(await open_share(interaction, form_state), Outcome.SHOWN)


async def _refuse_as_over(interaction: Interaction, request: Request) -> Reply:
    """Say to the person who was asked what ended the request."""
    is_being_answered = await interaction.services.requests.is_being_answered(request.id)
    if not is_being_answered:  # else the messages are updated afterwards
        await update_messages(interaction.services, request)
    return Reply(over_window(request, is_being_answered=is_being_answered), Outcome.REFUSED)


async def ask_for_reason(interaction: Interaction, request: Request) -> Reply:
    """The Decline button, in the message to the person who was asked: the window that asks why."""
    if not request.is_open:
        return await _refuse_as_over(interaction, request)
    return Reply(screens.decline_form(request), Outcome.SHOWN)


async def decline(interaction: Interaction, request: Request) -> Reply:
    """“Decline” was pressed in the window. If it is committed and nobody was told, recovery.py tells."""
    services = interaction.services
    typed = parse_field(interaction.text_inputs.get("reason", Secret(""))).readable
    reason = Secret(typed) if typed else None
    ended = await _end(interaction, request, lambda: services.requests.decline(request, reason))
    if ended is None:
        return await _refuse_as_over(
            interaction, await services.requests.find_for_asked(interaction.person, request.id)
        )
    failpoint("declined")
    await announce_end(services, ended)
    return Reply(screens.declined(ended), Outcome.DONE)


async def withdraw(interaction: Interaction, request: Request) -> Reply:
    """The Withdraw button, in the card of the person who asked."""
    requests = interaction.services.requests
    ended = await _end(interaction, request, lambda: requests.end(request.id, "withdrawn"))
    if ended is None:
        return Reply(card(await requests.find(interaction.person, request.id)), Outcome.REFUSED)
    failpoint("withdrawn")
    await announce_end(interaction.services, ended)
    return Reply(card(ended), Outcome.DONE)


async def _end(
    interaction: Interaction, request: Request, end: Callable[[], Awaitable[Request | None]]
) -> Request | None:
    """End the request, if need be after the answer that is under way. None if it was over, or was answered."""
    ended = await end()
    if ended is None and await _wait_for_answer(interaction, request):
        ended = await end()
    return ended


async def _wait_for_answer(interaction: Interaction, request: Request) -> bool:
    """Wait while the request is being answered: if the host refuses the secret, the request is open again.

    Returns whether it was being answered. Waits `ANSWER_WITHIN` seconds at most.
    """
    until = time.monotonic() + ANSWER_WITHIN
    waited = False
    while await interaction.services.requests.is_being_answered(request.id) and time.monotonic() < until:
        waited = True
        await asyncio.sleep(ANSWER_INTERVAL)
    return waited


FEATURE = Feature(
    name="request",
    verbs=(
        Verb(
            "request",
            say("requests a secret from a colleague"),
            say("[@person] [purpose]"),
            aliases=("ask",),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.SHORTCUT: {SHORTCUT: Handler(open_form, any_member, opens_window=True)},
        Kind.ACTION: {
            request_messages.ANSWER: Handler(answer, received_request, opens_window=True),
            request_messages.DECLINE: Handler(ask_for_reason, received_request, opens_window=True),
            request_messages.WITHDRAW: Handler(withdraw, own_request),
        },
        Kind.FORM: {
            screens.FORM: Handler(submit, any_member),
            screens.DECLINE_FORM: Handler(decline, received_request),
        },
        # Its own row is its record. The step itself refuses who is no member, because that has to end the execution.
        Kind.FUNCTION: {REQUEST_STEP: Handler(run_step, own_execution, needs_member=False, is_recorded=False)},
    },
    recover=recover,
)
