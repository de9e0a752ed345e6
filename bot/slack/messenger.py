"""What we say unasked: to one person, in their own conversation with the bot, or in a channel."""

from __future__ import annotations

import uuid

from bot.errors import SlackError
from bot.person import Person
from bot.screen.parts import Message
from bot.slack import blocks
from bot.slack.web import SlackClient

# Names our message ids among all others; random, fixed for ever, since a repeated message must get the same id.
NAMESPACE = uuid.UUID("5b7f0f2e-5c1e-4c0b-9a4e-3b8f6d3e7a11")


class Messenger:
    def __init__(self, slack: SlackClient) -> None:
        self._slack = slack
        self._conversations: dict[str, str] = {}

    async def tell(self, person: Person, message: Message, idempotency_key: str | None = None) -> tuple[str, str]:
        """Send a direct message; returns its conversation and time stamp, for `update`.

        Said twice with the same `once`, it arrives once where Slack honours message ids.

        Raises `SlackError`.
        """
        message_id = str(uuid.uuid5(NAMESPACE, idempotency_key)) if idempotency_key else None
        channel = await self._conversation(person)
        return channel, await self._slack.post(channel, blocks.message(message), client_msg_id=message_id)

    async def send(self, to: Person | str, message: Message, idempotency_key: str) -> tuple[str, str]:
        """Say it to a person directly, or in the channel of this id: once, whatever is repeated. As `tell`."""
        if isinstance(to, Person):
            return await self.tell(to, message, idempotency_key)
        message_id = str(uuid.uuid5(NAMESPACE, idempotency_key))
        return to, await self._slack.post(to, blocks.message(message), client_msg_id=message_id)

    async def update(self, posted: tuple[str, str], message: Message) -> None:
        """Change a message of ours in place, which notifies nobody. Raises `SlackError`."""
        await self._slack.update(*posted, blocks.message(message))

    async def _conversation(self, person: Person) -> str:
        known = self._conversations.get(person.user_id)
        if known is None:
            known = await self._slack.open_dm(person.user_id)
            if not known.startswith("D"):
                raise SlackError("conversations.open", "channel_not_found")
            self._conversations[person.user_id] = known
        return known
