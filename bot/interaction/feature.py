"""What a feature is made of, and what its handlers take and return.

A handler takes an `Interaction` and a stored row, and returns a `Reply`. It never sees a Slack payload. A `Handler`
cannot be made without `owns`, which loads the row for the acting person or raises `NotYours`. So no handler exists
without authorization.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bot.errors import BotError, HostUnavailable, NothingDone, NothingSent, SlackError, StorageUnavailable, WindowClosed
from bot.interaction.message_content import MessageContent
from bot.interaction.parsed_text import NO_TEXT, ParsedText
from bot.interaction.services import Services
from bot.message_ref import MessageRef
from bot.onetime.links import Hosts
from bot.person import Person
from bot.screen.parts import Button, Message, Modal, Screen
from bot.screen.pieces import Phrase, Piece, Sentences
from bot.secret import Secret
from bot.storage.acts import Act
from bot.storage.button_contexts import AnyNewButtonContext

Row = TypeVar("Row")


# Finishes work that a crash interrupted. The second argument: for so many seconds no other process can have worked
# (SQLite, at the start). None: another process may be working now.
Recover = Callable[[Services, float | None], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a person entered in a view, by the name of the field. All text is treated as secret."""

    text_inputs: Mapping[str, Secret] = field(default_factory=dict)
    selects: Mapping[str, str] = field(default_factory=dict)  # the value that was chosen in a select menu
    checkboxes: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the values of the boxes that are ticked
    pickers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the ids of people or channels
    moments: Mapping[str, datetime | None] = field(default_factory=dict)  # the time that was picked; None: none

    @property
    def names(self) -> frozenset[str]:
        """The names of all fields that the view has."""
        return frozenset().union(self.text_inputs, self.selects, self.checkboxes, self.pickers, self.moments)


NO_INPUTS = Inputs()


async def _no_admin() -> bool:
    return False


async def _has_not_left(_person: Person) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetails:
    """What Slack says in an event beside who it is about."""

    happened_at: float  # seconds since 1970, by Slack's clock
    has_left: bool = False  # user_change: the person was deactivated, or is a guest now
    lost_token: bool = False  # tokens_revoked: the bot's own token was revoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One thing that one person did."""

    person: Person
    services: Services
    show: Callable[[Screen], Awaitable[None]]  # raises WindowClosed, SlackError
    tell: Callable[[Message], Awaitable[MessageRef]]  # sends the person a direct message; raises SlackError
    is_member: Callable[[Person], Awaitable[bool]]  # whether somebody else is a full member; raises SlackError
    # Whether the person is an admin or owner of the workspace. Slack is asked each time; raises SlackError.
    is_admin: Callable[[], Awaitable[bool]] = _no_admin
    # Whether somebody else is no full member any more. Slack is asked each time; raises SlackError.
    has_left: Callable[[Person], Awaitable[bool]] = _has_not_left
    message: MessageRef | None = None  # the message that it happened on; None in a window or a forwarded copy
    # The text after the verb, the text of the message that a shortcut was used on, or the search typed into a menu.
    text: ParsedText = NO_TEXT
    content: MessageContent | None = None  # the message that a message shortcut was used on
    inputs: Inputs = NO_INPUTS
    event: EventDetails | None = None
    links: tuple[Secret, ...] = ()  # that were posted in `message`, exactly as Slack wrote them; of an event only
    zone: str | None = None  # the person's time zone, an IANA name that this machine knows
    in_home: bool = False  # whether it happened in the person's Home tab, or in a window that was opened there
    install_team: str | None = None  # the workspace or organisation that the app is installed in

    async def keep(self, *new: AnyNewButtonContext) -> list[str]:
        """Store what buttons for this person are about. Returns the ids, in order. Raises `StorageUnavailable`."""
        return await self.services.button_contexts.keep(self.person, *new)

    @property
    def text_inputs(self) -> Mapping[str, Secret]:
        return self.inputs.text_inputs

    @property
    def selects(self) -> Mapping[str, str]:
        return self.inputs.selects

    @property
    def checkboxes(self) -> Mapping[str, frozenset[str]]:
        return self.inputs.checkboxes

    @property
    def pickers(self) -> Mapping[str, tuple[str, ...]]:
        return self.inputs.pickers

    @property
    def moments(self) -> Mapping[str, datetime | None]:
        return self.inputs.moments


LINK, UNKNOWN_VERB = "link", "unknown"  # the names of what was typed behind `/ots` without a verb
WITHOUT_VERB = (LINK, UNKNOWN_VERB)


class Kind(StrEnum):
    """What Slack can send. The comment says what the name of a handler of that kind is.

    Source: docs.slack.dev, reference of slash commands, interaction payloads and events.
    """

    COMMAND = "command"  # the verb of `/ots VERB`
    ACTION = "action"  # the action id of a button or menu (block_actions)
    FORM = "form"  # the callback id of a modal that was submitted (view_submission)
    CLOSED = "closed"  # the callback id of a modal that was closed (view_closed)
    SHORTCUT = "shortcut"  # the callback id of a global shortcut
    MESSAGE_SHORTCUT = "message_shortcut"  # the callback id of a shortcut in a message's menu (message_action)
    EVENT = "event"  # the type of an event, such as app_home_opened
    OPTIONS = "options"  # the action id of a menu that asks for its options (block_suggestion)
    FUNCTION = "function"  # the callback id of a workflow step (the event function_executed)


