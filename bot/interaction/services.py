"""What every handler works with: the calls to Onetime Secret, the stores, and the ways to send messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.errors import Unsealable
from bot.interaction.access import HostAccess
from bot.interaction.card_queue import CardQueues
from bot.interaction.home_changes import HomeChanges
from bot.interaction.languages import Languages
from bot.interaction.limits import Limits
from bot.interaction.lives import Lives
from bot.interaction.policies import Policies
from bot.message_ref import ChannelRef, MessageRef
from bot.metrics import Metrics
from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Host, Hosts
from bot.person import Person
from bot.policy.decide import acting, is_allowed
from bot.screen.parts import HomeView, Message, Modal
from bot.screen.pieces import Piece
from bot.secret import Secret
from bot.settings import DEFAULT_SECRET_BYTES, DEFAULT_SHARE_LIVES
from bot.storage.accounts import Account, Accounts
from bot.storage.acts import Acts
from bot.storage.audit.journal import Audit
from bot.storage.button_contexts import ButtonContexts
from bot.storage.executions import Executions
from bot.storage.following_messages import FollowingMessages
from bot.storage.homes import Homes
from bot.storage.installations import Installations
from bot.storage.link_cards import LinkCards
from bot.storage.link_warnings import LinkWarnings
from bot.storage.message_failures import MessageFailures
from bot.storage.message_slots import MessageSlots
from bot.storage.outdated_messages import OutdatedMessages
from bot.storage.people import PeopleRows
from bot.storage.preferences import Preferences
from bot.storage.requests import Requests
from bot.storage.reveals.guesses import Guesses
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.share_choices import StoredShareChoices
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.reminders import Reminders
from bot.storage.shares.store import Shares
from bot.storage.tracking.store import Tracking
from bot.storage.workspace_rows import WorkspaceRows

# Sends a message to a person directly, or to a channel. The last argument is an idempotency key, which all tries of one
# message have; Slack may drop a repeated message, but documents no such thing. Raises `SlackError`.
Send = Callable[[Person | ChannelRef, Message, str], Awaitable[MessageRef]]

# Changes a message of ours in place, in the language of the person who reads it. Raises `SlackError`.
Update = Callable[[MessageRef, Message, Person], Awaitable[None]]

# Deletes a message of ours. Raises `SlackError`.
Delete = Callable[[MessageRef], Awaitable[None]]

# Attaches a card to links in somebody's message, each written as in the event, or changes the cards that are there. The
# cards are in the language of this person. Raises `SlackError`.
Unfurl = Callable[[MessageRef, Mapping[Secret, Message], Person], Awaitable[None]]

# Changes what an open modal shows, by the workspace that the app is installed in and the id of the modal, in the
# language of the person who reads it. Raises `WindowClosed`, `SlackError`.
UpdateWindow = Callable[[str | None, str, Modal, Person], Awaitable[None]]

# Shows the Home tab of the person who reads it, by the workspace that the app is installed in; returns its hash. The
# last argument is the hash that it must have; None: any. Raises `ViewChanged`, `SlackError`.
PublishHome = Callable[[str | None, HomeView, Person, str | None], Awaitable[str | None]]


# Whether Slack takes our token for the workspace or organisation with this id. False where only the database can say.
# Raises `SlackError`.
StillInstalled = Callable[[str], Awaitable[bool]]


# The address of a message of ours, which only people who see that conversation can open. Raises `SlackError`.
Permalink = Callable[[MessageRef], Awaitable[str]]

# Ends an execution of the workflow step, by the workspace or organisation that the app is installed in and Slack's id
# of it, with these outputs. Raises `SlackError`.
CompleteStep = Callable[[str, str, Mapping[str, str]], Awaitable[None]]

# Ends an execution of the workflow step with an error, in the language of the person who ran the workflow. Raises
# `SlackError`.
FailStep = Callable[[str, str, Piece, Person], Awaitable[None]]

# Whether somebody of an installed workspace is a full member. Raises `SlackError`.
IsMember = Callable[[Person], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers work with. Made once, in wiring.py."""

    onetime: Onetime
    hosts: Hosts
    accounts: Accounts
    button_contexts: ButtonContexts
    reveals: Reveals
    interrupted_reveals: InterruptedReveals  # for recovery
    guesses: Guesses  # of passphrases, by burning
    tracking: Tracking
    preferences: Preferences
    share_choices: StoredShareChoices
    languages: Languages
    shares: Shares
    deliveries: Deliveries
    interrupted_shares: InterruptedShares  # for recovery
    reminders: Reminders
    following_messages: FollowingMessages
    requests: Requests
    limits: Limits
    acts: Acts
    audit: Audit
    message_failures: MessageFailures  # for recovery
    outdated_messages: OutdatedMessages
    message_slots: MessageSlots
    homes: Homes
    home_changes: HomeChanges
    send: Send
    update: Update
    delete: Delete
    unfurl: Unfurl
    update_window: UpdateWindow
    publish_home: PublishHome
    executions: Executions  # of the workflow step
    permalink: Permalink
    complete_step: CompleteStep
    fail_step: FailStep
    is_member: IsMember
    link_cards: LinkCards
    link_warnings: LinkWarnings
    card_queues: CardQueues
    people: PeopleRows
    installations: Installations
    workspace_rows: WorkspaceRows
    still_installed: StillInstalled
    forget_installation: Callable[[str], None]  # it has changed: this process reads it again
    policies: Policies
    metrics: Metrics = field(default_factory=Metrics)
    unfurl_links: bool = False  # UNFURL_LINKS
    escrow: bool = True  # REVEAL_ESCROW
    lives: Lives = field(default_factory=lambda: Lives(DEFAULT_SHARE_LIVES))  # SHARE_LIVES
    # ONETIME_MAX_SECRET_BYTES: the largest secret that may be shared, and the limits of single hosts by their base URL.
    max_secret_bytes: int = DEFAULT_SECRET_BYTES
    max_secret_bytes_by_host: Mapping[str, int] = field(default_factory=dict)

    @property
    def holds_secrets(self) -> bool:
        """Whether an opened secret is held until its window has shown it, for whoever acts now."""
        return self.escrow and is_allowed("escrow")

    @property
    def default_host(self) -> Host:
        """The default host for whoever acts now: one that their rules allow, if there is one."""
        allowed = self.allowed_hosts
        named = [one for one in allowed if one.url == acting.get().default_host]
        return next(
            iter([*named, *(one for one in allowed if one == self.hosts.default), *allowed]), self.hosts.default
        )

    @property
    def allowed_hosts(self) -> tuple[Host, ...]:
        """The hosts that whoever acts now may use."""
        return tuple(one for one in self.hosts.all if is_allowed("hosts", one.url))

    def max_bytes_on(self, host: Host) -> int:
        """The largest secret that may be shared on this host, in bytes."""
        return self.max_secret_bytes_by_host.get(host.url, self.max_secret_bytes)

    async def access(self, person: Person, host: Host) -> HostAccess:
        """For calls that a key alone allows: with the person's account on this host, if there is a readable one."""
        try:
            account = await self.accounts.on_host(person, host.url)
        except Unsealable:
            return HostAccess(Credentials(host), None, "unreadable")
        return HostAccess(self.credentials_of(account), account.id) if account else HostAccess(Credentials(host))

    def credentials_of(self, account: Account) -> Credentials:
        """The credentials of an account. Raises `Unsealable` if they cannot be decrypted any more."""
        if not account.is_readable:
            raise Unsealable
        return Credentials(self.hosts.of(account.host), account.username, account.token)
