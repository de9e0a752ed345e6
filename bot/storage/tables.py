"""The tables. Every row that belongs to a person carries the person's three ids and is looked up by them.

Times are seconds since the epoch by the database's clock. Ids are 22 random characters made here, before
sealing, because they are part of what a blob is bound to.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal,
    text,
    true,
)

from bot.person import Person
from bot.storage.sealing import bound_names
from bot.storage.sealing.sealer import NOBODY, Binding, Purpose

ID_LENGTH = 22  # characters: 128 random bits in base64url
OWNER = ("enterprise_id", "team_id", "user_id")  # the columns of a row's person
NO_ID = "-"  # queried in place of a value that cannot be an id, so that every look-up does the same work

_ID = re.compile(r"[A-Za-z0-9_-]{22}")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(ID_LENGTH), primary_key=True)


def _owner() -> tuple[Column[str], Column[str], Column[str]]:
    return (
        Column("enterprise_id", String(32), nullable=False),  # "-" outside Enterprise Grid
        Column("team_id", String(32), nullable=False),
        Column("user_id", String(32), nullable=False),
    )


def _index_kid(name: str = "blind_index_kid") -> Column[str]:
    return Column(name, String(16))  # the encryption key that made the blind index; none: not known


installations = Table(  # the workspaces and organisations that installed the app by OAuth
    "installations",
    metadata,
    _id(),
    *_owner(),  # who installed it; the team is "-" for an organisation
    Column("install_team", String(32), nullable=False, unique=True),  # the id of the workspace or organisation
    Column("app_id", String(32)),
    Column("bot_id", String(32)),
    Column("bot_user_id", String(32)),
    Column("scopes", Text, nullable=False),  # that were granted, with commas between them
    Column("token", LargeBinary, nullable=False),  # sealed
    Column("refresh_token", LargeBinary),  # sealed; none: the token does not expire
    Column("token_expires_at", Double),
    Column("renewing_until", Double),  # while a process asks Slack for the next token
    Column("installed_at", Double, nullable=False),
    Column("revoked_at", Double),  # when Slack revoked the token; the workspace's rows are kept for a while then
)

organisation_workspaces = Table(  # where people of an organisation that installed the app as a whole have used it
    "organisation_workspaces",
    metadata,
    Column("team_id", String(32), primary_key=True),
    Column("enterprise_id", String(32), nullable=False, index=True),
)

oauth_states = Table(  # of installations that somebody has begun in a browser
    "oauth_states",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the state: the table holds none that could be used
    Column("expires_at", Double, nullable=False, index=True),
)
accounts = Table(
    "accounts",
    metadata,
    _id(),
    *_owner(),
    Column("host", Text, nullable=False),  # canonical base URL
    Column("username", LargeBinary, nullable=False),  # sealed
    Column("token", LargeBinary, nullable=False),  # sealed
    Column("is_default", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("enterprise_id", "team_id", "user_id", "host"),
)
_one_default = Index(
    "ix_accounts_one_default", accounts.c.enterprise_id, accounts.c.team_id, accounts.c.user_id, unique=True
)

button_contexts = Table(
    "button_contexts",
    metadata,
    _id(),
    *_owner(),
    Column("kind", String(32), nullable=False),
    Column("host", Text, nullable=False),
    Column("account_id", String(ID_LENGTH), ForeignKey("accounts.id", ondelete="CASCADE"), index=True),
    Column("key", LargeBinary),  # sealed; none if the context has no key
    Column("data", LargeBinary),  # sealed JSON object of strings; none if there are none
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)

reveals = Table(
    "reveals",
    metadata,
    _id(),
    *_owner(),
    Column("host", Text, nullable=False),
    Column("secret_key", LargeBinary),  # sealed; wiped in the states shown and over
    Column("blind_index", LargeBinary, nullable=False, index=True),  # keyed hash of host and key: finds a known secret
    Column("state", String(16), nullable=False),
    Column("wrong_tries", Integer, nullable=False),
    Column("outcome_unknown", Boolean, nullable=False),  # an earlier try may have opened the secret
    Column("escrow", LargeBinary),  # the sealed secret itself, for minutes
    Column("escrow_expires_at", Double),
    Column("claimed_at", Double),
    Column("notified_at", Double),  # when the person was notified that the secret waits
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("delivery_id", String(ID_LENGTH)),  # the delivery that the reveal opens; none: the person had a link
    _index_kid(),
    CheckConstraint("state IN ('ready', 'opening', 'claiming', 'escrowed', 'shown', 'over')", name="state"),
)

watches = Table(  # one row for all secrets of a person on a host: the watcher claims these
    "watches",
    metadata,
    _id(),
    *_owner(),
    Column("host", Text, nullable=False),
    Column("everything", Boolean, nullable=False),  # secrets that the person did not track by hand are tracked too
    Column("next_poll_at", Double),  # none: nothing to poll, or paused; while leased: lease_until
    Column("lease", String(ID_LENGTH)),  # the claim whose worker polls right now
    Column("lease_until", Double),
    Column("refused", Integer, nullable=False),  # how often the host said "Not authorized" since refused_since
    Column("refused_since", Double),
    Column("paused", String(16)),  # why the watch is not polled: "reconnect"
    Column("created_at", Double, nullable=False),
    Column("everything_since", Double),  # when `everything` was switched on
    Column("zone", String(64)),  # the person's time zone, an IANA name; none: not known
    Column("version", Integer, nullable=False, server_default="0"),  # grows whenever the secrets of the watch change
    UniqueConstraint("enterprise_id", "team_id", "user_id", "host"),
    Index(None, "host", "next_poll_at"),
)

key_calls = Table(  # how many calls by key the watcher made for a watch, and when: a host refuses too many
    "key_calls",
    metadata,
    Column("watch_id", String(ID_LENGTH), ForeignKey("watches.id", ondelete="CASCADE"), primary_key=True),
    Column("calls_left", Double, nullable=False),  # at `counted_at`
    Column("counted_at", Double, nullable=False),
    Column("watch_version", Integer, nullable=False),
    Column("asked_at", Text, nullable=False),  # JSON: when each secret was asked for, by the id of its tracked row
)

tracked = Table(
    "tracked",
    metadata,
    _id(),
    *_owner(),
    Column("watch_id", String(ID_LENGTH), ForeignKey("watches.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("host", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),  # sealed
    Column("blind_index", LargeBinary, nullable=False),  # 16 bytes: finds the row of a key without opening others
    Column("label", LargeBinary),  # sealed; none if the person gave none
    Column("state", String(16), nullable=False),
    Column("made_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("received_at", Double),
    Column("passphrase_required", Boolean),  # none: not known
    Column("card_channel", String(32)),  # the direct message that shows the secret
    Column("card_ts", String(32)),
    Column("tracked_at", Double, nullable=False),
    Column("over_at", Double),  # none until the state is final
    Column("reminded_at", Double),  # when a reminder was due, whether or not the person wanted it
    Column("secret_blind_index", LargeBinary),  # the blind index of the secret key; none: not known
    Column("found", Boolean),  # the watcher found it in the account; none: its person tracked it by hand
    _index_kid(),
    _index_kid("secret_blind_index_kid"),
    UniqueConstraint("enterprise_id", "team_id", "user_id", "blind_index"),
    CheckConstraint("state IN ('new', 'received', 'burned', 'expired', 'orphaned', 'unknown')", name="state"),
)
_over = Index(None, tracked.c.over_at)
_open = Index(None, tracked.c.made_at)  # finds old secrets whose state is not final
_opens = Index(None, tracked.c.secret_blind_index)

ignored = Table(  # secrets that a person stopped tracking by hand: `everything` does not track them again
    "ignored",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("blind_index", LargeBinary, primary_key=True),  # of the row that was in `tracked`
    Column("host", Text, nullable=False),
    Column("until", Double, nullable=False, index=True),
    _index_kid(),
)

notifications = Table(  # written in the transaction of the change, sent afterwards
    "notifications",
    metadata,
    _id(),
    *_owner(),
    Column("tracked_id", String(ID_LENGTH), ForeignKey("tracked.id", ondelete="CASCADE"), index=True),
    Column("host", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("idempotency_key", String(80), nullable=False, unique=True),  # of the event; client_msg_id is made from it
    Column("created_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("lease", String(ID_LENGTH)),  # the claim whose worker sends right now
    Column("lease_until", Double),
    Column("tries", Integer, nullable=False),
    Column("sent_at", Double),
    Column("dead_letter", String(80)),  # why the notification can never be sent: Slack's error code
    Column("posted_at", Double, index=True),  # when Slack took the message; the card may still have to be updated
    Column("digest", String(ID_LENGTH)),  # notifications with one digest share one message; empty: sent alone
    Column("refusals", Integer, nullable=False, server_default="0"),  # answers with a code that the bot does not know
)
_due = Index(None, notifications.c.due_at)
_first = Index(  # finds the first notification of a person
    "ix_notifications_first",
    notifications.c.enterprise_id,
    notifications.c.team_id,
    notifications.c.user_id,
    notifications.c.created_at,
)

preferences = Table(
    "preferences",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("notifications", String(80), nullable=False),  # kinds of notifications, separated by commas
    Column("reminders", Boolean, nullable=False),
    Column("names", Boolean, nullable=False, server_default=true()),  # push notifications name the secret
)

workspace_policies = Table(  # what the admins of a workspace allow
    "workspace_policies",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("rules", Text, nullable=False),  # JSON: the rules that say something, by name
)

languages = Table(  # in which language a person reads
    "languages",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("locale", String(35)),  # as Slack says, such as "de-DE"
    Column("chosen", String(8)),  # in the settings; none: as Slack says
)

following_messages = Table(  # changed once when what they are about is over; the row is deleted then
    "following_messages",
    metadata,
    _id(),
    *_owner(),  # who reads the message
    Column("kind", String(16), nullable=False),
    Column("subject_id", String(ID_LENGTH), nullable=False, index=True),  # a delivery, a tracked secret or a reveal
    Column("channel", String(32), nullable=False),
    Column("ts", String(32), nullable=False),
    UniqueConstraint("channel", "ts"),
)

link_cards = Table(  # the card under a one-time link that somebody posted
    "link_cards",
    metadata,
    _id(),
    *_owner(),  # who posted the link
    Column("message_team", String(32), nullable=False),  # the workspace that the app is installed in
    Column("channel", String(32), nullable=False),
    Column("ts", String(32), nullable=False),
    Column("host", Text, nullable=False),
    Column("link", LargeBinary),  # sealed, as it was posted; wiped when the card has changed for the last time
    Column("blind_index", LargeBinary, nullable=False, index=True),  # keyed hash of host and secret key
    Column("state", String(16), nullable=False),
    Column("posted_at", Double),  # none until Slack has taken the card
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    _index_kid(),
    UniqueConstraint("message_team", "channel", "ts", "blind_index"),
    CheckConstraint("state IN ('open', 'opened', 'burned')", name="state"),
)
_unfinished_cards = Index("ix_link_cards_unfinished", link_cards.c.created_at)

link_warnings = Table(  # whom the bot has warned of a private link that they posted, so that it warns once
    "link_warnings",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("blind_index", LargeBinary, primary_key=True),  # keyed hash of host and metadata key
    Column("until", Double, nullable=False, index=True),
    _index_kid(),
)

share_choices = Table(  # what a person chose when they last shared
    "share_choices",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("ttl", Integer),  # seconds; none: the usual life
    Column("passphrase", String(16), nullable=False),  # none, mine, generate
    Column("apart", Boolean, nullable=False),
    Column("news", Boolean, nullable=False),
    Column("site", Text),  # the name of a host, or "anonymous"; none: the default account
)

requests = Table(  # a person asked another one for a secret; the owner is the person who asked
    "requests",
    metadata,
    _id(),
    *_owner(),
    Column("asked_id", String(32), nullable=False),  # the user who was asked, of the owner's own workspace
    Column("note", LargeBinary),  # sealed; none if the owner said nothing
    Column("state", String(16), nullable=False),
    Column("message_channel", String(32)),  # the direct message to the person who was asked
    Column("message_ts", String(32)),
    Column("card_channel", String(32)),  # the direct message to the owner that shows the request
    Column("card_ts", String(32)),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("over_at", Double),  # none while the request can be answered
    Column("people", LargeBinary),  # sealed, and empty: bound to who asked and who is asked. None in old rows
    Column("reason", LargeBinary),  # sealed: why it was declined; none if nothing was said
    Column("unannounced_since", Double),  # when a person ended it; none again after both messages say so
    CheckConstraint(
        "state IN ('waiting', 'asked', 'answered', 'withdrawn', 'declined', 'expired', 'undeliverable')", name="state"
    ),
)
_open_requests = Index(None, requests.c.expires_at)
_over_requests = Index(None, requests.c.over_at)
_waiting_requests = Index("ix_requests_waiting", requests.c.asked_id)  # finds what somebody is asked for

executions = Table(  # of the workflow step; the owner is the person who ran the workflow
    "executions",
    metadata,
    _id(),
    *_owner(),
    Column("install_team", String(32), nullable=False),  # the workspace or organisation that the app is installed in
    Column("execution", String(100), nullable=False),  # Slack's function_execution_id
    Column("name", String(255), nullable=False),  # the callback id of the step
    Column("inputs", LargeBinary),  # sealed JSON; none once somebody was asked, or it was refused
    Column("request_id", String(ID_LENGTH), ForeignKey("requests.id", ondelete="CASCADE"), index=True),
    Column("refusal", String(32)),  # why nobody was asked
    Column("created_at", Double, nullable=False),
    Column("done_at", Double),  # when Slack was told how it ended
    UniqueConstraint("team_id", "execution"),
)

acts = Table(  # what people do in Slack: each has its effect once, and gets an answer; kept for an hour
    "acts",
    metadata,
    Column("key", String(32), primary_key=True),  # a digest of the idempotency key
    *_owner(),
    Column("install_team", String(32)),  # where the app is installed: a workspace or an organisation
    Column("kind", String(32), nullable=False),
    Column("name", String(80), nullable=False),  # of the handler
    Column("ref", String(ID_LENGTH)),  # the row that it is about
    Column("view_id", String(64)),  # the modal that it happened in
    Column("window", String(16)),  # what the modal shows: "placeholder", "answered" or "secret"; none: not known
    Column("is_event", Boolean, nullable=False),  # of Slack, which nobody waits for
    Column("started_at", Double, nullable=False, index=True),
    Column("answered_at", Double),
)

message_failures = Table(  # what recovery tried to say in Slack in vain; kept for a week
    "message_failures",
    metadata,
    Column("key", String(120), primary_key=True),  # the idempotency key of the message, or where it is
    *_owner(),  # who gets it; for a message in a channel the channel's id is in the place of the user's
    Column("tries", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),  # answers with a code that the bot does not know
    Column("dead_letter", String(80)),  # why it was given up: Slack's error code; none: it is still tried
    Column("created_at", Double, nullable=False, index=True),
)

outdated_messages = Table(  # rows whose messages show an older state, because Slack did not take an update
    "outdated_messages",
    metadata,
    Column("kind", String(16), primary_key=True),  # request, delivery or tracked
    Column("ref", String(ID_LENGTH), primary_key=True),
    *_owner(),
    Column("version", Integer, nullable=False),  # grows with each update that Slack did not take
    Column("created_at", Double, nullable=False, index=True),
)

limit_uses = Table(  # each row is one use of something that has a limit; kept for a day
    "limit_uses",
    metadata,
    _id(),
    *_owner(),
    Column("kind", String(64), nullable=False),
    Column("idempotency_key", String(80)),  # a repeated click has the same key and counts once
    Column("at", Double, nullable=False, index=True),
    Index("ix_limit_uses_of", "enterprise_id", "team_id", "user_id", "kind", "at"),
)

shares = Table(  # one submit of one sender
    "shares",
    metadata,
    _id(),
    *_owner(),
    Column("idempotency_key", String(80), nullable=False, unique=True),  # a repeated submit has the same key
    Column("host", Text, nullable=False),
    Column("account_id", String(ID_LENGTH)),  # made with this account; none: anonymously
    Column("quiet", Boolean, nullable=False),  # the sender wants no notification when the secret is opened
    Column("note", LargeBinary),  # sealed
    Column("label", LargeBinary),  # sealed
    Column("passphrase_to", String(16), nullable=False),  # who gets the passphrase: nobody, sender, recipient
    Column("card_channel", String(32)),  # the direct message to the sender; empty: it can never be posted
    Column("card_ts", String(32)),
    Column("created_at", Double, nullable=False, index=True),
    Column("request_id", String(ID_LENGTH), index=True),  # the request that the share answers; none: no request
    Column("earlier_id", String(ID_LENGTH), index=True),  # the earlier try, whose card becomes that of this share
    Column("unknown_tries", Integer, nullable=False, server_default="0"),  # earlier tries with an unknown outcome
    Column("thread_ts", String(32)),  # the thread that messages to a channel go into; none: no thread
    Column("sender_left_at", Double),  # when it was found that the sender has left the workspace
)

deliveries = Table(  # one secret for one recipient
    "deliveries",
    metadata,
    _id(),
    Column("share_id", String(ID_LENGTH), ForeignKey("shares.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),  # among the deliveries of its share
    *_owner(),  # the sender
    Column("recipient_enterprise_id", String(32)),  # for this person,
    Column("recipient_team_id", String(32)),
    Column("recipient_user_id", String(32)),
    Column("recipient_channel", String(32)),  # or for the first person in this channel; neither: only the link
    Column("host", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(80)),  # why the delivery failed or is undeliverable: a code
    Column("secret_key", LargeBinary),  # sealed; wiped when the delivery is over
    Column("metadata_key", LargeBinary),  # sealed
    Column("passphrase", LargeBinary),  # sealed; wiped when it was sent or shown
    Column("passphrase_required", Boolean),  # none: not known
    Column("expires_at", Double),
    Column("message_channel", String(32)),  # the message with the Open button
    Column("message_ts", String(32)),
    Column("opener_enterprise_id", String(32)),  # the person who opened it, is opening it, or was shown the link
    Column("opener_team_id", String(32)),
    Column("opener_user_id", String(32)),
    Column("opened_at", Double),
    Column("link_shown_at", Double),  # when the link was shown to the opener
    Column("unannounced_since", Double),  # when it was opened here; none again after the sender was notified
    Column("reminded_at", Double),
    Column(
        "tracked_id", String(ID_LENGTH), index=True
    ),  # stays when that row is deleted, so that the delivery is never tracked again
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("over_at", Double),  # none until the state is final
    Column(
        "sender_notified_at", Double
    ),  # when the sender was notified that it was opened here; messages may still be redrawn
    Column("recipient", LargeBinary),  # sealed: who gets the passphrase; bound to who it is for. None in old rows
    Column("remind_at", Double, index=True),  # when the recipient is reminded, as the sender chose; none: no reminder
    Column("reminder_lease_until", Double),  # a worker is sending the reminder until then
    CheckConstraint(
        "state IN ('waiting', 'asking', 'made', 'sent', 'opening', 'link_shown', 'opened', 'failed', "
        "'unknown_outcome', 'undeliverable', 'burned', 'expired', 'gone')",
        name="state",
    ),
    Index(None, "user_id", "created_at"),
)

_waiting_deliveries = Index("ix_deliveries_waiting", deliveries.c.recipient_user_id)  # finds what somebody can open

homes = Table(  # the Home tab of a person; Slack does not say when it is left
    "homes",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("install_team", String(32)),  # where the app is installed: a workspace or an organisation
    Column("hash", String(64)),  # of what it shows, as Slack says; none: not known
    Column("tracked_page", Integer, nullable=False),
    Column("recent_page", Integer, nullable=False),
    Column("recent_filter", String(16), nullable=False),
    Column("opened_at", Double, nullable=False, index=True),  # when it was opened or used last
    Column("published_at", Double),  # when it was drawn last
)

audit_chains = Table(  # one chain of entries for each workspace: where it ends, and where it begins now
    "audit_chains",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("sequence", Integer, nullable=False),  # of the last entry; the first one has 1
    Column("hash", LargeBinary, nullable=False),  # of the last entry
    Column("anchor_sequence", Integer, nullable=False),  # of the last entry that was deleted because of its age; or 0
    Column("anchor_hash", LargeBinary, nullable=False),
    Column("kid", String(16), nullable=False),  # the encryption key whose signing key signed all of this
    Column("signature", LargeBinary, nullable=False),  # empty: the chain was broken when it was to be signed
)

audit_keys = Table(  # seals what somebody did; destroyed when the person is erased
    "audit_keys",
    metadata,
    _id(),
    *_owner(),  # "-" in the place of the user: for what the bot or an operator does in the workspace
    Column("key", LargeBinary, nullable=False),  # sealed
    Column("created_at", Double, nullable=False),
    UniqueConstraint("enterprise_id", "team_id", "user_id"),
)

audit_entries = Table(  # what happened; the chain goes over the commitments, so that it outlives the keys
    "audit_entries",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", Double, nullable=False),  # by the clock of the process that saw it
    Column("key_id", String(ID_LENGTH), nullable=False),  # a row of audit_keys, or a key that was destroyed
    Column("sealed", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of the previous hash and the commitment
    Index(None, "key_id", "sequence"),
)

audit_counts = Table(  # how often something was done in a workspace on a day, without who did it
    "audit_counts",
    metadata,
    Column("enterprise_id", String(32), primary_key=True),
    Column("team_id", String(32), primary_key=True),
    Column("day", Integer, primary_key=True),  # since 1970, in UTC
    Column("act", String(32), primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
)

AUDIT = (audit_chains, audit_keys, audit_entries, audit_counts)  # kept for a time of its own

data_keys = Table(  # seals the rows of one workspace; destroyed when the workspace is erased
    "data_keys",
    metadata,
    _id(),
    Column("enterprise_id", String(32), nullable=False),  # of the rows that it seals
    Column("team_id", String(32), nullable=False),  # the same; "-" for the token of an organisation
    Column("key", LargeBinary, nullable=False),  # sealed by an encryption key
    Column("created_at", Double, nullable=False),
    UniqueConstraint("enterprise_id", "team_id"),
)

key_checks = Table(
    "key_checks",
    metadata,
    Column("kid", String(16), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # a constant: opens only with the key that sealed the rest
    Column("created_at", Double, nullable=False),
    Column("seals_values", Boolean),  # true: values too, and no data key is made, until `keys rotate` has run
)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of encrypted values, each bound to its row: for counting, checking and rotating all of them."""

    table: Table
    name: str
    purpose: Purpose
    bound_table: str  # the table's name in the associated data
    bound_name: str | None = None  # the column's name there; None: the column's own
    audience: tuple[str, ...] = ()  # the columns that say who the row is for: bound too (sealing/audience.py)

    @property
    def bound_column(self) -> str:
        """The column's name in the associated data."""
        return self.bound_name or self.name

    @property
    def column(self) -> Column[bytes]:
        return self.table.c[self.name]

    @property
    def bound_columns(self) -> tuple[ColumnElement[Any], ...]:
        """What an encrypted value of this column is bound to in its row, beside the column itself."""
        columns = self.table.c
        owner_columns = [columns.get(name, literal(NOBODY).label(name)) for name in OWNER]
        return (columns.id, *owner_columns, *(columns[name] for name in self.audience), self.host)

    def binding(self, row: Mapping[str, Any]) -> Binding:
        """What a value of this column is bound to in this row, which has the values of `bound_columns`."""
        person = person_of(row["enterprise_id"], row["team_id"], row.get("user_id", NOBODY))
        audience = tuple(row[name] or NOBODY for name in self.audience)
        return Binding.of(self.bound_table, self.bound_column, person, row.get("host", NOBODY), row["id"], audience)

    def workspace(self, row: Mapping[str, Any]) -> Person:
        """Nobody in the workspace whose data key seals a value of this column in this row.

        A card belongs to the workspace that it is in: somebody of another one may have posted its link.
        """
        is_shared = self.table is link_cards and row["enterprise_id"] == NOBODY
        return person_of(row["enterprise_id"], row["message_team" if is_shared else "team_id"], NOBODY)

    @property
    def host(self) -> ColumnElement[str]:
        """The host that the row is bound to; `-` where it is about none."""
        host: ColumnElement[str] = self.table.c.get("host", literal(NOBODY))
        return host.label("host")


