"""Messages that are no answers: to one person, in their direct messages with the bot, or in a channel."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cachetools import LRUCache

from bot.errors import SlackError
from bot.language import Language
from bot.message_ref import ChannelRef, MessageRef, workspace_of
from bot.person import Person
from bot.screen.parts import HomeView, Message, Modal
from bot.screen.pieces import Piece
from bot.secret import Secret
from bot.slack import blocks
from bot.slack.texts import draw
from bot.slack.workspaces import Workspaces

MAX_CONVERSATIONS = 50_000  # ids of direct messages that are remembered

# The namespace of our message ids. It never changes, since a repeated message must get the same id.
NAMESPACE = uuid.UUID("5b7f0f2e-5c1e-4c0b-9a4e-3b8f6d3e7a11")


class Messenger:
    """Every message goes out with the token of the workspace that it belongs to, in the language of who reads it.

    The `text` of a direct message names no secret where `hides_names` says so of its reader. Whatever changes for a
    person changes a message of theirs too, so `changed` is told of whoever reads one.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        language_of: Callable[[Person], Awaitable[Language]],
        hides_names: Callable[[Person], Awaitable[bool]],
        changed: Callable[[Person], None] = lambda _: None,
    ) -> None:
        self._workspaces = workspaces
        self._language_of = language_of
        self._hides_names = hides_names
        self._changed = changed
        self._conversations: LRUCache[tuple[str, Person], str] = LRUCache(MAX_CONVERSATIONS)

    async def tell(
        self,
        person: Person,
        message: Message,
        idempotency_key: str | None = None,
        *,
        install_team: str | None = None,
    ) -> MessageRef:
        """Send a direct message. All tries of one message have the same key; Slack may or may not drop a repeated one.

        `install_team` is the workspace or organisation that the app is installed in, where the person may belong to
        another one.
        Raises `SlackError`.
        """
        team_id = workspace_of(install_team, person.team_id)
        channel = ChannelRef(team_id, await self._conversation(team_id, person), person)
        return await self._post(channel, message, idempotency_key)

    async def send(self, to: Person | ChannelRef, message: Message, idempotency_key: str) -> MessageRef:
        """Send a message to a person directly, or to a channel. Raises `SlackError`."""
        if isinstance(to, Person):
            return await self.tell(to, message, idempotency_key)
        return await self._post(to, message, idempotency_key)

    async def update(self, posted: MessageRef, message: Message, reader: Person) -> None:
        """Change a message of ours in place, which notifies nobody. Raises `SlackError`."""
        self._changed(reader)
        slack = await self._workspaces.client_of(posted.team_id)
        await slack.update(posted.channel, posted.ts, await self._draw(posted.channel, message, reader))

    async def unfurl(self, posted: MessageRef, cards: Mapping[Secret, Message], reader: Person) -> None:
        """Attach a card to each of these links in somebody's message, or change the one that is there.

        Raises `SlackError`.
        """
        language = await self._language_of(reader)
        drawn = {link: {"blocks": blocks.message(card, language)["blocks"]} for link, card in cards.items()}
        slack = await self._workspaces.client_of(posted.team_id)
        await slack.unfurl(posted.channel, posted.ts, drawn)

    async def delete(self, posted: MessageRef) -> None:
        """Delete a message of ours. Raises `SlackError`."""
        slack = await self._workspaces.client_of(posted.team_id)
        await slack.delete(posted.channel, posted.ts)

    async def update_window(self, team_id: str | None, view_id: str, modal: Modal, reader: Person) -> None:
        """Change what an open modal shows. Raises `WindowClosed`, `SlackError`."""
        view = blocks.modal(modal, await self._language_of(reader))
        slack = await self._workspaces.client_of(team_id)
        await slack.update_view(view_id, view)

    async def publish_home(
        self, team_id: str | None, home: HomeView, reader: Person, if_hash: str | None
    ) -> str | None:
        """Show the Home tab of a person; returns its hash. Raises `ViewChanged`, `SlackError`."""
        view = blocks.home(home, await self._language_of(reader))
        slack = await self._workspaces.client_of(team_id)
        return await slack.publish_home(reader.user_id, view, if_hash=if_hash)

    async def permalink(self, posted: MessageRef) -> str:
        """The address of a message of ours. Raises `SlackError`."""
        slack = await self._workspaces.client_of(posted.team_id)
        return await slack.permalink(posted.channel, posted.ts)

    async def complete_step(self, install_team: str, execution: str, outputs: Mapping[str, str]) -> None:
        """End an execution of the workflow step with these outputs. Raises `SlackError`.

        The token is that of the installation: the one in the event is revoked within seconds.
        """
        slack = await self._workspaces.client_of(install_team)
        await slack.complete_step(execution, outputs)

    async def fail_step(self, install_team: str, execution: str, said: Piece, runner: Person) -> None:
        """End an execution of the workflow step with an error, in the language of `runner`. Raises `SlackError`."""
        language = await self._language_of(runner) if runner.user_id else Language.EN
        slack = await self._workspaces.client_of(install_team)
        await slack.fail_step(execution, draw(said, language, "plain"))

    async def _post(self, to: ChannelRef, message: Message, idempotency_key: str | None) -> MessageRef:
        self._changed(to.reader)
        message_id = str(uuid.uuid5(NAMESPACE, idempotency_key)) if idempotency_key else None
        slack = await self._workspaces.client_of(to.team_id)
        drawn = await self._draw(to.channel, message, to.reader)
        ts = await slack.post(to.channel, drawn, client_msg_id=message_id, thread_ts=to.thread)
        return MessageRef(to.team_id, to.channel, ts)

    async def _draw(self, channel: str, message: Message, reader: Person) -> dict[str, Any]:
        language = await self._language_of(reader)
        drawn = blocks.message(message, language)
        nameless = blocks.message_text(message, language, hides_names=True)
        if channel.startswith("D") and nameless != drawn["text"] and await self._hides_names(reader):
            drawn["text"] = nameless
        return drawn

    async def _conversation(self, team_id: str, person: Person) -> str:
        known = self._conversations.get((team_id, person))
        if known is None:
            slack = await self._workspaces.client_of(team_id)
            known = await slack.open_dm(person.user_id)
            if not known.startswith("D"):
                raise SlackError("conversations.open", "channel_not_found")
            self._conversations[team_id, person] = known
        return known
