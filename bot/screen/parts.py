"""Everything that the bot shows, as plain values: messages, modals, buttons and fields.

They have no language: their texts are pieces (bot/screen/pieces.py), which bot/slack/blocks.py draws in the reader's
language, together with everything else that Slack wants in a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.screen.pieces import Mark, Piece, say
from bot.secret import Secret

# Slack's limits, in characters. Source: docs.slack.dev, reference of blocks, of composition objects and of views.
MAX_TEXT: Final = 3000  # of a paragraph, and of a message's `text`
MAX_FACT: Final = 2000  # of a label with its value
MAX_FACTS: Final = 10
MAX_HEADING: Final = 150
MAX_TITLE: Final = 24  # of a window, and of its two buttons
MAX_BUTTON: Final = 75
MAX_ACCESSIBILITY_LABEL: Final = 75
MAX_CONFIRM_TITLE: Final = 100
MAX_CONFIRM_QUESTION: Final = 300
MAX_CONFIRM_BUTTON: Final = 30
MAX_LABEL: Final = 2000  # of a field
MAX_HINT: Final = 2000
MAX_PLACEHOLDER: Final = 150
MAX_OPTION: Final = 75  # of a menu or of checkboxes
MAX_OPTIONS: Final = 100
MAX_MENU: Final = 5  # things that can be done about a paragraph

OPEN_URL: Final = "open_url"  # the action of a button that goes to a URL
NO_FORM: Final = "note"  # the form of a window in which nothing can be entered
OVER_HOME: Final = "over_home"  # the form of a window that shows what a button in the Home tab led to
MAX_BLOCKS: Final = 100  # of a view

Style = Literal["plain", "primary", "danger"]

CANCEL: Final = say("Cancel")
CLOSE: Final = say("Close")
DONE: Final = say("Done")
ONE_MOMENT: Final = say("One moment…")
ALREADY_SENT: Final = say("You sent this form already. It is being worked on.")
APP_NAME: Final = Mark("Onetime Secret")


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, *pieces: Piece) -> Text:
        return cls(pieces)


@dataclass(frozen=True, slots=True)
class Heading:
    text: Piece


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

    rows: tuple[tuple[Piece, Piece], ...]


@dataclass(frozen=True, slots=True)
class Revealed:
    """A secret in plain text, shown exactly. Only a modal may hold it: drawing it in a message raises `ValueError`."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Link:
    """A URL to click or to copy, which may open a secret. Only a modal may hold it, as with `Revealed`."""

    url: Secret


@dataclass(frozen=True, slots=True)
class LinkButton:
    """A button that goes to a URL which may open a secret. Only a modal may hold it, as with `Revealed`.

    Slack also sends a press of this button to the bot, as the action `OPEN_URL`.
    """

    label: Piece
    url: Secret


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase, sent apart from the secret that it protects. No other confidential part may be in a message."""

    text: Secret


@dataclass(frozen=True, slots=True)
class Copyable:
    """Lines of text without markup that the person is meant to copy."""

    lines: tuple[Piece, ...]

    @classmethod
    def of(cls, *lines: Piece) -> Copyable:
        return cls(lines)


@dataclass(frozen=True, slots=True)
class Confirm:
    """The question that Slack asks before a button does something that cannot be undone."""

    title: Piece
    question: Piece
    yes: Piece
    no: Piece = CANCEL


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `action` names its handler. `ref` is the opaque id of a stored row, never a key of a secret."""

    label: Piece
    action: str
    ref: str | None = None
    style: Style = "plain"
    confirm: Confirm | None = None
    accessibility_label: Piece | None = None  # what a screen reader says instead of the label


@dataclass(frozen=True, slots=True)
class Buttons:
    row: tuple[Button, ...]

    @classmethod
    def of(cls, *row: Button) -> Buttons:
        return cls(row)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """What can be chosen in a menu. It leads where a button with this `action` and `ref` would lead.

    Slack reads it aloud as it is written, so its label names what it is about.
    """

    label: Piece
    action: str
    ref: str


