"""Everything that the bot shows, as plain values: messages, modals, buttons and fields.

A `str` in a `Text` is written by the bot and may carry markup. A text that came from a person or a server
goes in as `Plain`, which is drawn literally. bot/slack/blocks.py turns these values into Slack's blocks and
splits texts that are too long for one block.
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

    The style “moment” shows the date and the time, “clock” the time alone.
    """

    at: datetime  #: UTC
    style: Literal["moment", "clock"] = "moment"


@dataclass(frozen=True, slots=True)
class Who:
    """A member of the workspace, shown by their name."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Where:
    """A channel. Slack shows its name to members who may see the channel."""

    channel_id: str


Piece = str | Plain | HostName | When | Who | Where


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. A `str` piece is written by the bot and may carry mrkdwn (*bold*, `code`)."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, *pieces: Piece) -> Text:
        return cls(pieces)


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph in small print. Its pieces are those of a `Text`."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, *pieces: Piece) -> Note:
        return cls(pieces)


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values, in two columns where there is room."""

    rows: tuple[tuple[str, Piece], ...]


@dataclass(frozen=True, slots=True)
class Revealed:
    """A secret in plain text, shown exactly. Only a modal may hold it: drawing it in a message raises `ValueError`."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Link:
    """A URL to click or to copy, which may open a secret. Only a modal may hold it, as with `Revealed`."""

    url: Secret


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase, sent apart from the secret that it protects. No other confidential part may be in a message."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Confirm:
    """The question that Slack asks before a button does something that cannot be undone."""

    title: str
    question: str
    yes: str
    no: str = "Cancel"


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `action` names its handler. `ref` is the opaque id of a stored row, never a key of a secret."""

    label: str
    action: str
    ref: str | None = None
    style: Style = "plain"
    confirm: Confirm | None = None
    accessibility_label: str | None = None  # what a screen reader says instead of the label


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
    """A text field of a modal, with one line or many."""

    name: str
    label: str
    hint: str | None = None
    placeholder: str | None = None
    max_length: int = 3000  # characters
    optional: bool = False
    long: bool = False  # has room for many lines
    is_mail_address: bool = False  # has one mail address, and Slack takes nothing else
    initial: str = ""  # the text that the field starts with


@dataclass(frozen=True, slots=True)
class Choice:
    """A select menu of at most 100 (value, label) pairs. `chosen` is the value selected at first."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str | None = None


@dataclass(frozen=True, slots=True)
class Checkboxes:
    """Checkboxes of a modal: at most 10 (value, label) pairs. `chosen` are the values ticked at first.

    If `optional` is false, Slack takes the form only with at least one ticked box.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: frozenset[str] = frozenset()
    optional: bool = True


@dataclass(frozen=True, slots=True)
class People:
    """A menu of a modal that picks members of the workspace. `chosen` are the user ids picked at first."""

    name: str
    label: str
    chosen: tuple[str, ...] = ()
    max_count: int = 10
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A menu of a modal that picks one channel. It offers no channel that is shared with another workspace."""

    name: str
    label: str
    chosen: str | None = None
    hint: str | None = None


Input = Field | Choice | Checkboxes | People | Channel
Hidden = Revealed | Link | Passphrase
Part = Text | Heading | Note | Facts | Buttons | Divider | Hidden | Input


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a conversation.

    `summary` is the text for notifications and screen readers, and says everything that matters. It is a `str`, or
    pieces if it names somebody or quotes what a person wrote.
    As the answer to a button, a message replaces the message with the button; with `without_replacing` it appears below
    that message.
    """

    summary: str | Text
    parts: tuple[Part, ...] = ()
    without_replacing: bool = False

    @classmethod
    def of(cls, summary: str | Text, *parts: Part, without_replacing: bool = False) -> Message:
        return cls(summary, parts, without_replacing)


@dataclass(frozen=True, slots=True)
class Modal:
    """A window.

    `form` names the handler of its submission, and `ref` is the opaque id that Slack sends back with it.
    `title`, `submit` and `close` have at most 24 characters, which is Slack's limit. With `notify_on_close` Slack
    reports when the person closes the window. With `push` the window is shown over the one that is open,
    instead of replacing it.
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
    def of(
        cls,
        form: str,
        title: str,
        *parts: Part,
        ref: str | None = None,
        submit: str | None = None,
        close: str = "Close",
        notify_on_close: bool = False,
        push: bool = False,
    ) -> Modal:
        return cls(form, title, parts, ref, submit, close, notify_on_close, push)

    @property
    def shows_secret(self) -> bool:
        """Whether the modal holds a secret in plain text, or a link that may open one."""
        return any(isinstance(part, Revealed | Link) for part in self.parts)


Screen = Message | Modal
