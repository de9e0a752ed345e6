"""`/ots burn`: destroy a secret before anybody opens it."""

from __future__ import annotations

from contextlib import suppress

from bot import burning, card, pasted
from bot.errors import SecretGone, SlackTrouble, WrongPassphrase
from bot.feature import Call, Feature, FieldErrors, Handler, Verb, any_member, own_handle, own_tracked
from bot.living_card import follow, living_card
from bot.onetime.client import Caller
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, State
from bot.outcome import outcome
from bot.screen.parts import Button, Buttons, Field, Heading, Message, Modal, Part, Text
from bot.secret import MetadataKey
from bot.sharing import followed
from bot.storage.handles import Handle, NewHandle
from bot.storage.tracked import Tracked

FORM = "burn"
TITLE = "Burn a secret"
ASK = "Paste the private link of the secret: `/ots burn https://eu.onetimesecret.com/private/…`."
FOREVER = "Burning destroys it for good. Nobody will be able to open its link any more."
WRONG = "That is not its passphrase. Nothing was burned."

OUTCOMES = {
    State.BURNED: ":fire: *Burned.* Nobody can open it any more.",
    State.RECEIVED: ":white_check_mark: *Too late to burn: it was opened already.*",
    State.EXPIRED: ":hourglass: *Nothing to burn: it expired unopened.*",
    State.ORPHANED: ":grey_question: *Nothing to burn: its content is gone already.*",
    State.UNKNOWN: ":grey_question: *It was gone before this click.* What became of it could not be asked just now.",
}
NOT_KNOWN = (
    ":grey_question: *Onetime Secret does not know it any more.* It was burned, opened or expired a while ago, "
    "or the link is not right."
)


async def ask_first(call: Call, _row: None) -> Modal:
    """`/ots burn <link|key>`: shows what is about to be burned and asks."""
    await call.show(Modal.of(FORM, TITLE, Text.of("Looking at it…")))
    host, key = await pasted.metadata_key(call, ASK)
    return await _question(call, host, key)


async def ask_for_passphrase(call: Call, handle: Handle) -> Modal:
    """The Burn button of a secret that has a passphrase."""
    await call.show(Modal.of(FORM, TITLE, Text.of("Looking at it…")))
    return await _question(call, call.services.hosts.of(handle.host), _key(handle))


async def submit(call: Call, handle: Handle) -> Modal:
    """The question was answered with “Burn it”."""
    host = call.services.hosts.of(handle.host)
    caller = await call.services.caller(call.person, host)
    try:
        state, metadata = await _destroy(call, caller, _key(handle), asked=True)
    except WrongPassphrase:
        again = _form(handle.id, Text.of(FOREVER), passphrase=True)
        if "passphrase" not in call.typed:  # it was not known that there is one
            return again
        raise FieldErrors({"passphrase": WRONG}, form=again) from None
    return Modal.of("burned", TITLE, *_outcome(host, state, metadata), close="Done")


async def burn(call: Call, handle: Handle) -> Message:
    """A card's Burn button, after its confirm dialog."""
    host = call.services.hosts.of(handle.host)
    caller = await call.services.caller(call.person, host)
    try:
        state, metadata = await _destroy(call, caller, _key(handle), asked=False)
    except WrongPassphrase:
        return _needs_passphrase(handle.id, beside=card.is_in_a_list(handle))
    summary = card.STATE_WORDS[state] if state else "Not known any more"
    outcome = _outcome(host, state, metadata)
    return Message.of(f"One-time secret on {host.name}: {summary}.", *outcome, beside=card.is_in_a_list(handle))


async def burn_tracked(call: Call, tracked: Tracked) -> Message:
    """The Burn button of a tracked secret's card, after its confirm dialog. Only what was burned changes the card."""
    return await _burn_tracked(call, tracked, listed=False)


async def burn_listed(call: Call, tracked: Tracked) -> Message:
    """The same in `/ots tracked`: the list stays as it is."""
    return await _burn_tracked(call, tracked, listed=True)


