"""How the metadata of one secret is shown, in all places."""

from __future__ import annotations

from bot import clock
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import Button, Buttons, Facts, HostName, Note, Part, Piece, Plain, Text, When
from bot.screen.words import in_words
from bot.secret import MetadataKey
from bot.status.burn import BURN_CONFIRM
from bot.status.buttons import BURN, BURN_WITH_PASSPHRASE, METADATA_REFRESH, TRACK
from bot.status.words import name_in_label, secret_sign, secret_words
from bot.storage.button_contexts import ButtonContext


def state_line(metadata: Metadata) -> str:
    state = metadata.state_at(clock.now())
    return f"{secret_sign(state)} *{secret_words(state)}*"


def card(metadata: Metadata, host: Host) -> tuple[Part, ...]:
    """State, times and the rest of what is known about one secret. No key, no link, no content."""
    rows: list[tuple[str, Piece]] = [("Host", HostName(host.name))]
    if metadata.created:
        rows.append(("Created", When(metadata.created)))
    if metadata.received:
        rows.append(("Opened", When(metadata.received)))
    elif metadata.expires_at:
        over = metadata.state_at(clock.now()).is_over
        rows.append(("Would have expired" if over else "Expires", When(metadata.expires_at)))
    if metadata.ttl:
        rows.append(("Made to live", in_words(metadata.ttl)))
    if metadata.passphrase_required is not None:
        rows.append(("Passphrase", "Needed to open or burn it" if metadata.passphrase_required else "None"))
    if metadata.recipients:
        rows.append(("Sent to", Plain(", ".join(metadata.recipients))))
    return (Text.of(state_line(metadata)), Facts(tuple(rows)))


def line(metadata: Metadata) -> tuple[Part, ...]:
    """State and times of one secret in one line, for lists. No key, no link, no content."""
    pieces: list[Piece] = [state_line(metadata)]
    if metadata.created:
        pieces += [" · made ", When(metadata.created)]
    if metadata.received:
        pieces += [" · opened ", When(metadata.received)]
    elif metadata.expires_at and not metadata.state_at(clock.now()).is_over:
        pieces += [" · expires ", When(metadata.expires_at)]
    if metadata.recipients:
        pieces += [" · to ", Plain(", ".join(metadata.recipients))]
    return (Text(tuple(pieces)),)


def actions(metadata: Metadata, ref: str, *, number: int | None = None) -> tuple[Part, ...]:
    """The buttons under a card: Refresh; Burn and Track while the secret can be opened.

    `ref` is the button context of the card, `number` its place in a list.
    """
    which = name_in_label(None, metadata.created, number=number)
    track = Button("Track", TRACK, ref, accessibility_label=f"Tell me when it is opened: {which}")
    refresh = Button("Refresh", METADATA_REFRESH, ref, accessibility_label=f"Look again at {which}")
    if metadata.state_at(clock.now()).is_over:
        return (Buttons.of(refresh),)
    if metadata.passphrase_required:
        label = f"Burn with its passphrase {which}"
        burn = Button("Burn…", BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=label)
    else:
        burn = Button("Burn", BURN, ref, "danger", BURN_CONFIRM, accessibility_label=f"Burn {which}")
    return (Buttons.of(burn, refresh, track),)


IN_A_LIST = {"in": "list"}  # data of a button context: the button is in a list, which its answer must not replace


def is_in_a_list(context: ButtonContext[MetadataKey]) -> bool:
    return context.data.get("in") == IN_A_LIST["in"]


def not_opened_note() -> Note:
    return Note.of("Looking does not open the secret.")
