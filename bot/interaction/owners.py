"""The `owns` of handlers: each loads one stored row for the acting person, or raises `NotYours`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.interaction.parsed_text import NO_TEXT, ParsedText, parse_markup
from bot.interaction.services import Services
from bot.person import Person
from bot.storage.accounts import Account
from bot.storage.button_contexts import COMMAND, COMMAND_NAMES, ButtonContext, ContextKind, Key
from bot.storage.executions import Execution
from bot.storage.link_cards import LinkCard
from bot.storage.requests import Request
from bot.storage.reveals.rows import Reveal
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tracking.rows import Tracked


async def any_member(_services: Services, _person: Person, _ref: object) -> None:
    """For handlers that use no stored row. The dispatcher has checked that the person is a member."""


async def anybody(_services: Services, _person: Person, _ref: object) -> None:
    """For what is answered to guests and strangers too: with words that hold nothing of anybody."""


async def own_account(services: Services, person: Person, ref: object) -> Account:
    return await services.accounts.find(person, ref)


async def own_reveal(services: Services, person: Person, ref: object) -> Reveal:
    return await services.reveals.find(person, ref)


async def own_reveal_window(services: Services, person: Person, ref: object) -> Reveal:
    """The reveal of a window that may have been open for longer than the reveal can be used."""
    return await services.reveals.find_for_window(person, ref)


async def own_tracked(services: Services, person: Person, ref: object) -> Tracked:
    return await services.tracking.find(person, ref)


async def own_request(services: Services, person: Person, ref: object) -> Request:
    """A request for a secret, for the person who made it."""
    return await services.requests.find(person, ref)


async def received_request(services: Services, person: Person, ref: object) -> Request:
    """A request for a secret, for the person who is asked to answer it."""
    return await services.requests.find_for_asked(person, ref)


async def own_execution(services: Services, person: Person, ref: object) -> Execution:
    """An execution of the workflow step, for the person who ran the workflow."""
    return await services.executions.find(person, ref)


async def own_share(services: Services, person: Person, ref: object) -> Share:
    return await services.shares.find(person, ref)


async def own_delivery(services: Services, person: Person, ref: object) -> Delivery:
    """A delivery, for the person who sent it."""
    return await services.shares.own_delivery(person, ref)


async def received_delivery(services: Services, person: Person, ref: object) -> Delivery:
    """A delivery, for its recipient, or for any member of the workspace if it was sent to a channel."""
    return await services.deliveries.find_for_recipient(person, ref)


async def card_in_workspace(services: Services, person: Person, ref: object) -> LinkCard:
    """The card under a link that somebody posted, for any member of the workspace."""
    return await services.link_cards.find(person, ref)


def own_button_context(kind: ContextKind[Key]) -> Callable[[Services, Person, object], Awaitable[ButtonContext[Key]]]:
    """A button context of this kind, for the person who was shown the button."""

    async def load(services: Services, person: Person, ref: object) -> ButtonContext[Key]:
        return await services.button_contexts.find(person, kind, ref)

    return load


async def own_names(services: Services, person: Person, ref: object) -> ParsedText:
    """Whom the command named and its known words, for the person who typed it; nothing for a button without either."""
    if ref is None:
        return NO_TEXT
    return parse_markup((await services.button_contexts.find(person, COMMAND, ref)).data[COMMAND_NAMES])
