"""Which message of Slack something is about: every stored message names the workspace that it belongs to."""

from __future__ import annotations

from typing import NamedTuple


class MessageRef(NamedTuple):
    """A message that Slack took. Slack's own values."""

    team_id: str  # the workspace whose bot token may change the message: `T…`
    channel: str  # the conversation: `C…`, `D…` or `G…`
    ts: str  # the time stamp that names the message in its conversation


class ChannelRef(NamedTuple):
    """A channel to post in, and its workspace. Slack's own ids."""

    team_id: str
    channel: str
