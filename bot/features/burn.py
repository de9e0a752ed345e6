"""`/ots burn`: destroy a secret before anybody opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot import clock
from bot.errors import (
    SecretGone,
    SlackError,
    StorageUnavailable,
    WrongPassphrase,
)
from bot.interaction import pasted
from bot.interaction.access import HostAccess
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, card_in_workspace, own_button_context, own_tracked
from bot.interaction.passphrases import describe_other_forms
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.parts import DONE, Button, Buttons, Field, Message, Modal, Part, Text
from bot.screen.pieces import Bold, HostName, Mark, Sentences, say
from bot.secret import MetadataKey, SecretKey
from bot.sharing import on_watch_event
from bot.status import metadata_card
from bot.status.burn import BURNED_FORM, guess_and_burn, kept_names, names_in, read_burn_outcome
from bot.status.buttons import (
    BURN,
    BURN_WITH_PASSPHRASE,
    CARD_BURN,
    TRACKED_BURN,
    TRACKED_BURN_WITH_PASSPHRASE,
    TRACKED_LIST_BURN,
)
from bot.status.change import find_change
from bot.status.link_card import end_cards_of_burned, link_card, read_card, require_on_card
from bot.status.names import SecretName, find_name
from bot.status.tracked_card import show_card, tracked_card
from bot.status.words import NOT_KNOWN, NOT_KNOWN_SUMMARY, burn_outcome, secret_words
from bot.storage.button_contexts import METADATA, ButtonContext, NewButtonContext
from bot.storage.link_cards import LinkCard
from bot.storage.shares.rows import Delivery
from bot.storage.tracking.rows import Tracked

FORM = "burn"
LOOKING = say("Looking at it…")
TITLE = say("Burn a secret")
ASK = say("Paste the private link of the secret: `/ots burn https://eu.onetimesecret.com/private/…`.")
FOREVER = say("Burning destroys it for good. Nobody will be able to open its link any more.")
NOT_YOURS_TO_BURN = say(
    "Only the private link of this secret can burn it. The person who made the secret has that link."
)

log = Log("burn")


async def ask_first(interaction: Interaction, _row: None) -> Reply:
    """`/ots burn <link|key>`: shows what is about to be burned and asks."""
    link = pasted.metadata_link(interaction, ASK)
    await interaction.show(Modal.of(FORM, TITLE, Text.of(LOOKING)))
    host, key = await pasted.locate_key(interaction, link)
    return await _question(interaction, host, key)


async def ask_for_passphrase(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """The Burn button of a secret that has a passphrase."""
    await interaction.show(Modal.of(FORM, TITLE, Text.of(LOOKING)))
    host = interaction.services.hosts.of(context.host)
    return await _question(interaction, host, context.key, dict(context.data))


async def submit(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """The question was answered with “Burn it”."""
    host = interaction.services.hosts.of(context.host)
    access = await interaction.services.access(interaction.person, host)
    try:
        state, metadata = await _destroy(interaction, access, context.key, asked=True, names=names_in(context))
    except WrongPassphrase as wrong:
        again = _form(context.id, Text.of(FOREVER), passphrase=True)
        if "passphrase" not in interaction.text_inputs:  # nobody knew that the secret has a passphrase
            return Reply(again, Outcome.REFUSED)
        said = Sentences.of(wrong.tell, *describe_other_forms(interaction.text_inputs["passphrase"]))
        raise FieldErrors({"passphrase": said}, form=again) from None
    name = await _name(interaction, host, context.key, metadata)
    window = Modal.of(BURNED_FORM, TITLE, *_outcome_parts(host, name, state, metadata), *access.notes, close=DONE)
    return Reply(window, read_burn_outcome(state))


async def burn(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """A card's Burn button, after its confirm dialog."""
    host = interaction.services.hosts.of(context.host)
    access = await interaction.services.access(interaction.person, host)
    try:
        state, metadata = await _destroy(interaction, access, context.key, asked=False, names=names_in(context))
    except WrongPassphrase:
        in_a_list = metadata_card.is_in_a_list(context)
        return Reply(_passphrase_needed(context.id, access, without_replacing=in_a_list), Outcome.REFUSED)
    name = await _name(interaction, host, context.key, metadata)
    message = _outcome_message(access, name, state, metadata, without_replacing=metadata_card.is_in_a_list(context))
    return Reply(message, read_burn_outcome(state))


