"""What a feature is made of, and what its handlers are given.

A handler takes a `Interaction` and the stored row that it was asked about, and returns the screen to show. It never
sees a Slack payload. Who may use it is part of it: a `Handler` cannot be made without `owns`, which loads the
row for this very person or raises `NotYours`, so a handler without authorization does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bot.errors import BotError, Unsealable
from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Host, Hosts
from bot.person import Person
from bot.screen.parts import Message, Modal, Screen
from bot.secret import Secret
from bot.settings import DEFAULT_SECRET_BYTES
from bot.storage.accounts import Account, Accounts
from bot.storage.button_contexts import ButtonContext, ButtonContexts
from bot.storage.limits import Limits
from bot.storage.preferences import Preferences
from bot.storage.requests import Request, Requests
from bot.storage.reveals.store import Reveal, Reveals
from bot.storage.shares.deliveries import Delivery
from bot.storage.shares.store import Share, Shares
from bot.storage.tracking.rows import Tracked
from bot.storage.tracking.store import Tracking

Row = TypeVar("Row")


MessageRef = tuple[str, str]  # the conversation and the time stamp that Slack gave a message

# Says something to somebody else: to a person directly, or in a channel, by its id. The last is a key: sent twice
# with it, it arrives once. Raises `SlackError`.
Send = Callable[[Person | str, Message, str], Awaitable[MessageRef]]
Tell = Callable[[Person, Message, str], Awaitable[MessageRef]]  # to people alone
Update = Callable[[MessageRef, Message], Awaitable[None]]  # changes such a message in place; raises SlackError


@dataclass(frozen=True, slots=True)
class Services:
    """What the features work with. Made once, in wiring.py."""

    onetime: Onetime
    hosts: Hosts
    accounts: Accounts
    button_contexts: ButtonContexts
    reveals: Reveals
    tracking: Tracking
    preferences: Preferences
    shares: Shares
    requests: Requests
    limits: Limits
    escrow: bool = True  # REVEAL_ESCROW
    max_secret_bytes: int = (
        DEFAULT_SECRET_BYTES  # of a secret that is shared, on a host that is not in the next. ONETIME_MAX_SECRET_BYTES
    )
    max_secret_bytes_by_host: Mapping[str, int] = field(
        default_factory=dict
    )  # base URL of a host -> the same for that one

    def max_bytes_on(self, host: Host) -> int:
        """The bytes that a secret may have which is shared on this host."""
        return self.max_secret_bytes_by_host.get(host.url, self.max_secret_bytes)

    async def credentials(self, person: Person, host: Host) -> Credentials:
        """The person's own account on exactly that host, or nobody: credentials never go to another host."""
        return (await self.credentials_and_account(person, host))[0]

    async def credentials_and_account(self, person: Person, host: Host) -> tuple[Credentials, str | None]:
        """The same, and the id of the account: what a button points at goes when its account goes."""
        account = await self.accounts.on_host(person, host.url)
        return (self.credentials_of(account), account.id) if account else (Credentials(host), None)

    def credentials_of(self, account: Account) -> Credentials:
        """Raises `Unsealable` for an account that cannot be read any more."""
        if not account.is_readable:
            raise Unsealable
        return Credentials(self.hosts.of(account.host), account.username, account.token)


