"""Cards under one-time links that people post (UNFURL_LINKS): Slack tells of each link of an allowed site.

A secret link gets a card with Open, Check and Burn, which everybody in the conversation sees. A private link gets none:
its poster is warned. Onetime Secret is not called. The buttons are handled where the same is done with a pasted link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bot.errors import BotError, SlackError
from bot.failpoints import failpoint
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import anybody
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.onetime.links import Host, MetadataLink, SecretLink, read_posted
from bot.person import Person
from bot.policy.decide import decide
from bot.screen.parts import Message, Note, Text
from bot.screen.pieces import HostName, Listing, say
from bot.status.link_card import link_card, redraw_all
from bot.status.words import WARNING_SIGN
from bot.storage.link_cards import LinkCard, PostedLink

log = Log("unfurl")


async def receive_links(interaction: Interaction, _row: None) -> Reply:
    """Links were posted. In a preview in the composer there is no message yet: that is ignored."""
    services, message = interaction.services, interaction.message
    if not services.unfurl_links or message is None or not interaction.person.user_id:
        return Reply(None, Outcome.REFUSED)
    person = replace(interaction.person, team_id=interaction.install_team or interaction.person.team_id)
    layers = await services.policies.of(person)  # of the workspace that it was posted in, whoever did
    if decide(layers, "unfurl") is not None:
        return Reply(None, Outcome.REFUSED)
    found = {link: read_posted(link, services.hosts) for link in interaction.links}
    posted = {
        (one.host, one.key): PostedLink(link, one.host.url, one.key)
        for link, one in found.items()
        if isinstance(one, SecretLink) and decide(layers, "hosts", one.host.url) is None
    }
    if posted:
        services.card_queues.put(
            message.team_id, partial(_post_cards, services, interaction.person, message, [*posted.values()])
        )
    private = [*dict.fromkeys(one for one in found.values() if isinstance(one, MetadataLink))]
    try:
        await _warn(interaction, private)
    except BotError as error:  # whoever posted a link has asked the bot for nothing, so nobody is told
        log.warning("not_warned", error=str(error))
        return Reply(None, Outcome.UNAVAILABLE)
    return Reply(None, Outcome.DONE if posted or private else Outcome.REFUSED)


async def _post_cards(services: Services, poster: Person, message: MessageRef, links: list[PostedLink]) -> None:
    """Attach the cards that the message does not have yet, in one call. Raises `SlackError` to be called again."""
    cards = await services.link_cards.keep(poster, message, links)
    if cards:
        failpoint("card_kept")
        await _attach(services, cards)


async def _attach(services: Services, cards: list[LinkCard]) -> None:
    """Attach new cards of one message. Cards that Slack never takes are forgotten."""
    drawn = {card.link: link_card(card) for card in cards}
    try:
        await services.unfurl(cards[0].message, drawn, cards[0].poster)
    except SlackError as error:
        if not error.is_permanent:
            raise
        log.info("card_refused", error=str(error), count=len(cards))
        await services.link_cards.forget(cards)
        return
    failpoint("card_attached")
    await redraw_all(services, await services.link_cards.mark_posted(cards))


# --- private links


async def _warn(interaction: Interaction, private: Sequence[MetadataLink]) -> None:
    """Warn who posted private links, if it is a member: once for each link, in one message."""
    services, person = interaction.services, interaction.person
    if not private or not await interaction.is_member(person):
        return
    claimed = [one for one in private if await services.link_warnings.claim(person, one.host.url, one.key)]
    if not claimed:
        return
    failpoint("warning_claimed")
    try:
        await interaction.tell(_warning([*dict.fromkeys(one.host for one in claimed)]))
    except SlackError:
        for one in claimed:
            await services.link_warnings.give_back(person, one.host.url, one.key)
        raise
    failpoint("warning_sent")
    for one in claimed:
        await services.link_warnings.confirm(person, one.host.url, one.key)


def _warning(hosts: Sequence[Host]) -> Message:
    servers = Listing(tuple(HostName(host.name) for host in hosts))
    said = say("You posted a *private* link, of a one-time secret on *{server}*.", server=servers)
    means = say("Everybody who has this link can see the status of the secret and burn it. It does not open it.")
    advice = say("Delete your message and send the link with `/secret/` in it instead.")
    return Message.of(said, Text.of(WARNING_SIGN, said), Text.of(means), Note.of(advice))


# --- after a crash


async def recover(services: Services, alone_for: float | None = None) -> None:
    """Delete old cards, change those whose secret is over, and attach what a crash of this process kept back.

    Raises `StorageUnavailable`.
    """
    await services.link_cards.purge()
    await services.link_cards.mark_opened_before_a_crash()
    await redraw_all(services, await services.link_cards.undrawn())
    if alone_for is not None:  # no other process has any of these under way
        for card in await services.link_cards.unposted():
            services.card_queues.put(card.message.team_id, partial(_attach, services, [card]))
    await services.link_warnings.purge()


FEATURE = Feature(
    name="unfurl",
    handlers={
        Kind.EVENT: {"link_shared": Handler(receive_links, anybody, needs_member=False, is_recorded=False)},
    },
    recover=recover,
)
