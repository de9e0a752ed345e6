"""The windows of a request for a secret."""

from __future__ import annotations

from bot.screen.parts import CANCEL, DONE, Field, Modal, Note, People, Text
from bot.screen.pieces import Who, say
from bot.sharing.form import CHOOSE
from bot.sharing.request_messages import REQUEST_TITLE, REQUESTED_FORM
from bot.status.words import DONE_SIGN, WARNING_SIGN, WORKING_SIGN, request_over_words, request_sentence, what_for
from bot.storage.requests import Request

FORM = "request"
DECLINE_FORM = "request_decline"
MAX_NOTE = 200  # characters
DECLINE_TITLE = say("Decline a request")


def form(chosen: str | None, note: str, *, asks_to_choose: bool = False) -> Modal:
    """The form: which person to ask, and what for."""
    unknown = [Text.of(WARNING_SIGN, CHOOSE)] if asks_to_choose else []
    return Modal.of(
        FORM,
        REQUEST_TITLE,
        *unknown,
        People("people", say("Who do you want to ask?"), (chosen,) if chosen else (), max_count=1, optional=False),
        Field(
            "note",
            say("Purpose"),
            say("They see this. Do not type anything secret."),
            max_length=MAX_NOTE,
            optional=True,
            initial=note,
        ),
        Note.of(
            say(
                "They get a direct message with a Send button. What they send becomes a one-time secret that only you "
                "can open."
            )
        ),
        submit=say("Ask"),
        close=CANCEL,
    )


def decline_form(request: Request) -> Modal:
    """The window before a request is declined: which one, and why."""
    who = Who(request.person.user_id)
    which = [Text.of(what_for(request.note))] if request.note else []
    return Modal.of(
        DECLINE_FORM,
        DECLINE_TITLE,
        Text.of(request_sentence(request)),
        *which,
        Field(
            "reason",
            say("Why?"),
            say("The person who asked sees this. Do not type anything secret."),
            max_length=MAX_NOTE,
            optional=True,
        ),
        Note.of(say("{person} gets a message. The request cannot be answered after that.", person=who)),
        ref=request.id,
        submit=say("Decline"),
        close=CANCEL,
    )


def declined(request: Request) -> Modal:
    note = Note.of(say("{person} gets a message.", person=Who(request.person.user_id)))
    return Modal.of(REQUESTED_FORM, DECLINE_TITLE, Text(request_over_words(request)), note, close=DONE)


def outcome(request: Request) -> Modal:
    who = Who(request.asked.user_id)
    if request.state == "undeliverable":
        said = Text.of(WARNING_SIGN, say("Slack does not deliver messages from this app to {person}.", person=who))
    elif request.state == "waiting":
        said = Text.of(
            WORKING_SIGN, say("Slack has a problem just now. {person} is asked as soon as it works again.", person=who)
        )
    else:
        said = Text.of(DONE_SIGN, say("{person} was asked.", person=who))
    withdraw = Note.of(say("In your direct messages with this app you can see and withdraw it."))
    parts = (said,) if request.state == "undeliverable" else (said, withdraw)
    return Modal.of(REQUESTED_FORM, REQUEST_TITLE, *parts, close=DONE)
