"""The window with everything that a server says of one secret, in words and with dates.

What a server does not say has no row. No key, no link and no content is in the window.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import clock
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import NO_FORM, Facts, Modal, Note, Text
from bot.screen.pieces import Bold, Duration, HostName, Mark, Piece, Plain, When, say, say_in
from bot.status.metadata_card import passphrase_row, recipients_row, state_line
from bot.status.names import SecretName

TITLE = say("Details")

Rows = list[tuple[Piece, Piece]]


def details_window(metadata: Metadata, host: Host, name: SecretName, notes: tuple[Note, ...] = ()) -> Modal:
    """`notes`: what to tell the person of their account."""
    heading = Text.of(Bold(name.in_list()), Mark("\n"), *state_line(metadata))
    origin: Rows = [(say("Server"), HostName(host.name)), *_maker(metadata), *recipients_row(metadata)]
    times = [*_moments(metadata), *_lives(metadata, clock.now()), *passphrase_row(metadata)]
    return Modal.of(NO_FORM, TITLE, heading, Facts(tuple(origin)), *_facts(times), *_maker_note(metadata), *notes)


def _facts(rows: Rows) -> tuple[Facts, ...]:
    return (Facts(tuple(rows)),) if rows else ()


def _maker(metadata: Metadata) -> Rows:
    if not metadata.is_owner_known or metadata.owner is None:
        return []
    maker = say("None: it was made without an account") if metadata.is_anonymous else Plain(metadata.owner)
    return [(say("Account that made it"), maker)]


def _maker_note(metadata: Metadata) -> tuple[Note, ...]:
    if metadata.is_owner_known:
        return ()
    return (Note.of(say("This server does not say whose account made it.")),)


def _moments(metadata: Metadata) -> Rows:
    named = (
        (say("Created"), metadata.created),
        (say("Last changed"), metadata.updated),
        (say_in("the label of a date", "Opened"), metadata.received),
    )
    return [(label, When(at)) for label, at in named if at is not None]


def _lives(metadata: Metadata, now: datetime) -> Rows:
    """The life that the secret was given, and how long the server keeps the secret and its record from `now` on."""
    rows: Rows = [(say("Lifetime"), Duration(metadata.ttl))] if metadata.ttl else []
    if metadata.secret_ttl and not metadata.state_at(now).is_over:
        rows.append((say("Time left"), _left(metadata.secret_ttl, now)))
    if metadata.metadata_ttl:
        rows.append((say("The server keeps its status for"), _left(metadata.metadata_ttl, now)))
    return rows


def _left(seconds: int, now: datetime) -> Piece:
    return say("{time}, until {when}", time=Duration(seconds), when=When(now + timedelta(seconds=seconds)))
