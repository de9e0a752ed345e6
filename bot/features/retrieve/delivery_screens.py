"""What is shown of something that was shared here and cannot be opened by this person now, and its link."""

from __future__ import annotations

from datetime import datetime

from bot.features.retrieve.screens import TITLE
from bot.onetime.links import Host
from bot.person import Person
from bot.screen.parts import Link, Modal, Note, Piece, Plain, Text, When, Who
from bot.secret import Secret
from bot.sharing.words import with_link
from bot.storage.shares.rows import Delivery

IN_DOUBT = (
    ":warning: *It is gone.* An earlier try of yours got no answer, and it was possibly opened by that try without "
    "reaching you. Ask whoever shared it for a new one."
)
GONE = (
    ":warning: *It is gone*: it was opened, burned or has expired, and {host} does not say which. "
    "Ask whoever shared it for a new one."
)


def just_sent() -> Modal:
    return _said("It is only just being sent. Please press Open again in a moment.")


def in_doubt() -> Modal:
    return _said(IN_DOUBT)


def gone(host: Host) -> Modal:
    return _said(GONE.format(host=host.name))


def taken(delivery: Delivery, person: Person) -> Modal:
    """Who has it, or what became of it."""
    by_somebody = delivery.state in ("opening", "link_shown") or (
        delivery.state == "opened" and not delivery.is_by_link
    )
    if by_somebody and delivery.opener is not None:
        return _said(*_who(delivery, person, delivery.opener))
    match delivery.state:
        case "opened":
            when, how = _when(delivery.opened_at), with_link(delivery)
            return _said("It was opened", *when, *how, ". It worked once, and is gone.")
        case "burned":
            return _said(Who(delivery.sender.user_id), " burned it before anybody opened it.")
        case "expired":
            return _said("It expired", *_when(delivery.expires_at), ". Nobody opened it.")
        case _:
            return _said("It is gone. Ask ", Who(delivery.sender.user_id), " for a new one.")


def _who(delivery: Delivery, person: Person, opener: Person) -> tuple[Piece, ...]:
    who: Piece = "You" if opener == person else Who(opener.user_id)
    match delivery.state:
        case "opening":
            return who, " is opening it right now. If that does not work, you can try again."
        case "link_shown":
            return who, " took its link to open it in the browser."
        case _:
            return who, " opened it", *_when(delivery.opened_at), ". It worked once, and is gone."


def _when(at: datetime | None) -> tuple[Piece, ...]:
    return (" ", When(at)) if at else ()


def link(host: Host, url: Secret) -> Modal:
    """The link itself, for whom it was meant: in a window, which is no part of Slack's messages."""
    return Modal.of(
        "note",
        TITLE,
        Text.of("This is the link, on *", Plain(host.name), "*. *It works once*, for whoever opens it first."),
        Link(url),
        Note.of("Don't pass it on. To see it here after all, close this window and press Open again."),
        close="Done",
    )


def _said(*pieces: Piece) -> Modal:
    return Modal.of("note", TITLE, Text(pieces))