# Finishes what was interrupted. The last is for how many seconds nobody else can have been at it (SQLite, at the
# start); None: others may be.
Recover = Callable[[Services, Send, Update, float | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that one person did."""

    person: Person
    services: Services
    show: Callable[[Screen], Awaitable[None]]  # raises WindowClosed, SlackError
    tell: Callable[[Message], Awaitable[MessageRef]]  # a direct message; raises SlackError
    send: Send
    update: Update
    is_member: Callable[[Person], Awaitable[bool]]  # whether somebody else is a full member; raises SlackError
    message: MessageRef | None = (
        None  # the message that has the button; none for one in a window or a forwarded message
    )
    text: str = field(default="", repr=False)  # what stands behind the verb
    text_inputs: Mapping[str, Secret] = field(default_factory=dict)  # a modal's text fields
    selects: Mapping[str, str] = field(default_factory=dict)  # a modal's select menus
    checkboxes: Mapping[str, frozenset[str]] = field(default_factory=dict)  # a modal's boxes, those that are ticked
    pickers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # ids of people or channels in a modal
    zone: str | None = None  # the person's time zone, an IANA name that is known here


@dataclass(frozen=True, slots=True)
class Handler(Generic[Row]):
    """`run` answers with a screen, or None when everything was shown by `call.show` already."""

    run: Callable[[Interaction, Row], Awaitable[Screen | None]]
    owns: Callable[[Services, Person, object], Awaitable[Row]]
    opens_window: bool = False  # it shows a modal first: the trigger for that lives 3 seconds


@dataclass(frozen=True, slots=True)
class Verb:
    """`/ots NAME`. Either `handler`, or `words` for an answer that is only words and needs nobody's permission."""

    name: str
    does: str
    usage: str = ""
    aliases: tuple[str, ...] = ()
    handler: Handler[None] | None = None
    words: Callable[[tuple[Verb, ...]], Message] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """Everything one file in features/ does. Names of actions and forms are unique over all features."""

    name: str
    verbs: tuple[Verb, ...] = ()
    actions: Mapping[str, Handler[Any]] = field(default_factory=dict)  # a button was pressed
    forms: Mapping[str, Handler[Any]] = field(default_factory=dict)  # a modal was submitted
    closed: Mapping[str, Handler[Any]] = field(default_factory=dict)  # a modal was closed
    recover: Recover | None = None  # done at the start and every minute


class FieldErrors(BotError):
    """Fields of a form need another value: field name -> what is wrong, shown at the field.

    `form` is shown again, with the sentences above it, when the answer comes too late for Slack to show them
    at the fields (it gives 3 seconds). What was typed is lost then: it is not kept anywhere.
    """

    def __init__(self, fields: dict[str, str], *, form: Modal | None = None) -> None:
        super().__init__(f"fields {sorted(fields)}", tell=" ".join(fields.values()))
        self.fields = fields
        self.form = form


# --- the ways to own something


async def any_member(_services: Services, _person: Person, _ref: object) -> None:
    """For handlers that touch nothing stored before: being a member, which the front checks for all, is enough."""


async def own_account(services: Services, person: Person, ref: object) -> Account:
    return await services.accounts.find(person, ref)


async def own_reveal(services: Services, person: Person, ref: object) -> Reveal:
    return await services.reveals.find(person, ref)


async def own_tracked(services: Services, person: Person, ref: object) -> Tracked:
    return await services.tracking.find(person, ref)


async def own_request(services: Services, person: Person, ref: object) -> Request:
    """A request for a secret that this person made."""
    return await services.requests.find(person, ref)


async def received_request(services: Services, person: Person, ref: object) -> Request:
    """A request for a secret that this person was asked."""
    return await services.requests.find_for_asked(person, ref)


async def own_share(services: Services, person: Person, ref: object) -> Share:
    return await services.shares.find(person, ref)


async def own_delivery(services: Services, person: Person, ref: object) -> Delivery:
    """One that the person has sent."""
    return await services.shares.own_delivery(person, ref)


async def received_delivery(services: Services, person: Person, ref: object) -> Delivery:
    """One that was sent to the person, or to a channel of their workspace."""
    return await services.shares.find_for_recipient(person, ref)


def own_button_context(kind: str) -> Callable[[Services, Person, object], Awaitable[ButtonContext]]:
    """The person's own handle of this kind."""

    async def load(services: Services, person: Person, ref: object) -> ButtonContext:
        return await services.button_contexts.find(person, kind, ref)

    return load
