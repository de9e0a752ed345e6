"""What we say unasked: to one person, in their own conversation with the bot, or in a channel."""

from __future__ import annotations

import uuid

from bot.errors import SlackError
from bot.message_ref import ChannelRef, MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.slack import blocks
from bot.slack.workspace import Workspace

# Names our message ids among all others; random, fixed for ever, since a repeated message must get the same id.
NAMESPACE = uuid.UUID("5b7f0f2e-5c1e-4c0b-9a4e-3b8f6d3e7a11")


class Messenger:
    """Every message goes out with the token of the workspace that it belongs to."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._conversations: dict[Person, str] = {}

    async def tell(self, person: Person, message: Message, idempotency_key: str | None = None) -> MessageRef:
        """Send a direct message. Two with the same key are one where Slack honours message ids.

        Raises `SlackError`.
        """
        channel = ChannelRef(person.team_id, await self._conversation(person))
        return await self._post(channel, message, idempotency_key)

    async def send(self, to: Person | ChannelRef, message: Message, idempotency_key: str) -> MessageRef:
        """Send a message to a person directly, or to a channel. Raises `SlackError`."""
        if isinstance(to, Person):
            return await self.tell(to, message, idempotency_key)
        return await self._post(to, message, idempotency_key)

    async def update(self, posted: MessageRef, message: Message) -> None:
        """Change a message of ours in place, which notifies nobody. Raises `SlackError`."""
        slack = self._workspace.client_of(posted.team_id)
        await slack.update(posted.channel, posted.ts, blocks.message(message))

    async def _post(self, to: ChannelRef, message: Message, idempotency_key: str | None) -> MessageRef:
        message_id = str(uuid.uuid5(NAMESPACE, idempotency_key)) if idempotency_key else None
        slack = self._workspace.client_of(to.team_id)
        ts = await slack.post(to.channel, blocks.message(message), client_msg_id=message_id)
        return MessageRef(to.team_id, to.channel, ts)

    async def _conversation(self, person: Person) -> str:
        known = self._conversations.get(person)
        if known is None:
            known = await self._workspace.client_of(person.team_id).open_dm(person.user_id)
            if not known.startswith("D"):
                raise SlackError("conversations.open", "channel_not_found")
            self._conversations[person] = known
        return known
