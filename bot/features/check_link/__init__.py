"""The message shortcut “Check one-time link”: says of each link in a message what it is, and what can be done with it.

“Check” on the card of a posted link shows the same window. Slack sends the message with the shortcut. No server is
asked before somebody presses “Check now”, since a look is not harmless on every version of Onetime Secret: screens.py
says above the button what it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from bot import clock
from bot.errors import OnetimeError, SecretGone
from bot.features.check_link import screens
from bot.features.check_link.screens import CHECK_PRIVATE, CHECK_SECRET, FoundLink
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, read_outcome
from bot.interaction.owners import any_member, card_in_workspace, own_button_context
from bot.interaction.parsed_text import parse_field
from bot.interaction.pasted import Findings, PastedLink, find_all
from bot.onetime.links import Host, MetadataLink, SecretLink
from bot.onetime.wire import UnexpectedError, UnrecognizedAnswer
from bot.screen.parts import Part, Text
from bot.secret import MetadataKey, SecretKey
from bot.status import metadata_card
from bot.status.buttons import CARD_CHECK
from bot.status.link_card import link_card, read_card, require_on_card
from bot.status.names import find_name
from bot.status.words import NOT_KNOWN, WARNING_SIGN
from bot.storage.button_contexts import METADATA, SECRET, AnyNewButtonContext, ButtonContext, NewButtonContext
from bot.storage.link_cards import LinkCard
from bot.storage.tracking.rows import Tracked

SHORTCUT = "check_link"


async def check(interaction: Interaction, _row: None) -> Reply:
    await interaction.show(screens.one_moment())
    content = interaction.content
    findings = find_all(map(parse_field, content.texts if content else ()), interaction.services.hosts)
    links = await _find_stored(interaction, findings.links[: screens.MAX_LINKS])
    is_own = content is not None and content.author == interaction.person.user_id
    author = content.author if content and not is_own else None
    return Reply(screens.window(findings, links, author=author, is_own=is_own), Outcome.SHOWN)


async def check_posted(interaction: Interaction, card: LinkCard) -> Reply:
    """“Check” on the card under a link that somebody posted."""
    require_on_card(interaction, card)
    if card.state != "open":
        return Reply(screens.over(link_card(card).parts), Outcome.SHOWN)
    findings = Findings((SecretLink(*read_card(interaction.services, card)),))
    links = await _find_stored(interaction, findings.links)
    return Reply(screens.window(findings, links, author=None, is_own=False), Outcome.SHOWN)


async def _find_stored(interaction: Interaction, links: Sequence[PastedLink]) -> list[FoundLink]:
    """The links with what is stored here about them: nothing is asked of a server."""
    refs = await interaction.services.button_contexts.keep(interaction.person, *map(_context, links))
    tracked = await asyncio.gather(*(_find_tracked(interaction, link) for link in links))
    return [FoundLink(*one) for one in zip(links, refs, tracked, strict=True)]


def _context(link: PastedLink) -> AnyNewButtonContext:
    match link:
        case SecretLink(host, key):
            return NewButtonContext(SECRET, host.url, key)
        case MetadataLink(host, key):
            return NewButtonContext(METADATA, host.url, key)


async def _find_tracked(interaction: Interaction, link: PastedLink) -> Tracked | None:
    """The secret of the link, if this person tracks it. What they shared here is tracked too."""
    tracking, host = interaction.services.tracking, link.host.url
    match link:
        case SecretLink(_, key):
            found = await tracking.find_metadata_key(interaction.person, host, key)
        case MetadataLink(_, found):
            pass
    tracked = await tracking.find_key(interaction.person, host, found) if found else None
    return tracked if tracked and tracked.is_readable else None


async def check_secret(interaction: Interaction, context: ButtonContext[SecretKey]) -> Reply:
    """“Check now” of a link that opens a secret. The call opens nothing."""
    host = interaction.services.hosts.of(context.host)
    await interaction.show(screens.asking(host))
    answer = await _ask_for_secret(interaction, host, context.key)
    return await _show(interaction, SecretLink(host, context.key), context.id, answer)


class _Answer(NamedTuple):
    """What a server said of a link. `is_over`: nobody can open its secret any more."""

    outcome: Outcome
    parts: tuple[Part, ...]
    is_over: bool = False


async def _ask_for_secret(interaction: Interaction, host: Host, key: SecretKey) -> _Answer:
    try:
        status = await interaction.services.onetime.secret_status(host, key)
    except SecretGone:
        return _Answer(Outcome.SHOWN, screens.CANNOT_BE_OPENED, is_over=True)
    except OnetimeError as error:
        if isinstance(error, UnrecognizedAnswer) and not isinstance(error, UnexpectedError):  # it has no such call
            return _Answer(Outcome.SHOWN, screens.cannot_be_known(host))
        return _Answer(read_outcome(error), (Text.of(WARNING_SIGN, error.tell),))
    return _Answer(Outcome.SHOWN, screens.can_be_opened(status))


async def check_private(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """“Check now” of a private link: the look whose effect was told."""
    host = interaction.services.hosts.of(context.host)
    await interaction.show(screens.asking(host))
    answer = await _ask_for_metadata(interaction, host, context.key)
    return await _show(interaction, MetadataLink(host, context.key), context.id, answer)


async def _ask_for_metadata(interaction: Interaction, host: Host, key: MetadataKey) -> _Answer:
    access = await interaction.services.access(interaction.person, host)
    try:
        metadata = await access.call(lambda credentials: interaction.services.onetime.metadata(credentials, key))
    except SecretGone:
        return _Answer(Outcome.SHOWN, (Text(NOT_KNOWN),), is_over=True)
    except OnetimeError as error:
        return _Answer(read_outcome(error), (Text.of(WARNING_SIGN, error.tell),))
    name = await find_name(interaction.services, interaction.person, host, key, metadata)
    said = (*metadata_card.card(metadata, host, name), *access.notes)
    return _Answer(Outcome.SHOWN, said, is_over=metadata.state_at(clock.now()).is_over)


async def _show(interaction: Interaction, link: PastedLink, ref: str, answer: _Answer) -> Reply:
    found = FoundLink(link, ref, await _find_tracked(interaction, link))
    return Reply(screens.checked(found, answer.parts, is_over=answer.is_over), answer.outcome)


FEATURE = Feature(
    name="check_link",
    handlers={
        Kind.MESSAGE_SHORTCUT: {SHORTCUT: Handler(check, any_member, opens_window=True)},
        Kind.ACTION: {
            CARD_CHECK: Handler(check_posted, card_in_workspace, opens_window=True),
            CHECK_SECRET: Handler(check_secret, own_button_context(SECRET)),
            CHECK_PRIVATE: Handler(check_private, own_button_context(METADATA)),
        },
    },
)