async def burn_posted(interaction: Interaction, card: LinkCard) -> Reply:
    """“Burn” on the card under a link that somebody posted, after its confirm dialog.

    It works for whoever has the private link of the secret here, and never for somebody who has only posted the link.
    """
    require_on_card(interaction, card)
    if card.state != "open":
        drawn = link_card(card)
        return Reply(Message(drawn.summary, drawn.parts, without_replacing=True), Outcome.REFUSED)
    services, person = interaction.services, interaction.person
    host, key = read_card(services, card)
    access = await services.access(person, host)
    found, delivery = await _find_own(services, person, access, key)
    if found is None:
        return Reply(Message.of(NOT_YOURS_TO_BURN, Text.of(NOT_YOURS_TO_BURN), without_replacing=True), Outcome.REFUSED)
    names = services.guesses.names_of(host.url, key)
    try:
        state, metadata = await _destroy(interaction, access, found, asked=False, names=names)
    except WrongPassphrase:
        new = NewButtonContext(METADATA, host.url, found, access.account_id, kept_names(services, host, key))
        (ref,) = await services.button_contexts.keep(person, new)
        return Reply(_passphrase_needed(ref, access, without_replacing=True), Outcome.REFUSED)
    if state is SecretState.BURNED and delivery is not None:
        await on_watch_event.show_burned_delivery(services, delivery)
    name = await _name(interaction, host, found, metadata)
    return Reply(_outcome_message(access, name, state, metadata, without_replacing=True), read_burn_outcome(state))


async def _find_own(
    services: Services, person: Person, access: HostAccess, key: SecretKey
) -> tuple[MetadataKey | None, Delivery | None]:
    """The metadata key of a secret that this person tracks, or shared here, or that their account lists.

    With the delivery, if that is how it was found. Raises the error of the call for the account's list.
    """
    host = access.credentials.host
    for tracked in await services.tracking.find_by_secret_key(person, host.url, key):
        if tracked.person == person:
            return tracked.key, None
    for _, delivery in await services.shares.sent_by(person, host.url):
        if delivery.secret_key == key:
            return delivery.metadata_key, delivery
    if access.account_id is None:
        return None, None
    return await services.onetime.find_owned(access.credentials, key), None


async def burn_tracked(interaction: Interaction, tracked: Tracked) -> Reply:
    """The Burn button of a tracked secret's card, after its confirm dialog. Only a burn changes the card."""
    return await _burn_tracked(interaction, tracked, listed=False)


async def burn_in_list(interaction: Interaction, tracked: Tracked) -> Reply:
    """The Burn button in `/ots tracked`, after its confirm dialog. The list stays as it is."""
    return await _burn_tracked(interaction, tracked, listed=True)


async def _burn_tracked(interaction: Interaction, tracked: Tracked, *, listed: bool) -> Reply:
    host = interaction.services.hosts.of(tracked.host)
    access = await interaction.services.access(interaction.person, host)
    try:
        state, metadata = await _destroy(interaction, access, tracked.key, asked=False)
    except WrongPassphrase:
        new = NewButtonContext(METADATA, host.url, tracked.key, access.account_id)
        (ref,) = await interaction.services.button_contexts.keep(interaction.person, new)
        return Reply(_passphrase_needed(ref, access, without_replacing=True), Outcome.REFUSED)
    if state is SecretState.BURNED and not listed:
        now = await interaction.services.tracking.find(interaction.person, tracked.id)
        return Reply(tracked_card(now, host.name, notes=access.notes), Outcome.DONE)
    if metadata is not None and (change := find_change(tracked, metadata, clock.now())):
        await interaction.services.tracking.record_change(tracked, change)
    name = await _name(interaction, host, tracked.key, metadata)
    message = _outcome_message(access, name, state, metadata, without_replacing=True)
    return Reply(message, read_burn_outcome(state))


async def ask_for_tracked(interaction: Interaction, tracked: Tracked) -> Reply:
    await interaction.show(Modal.of(FORM, TITLE, Text.of(LOOKING)))
    return await _question(interaction, interaction.services.hosts.of(tracked.host), tracked.key)


def _outcome_message(
    access: HostAccess,
    name: SecretName,
    state: SecretState | None,
    metadata: Metadata | None,
    *,
    without_replacing: bool,
) -> Message:
    host = access.credentials.host
    summary = secret_words(state) if state else NOT_KNOWN_SUMMARY
    return Message.of(
        say("{secret} on {server}: {state}.", secret=name.in_list(), server=HostName(host.name), state=summary),
        *_outcome_parts(host, name, state, metadata),
        *access.notes,
        without_replacing=without_replacing,
    )


def _passphrase_needed(ref: str, access: HostAccess, *, without_replacing: bool) -> Message:
    label = say("Type the passphrase and burn it")
    burn_it = Button(say("Burn…"), BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=label)
    said = say("This secret has a passphrase. Burning it needs that too. Nothing was burned.")
    return Message.of(said, Text.of(said), *access.notes, Buttons.of(burn_it), without_replacing=without_replacing)