@dataclass(frozen=True, slots=True)
class Item:
    """A paragraph of a list, with a menu of what can be done about it: at most MAX_MENU things, or nothing."""

    pieces: tuple[Piece, ...]
    menu: tuple[MenuItem, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    """A select menu in a message, whose items lead somewhere at once. `chosen` is the place of the item that is on."""

    items: tuple[MenuItem, ...]
    chosen: int = 0


@dataclass(frozen=True, slots=True)
class Divider:
    pass


@dataclass(frozen=True, slots=True)
class Field:
    """A text field of a modal, with one line or many."""

    name: str
    label: Piece
    hint: Piece | None = None
    placeholder: Piece | None = None
    max_length: int = 3000  # characters
    optional: bool = False
    long: bool = False  # has room for many lines
    is_mail_address: bool = False  # has one mail address, and Slack takes nothing else
    initial: str | Secret = ""  # the text that the field starts with


@dataclass(frozen=True, slots=True)
class Choice:
    """A select menu of at most 100 (value, label) pairs. `chosen` is the value selected at first."""

    name: str
    label: Piece
    options: tuple[tuple[str, Piece], ...]
    chosen: str | None = None
    action: str | None = None  # names the handler that is called as soon as something is chosen


@dataclass(frozen=True, slots=True)
class Checkboxes:
    """Checkboxes of a modal: at most 10 (value, label) pairs. `chosen` are the values ticked at first.

    If `optional` is false, Slack takes the form only with at least one ticked box.
    """

    name: str
    label: Piece
    options: tuple[tuple[str, Piece], ...]
    chosen: frozenset[str] = frozenset()
    optional: bool = True


@dataclass(frozen=True, slots=True)
class People:
    """A menu of a modal that picks members of the workspace. `chosen` are the user ids picked at first."""

    name: str
    label: Piece
    chosen: tuple[str, ...] = ()
    max_count: int = 10
    hint: Piece | None = None
    optional: bool = True


@dataclass(frozen=True, slots=True)
class Channel:
    """A menu of a modal that picks one channel. It offers no channel that is shared with another workspace."""

    name: str
    label: Piece
    chosen: str | None = None
    hint: Piece | None = None
    optional: bool = True


@dataclass(frozen=True, slots=True)
class MomentPicker:
    """A field of a modal that picks a date and a time, in the time zone of the person."""

    name: str
    label: Piece
    hint: Piece | None = None
    optional: bool = True


Input = Field | Choice | Checkboxes | People | Channel | MomentPicker
Hidden = Revealed | Link | LinkButton | Passphrase
Part = Text | Heading | Note | Facts | Copyable | Buttons | Item | Menu | Divider | Hidden | Input


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a conversation.

    `summary` is the text for notifications and screen readers, and says everything that matters. Markup
    is left out.
    As the answer to a button, a message replaces the message with the button; with `without_replacing` it appears below
    that message.
    """

    summary: Piece | Text
    parts: tuple[Part, ...] = ()
    without_replacing: bool = False

    @classmethod
    def of(cls, summary: Piece | Text, *parts: Part, without_replacing: bool = False) -> Message:
        return cls(summary, parts, without_replacing)


@dataclass(frozen=True, slots=True)
class Modal:
    """A window.

    `form` names the handler of its submission, and `ref` is the opaque id that Slack sends back with it.
    `title`, `submit` and `close` have at most 24 characters, which is Slack's limit. With `notify_on_close` Slack
    reports when the person closes the window. With `push` the window is shown over the one that is open,
    instead of replacing it. With `is_same_form` it is the form in which the person just chose something, with other
    fields: it is not shown if the form was submitted meanwhile.
    """

    form: str
    title: Piece
    parts: tuple[Part, ...]
    ref: str | None = None
    submit: Piece | None = None
    close: Piece = CLOSE
    notify_on_close: bool = False
    push: bool = False
    is_same_form: bool = False

    @classmethod
    def of(
        cls,
        form: str,
        title: Piece,
        *parts: Part,
        ref: str | None = None,
        submit: Piece | None = None,
        close: Piece = CLOSE,
        notify_on_close: bool = False,
        push: bool = False,
    ) -> Modal:
        return cls(form, title, parts, ref, submit, close, notify_on_close, push)

    @property
    def shows_secret(self) -> bool:
        """Whether the modal holds a secret in plain text, or a link that may open one."""
        return any(isinstance(part, Revealed | Link | LinkButton) for part in self.parts)


@dataclass(frozen=True, slots=True)
class HomeView:
    """The Home tab of one person: at most MAX_BLOCKS blocks."""

    parts: tuple[Part, ...]


Screen = Message | Modal
