"""What waits for the person: secrets to open, and requests to answer. The buttons are those of the messages."""

from __future__ import annotations

from collections.abc import Iterator

from bot.features.home.content import MAX_WAITING, Content
from bot.screen.parts import Buttons, Divider, Heading, Note, Part, Text
from bot.screen.pieces import Bold, Mark, Phrase, Piece, When, Who, say, say_count
from bot.sharing.recipient_messages import open_buttons
from bot.sharing.request_messages import answer_buttons
from bot.status.names import quoted
from bot.status.words import DOT, request_sentence, what_for
from bot.storage.requests import Request
from bot.storage.shares.rows import Delivery, Share


def parts(content: Content) -> list[Part]:
    """Nothing if nothing waits."""
    found = [*_secrets(content), *_requests(content)]
    return [Divider(), Heading(say("Waiting for you")), *found] if found else []


def _secrets(content: Content) -> Iterator[Part]:
    for share, delivery in content.waiting.deliveries:
        yield Text(tuple(_secret(share, delivery)))
        yield Buttons(open_buttons(share, delivery, escrow=content.escrow))
    if (left := content.waiting.total - MAX_WAITING) > 0:
        yield Note.of(
            say_count(
                "{count} more secret waits in your messages from this app.",
                "{count} more secrets wait in your messages from this app.",
                left,
            )
        )


def _secret(share: Share, delivery: Delivery) -> list[Piece]:
    sender = Who(delivery.sender.user_id)
    said = say("{secret} from {sender}", secret=_which(share), sender=sender)
    pieces: list[Piece] = [Mark(":closed_lock_with_key: "), Bold(said), Mark("\n"), say("Not opened yet")]
    if delivery.expires_at:
        pieces += [DOT, say("expires {when}", when=When(delivery.expires_at))]
    if delivery.passphrase_required:
        pieces += [DOT, say("needs a passphrase")]
    return pieces


def _which(share: Share) -> Phrase:
    """Recipients know a secret by its note, never by the label that its sender gave it."""
    return quoted(share.note) if share.note else say("This one-time secret")


def _requests(content: Content) -> Iterator[Part]:
    for request in content.requests:
        yield Text(tuple(_request(request)))
        yield answer_buttons(request)
    if (left := content.request_total - MAX_WAITING) > 0:
        yield Note.of(
            say_count(
                "{count} more request waits in your messages from this app.",
                "{count} more requests wait in your messages from this app.",
                left,
            )
        )


def _request(request: Request) -> list[Piece]:
    pieces: list[Piece] = [Mark(":envelope_with_arrow: "), Bold(request_sentence(request)), Mark("\n")]
    pieces.append(what_for(request.note) if request.note else say("Not answered yet"))
    return [*pieces, DOT, say("until {when}", when=When(request.expires_at))]
