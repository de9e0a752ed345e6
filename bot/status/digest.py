"""Several messages to one person as one message, so that many events at once are no flood of messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from bot.screen.parts import Buttons, Message, Note, Part, Piece, Plain, Text

MAX_LINE = 500  # characters
LIST_HINT = "`/ots tracked` lists your secrets, with what can still be done."


def gather(messages: Sequence[Message]) -> Message:
    """All messages in one, in their order. Their buttons are left out: `/ots tracked` has them."""
    heading = f"About {len(messages)} of your secrets"
    parts: list[Part] = [Text.of(f":bell: *{heading}*")]
    parts += [part for message in messages for part in message.parts if not isinstance(part, Buttons)]
    return Message(_join(f"{heading}:", messages), (*parts, Note.of(LIST_HINT)))


def _join(heading: str, messages: Sequence[Message]) -> str | Text:
    """The summaries of all messages, a line each."""
    summaries = [message.summary for message in messages]
    lines = [one for one in summaries if isinstance(one, str)]
    if len(lines) == len(summaries):
        return "\n".join([heading, *lines])
    pieces: list[Piece] = [heading]
    for one in summaries:
        pieces += ["\n", *((Plain(one, MAX_LINE),) if isinstance(one, str) else one.pieces)]
    return Text(tuple(pieces))


def digest_key(idempotency_keys: Iterable[str]) -> str:
    """The idempotency key of a message about several events. The same events have the same key."""
    return f"digest:{hashlib.sha256('|'.join(idempotency_keys).encode()).hexdigest()[:32]}"


def in_simplest_words(message: Message) -> Message:
    """The message as one plain text, for a Slack that does not take its blocks."""
    return Message(message.summary, ())
