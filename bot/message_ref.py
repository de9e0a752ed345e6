"""References to Slack's messages and channels. Each names its workspace, because the ids do not say it."""

from __future__ import annotations

from typing import NamedTuple

from bot.person import Person

INSTALL_ID = r"[TE][0-9A-Z]{1,31}"  # a pattern: the id of a workspace or organisation, as our columns have room for
ORGANISATION = "E"  # the first letter of an organisation's id; a workspace's is T


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


def workspace_of(install_team: str | None, acting_in: str) -> str:
    """The workspace of a message that belongs to this installation: where the person acts, if it is an organisation's.

    `install_team` is the id of the workspace or organisation that the app is installed in.
    """
    return acting_in if install_team is None or install_team.startswith(ORGANISATION) else install_team