class Outcome(StrEnum):
    """The result of one thing that a person did. The log, metrics and an audit count by these words.

    A handler returns one of them in its `Reply`, but never CRASHED. If a handler raises, `read_outcome` says which.
    """

    SHOWN = "shown"  # something was shown or asked; nothing was changed
    DONE = "done"  # what the person wanted was done: shared, burned, saved, tracked
    PARTLY_DONE = "partly_done"  # done for some recipients or items, not for the others
    OPENED = "opened"  # a secret was opened, so its link is used up
    REFUSED = "refused"  # the bot, a limit or the host said no; nothing was changed
    NOTHING_SENT = "nothing_sent"  # the host could not be reached; the call certainly had no effect
    UNKNOWN = "unknown"  # the host may have carried out the call, or not
    WINDOW_CLOSED = "window_closed"  # the person closed the window first, or its trigger was too old
    UNAVAILABLE = "unavailable"  # Slack or the database did not take it
    CRASHED = "crashed"  # an error that nobody expected


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler shows, and the outcome."""

    screen: Screen | None  # None: everything was shown by `interaction.show` already
    outcome: Outcome
    options: tuple[tuple[str, Piece], ...] = ()  # (value, label) pairs for `Kind.OPTIONS`, at most 100


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a person gets for an act that was interrupted."""

    window: Modal | None = None  # for the window that the act happened in, unless that shows a secret
    message: Message | None = None  # a direct message, if there is no `window` or it is closed


# Says what a person gets for an act that was interrupted, after the recoveries of all features have run.
Resume = Callable[[Services, Act], Awaitable[Resumption]]


@dataclass(frozen=True, slots=True)
class Handler(Generic[Row]):
    """How one kind of interaction is handled, and who may do it."""

    run: Callable[[Interaction, Row], Awaitable[Reply]]
    owns: Callable[[Services, Person, object], Awaitable[Row]]
    opens_window: bool = False  # shows a modal first: the trigger for that lives 3 seconds
    rule: str | None = None  # of the policy, that has to allow it
    needs_member: bool = True  # False: for an event that needs none, or that no person causes
    is_recorded: bool = True  # False: for a frequent event whose second delivery has no effect, also without a record
    opens_when_ready: bool = False  # shows its own modal, but only once something is stored
    draws_home: bool = False  # its only answer is a new Home tab
    is_audited: bool = True  # False: the person's own entries are erased by it, and it would begin new ones


@dataclass(frozen=True, slots=True)
class Verb:
    """`/ots NAME`. Has either `handler`, or `words` for an answer that is only words."""

    name: str
    does: Phrase  # what it does: it follows the command in the help
    usage: Piece | None = None  # what may be typed after it
    aliases: tuple[str, ...] = ()
    # Whether a word after it is one of a closed list, so that it is no secret: then a button may carry it.
    knows_word: Callable[[str, Hosts], bool] | None = None
    needs_text: bool = False  # whether it does nothing without what is typed after it
    # Makes a button that does the same for the key in a button context of kind METADATA, from a label and its id.
    key_button: Callable[[Phrase, str], Button] | None = None
    handler: Handler[None] | None = None
    words: Callable[[tuple[Verb, ...]], Message] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """Everything that one file in features/ does.

    `handlers` is keyed by kind, then by name. A name is unique within its kind over all features. The handler of a
    verb is in its `Verb`.
    """

    name: str
    verbs: tuple[Verb, ...] = ()
    handlers: Mapping[Kind, Mapping[str, Handler[Any]]] = field(default_factory=dict)
    recover: Recover | None = None  # runs at the start and every minute
    resumes: Mapping[tuple[Kind, str], Resume] = field(default_factory=dict)  # by kind and name of a handler


class FieldErrors(BotError):
    """Fields of a form need another value. `fields` is field name -> sentence, shown at the field.

    Slack shows errors at fields only within 3 seconds. After that, `form` is shown again with the sentences above it
    and with empty fields, because typed values are not kept anywhere. `rule` is the rule of the policy that refused a
    value; None if none did.
    """

    def __init__(self, fields: dict[str, Piece], *, form: Modal | None = None, rule: str | None = None) -> None:
        super().__init__(f"fields {sorted(fields)}", tell=Sentences(tuple(fields.values())))
        self.fields = fields
        self.form = form
        self.rule = rule


def read_outcome(error: BotError) -> Outcome:
    """The outcome of an interaction that ended with this error."""
    match error:
        case NothingSent():
            return Outcome.NOTHING_SENT
        case NothingDone():
            return Outcome.REFUSED
        case HostUnavailable():
            return Outcome.UNKNOWN
        case WindowClosed():
            return Outcome.WINDOW_CLOSED
        case SlackError() | StorageUnavailable():
            return Outcome.UNAVAILABLE
        case _:
            return Outcome.REFUSED