REQUEST_PEOPLE = SealedColumn(requests, "people", "metadata_key", bound_names.REQUESTS, audience=("asked_id",))
DELIVERY_RECIPIENT = SealedColumn(
    deliveries,
    "recipient",
    "metadata_key",
    bound_names.DELIVERIES,
    audience=("recipient_enterprise_id", "recipient_team_id", "recipient_user_id", "recipient_channel"),
)

LINK_CARD = SealedColumn(
    link_cards, "link", "metadata_key", bound_names.LINK_CARDS, audience=("message_team", "channel", "ts")
)

DATA_KEY = SealedColumn(data_keys, "key", "data_key", bound_names.DATA_KEYS)

SEALED_KEYS = (  # keys that encryption keys seal themselves; the rest is sealed under data keys
    DATA_KEY,
    SealedColumn(audit_keys, "key", "audit_key", bound_names.AUDIT_KEYS),
)
SEALED = (
    *SEALED_KEYS,
    SealedColumn(installations, "token", "slack_token", bound_names.INSTALLATIONS),
    SealedColumn(installations, "refresh_token", "slack_token", bound_names.INSTALLATIONS),
    SealedColumn(accounts, "username", "token", bound_names.ACCOUNTS),
    SealedColumn(accounts, "token", "token", bound_names.ACCOUNTS),
    SealedColumn(button_contexts, "key", "metadata_key", bound_names.BUTTON_CONTEXTS),
    SealedColumn(button_contexts, "data", "metadata_key", bound_names.BUTTON_CONTEXTS, bound_names.BUTTON_CONTEXT_DATA),
    SealedColumn(reveals, "secret_key", "metadata_key", bound_names.REVEALS),
    SealedColumn(reveals, "escrow", "escrow", bound_names.REVEALS),
    SealedColumn(tracked, "key", "metadata_key", bound_names.TRACKED),
    SealedColumn(tracked, "label", "metadata_key", bound_names.TRACKED),
    SealedColumn(shares, "note", "metadata_key", bound_names.SHARES),
    SealedColumn(shares, "label", "metadata_key", bound_names.SHARES),
    SealedColumn(deliveries, "secret_key", "metadata_key", bound_names.DELIVERIES),
    SealedColumn(deliveries, "metadata_key", "metadata_key", bound_names.DELIVERIES),
    SealedColumn(deliveries, "passphrase", "metadata_key", bound_names.DELIVERIES),
    SealedColumn(requests, "note", "metadata_key", bound_names.REQUESTS),
    SealedColumn(requests, "reason", "metadata_key", bound_names.REQUESTS),
    SealedColumn(executions, "inputs", "metadata_key", bound_names.EXECUTIONS),
    REQUEST_PEOPLE,
    DELIVERY_RECIPIENT,
    LINK_CARD,
)


