"""The windows of a request for a secret."""

from __future__ import annotations

from bot.screen.parts import Field, Modal, Note, People, Text, Who
from bot.sharing.form import CHOOSE
from bot.sharing.request_messages import REQUESTED_FORM
from bot.storage.requests import Request

FORM = "request"
TITLE = "Ask for a secret"
MAX_NOTE = 200  # characters


def form(chosen: str | None, note: str, *, asks_to_choose: bool = False) -> Modal:
    """The form: which person to ask, and what for."""
    unknown = [Text.of(f":warning: {CHOOSE}")] if asks_to_choose else []
    return Modal.of(
        FORM,
        TITLE,
        *unknown,
        People("people", "Whom do you ask?", (chosen,) if chosen else (), max_count=1),
        Field(
            "note", "What for?", "They see it. Nothing secret here.", max_length=MAX_NOTE, optional=True, initial=note
        ),
        Note.of(
            "They get a direct message with a Send button. What they send is made into a one-time link that only "
            "you can open."
        ),
        submit="Ask",
        close="Cancel",
    )


def outcome(request: Request) -> Modal:
    if request.state == "undeliverable":
        said = Text.of(":warning: Slack takes no message to ", Who(request.asked.user_id), " from this app.")
    elif request.state == "waiting":
        said = Text.of(
            ":hourglass_flowing_sand: Slack is in trouble just now. ", Who(request.asked.user_id), " is asked as soon "
            "as it works again.",
        )  # fmt: skip
    else:
        said = Text.of(":white_check_mark: ", Who(request.asked.user_id), " was asked.")
    return Modal.of(
        REQUESTED_FORM, TITLE, said, Note.of("In our direct conversation you can see and withdraw it."), close="Done"
    )