async def _question(
    interaction: Interaction, host: Host, key: MetadataKey, known: Mapping[str, str] | None = None
) -> Reply:
    """The window that asks. `known` is what `kept_names` gave before, for servers that do not tell the secret key."""
    access = await interaction.services.access(interaction.person, host)
    try:
        metadata = await access.call(lambda credentials: interaction.services.onetime.metadata(credentials, key))
    except SecretGone:
        return Reply(Modal.of(BURNED_FORM, TITLE, Text(NOT_KNOWN)), Outcome.REFUSED)
    state = metadata.state_at(clock.now())
    name = await find_name(interaction.services, interaction.person, host, key, metadata)
    if state.is_over:
        window = Modal.of(BURNED_FORM, TITLE, *_outcome_parts(host, name, state, metadata), *access.notes)
        return Reply(window, Outcome.REFUSED)
    data = {**(known or {}), **kept_names(interaction.services, host, metadata.secret_key)}
    context = NewButtonContext(METADATA, host.url, key, access.account_id, data)
    (ref,) = await interaction.services.button_contexts.keep(interaction.person, context)
    parts = (*metadata_card.card(metadata, host, name), Text.of(FOREVER), *access.notes)
    return Reply(_form(ref, *parts, passphrase=bool(metadata.passphrase_required)), Outcome.SHOWN)


def _form(ref: str, *parts: Part, passphrase: bool) -> Modal:
    field = (
        (Field("passphrase", say("Its passphrase"), say("It has one, so burning needs it too.")),) if passphrase else ()
    )
    return Modal.of(FORM, TITLE, *parts, *field, ref=ref, submit=say("Burn it"), close=say("Keep it"))


async def _destroy(
    interaction: Interaction, access: HostAccess, key: MetadataKey, *, asked: bool, names: Sequence[str] = ()
) -> tuple[SecretState | None, Metadata | None]:
    """Burn the secret, or find out its state now, as `guess_and_burn` says. A tracked secret's card is updated."""
    passphrase = interaction.text_inputs.get("passphrase") or None
    state, metadata = await guess_and_burn(
        interaction.services, interaction.person, access, key, passphrase, asked=asked, names=names
    )
    if state is SecretState.BURNED:
        try:
            await _settle(interaction, access.credentials.host, key, names)
        except StorageUnavailable as error:  # the watcher finds out, and tells
            log.warning("burn_not_noted", error=str(error))
    return state, metadata


async def _name(interaction: Interaction, host: Host, key: MetadataKey, metadata: Metadata | None) -> SecretName:
    """The name of a secret that may be destroyed by now: that has to be said, whatever the database is up to."""
    try:
        return await find_name(interaction.services, interaction.person, host, key, metadata)
    except StorageUnavailable as error:
        log.warning("name_not_read", error=str(error))
        return SecretName(short_id=key.short_id)


async def _settle(interaction: Interaction, host: Host, key: MetadataKey, names: Sequence[str]) -> None:
    """Mark a tracked secret as burned and update its cards. The watcher then does not notify its owner."""
    tracked = await interaction.services.tracking.settle(interaction.person, host.url, key, "burned")
    await end_cards_of_burned(interaction.services, interaction.person, names, tracked.id if tracked else None)
    if tracked is not None:
        await on_watch_event.show_burned(interaction.services, tracked.id)
    if tracked is not None and tracked.card is not None:
        try:
            await show_card(interaction, tracked, host.name)
        except SlackError as error:
            if not error.is_permanent:
                await interaction.services.outdated_messages.add("tracked", tracked.id, interaction.person)


def _outcome_parts(
    host: Host, name: SecretName, state: SecretState | None, metadata: Metadata | None
) -> tuple[Part, ...]:
    said = NOT_KNOWN if state is None else burn_outcome(state)
    details = metadata_card.card(metadata, host, name)[1:] if metadata else ()
    return (Text.of(Bold(name.in_list()), Mark("\n"), *said), *details)


FEATURE = Feature(
    name="burn",
    verbs=(
        Verb(
            "burn",
            say("destroys a secret that nobody has opened yet"),
            say("<private link>"),
            needs_text=True,
            key_button=lambda label, ref: Button(label, BURN_WITH_PASSPHRASE, ref, "primary"),
            handler=Handler(ask_first, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.ACTION: {
            CARD_BURN: Handler(burn_posted, card_in_workspace),
            BURN: Handler(burn, own_button_context(METADATA)),
            TRACKED_BURN: Handler(burn_tracked, own_tracked),
            TRACKED_LIST_BURN: Handler(burn_in_list, own_tracked),
            TRACKED_BURN_WITH_PASSPHRASE: Handler(ask_for_tracked, own_tracked, opens_window=True),
            BURN_WITH_PASSPHRASE: Handler(ask_for_passphrase, own_button_context(METADATA), opens_window=True),
        },
        Kind.FORM: {FORM: Handler(submit, own_button_context(METADATA))},
    },
)
