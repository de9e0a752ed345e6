"""What a feature is made of, and what its handlers are given.

A handler takes a `Call` and the stored row that it was asked about, and returns the screen to show. It never
sees a Slack payload. Who may use it is part of it: a `Handler` cannot be made without `owns`, which loads the
row for this very person or raises `NotYours`, so a handler without authorization does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bot.errors import BotError, Unsealable
from bot.onetime.client import Caller, Onetime
from bot.onetime.links import Host, Hosts
from bot.person import Person
from bot.screen.parts import Message, Modal, Screen
from bot.secret import Secret
from bot.settings import USUALLY
from bot.storage.accounts import Account, Accounts
from bot.storage.handles import Handle, Handles
from bot.storage.limits import Limits
from bot.storage.parcels import Parcel
from bot.storage.preferences import Preferences
from bot.storage.requests import Request, Requests
from bot.storage.reveals import Reveal, Reveals
from bot.storage.shares import Share, Shares
from bot.storage.tracked import Tracked
from bot.storage.tracking import Tracking

Row = TypeVar("Row")


Posted = tuple[str, str]  # the conversation and the time stamp that Slack gave a message

# Says something to somebody else: to a person directly, or in a channel, by its id. The last is a key: sent twice
# with it, it arrives once. Raises `SlackTrouble`.
Send = Callable[[Person | str, Message, str], Awaitable[Posted]]
Tell = Callable[[Person, Message, str], Awaitable[Posted]]  # to people alone
Update = Callable[[Posted, Message], Awaitable[None]]  # changes such a message in place; raises SlackTrouble


@dataclass(frozen=True, slots=True)
class Services:
    """What the features work with. Made once, in wiring.py."""

    onetime: Onetime
    hosts: Hosts
    accounts: Accounts
    handles: Handles
    reveals: Reveals
    tracking: Tracking
    preferences: Preferences
    shares: Shares
    requests: Requests
    limits: Limits
    escrow: bool = True  # REVEAL_ESCROW
    most_bytes: int = USUALLY  # of a secret that is shared, on a host that is not in the next. ONETIME_MOST_BYTES
    most_bytes_of: Mapping[str, int] = field(default_factory=dict)  # base URL of a host -> the same for that one

    def takes(self, host: Host) -> int:
        """The bytes that a secret may have which is shared on this host."""
        return self.most_bytes_of.get(host.url, self.most_bytes)

    async def caller(self, person: Person, host: Host) -> Caller:
        """The person's own account on exactly that host, or nobody: credentials never go to another host."""
        return (await self.caller_and_account(person, host))[0]

    async def caller_and_account(self, person: Person, host: Host) -> tuple[Caller, str | None]:
        """The same, and the id of the account: what a button points at goes when its account goes."""
        account = await self.accounts.on_host(person, host.url)
        return (self.as_account(account), account.id) if account else (Caller(host), None)

    def as_account(self, account: Account) -> Caller:
        """Raises `Unsealable` for an account that cannot be read any more."""
        if not account.readable:
            raise Unsealable
        return Caller(self.hosts.of(account.host), account.username, account.token)


# Finishes what was interrupted. The last is for how many seconds nobody else can have been at it (SQLite, at the
# start); None: others may be.
LookAfter = Callable[[Services, Send, Update, float | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that one person did."""

    person: Person
    services: Services
    show: Callable[[Screen], Awaitable[None]]  # raises WindowClosed, SlackTrouble
    tell: Callable[[Message], Awaitable[Posted]]  # a direct message; raises SlackTrouble
    send: Send
    update: Update
    is_member: Callable[[Person], Awaitable[bool]]  # whether somebody else is a full member; raises SlackTrouble
    place: Posted | None = None  # the message that has the button; none for one in a window or a forwarded message
    text: str = field(default="", repr=False)  # what stands behind the verb
    typed: Mapping[str, Secret] = field(default_factory=dict)  # a modal's text fields
    chosen: Mapping[str, str] = field(default_factory=dict)  # a modal's select menus
    checked: Mapping[str, frozenset[str]] = field(default_factory=dict)  # a modal's boxes, those that are ticked
    picked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # ids of people or channels in a modal
    zone: str | None = None  # the person's time zone, an IANA name that is known here


@dataclass(frozen=True, slots=True)
class Handler(Generic[Row]):
    """`run` answers with a screen, or None when everything was shown by `call.show` already."""

    run: Callable[[Call, Row], Awaitable[Screen | None]]
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
    look_after: LookAfter | None = None  # done at the start and every minute


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


async def asked_request(services: Services, person: Person, ref: object) -> Request:
    """A request for a secret that this person was asked."""
    return await services.requests.asked(person, ref)


async def own_share(services: Services, person: Person, ref: object) -> Share:
    return await services.shares.find(person, ref)


async def own_parcel(services: Services, person: Person, ref: object) -> Parcel:
    """One that the person has sent."""
    return await services.shares.own_parcel(person, ref)


async def addressed_parcel(services: Services, person: Person, ref: object) -> Parcel:
    """One that was sent to the person, or to a channel of their workspace."""
    return await services.shares.addressed(person, ref)


def own_handle(kind: str) -> Callable[[Services, Person, object], Awaitable[Handle]]:
    """The person's own handle of this kind."""

    async def load(services: Services, person: Person, ref: object) -> Handle:
        return await services.handles.find(person, kind, ref)

    return load
