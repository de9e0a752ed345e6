"""The objects of a workspace: people, channels, messages, views, triggers, response_urls. No HTTP happens here.

The `repr` of an object shows no content, because messages and views may hold secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.slack.block_text import preformatted_text, render_blocks, render_mrkdwn
from bot.sandbox.slack.elements import EnteredValues, initial_values

Payload = dict[str, Any]
ResponseUrlKind = Literal["commands", "actions"]
ViewType = Literal["modal", "home"]
ConversationKind = Literal["im", "private", "public"]


@dataclass(slots=True)
class SlackUser:
    """A user of the workspace. A `stranger` is from another workspace that shares a channel with this one."""

    id: str
    name: str
    team_id: str
    guest: bool = False
    ultra_guest: bool = False
    stranger: bool = False
    deleted: bool = False
    is_bot: bool = False
    tz: str = "Europe/Berlin"
    admin: bool = False
    locale: str = "en-GB"  #: the language in which the person reads Slack


@dataclass(slots=True)
class SlackChannel:
    """A channel, or a direct message with the bot, whose person is `user`."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    user: str | None = None
    archived: bool = False
    read_only: bool = False  #: the bot may not write in it
    private: bool = False
    shared: bool = False  #: with another workspace (Slack Connect)

    @property
    def kind(self) -> ConversationKind:
        return "im" if self.is_im else "private" if self.private else "public"

    @property
    def is_im(self) -> bool:
        return self.user is not None


@dataclass(slots=True)
class SlackMessage:
    """A message in Slack's database. `ephemeral_to` is the only person who sees an ephemeral message."""

    channel: str
    ts: str
    user: str  #: the id of the author
    text: str = field(repr=False)
    blocks: list[Payload] = field(default_factory=list, repr=False)
    attachments: list[Payload] = field(default_factory=list, repr=False)
    ephemeral_to: str | None = None
    edited: str | None = None  #: ts of the last edit
    thread_ts: str | None = None
    client_msg_id: str | None = None
    metadata: Payload | None = field(default=None, repr=False)
    by_bot: bool = True
    deleted: bool = False

    @property
    def attached_blocks(self) -> list[Payload]:
        """The blocks of all attachments."""
        return [block for one in self.attachments for block in one.get("blocks", [])]

    @property
    def all_blocks(self) -> list[Payload]:
        """The blocks of the message and of its attachments: a person can use the elements of both."""
        return [*self.blocks, *self.attached_blocks]

    @property
    def shows(self) -> str:
        """The text that a person reads: that of the blocks or, without blocks, `text`; then the attachments."""
        own = render_blocks(self.blocks) if self.blocks else render_mrkdwn(self.text)
        return "\n".join([own, render_blocks(self.attached_blocks)]) if self.attached_blocks else own


@dataclass(frozen=True, slots=True)
class PostedLinks:
    """Links on the app's domains in a message or, before it is sent, in somebody's composer.

    `number` is the `unfurl_id`. In a composer there is no `ts` of a message.
    """

    number: str
    channel: str
    ts: str
    urls: tuple[str, ...] = field(repr=False)
    in_composer: bool = False


@dataclass(slots=True)
class SlackView:
    """A modal or a home tab in Slack's database, with the values that its person has entered."""

    id: str
    user: str
    hash: str
    root_id: str
    payload: Payload = field(repr=False)
    previous_id: str | None = None
    closed: bool = False
    values: EnteredValues = field(default_factory=dict, repr=False)
    errors: dict[str, str] = field(default_factory=dict, repr=False)  #: block_id -> the error at the field

    def show(self, payload: Payload, hash_: str) -> None:
        """Replace the content. An entered value stays where block_id, action_id and type are the same."""
        before, self.values = self.values, initial_values(payload["blocks"])
        for block_id, actions in self.values.items():
            for action_id, state in actions.items():
                entered = before.get(block_id, {}).get(action_id)
                if entered is not None and entered["type"] == state["type"]:
                    actions[action_id] = entered
        self.payload, self.hash, self.errors = payload, hash_, {}

    @property
    def type(self) -> ViewType:
        return "home" if self.payload["type"] == "home" else "modal"

    @property
    def callback_id(self) -> str:
        return str(self.payload.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        return str(self.payload.get("private_metadata", ""))

    @property
    def external_id(self) -> str:
        return str(self.payload.get("external_id", ""))

    @property
    def blocks(self) -> list[Payload]:
        return list(self.payload["blocks"])

    @property
    def title(self) -> str:
        return self._label("title")

    @property
    def submit(self) -> str | None:
        """The label of the submit button, None if there is none."""
        return self._label("submit") or None

    def _label(self, name: str) -> str:
        return str((self.payload.get(name) or {}).get("text", ""))

    @property
    def text(self) -> str:
        """All texts in the view, one on a line, without what the person typed."""
        labels = [self._label(name) for name in ("title", "submit", "close")]
        return "\n".join(
            line for line in [labels[0], render_blocks(self.blocks), *labels[1:], *self.errors.values()] if line
        )

    def secret_text(self) -> str:
        """The text of all preformatted rich text, byte for byte."""
        return preformatted_text(self.blocks)


@dataclass(slots=True)
class Trigger:
    """Lets the app open or push a view for `user`, once, within 3 seconds.

    `view_id` is the view whose interaction made the trigger, if it was one in a view.
    """

    id: str
    user: str
    created_at: float  #: seconds of the workspace's clock
    view_id: str | None = None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """A URL where the app may answer 5 times within 30 minutes. `message` is the message that was clicked, if any."""

    path: str
    user: str
    channel: str
    created_at: float  #: seconds of the workspace's clock
    message: SlackMessage | None = None
    uses: int = 0
