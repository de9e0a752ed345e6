"""Windows about a delivery that this person cannot open now, and the window with its link."""

from __future__ import annotations

from datetime import datetime

from bot.features.retrieve.screens import TITLE
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.parts import DONE, NO_FORM, Link, LinkButton, Modal, Note, Text
from bot.screen.pieces import HostName, Piece, say
from bot.secret import Secret
from bot.status.words import WARNING_SIGN, delivery_taken_words, expired_words, secret_over_words
from bot.storage.shares.rows import Delivery

LOST_BY_EARLIER_TRY = say(
    "*It is gone.* You tried before and got no answer. It may have been opened then. Ask the person "
    "who shared it for a new one."
)


def just_sent() -> Modal:
    return _note(say("It is only just being sent. Please press Open again in a moment."))


def lost_by_earlier_try() -> Modal:
    return _note(WARNING_SIGN, LOST_BY_EARLIER_TRY)


def gone(host: Host) -> Modal:
    said = say(
        "*It is gone*: it was opened or burned, or it has expired. {server} does not say which. Ask the "
        "person who shared it for a new one.",
        server=HostName(host.name),
    )
    return _note(WARNING_SIGN, said)


def over(metadata: Metadata, state: SecretState) -> Modal:
    """What became of a secret whose metadata says that it is over. For any secret, shared here or not."""
    return _note(secret_over_words(metadata, state))


def expired(at: datetime) -> Modal:
    """The time of the secret is over, and its host does not know any more whether somebody opened it."""
    return _note(expired_words(at, is_unopened=False))


def taken(delivery: Delivery, person: Person) -> Modal:
    return _note(delivery_taken_words(delivery, person))


def link(host: Host, url: Secret) -> Modal:
    """The link itself. It is shown only in a window, never in a message."""
    return Modal.of(
        NO_FORM,
        TITLE,
        Text.of(
            say(
                "This is the link, on *{server}*. *It works once*, for the first person who opens it.",
                server=HostName(host.name),
            )
        ),
        LinkButton(say("Open in the browser"), url),
        Link(url),
        Note.of(say("Don't pass it on. To see it here after all, close this window and press Open again.")),
        close=DONE,
    )


def _note(*pieces: Piece) -> Modal:
    return Modal.of(NO_FORM, TITLE, Text(pieces))
