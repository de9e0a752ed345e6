"""How the metadata of one secret is shown, in all places."""

from __future__ import annotations

from bot import clock
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.screen.parts import Button, Buttons, Facts, Item, MenuItem, Note, Part, Text
from bot.screen.pieces import Bold, HostName, Mark, Piece, Plain, When, say, say_in
from bot.secret import MetadataKey
from bot.status.burn import burn_confirm
from bot.status.buttons import BURN, BURN_WITH_PASSPHRASE, METADATA_DETAILS, METADATA_REFRESH, TRACK
from bot.status.names import SecretName
from bot.status.words import DOT, expiry_label, secret_sign, secret_words
from bot.storage.button_contexts import ButtonContext


def state_line(metadata: Metadata) -> tuple[Piece, ...]:
    state = metadata.state_at(clock.now())
    return secret_sign(state), Bold(secret_words(state))


def card(metadata: Metadata, host: Host, name: SecretName) -> tuple[Part, ...]:
    """Name, state and times of one secret. No key, no link, no content."""
    rows: list[tuple[Piece, Piece]] = [(say("Server"), HostName(host.name))]
    if metadata.created:
        rows.append((say("Created"), When(metadata.created)))
    if metadata.received:
        rows.append((say_in("the label of a date", "Opened"), When(metadata.received)))
    elif metadata.expires_at:
        state = metadata.state_at(clock.now())
        label = expiry_label(has_expired=state is SecretState.EXPIRED, is_over=state.is_over)
        rows.append((label, When(metadata.expires_at)))
    rows += passphrase_row(metadata) + recipients_row(metadata)
    return (Text.of(Bold(name.in_list()), Mark("\n"), *state_line(metadata)), Facts(tuple(rows)))


def passphrase_row(metadata: Metadata) -> list[tuple[Piece, Piece]]:
    """Nothing where the server does not say whether there is a passphrase."""
    if metadata.passphrase_required is None:
        return []
    needed = say("Needed to open or burn it") if metadata.passphrase_required else say("None")
    return [(say("Passphrase"), needed)]


def recipients_row(metadata: Metadata) -> list[tuple[Piece, Piece]]:
    """Mail addresses to which Onetime Secret itself sent the link, obscured as the server shows them."""
    return [(say("Sent to"), Plain(", ".join(metadata.recipients)))] if metadata.recipients else []


def line(metadata: Metadata, name: SecretName, ref: str, *, number: int) -> Item:
    """Name, state and times of one secret in a list, with what can be done. No key, no link, no content.

    `ref` is the button context of the secret, `number` its place in the list.
    """
    pieces: list[Piece] = [secret_sign(state := metadata.state_at(clock.now())), Bold(name.in_list()), Mark("\n")]
    pieces.append(secret_words(state))
    if metadata.received:
        pieces += [Mark(" "), When(metadata.received)]
    elif metadata.expires_at and not state.is_over:
        pieces += [DOT, say("expires {when}", when=When(metadata.expires_at))]
    if metadata.created:
        pieces += [DOT, say("made {when}", when=When(metadata.created))]
    which = name.in_label(number=number)
    menu = [MenuItem(say("Status of {secret}", secret=which), METADATA_REFRESH, ref)]
    if not state.is_over:
        menu.append(MenuItem(say("Track {secret}", secret=which), TRACK, ref))
        menu.append(MenuItem(say("Burn {secret}…", secret=which), BURN_WITH_PASSPHRASE, ref))
    return Item(tuple(pieces), tuple(menu))


def actions(metadata: Metadata, name: SecretName, ref: str) -> tuple[Part, ...]:
    """The buttons under a card: Refresh and Details; Burn and Track while the secret can be opened.

    `ref` is the button context of the card.
    """
    which = name.in_label()
    track = Button(say("Track"), TRACK, ref, accessibility_label=say("Track {secret}", secret=which))
    refresh = Button(
        say("Refresh"), METADATA_REFRESH, ref, accessibility_label=say("Refresh the status of {secret}", secret=which)
    )
    details = Button(
        say("Details…"), METADATA_DETAILS, ref, accessibility_label=say("Details of {secret}", secret=which)
    )
    if metadata.state_at(clock.now()).is_over:
        return (Buttons.of(refresh, details),)
    if metadata.passphrase_required:
        label = say("Burn {secret}, with its passphrase", secret=which)
        burn = Button(say("Burn…"), BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=label)
    else:
        label = say("Burn {secret}", secret=which)
        burn = Button(say("Burn"), BURN, ref, "danger", burn_confirm(name), accessibility_label=label)
    return (Buttons.of(burn, refresh, track, details),)


IN_A_LIST = {"in": "list"}  # data of a button context: the button is in a list, which its answer must not replace


def is_in_a_list(context: ButtonContext[MetadataKey]) -> bool:
    return context.data.get("in") == IN_A_LIST["in"]


def not_opened_note() -> Note:
    return Note.of(say("Looking does not open the secret."))
