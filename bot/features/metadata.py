"""`/ots metadata`: what is known about a secret without opening it."""

from __future__ import annotations

from bot import clock
from bot.interaction import pasted
from bot.interaction.access import HostAccess
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import NO_FORM, ONE_MOMENT, Button, Message, Modal, Text
from bot.screen.pieces import HostName, say
from bot.secret import MetadataKey
from bot.status import metadata_card
from bot.status.burn import kept_names
from bot.status.buttons import METADATA_DETAILS, METADATA_REFRESH
from bot.status.metadata_details import TITLE, details_window
from bot.status.names import find_name
from bot.status.words import secret_words
from bot.storage.button_contexts import METADATA, ButtonContext, NewButtonContext

ASK = say(
    "Paste the private link of a secret: `/ots metadata https://eu.onetimesecret.com/private/…`. "
    "It is the one that you got when you made it, not the one that you sent."
)


async def show_metadata(interaction: Interaction, _row: None) -> Reply:
    """`/ots metadata <link|key>`."""
    host, key = await pasted.metadata_key(interaction, ASK)
    return await _show(interaction, host, key)


async def refresh(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """A card's Refresh button, and “Show status” under a pasted link."""
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
        interaction.person,
        NewButtonContext(
            METADATA, host.url, key, access.account_id, kept_names(interaction.services, host, metadata.secret_key)
        ),
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
            METADATA_REFRESH: Handler(refresh, own_button_context(METADATA)),
            METADATA_DETAILS: Handler(show_details, own_button_context(METADATA), opens_window=True),
        },
    },
)
