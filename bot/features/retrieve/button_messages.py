"""The direct messages with “Show again” and “Try again”: changed when their button does nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.errors import StorageUnavailable
from bot.features.retrieve import screens
from bot.features.retrieve.origin import find_origin
from bot.interaction.feature import Interaction
from bot.interaction.services import Services
from bot.message_ref import MessageRef
from bot.onetime.links import Host
from bot.person import Person
from bot.screen.parts import Message
from bot.status.last_change import change_last
from bot.status.patient_send import can_update
from bot.storage.following_messages import FollowingMessage, OfReveal
from bot.storage.reveals.rows import Reveal


async def tell(interaction: Interaction, kind: OfReveal, reveal_id: str, message: Message) -> None:
    """Send the person a message with a button, and remember it. Raises `SlackError`."""
    await remember(interaction.services, kind, reveal_id, await interaction.tell(message), interaction.person)


async def report_unknown_outcome(
    services: Services, reveal: Reveal, send: Callable[[Message], Awaitable[MessageRef]]
) -> None:
    """Say that the secret may have been opened: in the message about an earlier try of it, if there is one.

    Else `send` sends a new message to the person. Safe to repeat. Raises `SlackError`.
    """
    earlier = None
    with suppress(StorageUnavailable):  # two messages are better than none
        earlier = await services.following_messages.find_unknown_outcome(reveal.id)
    if earlier is not None and earlier.subject_id == reveal.id and not reveal.outcome_unknown:
        return  # of this very try, before a crash
    above = await find_origin(services, reveal)
    message = screens.dm_may_be_opened(reveal.id, Host(reveal.host).name, again=earlier is not None, above=above)
    if earlier is not None and await can_update(services, earlier.message, message, reveal.person):
        posted = earlier.message
    else:
        posted = await send(message)
    await remember(services, "may_be_opened", reveal.id, posted, reveal.person)


async def remember(services: Services, kind: OfReveal, reveal_id: str, posted: MessageRef, person: Person) -> None:
    """Remember a message with a button. Raises nothing: the message says what matters, also if it stays as it is."""
    with suppress(StorageUnavailable):
        await services.following_messages.add(kind, reveal_id, posted, person)


async def end_messages(services: Services) -> None:
    """Change the messages whose button does nothing more. Raises `StorageUnavailable`."""
    for following in await services.following_messages.outdated_of_reveals():
        await change_last(services, following, await _final_message(services, following))


async def _final_message(services: Services, following: FollowingMessage) -> Message:
    is_shown = await services.reveals.is_shown(following.subject_id)
    if following.kind == "show_again":
        return screens.dm_shown() if is_shown else screens.dm_nothing_held()
    return screens.dm_later_try_worked() if is_shown else screens.dm_too_old()
