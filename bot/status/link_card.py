"""The card under a one-time link that somebody posted: what it says, and how it changes.

Everybody in the conversation sees the card. So it names nobody, and says only what the link itself and this bot know:
no call to Onetime Secret is made for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial

from bot.errors import BotError, NotYours, SlackError
from bot.failpoints import failpoint
from bot.interaction.feature import Interaction
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.links import Host, SecretLink, read_posted
from bot.person import Person
from bot.screen.parts import Button, Buttons, Message, Text
from bot.screen.pieces import HostName, say
from bot.secret import SecretKey
from bot.status.burn import burn_confirm
from bot.status.buttons import CARD_BURN, CARD_CHECK, CARD_OPEN
from bot.status.names import NAMELESS
from bot.status.words import BURNED_SIGN, OPENED_SIGN
from bot.storage.link_cards import CardEnd, LinkCard

log = Log("link_card")


def link_card(card: LinkCard) -> Message:
    """The card as it is now."""
    server = HostName(Host(card.host).name)
    match card.state:
        case "opened":
            said = say(
                "One-time link on *{server}*. Its secret was opened, so the link opens nothing any more.", server=server
            )
            return Message.of(said, Text.of(OPENED_SIGN, said))
        case "burned":
            said = say(
                "One-time link on *{server}*. Its secret was burned, so the link opens nothing any more.", server=server
            )
            return Message.of(said, Text.of(BURNED_SIGN, said))
        case _:
            said = say("One-time link on *{server}*. Opens once.", server=server)
            return Message.of(said, Text.of(said), _buttons(card))


def _buttons(card: LinkCard) -> Buttons:
    return Buttons.of(
        Button(
            say("Open"), CARD_OPEN, card.id, "primary", accessibility_label=say("Open this one-time link in a window")
        ),
        Button(say("Check"), CARD_CHECK, card.id, accessibility_label=say("Check this one-time link")),
        Button(
            say("Burn"),
            CARD_BURN,
            card.id,
            "danger",
            burn_confirm(NAMELESS),
            accessibility_label=say("Burn the secret of this one-time link"),
        ),
    )


def require_on_card(interaction: Interaction, card: LinkCard) -> None:
    """Raise `NotYours` unless the button was pressed on the message that the card was made for.

    The card was looked up in the person's workspace or organisation, whose ids of conversations are unique.
    """
    pressed = interaction.message
    if pressed is None or (pressed.channel, pressed.ts) != (card.message.channel, card.message.ts):
        raise NotYours


def read_card(services: Services, card: LinkCard) -> tuple[Host, SecretKey]:
    """The host and the secret key of a card that is open. Raises `HostNotAllowed`, `NotYours`."""
    services.hosts.of(card.host)  # the operator may have removed the host from the list
    found = read_posted(card.link, services.hosts)
    if not isinstance(found, SecretLink):  # the card has changed for the last time in the meantime
        raise NotYours
    return found.host, found.key


async def end_cards(services: Services, person: Person, host: str, key: SecretKey, state: CardEnd) -> None:
    """Let all cards of this secret in the person's workspace say that it was opened or burned.

    `host` is the base URL. They are drawn by the way, at Slack's pace, and recovery draws what is left. Raises nothing:
    the secret is over, whatever its cards say.
    """
    await _end(services, services.link_cards.mark(person, host, key, state))


async def end_cards_of_burned(services: Services, person: Person, names: Sequence[str], tracked_id: str | None) -> None:
    """Let the cards of a secret that the person burned say so, where its secret key is not at hand.

    `names` are those that `Guesses.names_of` gives the secret key, if somebody knew it; `tracked_id` is the person's
    tracked row. Raises nothing.
    """
    if names:
        await _end(services, services.link_cards.mark_named(person, names, "burned"))
    if tracked_id is not None:
        await _end(services, services.link_cards.mark_tracked(person, tracked_id, "burned"))


async def _end(services: Services, marking: Awaitable[list[LinkCard]]) -> None:
    try:
        for card in await marking:
            services.card_queues.put(card.message.team_id, partial(_draw, services, card))
    except BotError as error:
        log.warning("card_not_changed", error=str(error))
    except Exception as error:  # noqa: BLE001 - the person must see what was done, whatever the card says
        log.error("card_not_changed", cause=error)


async def redraw_all(services: Services, cards: list[LinkCard]) -> None:
    """Draw cards of secrets that are over, as many as Slack takes now. Raises `StorageUnavailable`."""
    full: set[str] = set()  # workspaces whose cards wait for a minute
    for card in cards:
        team_id = card.message.team_id
        if team_id in full or not await services.card_queues.may_call(team_id):
            full.add(team_id)
            continue
        with suppress(SlackError):  # in a minute
            await _draw(services, card)


async def _draw(services: Services, card: LinkCard) -> None:
    """Draw a card for the last time. Raises `SlackError` if it can be drawn later, and `StorageUnavailable`."""
    failpoint("card_marked")
    try:
        await services.unfurl(card.message, {card.link: link_card(card)}, card.poster)
    except SlackError as error:
        log.info("card_not_changed", error=str(error), ref=card.id)
        if not error.is_permanent:
            raise
    failpoint("card_redrawn")
    await services.link_cards.close(card.id)