async def _burn_tracked(call: Call, tracked: Tracked, *, listed: bool) -> Message:
    host = call.services.hosts.of(tracked.host)
    caller, account_id = await call.services.caller_and_account(call.person, host)
    try:
        state, metadata = await _destroy(call, caller, tracked.key, asked=False)
    except WrongPassphrase:
        new = NewHandle("metadata", host.url, account_id, tracked.key)
        (ref,) = await call.services.handles.keep(call.person, new)
        return _needs_passphrase(ref, beside=True)
    if state is State.BURNED and not listed:
        return living_card(await call.services.tracking.find(call.person, tracked.id), host.name)
    if metadata is not None and (change := outcome(tracked, metadata, card.now())):
        await call.services.tracking.learned(tracked, change)
    return Message.of(f"One-time secret on {host.name}", *_outcome(host, state, metadata), beside=True)


async def ask_for_tracked(call: Call, tracked: Tracked) -> Modal:
    await call.show(Modal.of(FORM, TITLE, Text.of("Looking at it…")))
    return await _question(call, call.services.hosts.of(tracked.host), tracked.key)


def _needs_passphrase(ref: str, *, beside: bool = False) -> Message:
    burn_it = Button("Burn…", "burn_with_passphrase", ref, "danger", spoken="Type the passphrase and burn it")
    said = "This secret has a passphrase, and burning it needs that too. Nothing was burned."
    return Message.of(said, Text.of(said), Buttons.of(burn_it), beside=beside)


def _key(handle: Handle) -> MetadataKey:
    assert handle.key is not None
    return handle.key.as_kind(MetadataKey)


async def _question(call: Call, host: Host, key: MetadataKey) -> Modal:
    caller, account_id = await call.services.caller_and_account(call.person, host)
    try:
        metadata = await call.services.onetime.metadata(caller, key)
    except SecretGone:
        return Modal.of("burned", TITLE, Text.of(NOT_KNOWN))
    state = metadata.state_at(card.now())
    if state.is_over:
        return Modal.of("burned", TITLE, *_outcome(host, state, metadata))
    (ref,) = await call.services.handles.keep(call.person, NewHandle("metadata", host.url, account_id, key))
    parts = (*card.card(metadata, host), Text.of(FOREVER))
    return _form(ref, *parts, passphrase=bool(metadata.passphrase_required))


def _form(ref: str, *parts: Part, passphrase: bool) -> Modal:
    field = (Field("passphrase", "Its passphrase", hint="It has one, so burning needs it too."),) if passphrase else ()
    return Modal.of(FORM, TITLE, *parts, *field, ref=ref, submit="Burn it", close="Keep it")


async def _destroy(
    call: Call, caller: Caller, key: MetadataKey, *, asked: bool
) -> tuple[State | None, Metadata | None]:
    """As `burning.burn`; what the person tracks of it is told at once."""
    passphrase = call.typed.get("passphrase") or None
    state, metadata = await burning.burn(call.services.onetime, caller, key, passphrase, asked=asked)
    if state is State.BURNED:
        await _settle(call, caller.host, key)
    return state, metadata


async def _settle(call: Call, host: Host, key: MetadataKey) -> None:
    """A burn of one's own is no news: the card follows at once, and the watcher has nothing left to tell."""
    tracked = await call.services.tracking.settle(call.person, host.url, key, "burned")
    if tracked is not None:
        await followed.burned(call.services, call.update, tracked.id)
    if tracked is not None and tracked.card is not None:
        with suppress(SlackTrouble):
            await follow(call, tracked, host.name)


def _outcome(host: Host, state: State | None, metadata: Metadata | None) -> tuple[Part, ...]:
    if state is None:
        return (Text.of(NOT_KNOWN),)
    said = OUTCOMES.get(state, ":warning: *It could not be burned.* Please try again.")
    details = card.card(metadata, host)[1:] if metadata else ()
    return (Heading("One-time secret"), Text.of(said), *details)


FEATURE = Feature(
    name="burn",
    verbs=(
        Verb(
            "burn",
            "destroys a secret that nobody has opened yet",
            "<private link>",
            handler=Handler(ask_first, any_member, opens_window=True),
        ),
    ),
    actions={
        "burn": Handler(burn, own_handle("metadata")),
        "tracked_burn": Handler(burn_tracked, own_tracked),
        "tracked_list_burn": Handler(burn_listed, own_tracked),
        "tracked_burn_with_passphrase": Handler(ask_for_tracked, own_tracked, opens_window=True),
        "burn_with_passphrase": Handler(ask_for_passphrase, own_handle("metadata"), opens_window=True),
    },
    forms={FORM: Handler(submit, own_handle("metadata"))},
)
