"""What two people see of a request for a secret: the message to who was asked, and the card of who asked."""

from __future__ import annotations

from contextlib import suppress

from bot.errors import RequestOver, SlackError
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.screen.parts import Button, Buttons, Confirm, Message, Modal, Note, Part, Plain, Text, When, Who
from bot.storage.requests import Request
from bot.storage.shares.rows import Share

WITHDRAW = Confirm("Withdraw it?", "It cannot be answered any more then.", "Withdraw", "Keep it")

# state -> what the card of who asked says
CARD = {
    "waiting": ":hourglass_flowing_sand: Not asked yet: Slack is in trouble. It is tried again.",
    "asked": ":large_green_circle: Not answered yet",
    "answered": ":white_check_mark: Answered. What was sent came as a message of its own.",
    "withdrawn": ":leftwards_arrow_with_hook: Withdrawn",
    "declined": ":no_entry_sign: Declined",
    "expired": ":hourglass: Not answered within 7 days",
    "undeliverable": ":warning: Not asked: Slack takes no message to them from this app",
}

# state -> what stands instead of the buttons in the message to who was asked
CLOSED = {
    "answered": ":white_check_mark: You sent it.",
    "withdrawn": ":leftwards_arrow_with_hook: It was withdrawn. There is nothing to do.",
    "declined": ":no_entry_sign: You declined.",
    "expired": ":hourglass: Its 7 days are over. There is nothing to do.",
}


# --- to who was asked


def question(request: Request) -> Message:
    """The message to who was asked, as it is now."""
    parts: list[Part] = [Text.of(":envelope_with_arrow: ", Who(request.person.user_id), " asks you for a secret.")]
    if request.note:
        parts.append(Text.of("What for: ", Plain(request.note)))
    if request.is_open:
        parts += [_buttons(request), _how(request)]
        return Message(_said("A colleague asks you for a secret", request), tuple(parts))
    parts.append(Text.of(CLOSED.get(request.state, CLOSED["expired"])))
    return Message(_said("A colleague asked you for a secret", request), tuple(parts))


def _buttons(request: Request) -> Buttons:
    return Buttons.of(
        Button("Send…", "request_answer", request.id, "primary", accessibility_label="Send them a secret"),
        Button("Decline", "request_decline", request.id, accessibility_label="Decline to send a secret"),
    )


def _how(request: Request) -> Note:
    return Note.of(
        "You type it into a window, and only they can open it, once. It never stands in a message. Send something only "
        "if you expected to be asked. It can be answered until ",
        When(request.expires_at),
        ".",
    )


def _said(what: str, request: Request) -> str:
    return f"{what}: {request.note}" if request.note else f"{what}."


# --- to who asked


def card(request: Request) -> Message:
    """Its state all its life, for who asked."""
    state = request.state if request.is_open or request.state not in {"asked", "waiting"} else "expired"
    parts: list[Part] = [Text.of("You asked ", Who(request.asked.user_id), f" for a secret.\n{CARD[state]}")]
    if request.note:
        parts.append(Text.of("What for: ", Plain(request.note)))
    if request.is_open:
        parts += [
            Buttons.of(Button("Withdraw", "request_withdraw", request.id, "danger", WITHDRAW)),
            Note.of("It can be answered until ", When(request.expires_at), "."),
        ]
    return Message(_said("You asked a colleague for a secret", request), tuple(parts))


def outcome_notification(request: Request) -> Message | None:
    """The message beside the card, since an edited message notifies nobody. An answer brings its own."""
    said = {
        "declined": (":no_entry_sign: ", Who(request.asked.user_id), " does not want to send you what you asked for."),
        "expired": (":hourglass: ", Who(request.asked.user_id), " has not answered within 7 days."),
        "undeliverable": (":warning: Slack takes no message to ", Who(request.asked.user_id), " from this app."),
    }.get(request.state)
    if said is None:
        return None
    summary = {
        "declined": "Your request for a secret was declined",
        "expired": "Your request for a secret was not answered within 7 days",
        "undeliverable": "Your request for a secret could not be sent",
    }[request.state]
    return Message(
        _said(summary, request),
        (Text.of(*said), *((Note.of("What for: ", Plain(request.note)),) if request.note else ())),
    )


def over() -> Modal:
    """In place of what would have been done with it."""
    return Modal.of("requested", "Ask for a secret", Text.of(RequestOver.tell))


# --- as it changes


async def update_messages(services: Services, request: Request) -> None:
    """Both messages show what it is now. One that Slack does not change stays as it is: its buttons do nothing."""
    for posted, message in ((request.message, question(request)), (request.card, card(request))):
        if posted is not None:
            with suppress(SlackError):
                await services.update(posted, message)


async def notify_requester(services: Services, request: Request) -> None:
    """The message beside the card, where there is something new. Raises `SlackError`."""
    message = outcome_notification(request)
    if message is not None:
        await services.send(request.person, message, f"{request.id}:{request.state}")


async def settle_answer(services: Services, share: Share) -> None:
    """A request that this share answered shows it, or can be answered again if nothing came of the share.

    Safe to repeat: what somebody answered anew since then is another share's. Raises `StorageUnavailable`.
    """
    request: Request | None = await services.requests.answered_by(share.id)
    if request is None:
        return
    if not any(delivery.has_arrived for delivery in await services.shares.deliveries_of(share.id)):
        request = await services.requests.reopen(request.id, share.id)
        failpoint("request_reopened")
    if request is not None:
        await update_messages(services, request)
    failpoint("request_settled")
