"""Several messages to one person as one message, so that many events at once are no flood of messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from bot.screen.parts import Buttons, Message, Note, Part, Text
from bot.screen.pieces import Bold, Mark, Piece, say, say_count
from bot.status.words import REMINDER_SIGN

LIST_HINT = say("`/ots tracked` lists your secrets, with what can still be done.")


def gather(messages: Sequence[Message]) -> Message:
    """All messages in one, in their order. Their buttons are left out: `/ots tracked` has them."""
    count = len(messages)
    heading = say_count("News of {count} of your secrets", "News of {count} of your secrets", count)
    parts: list[Part] = [Text.of(REMINDER_SIGN, Bold(heading))]
    parts += [part for message in messages for part in message.parts if not isinstance(part, Buttons)]
    summary = _join(say_count("News of {count} of your secrets:", "News of {count} of your secrets:", count), messages)
    return Message(summary, (*parts, Note.of(LIST_HINT)))


def _join(heading: Piece, messages: Sequence[Message]) -> Text:
    """The summaries of all messages, a line each."""
    pieces: list[Piece] = [heading]
    for message in messages:
        summary = message.summary
        pieces += [Mark("\n"), *(summary.pieces if isinstance(summary, Text) else (summary,))]
    return Text(tuple(pieces))


def digest_key(idempotency_keys: Iterable[str]) -> str:
    """The idempotency key of a message about several events. The same events have the same key."""
    return f"digest:{hashlib.sha256('|'.join(idempotency_keys).encode()).hexdigest()[:32]}"


def in_simplest_words(message: Message) -> Message:
    """The message as one plain text, for a Slack that does not take its blocks."""
    return Message(message.summary, ())
