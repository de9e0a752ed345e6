"""How the metadata of one secret is shown, in all places."""

from __future__ import annotations

from bot import clock
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import Button, Buttons, Facts, Note, Part, Text
from bot.screen.pieces import Bold, Duration, HostName, Piece, Plain, When, say
from bot.secret import MetadataKey
from bot.status.burn import BURN_CONFIRM
from bot.status.buttons import BURN, BURN_WITH_PASSPHRASE, METADATA_REFRESH, TRACK
from bot.status.words import DOT, name_in_label, secret_sign, secret_words
from bot.storage.button_contexts import ButtonContext


def state_line(metadata: Metadata) -> tuple[Piece, ...]:
    state = metadata.state_at(clock.now())
    return secret_sign(state), Bold(secret_words(state))


def card(metadata: Metadata, host: Host) -> tuple[Part, ...]:
    """State, times and the rest of what is known about one secret. No key, no link, no content."""
    rows: list[tuple[Piece, Piece]] = [(say("Server"), HostName(host.name))]
    if metadata.created:
        rows.append((say("Created"), When(metadata.created)))
    if metadata.received:
        rows.append((say("Opened"), When(metadata.received)))
    elif metadata.expires_at:
        over = metadata.state_at(clock.now()).is_over
        label = say("Would have expired") if over else say("Expires")
        rows.append((label, When(metadata.expires_at)))
    if metadata.ttl:
        rows.append((say("Can be opened for"), Duration(metadata.ttl)))
    if metadata.passphrase_required is not None:
        passphrase = say("Needed to open or burn it") if metadata.passphrase_required else say("None")
        rows.append((say("Passphrase"), passphrase))
    if metadata.recipients:
        rows.append((say("Sent to"), Plain(", ".join(metadata.recipients))))
    return (Text(state_line(metadata)), Facts(tuple(rows)))


def line(metadata: Metadata) -> tuple[Part, ...]:
    """State and times of one secret in one line, for lists. No key, no link, no content."""
    pieces: list[Piece] = [*state_line(metadata)]
    if metadata.created:
        pieces += [DOT, say("made {when}", when=When(metadata.created))]
    if metadata.received:
        pieces += [DOT, say("opened {when}", when=When(metadata.received))]
    elif metadata.expires_at and not metadata.state_at(clock.now()).is_over:
        pieces += [DOT, say("expires {when}", when=When(metadata.expires_at))]
    if metadata.recipients:
        pieces += [DOT, say("to {people}", people=Plain(", ".join(metadata.recipients)))]
    return (Text(tuple(pieces)),)


def actions(metadata: Metadata, ref: str, *, number: int | None = None) -> tuple[Part, ...]:
    """The buttons under a card: Refresh; Burn and Track while the secret can be opened.

    `ref` is the button context of the card, `number` its place in a list.
    """
    which = name_in_label(None, metadata.created, number=number)
    track = Button(say("Track"), TRACK, ref, accessibility_label=say("Track {secret}", secret=which))
    refresh = Button(
        say("Refresh"), METADATA_REFRESH, ref, accessibility_label=say("Look again at {secret}", secret=which)
    )
    if metadata.state_at(clock.now()).is_over:
        return (Buttons.of(refresh),)
    if metadata.passphrase_required:
        label = say("Burn with its passphrase {secret}", secret=which)
        burn = Button(say("Burn…"), BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=label)
    else:
        label = say("Burn {secret}", secret=which)
        burn = Button(say("Burn"), BURN, ref, "danger", BURN_CONFIRM, accessibility_label=label)
    return (Buttons.of(burn, refresh, track),)


IN_A_LIST = {"in": "list"}  # data of a button context: the button is in a list, which its answer must not replace


def is_in_a_list(context: ButtonContext[MetadataKey]) -> bool:
    return context.data.get("in") == IN_A_LIST["in"]


def not_opened_note() -> Note:
    return Note.of(say("Looking does not open the secret."))
