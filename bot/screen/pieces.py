"""What sentences are made of, as values without a language. They get one where they are drawn.

Text for people is a `Phrase`: it stands in the catalogues in bot/locales, with whole sentences and named placeholders.
Text that is no words of the bot has a type of its own, so that mypy refuses a text outside of the catalogues.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Plain:
    """A text that a person or a server wrote: shown literally, cut after `max_length` characters.

    Nothing in it becomes markup, and no web address in it becomes a link.
    """

    text: str
    max_length: int = 200


@dataclass(frozen=True, slots=True)
class HostName:
    """The name of a host of Onetime Secret that the operator allowed, shown as it is."""

    name: str


@dataclass(frozen=True, slots=True)
class When:
    """A moment, shown in the reader's own time zone.

    The style “moment” shows the date and the time, “clock” the time alone. In a button, a title or a label Slack knows
    no time zone, so the moment is shown in UTC.
    """

    at: datetime  #: UTC
    style: Literal["moment", "clock"] = "moment"


@dataclass(frozen=True, slots=True)
class Who:
    """A member of the workspace, shown by their name. Slack shows no names in buttons, titles and labels."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Where:
    """A channel. Slack shows its name to members who may see the channel, but not in buttons, titles and labels."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A time span in words, in at most two units: “7 days”, “1 hour, 30 minutes”. A negative one is “0 seconds”."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Several pieces, joined as the language joins them: “a, b and c”, “a, b or c”."""

    items: tuple[Piece, ...]
    conjunction: Literal["and", "or"] = "and"


@dataclass(frozen=True, slots=True)
class Sentences:
    """Several sentences, one after the other."""

    sentences: tuple[Piece, ...]

    @classmethod
    def of(cls, *sentences: Piece) -> Sentences:
        return cls(sentences)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is no words and the same in all languages: an emoji, a blank, a dot between two parts."""

    text: str


@dataclass(frozen=True, slots=True)
class Bold:
    piece: Piece


@dataclass(frozen=True, slots=True)
class Code:
    """A piece as `code`: a name, a command or an address that somebody may type or copy."""

    piece: Piece


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text of the bot. `say`, `say_count` and `say_in` make phrases: what they are given is in the catalogues."""

    text: str  # in English, which is also the id in the catalogues
    values: tuple[tuple[str, Value], ...] = ()  # for the placeholders, by name
    plural: str | None = None  # the English text for any other count than 1
    count: int = 1
    context: str | None = None  # tells apart two equal English texts that another language says in two ways


@dataclass(frozen=True, slots=True)
class SecretNamed:
    """What names a secret. A push notification has `instead` in its place for whoever wants no names there.

    `instead` None: there it is left out.
    """

    piece: Piece
    instead: Phrase | None


Piece = (
    Plain | HostName | When | Who | Where | Duration | Listing | Sentences | Mark | Bold | Code | Phrase | SecretNamed
)
Value = Piece | int  # a number is written as the language writes numbers


def say(text: str, /, **values: Value) -> Phrase:
    """A text of the bot with {named} placeholders. It may have markup (*bold*, `code`), which labels leave out.

    The first argument has to be written out, since that is where the catalogues are made from.
    """
    return Phrase(text, tuple(values.items()))


def say_count(one: str, many: str, /, count: int, **values: Value) -> Phrase:
    """A text with a number: `one` if it is 1, else `many`. Both have the placeholder {count}."""
    return Phrase(one, (("count", count), *values.items()), many, count)


def say_in(context: str, text: str, /, **values: Value) -> Phrase:
    """A text that means different things in different places. The context is for translators, in English."""
    return Phrase(text, tuple(values.items()), context=context)
