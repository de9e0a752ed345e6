"""The vocabulary of everything that is shown: messages, modals, buttons and fields.

Words in a `Text` are ours; anything that came from a person or a server goes in as `Plain`, which is
drawn literally. Only bot/slack/blocks.py knows how Slack wants it, and splits what is too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from bot.secret import Secret

NO_FORM: Final = "note"  # the form of a window in which nothing can be entered

Style = Literal["plain", "primary", "danger"]


@dataclass(frozen=True, slots=True)
class Plain:
    """Text that is not ours: shown literally, never as markup, cut at `most` characters."""

    text: str
    max_length: int = 200


@dataclass(frozen=True, slots=True)
class When:
    """A moment, shown in the reader's own time zone. `style` is how much of it."""

    at: datetime  #: UTC
    style: Literal["moment", "clock"] = "moment"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody of the workspace, shown by their name."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Where:
    """A channel, shown by its name to who may see it."""

    channel_id: str


Piece = str | Plain | When | Who | Where


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. `str` pieces are our own words and may carry mrkdwn (*bold*, `code`)."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, *pieces: Piece) -> Text:
        return cls(pieces)


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Small print."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, *pieces: Piece) -> Note:
        return cls(pieces)


@dataclass(frozen=True, slots=True)
class Facts:
    """Labelled values, two columns where there is room."""

    rows: tuple[tuple[str, Piece], ...]


@dataclass(frozen=True, slots=True)
class Revealed:
    """The secret itself, shown exactly. Only a modal may hold it: drawing it in a message is an error."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Link:
    """An address to click or to copy, which may open a secret. Only a modal may hold it, like a `Revealed`."""

    url: Secret


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase that goes to its person apart from the secret: the one thing of its kind that a message may hold."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Confirm:
    """The question before a button does something that cannot be undone."""

    title: str
    question: str
    yes: str
    no: str = "Cancel"


@dataclass(frozen=True, slots=True)
class Button:
    """`action` names the handler; `ref` is the opaque id of a stored row, never a key."""

    label: str
    action: str
    ref: str | None = None
    style: Style = "plain"
    confirm: Confirm | None = None
    accessibility_label: str | None = None  # what a screen reader says, where the label is short


@dataclass(frozen=True, slots=True)
class Buttons:
    row: tuple[Button, ...]

    @classmethod
    def of(cls, *row: Button) -> Buttons:
        return cls(row)


@dataclass(frozen=True, slots=True)
class Divider:
    pass


@dataclass(frozen=True, slots=True)
class Field:
    """One line (or more) of text that a person types in a modal."""

    name: str
    label: str
    hint: str | None = None
    placeholder: str | None = None
    max_length: int = 3000  # characters
    optional: bool = False
    long: bool = False  # with room for many lines
    initial: str = ""  # what stands in it already


@dataclass(frozen=True, slots=True)
class Choice:
    """A select menu: (value, label) pairs, at most 100. `chosen` must be one of the values."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """Boxes to tick in a modal: (value, label) pairs, at most 10. `chosen` are ticked already.

    Unless it is `optional`, one at least has to be ticked.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: frozenset[str] = frozenset()
    optional: bool = True


@dataclass(frozen=True, slots=True)
class People:
    """Picks people of the workspace in a modal. `chosen` are the ids of those picked already."""

    name: str
    label: str
    chosen: tuple[str, ...] = ()
    max_count: int = 10
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Picks one channel in a modal; one that is shared with another workspace is not offered."""

    name: str
    label: str
    chosen: str | None = None
    hint: str | None = None


Input = Field | Choice | Checks | People | Channel
Hidden = Revealed | Link | Passphrase
Part = Text | Heading | Note | Facts | Buttons | Divider | Hidden | Input


@dataclass(frozen=True, slots=True)
class Message:
    """What is said in a conversation. `summary` is what notifications and screen readers get: all that matters."""

    summary: str
    parts: tuple[Part, ...] = ()
    without_replacing: bool = (
        False  # as an answer to a button: beside the message that has the button, not in its place
    )

    @classmethod
    def of(cls, summary: str, *parts: Part, without_replacing: bool = False) -> Message:
        return cls(summary, parts, without_replacing)


@dataclass(frozen=True, slots=True)
class Modal:
    """A window. `form` names the handler of its submission; `ref` is the opaque id that it comes back with.

    `title`, `submit` and `close` have 24 characters at most (Slack's limit). `tell_closed` asks to be told
    when the person closes it. `on_top` leaves the window that is open as it is and shows this one over it.
    """

    form: str
    title: str
    parts: tuple[Part, ...]
    ref: str | None = None
    submit: str | None = None
    close: str = "Close"
    notify_on_close: bool = False
    push: bool = False

    @classmethod
    def of(cls, form: str, title: str, *parts: Part, **more: str | bool | None) -> Modal:
        return cls(form, title, parts, **more)  # type: ignore[arg-type]

    @property
    def shows_secret(self) -> bool:
        return any(isinstance(part, Revealed | Link) for part in self.parts)


Screen = Message | Modal