_PARTIAL = (
    (_one_default, "is_default"),
    (_over, "over_at IS NOT NULL"),
    (_open, "over_at IS NULL"),
    (_opens, "secret_blind_index IS NOT NULL"),
    (_due, "sent_at IS NULL AND dead_letter IS NULL"),
    (_first, "sent_at IS NULL AND dead_letter IS NULL"),
    (_open_requests, "over_at IS NULL"),
    (_over_requests, "over_at IS NOT NULL"),
    (_waiting_requests, "over_at IS NULL"),
    (_waiting_deliveries, "over_at IS NULL"),
    (_unfinished_cards, "posted_at IS NULL OR (state <> 'open' AND link IS NOT NULL)"),
)


def for_dialect(name: str) -> MetaData:
    """`metadata` with the parts that each kind of database writes differently, to make or compare tables.

    This is not done at import, because it loads the dialect: PostgreSQL's makes a start on SQLite a tenth slower.
    """
    for index, where in _PARTIAL:
        index.dialect_options[name]["where"] = text(where)
    return metadata


def new_id() -> str:
    """22 random characters, 128 bits, which nobody can guess."""
    return secrets.token_urlsafe(16)


def is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def owner(person: Person) -> dict[str, str]:
    """The person as the values of a row."""
    enterprise = NOBODY if person.enterprise_id is None else person.enterprise_id
    return {"enterprise_id": enterprise, "team_id": person.team_id, "user_id": person.user_id}


def workspace_values(person: Person) -> dict[str, str]:
    """The person's workspace as the values of a row."""
    return {name: value for name, value in owner(person).items() if name != "user_id"}


def owned_by(table: Table, person: Person) -> ColumnElement[bool]:
    """The condition that a row belongs to exactly this person."""
    return and_(*(table.c[name] == value for name, value in owner(person).items()))


def own_row(table: Table, person: Person, row_id: object) -> ColumnElement[bool]:
    """The condition for one row of this person. `row_id` may be anything that came from outside."""
    return and_(table.c.id == (row_id if is_id(row_id) else NO_ID), owned_by(table, person))


def person_in(row: Row[Any]) -> Person:
    """The owner of the row."""
    return person_of(row.enterprise_id, row.team_id, row.user_id)


def person_of(enterprise_id: str, team_id: str, user_id: str) -> Person:
    return Person(None if enterprise_id == NOBODY else enterprise_id, team_id, user_id)
