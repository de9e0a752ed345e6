"""How one secret's metadata is shown, wherever it is shown."""

from __future__ import annotations

from bot import clock
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.screen.parts import Button, Buttons, Confirm, Facts, Note, Part, Piece, Plain, Text, When
from bot.screen.words import in_words
from bot.secret import MetadataKey
from bot.storage.button_contexts import ButtonContext

STATE_WORDS = {
    SecretState.NEW: "Not opened yet",
    SecretState.VIEWED: "Not opened yet",  # the servers say so when its owner looked, not its recipient
    SecretState.RECEIVED: "Opened",
    SecretState.BURNED: "Burned before anybody opened it",
    SecretState.EXPIRED: "Expired unopened",
    SecretState.ORPHANED: "Gone before its time",
    SecretState.UNKNOWN: "In a state this bot does not know",
}

STATE_SIGNS = {
    SecretState.NEW: ":large_green_circle:",
    SecretState.VIEWED: ":large_green_circle:",
    SecretState.RECEIVED: ":white_check_mark:",
    SecretState.BURNED: ":fire:",
    SecretState.EXPIRED: ":hourglass:",
    SecretState.ORPHANED: ":grey_question:",
    SecretState.UNKNOWN: ":grey_question:",
}

BURN_CONFIRM = Confirm(
    title="Burn this secret?",
    question="It is destroyed for good. Nobody will be able to open its link any more.",
    yes="Burn it",
    no="Keep it",
)


def state_line(metadata: Metadata) -> str:
    state = metadata.state_at(clock.now())
    return f"{STATE_SIGNS[state]} *{STATE_WORDS[state]}*"


def card(metadata: Metadata, host: Host) -> tuple[Part, ...]:
    """State, times and the rest of what is known about one secret. No key, no link, no content."""
    rows: list[tuple[str, Piece]] = [("Host", Plain(host.name))]
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
    """The same in one line, for lists."""
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


def actions(metadata: Metadata, ref: str) -> tuple[Part, ...]:
    """The buttons under a card: Refresh, and Burn and Track while it is open. `ref` is a handle of the key."""
    track = Button("Track", "track", ref, accessibility_label="Tell me when this secret is opened")
    refresh = Button("Refresh", "metadata_refresh", ref, accessibility_label="Look at this secret again")
    if metadata.state_at(clock.now()).is_over:
        return (Buttons.of(refresh),)
    if metadata.passphrase_required:
        burn = Button(
            "Burn…", "burn_with_passphrase", ref, "danger", accessibility_label="Burn this secret with its passphrase"
        )
    else:
        burn = Button("Burn", "burn", ref, "danger", BURN_CONFIRM, accessibility_label="Burn this secret")
    return (Buttons.of(burn, refresh, track),)


IN_A_LIST = {"in": "list"}  # the facts of a handle whose button stands in a list: its answer leaves the list alone


def is_in_a_list(context: ButtonContext[MetadataKey]) -> bool:
    return context.data.get("in") == IN_A_LIST["in"]


def nothing_opened() -> Note:
    return Note.of("Looking does not open the secret.")
