"""A tracked secret as a row: what the row holds, and which columns are encrypted. Watches, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Row, and_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, moment, moment_or_none, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.blind_indexes import NamedIndex, index_of_secret, primary_index
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Binding, Sealer, ValueOpener, ValueSealer
from bot.storage.tables import NO_ID, new_id, owned_by, owner, person_in, tracked, watches

KnownEnd = Literal["received", "burned", "expired", "orphaned"]  # a host says what became of the secret
FinalState = Literal[KnownEnd, "unknown"]  # unknown: the host has forgotten what became of it
TrackedState = Literal["new", FinalState]
NotificationKind = Literal[FinalState, "reminder", "reconnect", "card"]
PauseReason = Literal["reconnect"]

OVER: Final[tuple[FinalState, ...]] = ("received", "burned", "expired", "orphaned", "unknown")
RECONNECT: Final = "reconnect"  # why a watch is paused, and the kind of the notification that says so
CARD: Final = "card"  # the kind of a notification that is the card itself
SILENT_LIFE: Final = 60 * 86_400.0  # seconds that a row stays if its host never says what became of the secret
IS_OPEN = tracked.c.over_at.is_(None)


@dataclass(frozen=True, slots=True)
class NewTracked:
    """A secret to start tracking."""

    key: MetadataKey
    made_at: datetime  #: with a time zone
    expires_at: datetime | None = None
    label: str | None = None  # plain text as typed
    passphrase_required: bool | None = None  # None: not known
    state: TrackedState = "new"
    secret_key: SecretKey | None = None  # None: not known. Only its blind index is stored
    received_at: datetime | None = None  #: with a time zone


class OpenRow(NamedTuple):
    """The values of a tracked secret that a poll needs while it can still change. Times are seconds since the epoch."""

    id: str
    blind_index: bytes
    made_at: float
    expires_at: float | None
    is_reminded: bool  # the time for a reminder has passed


@dataclass(frozen=True, slots=True)
class Tracked:
    """A stored `NewTracked`.

    `is_readable` is False if the key or the label cannot be decrypted any more: both are empty then. The person sees
    such a secret and can stop tracking it. The watcher never gets such a secret.
    """

    id: str
    person: Person
    watch_id: str
    host: str  #: canonical base URL
    key: MetadataKey
    label: str | None
    state: TrackedState
    made_at: datetime  #: UTC
    expires_at: datetime | None  #: UTC
    received_at: datetime | None  #: UTC
    passphrase_required: bool | None  # None: not known
    card: MessageRef | None  # the message that shows the secret
    is_readable: bool = True
    is_reminded: bool = False  # the time for a reminder has passed

    @property
    def is_over(self) -> bool:
        """Whether the state is final: it never changes again."""
        return self.state in OVER


class TrackedPage(NamedTuple):
    """A part of the list of what a person tracks."""

    secrets: tuple[Tracked, ...]
    page: int  # counted from 0
    total: int  # secrets on all pages


class Unnotified(NamedTuple):
    """What a person could not be told."""

    tracked_ids: frozenset[str]  # secrets whose notification is a dead letter
    hosts: frozenset[str]  # base URLs of hosts that do not accept the account any more


@dataclass(frozen=True, slots=True)
class WatchRef:
    """Names one watch: its id, its person and its host."""

    watch_id: str
    person: Person
    host: str  #: canonical base URL


@dataclass(frozen=True, slots=True)
class Watch:
    """All secrets of one person on one host."""

    id: str
    person: Person
    host: str  #: canonical base URL
    everything: bool  # secrets that the person did not track by hand are tracked too
    lease: str | None  # None unless it comes from `claim`
    refused: int  # answers "Not authorized" since the last good one
    paused: PauseReason | None = None  # why the watch is not polled
    zone: str | None = None  # the person's time zone, an IANA name
    version: int = 0  # changes whenever a secret of the watch is added or removed
    everything_since: float | None = None  # epoch seconds: when `everything` was switched on

    @property
    def ref(self) -> WatchRef:
        return WatchRef(self.id, self.person, self.host)


class TrackedRows:
    """Makes the values of new rows, and the blind indexes that find rows."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        ring = sealer.keyring
        # Each encryption key makes other blind indexes. Rows that an earlier primary key indexed must be found too.
        self._indexers = [Sealer(KeyRing({kid: ring.root(kid)})) for kid in ring.kids]

    def encrypt(
        self,
        person: Person,
        host: str,
        watch_id: str,
        new: NewTracked,
        of_secret: dict[str, Any],
        at: float | ColumnElement[float] = now,
        *,
        sealer: ValueSealer,
    ) -> dict[str, Any]:
        """The values of a new row. `at` is the time by the database's clock, in seconds since the epoch.

        `of_secret` is what `index_of_secret` gives for the secret key.
        """
        row_id = new_id()
        return {
            "id": row_id,
            **owner(person),
            "watch_id": watch_id,
            "host": host,
            "key": sealer.seal_text("metadata_key", _binding("key", person, host, row_id), new.key),
            **self.primary_index(host, new.key).values(),
            **of_secret,
            "label": None if new.label is None else encrypt_label(person, host, row_id, new.label, sealer),
            "state": new.state,
            "made_at": new.made_at.timestamp(),
            "expires_at": None if new.expires_at is None else new.expires_at.timestamp(),
            "passphrase_required": new.passphrase_required,
            "received_at": None if new.received_at is None else new.received_at.timestamp(),
            "tracked_at": at,
            "over_at": at if new.state in OVER else None,
        }

    def primary_index(self, host: str, key: MetadataKey) -> NamedIndex:
        """The blind index of a metadata key for a new row."""
        return primary_index(self._sealer, host, key)

    async def index_of_secret(
        self, db: Database, connection: AsyncConnection, host: str, key: SecretKey | None
    ) -> dict[str, Any]:
        """The values of a row for the blind index of its secret key. `key` None: the secret key is not known."""
        if key is None:
            return {"secret_blind_index": None, "secret_blind_index_kid": None}
        return (await index_of_secret(db, connection, self._sealer, host, key)).values("secret_blind_index")

    def blind_indexes(self, host: str, key: Secret) -> list[bytes]:
        """The blind indexes that the row of this key may have, one for each encryption key."""
        return [index(key) for index in self.indexers(host)]

    def indexers(self, host: str) -> list[Callable[[Secret], bytes]]:
        """Functions from a key on this host to its blind index, one for each encryption key, the primary one first."""
        return [indexer.indexer(host) for indexer in self._indexers]

    def is_of(self, person: Person, host: str, key: MetadataKey) -> ColumnElement[bool]:
        """The condition for this person's row of this key."""
        return and_(owned_by(tracked, person), tracked.c.blind_index.in_(self.blind_indexes(host, key)))


