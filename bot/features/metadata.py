"""`/ots metadata`: what is known about a secret without opening it."""

from __future__ import annotations

from bot import card, pasted
from bot.feature import Call, Feature, Handler, Verb, any_member, own_handle
from bot.onetime.links import Host
from bot.screen.parts import Heading, Message
from bot.secret import MetadataKey
from bot.storage.handles import Handle, NewHandle

ASK = (
    "Paste the private link of a secret: `/ots metadata https://eu.onetimesecret.com/private/…`. "
    "It is the one that you got when you made it, not the one that you sent."
)


async def look(call: Call, _row: None) -> Message:
    """`/ots metadata <link|key>`."""
    host, key = await pasted.metadata_key(call, ASK)
    return await _show(call, host, key)


async def refresh(call: Call, handle: Handle) -> Message:
    """A card's Refresh button, and “Show metadata” under a pasted link."""
    assert handle.key is not None
    host = call.services.hosts.of(handle.host)
    return await _show(call, host, handle.key.as_kind(MetadataKey), beside=card.is_in_a_list(handle))


async def _show(call: Call, host: Host, key: MetadataKey, *, beside: bool = False) -> Message:
    caller, account_id = await call.services.caller_and_account(call.person, host)
    metadata = await call.services.onetime.metadata(caller, key)
    (ref,) = await call.services.handles.keep(call.person, NewHandle("metadata", host.url, account_id, key))
    words = card.STATE_WORDS[metadata.state_at(card.now())]
    return Message.of(
        f"One-time secret on {host.name}: {words}.",
        Heading("One-time secret"),
        *card.card(metadata, host),
        *card.actions(metadata, ref),
        card.nothing_opened(),
        beside=beside,
    )


FEATURE = Feature(
    name="metadata",
    verbs=(
        Verb(
            "metadata",
            "shows what became of a secret, without opening it",
            "<private link>",
            aliases=("status", "info"),
            handler=Handler(look, any_member),
        ),
    ),
    actions={"metadata_refresh": Handler(refresh, own_handle("metadata"))},
)
