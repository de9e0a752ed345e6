"""`/ots request`: ask a colleague for a secret, without it ever standing in a message."""

from __future__ import annotations

from contextlib import suppress

from bot import steps
from bot.errors import LimitReached, SlackTrouble
from bot.feature import Call, Feature, FieldErrors, Handler, Verb, any_member, asked_request, own_request
from bot.features.request import screens
from bot.features.request.after_crash import look_after
from bot.features.request.asking import ask
from bot.person import Person
from bot.screen.parts import Message, Modal
from bot.sharing.drafts import Draft
from bot.sharing.form import open_form as open_share
from bot.sharing.mention import as_typed, first_person
from bot.sharing.requesting import card, changed, over, question, told
from bot.storage.limits import DAY, Limit
from bot.storage.requests import Request

A_DAY = Limit("request", 20, DAY, "You asked for secrets 20 times within a day")
OF_ONE = "You asked this person for secrets 3 times within a day"


async def open_form(call: Call, _row: None) -> Modal:
    """`/ots request [@person] [what for]`."""
    person, note = first_person(call.text)
    return screens.form(person, as_typed(note)[: screens.NOTE_MOST])


async def submit(call: Call, _row: None) -> Modal:
    """Commit the request, then ask: a crash in between is seen, and it is asked after all."""
    asked = await _whom(call)
    of_one = Limit(f"request:{asked.user_id}", 3, DAY, OF_ONE)
    try:
        await call.services.limits.take(call.person, A_DAY, of_one)
    except LimitReached as reached:
        raise FieldErrors({"people": reached.tell}) from None
    note = call.typed["note"].stripped() if "note" in call.typed else None
    request = await call.services.requests.begin(call.person, asked, note or None)
    steps.at("begun")
    return screens.outcome(await ask(call.services, call.send, request))


async def _whom(call: Call) -> Person:
    """A full member of the workspace, and not oneself. Raises `FieldErrors`, `SlackTrouble`."""
    picked = call.picked.get("people", ())
    if len(picked) != 1:
        raise FieldErrors({"people": "Please choose one person."})
    asked = Person(call.person.enterprise_id, call.person.team_id, picked[0])
    if asked == call.person:
        raise FieldErrors({"people": "That is you. `/ots share` makes a link for yourself."})
    if not await call.is_member(asked):
        raise FieldErrors({"people": "Only members of this workspace can be asked: no guests, no apps."})
    return asked


async def answer(call: Call, request: Request) -> Modal:
    """The Send button of who was asked: the window of `/ots share`, for who asked alone."""
    if not request.is_open:
        if request.state != "answered":  # or perhaps only just being answered: it is shown when that is done
            await changed(call.update, request)
        return over()
    draft = Draft(only=(request.person.user_id,), request=request.id, note=request.note or "")
    return await open_share(call, draft)


async def decline(call: Call, request: Request) -> Message:
    """The Decline button of who was asked."""
    ended = await call.services.requests.end(request.id, "declined")
    if ended is None:
        return await _as_it_is(call, request)
    with suppress(SlackTrouble):
        await told(call.send, ended)
    await changed(call.update, ended)
    return question(ended)


async def withdraw(call: Call, request: Request) -> Message:
    """The Withdraw button of who asked."""
    ended = await call.services.requests.end(request.id, "withdrawn")
    if ended is None:
        return card(await call.services.requests.find(call.person, request.id))
    await changed(call.update, ended)
    return card(ended)


async def _as_it_is(call: Call, request: Request) -> Message:
    return question(await call.services.requests.asked(call.person, request.id))


FEATURE = Feature(
    name="request",
    verbs=(
        Verb(
            "request",
            "asks a colleague for a secret",
            "[@person] [what for]",
            aliases=("ask",),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    actions={
        "request_answer": Handler(answer, asked_request, opens_window=True),
        "request_decline": Handler(decline, asked_request),
        "request_withdraw": Handler(withdraw, own_request),
    },
    forms={screens.FORM: Handler(submit, any_member)},
    look_after=look_after,
)
