"""The direct messages with “Show again” and “Try again”: changed when their button does nothing more."""

from __future__ import annotations

from contextlib import suppress

from bot.errors import NotYours, StorageUnavailable, Unsealable
from bot.features.retrieve import screens
from bot.interaction.feature import Interaction
from bot.interaction.services import Services
from bot.message_ref import MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.status.following import change_last
from bot.storage.following_messages import FollowingMessage, OfReveal


async def tell(interaction: Interaction, kind: OfReveal, reveal_id: str, message: Message) -> None:
    """Send the person a message with a button, and remember it. Raises `SlackError`."""
    await remember(interaction.services, kind, reveal_id, await interaction.tell(message), interaction.person)


async def remember(services: Services, kind: OfReveal, reveal_id: str, posted: MessageRef, person: Person) -> None:
    """Remember a message with a button. Raises nothing: the message says what matters, also if it stays as it is."""
    with suppress(StorageUnavailable):
        await services.following_messages.add(kind, reveal_id, posted, person)


async def settle_messages(services: Services) -> None:
    """Change the messages whose button does nothing more. Raises `StorageUnavailable`."""
    for following in await services.following_messages.outdated_of_reveals():
        await change_last(services, following, await _final_message(services, following))


async def _final_message(services: Services, following: FollowingMessage) -> Message:
    try:
        reveal = await services.reveals.find(following.reader, following.subject_id)
    except (NotYours, Unsealable):
        return screens.dm_too_old()
    if reveal.state == "shown":
        return screens.dm_shown() if following.kind == "show_again" else screens.dm_later_try_worked()
    return screens.dm_nothing_held() if following.kind == "show_again" else screens.dm_too_old()
