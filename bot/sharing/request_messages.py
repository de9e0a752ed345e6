"""What both people see of a request for a secret: the message to the person who was asked, and the asker's card."""

from __future__ import annotations

from bot.errors import RequestOver, SlackError
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.screen.parts import Button, Buttons, Confirm, Message, Modal, Note, Part, Piece, Plain, Text, When, Who
from bot.status.patient_send import send_in_some_words
from bot.status.words import REQUEST_WORDS, name_in_label, request_notification_words, request_over_words
from bot.storage.requests import Request
from bot.storage.shares.rows import Share

ANSWER = "request_answer"
DECLINE = "request_decline"
WITHDRAW = "request_withdraw"
REQUESTED_FORM = "requested"

log = Log("request_messages")

WITHDRAW_CONFIRM = Confirm("Withdraw it?", "It cannot be answered any more then.", "Withdraw", "Keep it")

# --- to the person who was asked


def question(request: Request) -> Message:
    """The message to the person who was asked, as it is now."""
    parts: list[Part] = [Text.of(":envelope_with_arrow: ", Who(request.person.user_id), " asks you for a secret.")]
    if request.note:
        parts.append(Text.of("What for: ", Plain(request.note)))
    if request.is_open:
        parts += [_buttons(request), _how_note(request)]
        return Message(_summary(request, Who(request.person.user_id), " asks you for a secret"), tuple(parts))
    parts.append(Text.of(request_over_words(request.state)))
    return Message(_summary(request, Who(request.person.user_id), " asked you for a secret"), tuple(parts))


def _buttons(request: Request) -> Buttons:
    which = _name_in_label(request)
    return Buttons.of(
        Button("Send…", ANSWER, request.id, "primary", accessibility_label=f"Send a secret {which}"),
        Button("Decline", DECLINE, request.id, accessibility_label=f"Decline to send a secret {which}"),
    )


def _name_in_label(request: Request) -> str:
    """Which request a button is about, for people who hear its label alone."""
    until = f"asked for until {request.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"for {name_in_label(request.note)}" if request.note else until


def _how_note(request: Request) -> Note:
    return Note.of(
        "You type it into a window, and only they can open it, once. It never stands in a message. Send something only "
        "if you expected to be asked. It can be answered until ",
        When(request.expires_at),
        ".",
    )


def _summary(request: Request, *said: Piece) -> Text:
    return Text.of(*said, ": ", Plain(request.note)) if request.note else Text.of(*said, ".")


# --- to the person who asked


def card(request: Request) -> Message:
    """The card of the person who asked, as it is now. It is one message, updated in place."""
    state = request.state if request.is_open or request.state not in {"asked", "waiting"} else "expired"
    parts: list[Part] = [Text.of("You asked ", Who(request.asked.user_id), f" for a secret.\n{REQUEST_WORDS[state]}")]
    if request.note:
        parts.append(Text.of("What for: ", Plain(request.note)))
    if request.is_open:
        parts += [
            Buttons.of(
                Button(
                    "Withdraw",
                    WITHDRAW,
                    request.id,
                    "danger",
                    WITHDRAW_CONFIRM,
                    f"Withdraw the request for a secret {_name_in_label(request)}",
                )
            ),
            Note.of("It can be answered until ", When(request.expires_at), "."),
        ]
    return Message(_summary(request, "You asked ", Who(request.asked.user_id), " for a secret"), tuple(parts))


def outcome_notification(request: Request) -> Message | None:
    """A message next to the card, since an edited message notifies nobody. None if there is nothing to say."""
    said = request_notification_words(request)
    if said is None:
        return None
    sign, sentence = said
    note = (Note.of("What for: ", Plain(request.note)),) if request.note else ()
    return Message(_summary(request, *sentence), (Text.of(f"{sign} ", *sentence, "."), *note))


def over_window() -> Modal:
    """The window for a request that is over."""
    return Modal.of(REQUESTED_FORM, "Ask for a secret", Text.of(RequestOver.tell))


# --- as it changes


async def update_messages(services: Services, request: Request) -> None:
    """Update both messages of a request. What Slack does not take now, recovery updates later."""
    if not await redraw_request(services, request):
        await services.outdated_messages.add("request", request.id, request.person)


async def redraw_request(services: Services, request: Request) -> bool:
    """Update both messages of a request. False if Slack did not take an update that it may take later.

    A message that was deleted, or is too old to be changed, stays as it is, and its buttons do nothing.
    """
    done = True
    for posted, message in ((request.message, question(request)), (request.card, card(request))):
        if posted is not None:
            try:
                await services.update(posted, message)
            except SlackError as error:
                log.info("request_not_redrawn", error=str(error), ref=request.id)
                done = done and error.is_permanent
    return done


async def notify_requester(services: Services, request: Request) -> None:
    """Send the person who asked a message next to the card, if there is something to say. Raises `SlackError`."""
    message = outcome_notification(request)
    if message is not None:
        await send_in_some_words(services, request.person, message, f"{request.id}:{request.state}")


async def settle_answer(services: Services, share: Share) -> None:
    """Update the request that this share answered, or reopen it if no delivery of the share arrived.

    Safe to repeat: a request that was answered again since then belongs to another share. Raises `StorageUnavailable`.
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
