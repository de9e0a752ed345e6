"""Sends a message that must arrive: in the simplest words, or anew where a message is gone that was to be changed."""

from __future__ import annotations

from bot.errors import GivenUp, SlackError
from bot.interaction.services import Services
from bot.message_ref import MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.status.digest import in_simplest_words


async def send_in_some_words(services: Services, person: Person, message: Message, idempotency_key: str) -> MessageRef:
    """Send the message. What Slack does not take as it is goes out once more as plain text. Raises `SlackError`."""
    try:
        return await services.send(person, message, idempotency_key)
    except SlackError as error:
        is_last_chance = isinstance(error, GivenUp) and error.about == "unknown"
        if error.about != "message" and not is_last_chance:
            raise
        return await services.send(person, in_simplest_words(message), f"{idempotency_key}:plain")


async def can_update(services: Services, message: MessageRef, drawn: Message, reader: Person) -> bool:
    """Update a message. False if Slack never takes that, as when somebody has deleted the message.

    Raises `SlackError` if Slack does not take it just now.
    """
    try:
        await services.update(message, drawn, reader)
    except SlackError as error:
        if not error.is_permanent:
            raise
        return False
    return True
