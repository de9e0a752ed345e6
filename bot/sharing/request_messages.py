"""What both people see of a request for a secret: the message to the person who was asked, and the asker's card."""

from __future__ import annotations

from bot.errors import RequestOver, SlackError
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.screen.parts import Button, Buttons, Confirm, Message, Modal, Note, Part, Text
from bot.screen.pieces import Listing, Mark, Phrase, Plain, SecretNamed, Sentences, When, Who, say
from bot.sharing import workflow_steps
from bot.status.names import name_in_label
from bot.status.patient_send import send_in_some_words
from bot.status.words import (
    WORKING_SIGN,
    request_card_words,
    request_notification_words,
    request_over_words,
    request_sentence,
    what_for,
)
from bot.storage.requests import Request
from bot.storage.shares.rows import Share

ANSWER = "request_answer"
DECLINE = "request_decline"
WITHDRAW = "request_withdraw"
REQUESTED_FORM = "requested"

log = Log("request_messages")

REQUEST_TITLE = say("Request a secret")
WITHDRAW_CONFIRM = Confirm(
    say("Withdraw the request?"), say("Then it cannot be answered any more."), say("Withdraw"), say("Keep it")
)

# --- to the person who was asked


def question(request: Request) -> Message:
    """The message to the person who was asked, as it is now."""
    asks = request_sentence(request)
    parts: list[Part] = [Text.of(Mark(":envelope_with_arrow: "), asks)]
    if request.note:
        parts.append(Text.of(what_for(request.note)))
    if request.is_open:
        parts += [answer_buttons(request), _how_note(request)]
        return Message(_summary(request, asks), tuple(parts))
    parts.append(Text(request_over_words(request)))
    asked = say("{person} asked you for a secret.", person=Who(request.person.user_id))
    return Message(_summary(request, asks if request.workflow else asked), tuple(parts))


def answer_buttons(request: Request) -> Buttons:
    which = _name_in_label(request)
    return Buttons.of(
        Button(
            say("Send…"),
            ANSWER,
            request.id,
            "primary",
            accessibility_label=say("Send a secret: {request}", request=which),
        ),
        Button(
            say("Decline…"),
            DECLINE,
            request.id,
            accessibility_label=say("Decline to send a secret: {request}", request=which),
        ),
    )


def _name_in_label(request: Request) -> Phrase:
    """Which request a button is about, for people who hear its label alone."""
    if request.note:
        return name_in_label(request.note)
    return say("asked for until {when}", when=When(request.expires_at))


def _how_note(request: Request) -> Note:
    if request.workflow is not None:
        return Note.of(
            say(
                "You type it into a window. It can be opened only by {people}, once each. It is in no message. Send "
                "something only if you expected to be asked. You can answer until {when}.",
                people=_openers(request),
                when=When(request.expires_at),
            )
        )
    return Note.of(
        say(
            "You type it into a window, and only they can open it, once. It is in no message. Send something only if "
            "you expected to be asked. You can answer until {when}.",
            when=When(request.expires_at),
        )
    )


def _openers(request: Request) -> Listing:
    return Listing(tuple(Who(one) for one in request.openers))


def _summary(request: Request, said: Phrase) -> Sentences:
    return Sentences.of(said, *([SecretNamed(what_for(request.note), instead=None)] if request.note else []))


# --- to the person who asked


def card(request: Request) -> Message:
    """The card of the person who asked, as it is now. It is one message, updated in place."""
    asked = say("You asked {person} for a secret.", person=Who(request.asked.user_id))
    if request.workflow is not None:
        asked = say(
            "Your workflow “{workflow}” asked {person} for a secret.",
            workflow=Plain(request.workflow),
            person=Who(request.asked.user_id),
        )
    parts: list[Part] = [Text.of(asked, Mark("\n"), *request_card_words(request))]
    if request.note:
        parts.append(Text.of(what_for(request.note)))
    if request.workflow is not None and (request.is_open or request.state == "answered"):
        parts.append(Note.of(say("It can be opened only by {people}.", people=_openers(request))))
    if request.is_open:
        parts += [
            Buttons.of(
                Button(
                    say("Withdraw"),
                    WITHDRAW,
                    request.id,
                    "danger",
                    WITHDRAW_CONFIRM,
                    say("Withdraw the request for a secret: {request}", request=_name_in_label(request)),
                )
            ),
            Note.of(say("It can be answered until {when}.", when=When(request.expires_at))),
        ]
    return Message(_summary(request, asked), tuple(parts))


def outcome_notification(request: Request) -> Message | None:
    """A message next to the card, since an edited message notifies nobody. None if there is nothing to say."""
    said = request_notification_words(request)
    if said is None:
        return None
    sign, sentence = said
    if request.state == "declined":  # the sentence has the note
        return Message.of(sentence, Text.of(sign, sentence))
    note = (Note.of(what_for(request.note)),) if request.note else ()
    return Message(_summary(request, sentence), (Text.of(sign, sentence), *note))


def over_window(request: Request, *, is_being_answered: bool = False) -> Modal:
    """The window for the person who was asked, when the request is over. It says what ended it.

    While the answer is under way, the request is answered already, but nothing may come of that.
    """
    if is_being_answered:
        said = [Text.of(WORKING_SIGN, say("You are answering it right now. Please look again in a moment."))]
    else:
        said = [Text.of(RequestOver.tell), Text(request_over_words(request))]
    return Modal.of(REQUESTED_FORM, REQUEST_TITLE, *said)


def what_ended(request: Request) -> RequestOver:
    """The error for the person who was asked and answers too late. It says what ended the request."""
    _, ended = request_over_words(request)
    return RequestOver(request.state, tell=Sentences.of(RequestOver.tell, ended))


# --- as it changes


async def update_messages(services: Services, request: Request) -> None:
    """Update both messages of a request. What Slack does not take now, recovery updates later.

    If a workflow made the request and it is over, the workflow goes on.
    """
    if not await redraw_request(services, request):
        await services.outdated_messages.add("request", request.id, request.person)
    await workflow_steps.try_to_complete(services, request)


async def redraw_request(services: Services, request: Request) -> bool:
    """Update both messages of a request. False if Slack did not take an update that it may take later.

    A message that was deleted, or is too old to be changed, stays as it is, and its buttons do nothing.
    """
    done = True
    for posted, message, reader in (
        (request.message, question(request), request.asked),
        (request.card, card(request), request.person),
    ):
        if posted is not None:
            try:
                await services.update(posted, message, reader)
            except SlackError as error:
                log.info("request_not_redrawn", error=str(error), ref=request.id)
                done = done and error.is_permanent
    return done


async def notify_requester(services: Services, request: Request) -> None:
    """Send the person who asked a message next to the card, if there is something to say. Raises `SlackError`."""
    message = outcome_notification(request)
    if message is not None:
        await send_in_some_words(services, request.person, message, f"{request.id}:{request.state}")


async def announce_end(services: Services, request: Request) -> None:
    """Notify the person who asked that somebody ended the request, and update both messages.

    Safe to repeat: recovery repeats it after a crash, and until Slack has taken the notification.
    Raises `StorageUnavailable`.
    """
    is_notified = True
    try:
        await notify_requester(services, request)
    except SlackError as error:
        log.warning("not_notified", error=str(error), ref=request.id)
        is_notified = error.is_permanent
    failpoint("requester_notified")
    await update_messages(services, request)
    if is_notified:
        await services.requests.mark_announced(request.id)
    failpoint("request_announced")


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
