"""What one person in the workspace sees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bot.sandbox.slack.changes import Result
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.slack.forms import ElementQuery, find_element
from bot.sandbox.slack.model import SlackChannel, SlackMessage, SlackUser, SlackView
from bot.sandbox.slack.state import WorkspaceState


class MemberView:
    """What a person sees. Nothing here changes the workspace."""

    def __init__(self, state: WorkspaceState, person: SlackUser) -> None:
        self._state = state
        self.person = person
        self.warnings: list[str] = []  #: errors that Slack showed to the person, latest last
        self.has_home_open = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.person.id})"

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def view(self) -> SlackView | None:
        """The modal on top, if one is open."""
        return self._state.top_view(self.id)

    @property
    def views(self) -> list[SlackView]:
        """The open modals, the one on top last."""
        return list(self._state.stack(self.id))

    @property
    def home(self) -> SlackView | None:
        """The person's App Home, if the app published one."""
        return self._state.homes.get(self.id)

    @property
    def messages(self) -> list[SlackMessage]:
        """All messages that the person sees, oldest first, ephemeral ones included."""
        return self._state.visible_to(self.id)

    @property
    def ephemerals(self) -> list[SlackMessage]:
        return [one for one in self.messages if one.ephemeral_to == self.id]

    @property
    def dm(self) -> list[SlackMessage]:
        """The messages in the direct message with the bot, without ephemeral ones."""
        channel = self._state.find_dm(self.id)
        here = [one for one in self.messages if channel is not None and one.channel == channel.id]
        return [one for one in here if one.ephemeral_to is None]

    def sees(self) -> str:
        """All text that the person sees: messages, the modal on top, App Home if it is open, Slack's warnings."""
        screens = [self.view.text] if self.view is not None else []
        if self.has_home_open and self.home is not None:
            screens.append(self.home.text)
        return "\n".join([*(one.shows for one in self.messages), *screens, *self.warnings])

    async def until(self, condition: Callable[[], Result | None], timeout: float | None = None) -> Result:  # noqa: ASYNC109  callers choose the timeout
        """Wait until `condition()` is true, and return its result. Raises `TimeoutError`."""
        return await self._state.changes.until(condition, timeout)

    # --- the targets of actions; each method raises `CannotDo` for what the person does not see

    def _find_channel(self, channel: SlackChannel | str | None) -> SlackChannel:
        if channel is None:
            return self._state.find_dm(self.id) or self._state.open_dm(self.id)
        found = self._state.channels.get(channel if isinstance(channel, str) else channel.id)
        if found is None or self.id not in found.members:
            raise CannotDo("they are not in that channel")
        return found

    def _require_visible(self, message: SlackMessage) -> None:
        if not any(one is message for one in self.messages):
            raise CannotDo("that message is not in sight")

    def _resolve_target(self, target: SlackMessage | SlackView | None) -> SlackMessage | SlackView:
        if isinstance(target, SlackMessage):
            self._require_visible(target)
            return target
        if target is not None and target is self.home and self.has_home_open:
            return target
        return self._modal(target)

    def _find_newest_with(self, query: ElementQuery) -> SlackMessage:
        """The newest message with an element that fits. Raises `CannotDo` if there is none."""
        for message in reversed(self.messages):
            with suppress(CannotDo):
                find_element(message.all_blocks, query)
                return message
        raise CannotDo("no message in front of them has that")

    def _modal(self, view: SlackView | None) -> SlackView:
        top = self.view
        if top is None or (view is not None and view is not top):
            raise CannotDo("that modal is not in front of them")
        return top
