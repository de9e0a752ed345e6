"""`/ots metadata`: what is known about a secret without opening it."""

from __future__ import annotations

from bot import clock
from bot.interaction import pasted
from bot.interaction.access import HostAccess
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, card_in_workspace, own_button_context
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import NO_FORM, ONE_MOMENT, Button, Message, Modal, Note, Part, Text
from bot.screen.pieces import HostName, say
from bot.secret import MetadataKey
from bot.status import metadata_card
from bot.status.buttons import CARD_CHECK, METADATA_DETAILS, METADATA_REFRESH
from bot.status.link_card import link_card, read_card, require_on_card
from bot.status.metadata_details import TITLE, details_window
from bot.status.names import find_name
from bot.status.words import GONE_SIGN, TRACKED_SIGNS, TRACKED_WORDS, secret_words
from bot.storage.button_contexts import METADATA, ButtonContext, NewButtonContext
from bot.storage.link_cards import LinkCard
from bot.storage.tracking.rows import Tracked

CHECK_TITLE = say("Check one-time link")
NOT_ASKED = Note.of(say("The server was not asked: this is what the app knows by itself."))
ASK = say(
    "Paste the private link of a secret: `/ots metadata https://eu.onetimesecret.com/private/…`. "
    "It is the one that you got when you made it, not the one that you sent."
)


async def show_metadata(interaction: Interaction, _row: None) -> Reply:
    """`/ots metadata <link|key>`."""
    host, key = await pasted.metadata_key(interaction, ASK)
    return await _show(interaction, host, key)


async def refresh(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """A card's Refresh button, and “Show metadata” under a pasted link."""
    host = interaction.services.hosts.of(context.host)
    return await _show(interaction, host, context.key, without_replacing=metadata_card.is_in_a_list(context))


async def show_details(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """A card's Details button. The server is asked anew, so that the window says what holds now."""
    await interaction.show(Modal.of(NO_FORM, TITLE, Text.of(ONE_MOMENT)))
    host = interaction.services.hosts.of(context.host)
    access, metadata = await _fetch(interaction, host, context.key)
    name = await find_name(interaction.services, interaction.person, host, context.key, metadata)
    return Reply(details_window(metadata, host, name, access.notes), Outcome.SHOWN)


async def _fetch(interaction: Interaction, host: Host, key: MetadataKey) -> tuple[HostAccess, Metadata]:
    access = await interaction.services.access(interaction.person, host)
    return access, await access.call(lambda credentials: interaction.services.onetime.metadata(credentials, key))


async def _show(interaction: Interaction, host: Host, key: MetadataKey, *, without_replacing: bool = False) -> Reply:
    access, metadata = await _fetch(interaction, host, key)
    (ref,) = await interaction.services.button_contexts.keep(
        interaction.person, NewButtonContext(METADATA, host.url, key, access.account_id)
    )
    name = await find_name(interaction.services, interaction.person, host, key, metadata)
    words = secret_words(metadata.state_at(clock.now()))
    message = Message.of(
        say("{secret} on {server}: {state}.", secret=name.in_list(), server=HostName(host.name), state=words),
        *metadata_card.card(metadata, host, name),
        *metadata_card.actions(metadata, name, ref),
        metadata_card.not_opened_note(),
        *access.notes,
        without_replacing=without_replacing,
    )
    return Reply(message, Outcome.SHOWN)


async def check_posted(interaction: Interaction, card: LinkCard) -> Reply:
    """“Check” on the card under a link that somebody posted: what this bot knows. The server is not asked."""
    require_on_card(interaction, card)
    services, said = interaction.services, link_card(card).parts[0]
    known: tuple[Part, ...] = ()
    if card.state == "open":
        host, key = read_card(services, card)
        rows = await services.tracking.find_by_secret_key(interaction.person, host.url, key)
        known = (_known_of(rows), NOT_ASKED)
    return Reply(Modal.of(NO_FORM, CHECK_TITLE, said, *known), Outcome.SHOWN)


def _known_of(rows: list[Tracked]) -> Text:
    """What is known of a secret that somebody here tracks. A row that is over knows more than one that is open."""
    if not rows:
        return Text.of(GONE_SIGN, say("Nobody tracks this secret here, so the app knows nothing about it."))
    row = next((one for one in rows if one.is_over), rows[0])
    return Text.of(TRACKED_SIGNS[row.state], TRACKED_WORDS[row.state])


FEATURE = Feature(
    name="metadata",
    verbs=(
        Verb(
            "metadata",
            say("shows the status of a secret, without opening it"),
            say("<private link>"),
            aliases=("status", "info"),
            needs_text=True,
            key_button=lambda label, ref: Button(label, METADATA_REFRESH, ref, "primary"),
            handler=Handler(show_metadata, any_member),
        ),
    ),
    handlers={
        Kind.ACTION: {
            CARD_CHECK: Handler(check_posted, card_in_workspace, opens_window=True),
            METADATA_REFRESH: Handler(refresh, own_button_context(METADATA)),
            METADATA_DETAILS: Handler(show_details, own_button_context(METADATA), opens_window=True),
        },
    },
)