def encrypt_label(person: Person, host: str, row_id: str, label: str, sealer: ValueSealer) -> bytes:
    plain = label.encode("utf-8", "surrogatepass")
    return sealer.seal("metadata_key", _binding("label", person, host, row_id), plain)


def decrypt(row: Row[Any], opener: ValueOpener) -> Tracked:
    """Raises `Unsealable`."""
    return _tracked(row, decrypt_key(row, opener), _decrypt_label(row, person_in(row), opener), readable=True)


def decrypt_key(row: Row[Any], opener: ValueOpener) -> MetadataKey:
    """Raises `Unsealable`."""
    binding = _binding("key", person_in(row), row.host, row.id)
    return opener.open_text("metadata_key", binding, row.key, MetadataKey)


def decrypt_or_flag(row: Row[Any], opener: ValueOpener) -> Tracked:
    try:
        return decrypt(row, opener)
    except Unsealable:
        return _tracked(row, MetadataKey(""), None, readable=False)


def _decrypt_label(row: Row[Any], person: Person, opener: ValueOpener) -> str | None:
    if row.label is None:
        return None
    plain = opener.open("metadata_key", _binding("label", person, row.host, row.id), row.label)
    return plain.decode("utf-8", "surrogatepass")


async def lock_person(db: Database, connection: AsyncConnection, person: Person) -> None:
    """Let one transaction at a time add watches and tracked secrets of this person.

    Without this lock there could be two watches on one host, or two rows of one secret. A transaction takes this lock
    before it locks rows: the other order would end in a deadlock.
    """
    await db.advisory_lock(connection, "tracking", *owner(person).values())


def is_held(watch: Watch) -> ColumnElement[bool]:
    """The condition that the watch still has the lease of its claim."""
    # A watch that nobody claimed has no lease, and None would match rows without a lease.
    return and_(watches.c.id == watch.id, watches.c.lease == (watch.lease or NO_ID))


def watch_of(row: Row[Any]) -> Watch:
    return Watch(
        id=row.id,
        person=person_in(row),
        host=row.host,
        everything=row.everything,
        lease=row.lease,
        refused=row.refused,
        paused=row.paused,
        zone=row.zone,
        version=row.version,
        everything_since=row.everything_since,
    )


def _tracked(row: Row[Any], key: MetadataKey, label: str | None, *, readable: bool) -> Tracked:
    return Tracked(
        id=row.id,
        person=person_in(row),
        watch_id=row.watch_id,
        host=row.host,
        key=key,
        label=label,
        state=row.state,
        made_at=moment(row.made_at),
        expires_at=moment_or_none(row.expires_at),
        received_at=moment_or_none(row.received_at),
        passphrase_required=row.passphrase_required,
        card=None if row.card_ts is None else MessageRef(row.team_id, row.card_channel, row.card_ts),
        is_readable=readable,
        is_reminded=row.reminded_at is not None,
    )


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.TRACKED, column, person, host, row_id)
