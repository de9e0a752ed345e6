"""References to Slack's messages and channels. Each names its workspace, because the ids do not say it."""

from __future__ import annotations

from typing import NamedTuple

from bot.person import Person


class MessageRef(NamedTuple):
    """A posted message, in Slack's own values."""

    team_id: str  # the workspace whose bot token may change the message: `T…`
    channel: str  # the conversation: `C…`, `D…` or `G…`
    ts: str  # the timestamp that identifies the message in its conversation


class ChannelRef(NamedTuple):
    """A channel to post in, or a thread of it, and its workspace, in Slack's own ids."""

    team_id: str
    channel: str
    reader: Person  # whose language a message to the channel is in
    thread: str | None = None  # the time stamp of the message whose thread it is
