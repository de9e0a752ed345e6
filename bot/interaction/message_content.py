"""The message that a shortcut was used on, as Slack sent it with the shortcut. It is stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from bot.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """What stands in the message, and where the message is. All of its text is treated as secret."""

    text: Secret  # as people wrote it: without markup, escapes, and the ticks of code
    texts: tuple[Secret, ...]  # every text and address in it, in its blocks and attachments too, each once
    author: str | None  # the user id of whoever wrote it; None for the message of an app
    channel: str  # the id of the conversation
    is_channel: bool  # whether the conversation is a channel, and no direct message
    thread: str | None  # the time stamp that names the thread which the message is in
