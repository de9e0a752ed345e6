"""What became of a secret: metadata, one by one or as the list of an account's recent ones.

The two vocabularies of states (up to 0.23, and since) become one here and nowhere else. `value`,
`secret_value` and `secret_identifier` are in many of these answers and are never read: up to 0.25 the first
look at a secret's metadata even carries its plaintext. `secret_key` is read of one secret, never of a list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from bot.errors import HostUnavailable
from bot.onetime.links import KEY
from bot.onetime.wire.body import decode, decode_list, decode_list_in
from bot.onetime.wire.refusals import UnrecognizedAnswer, refusal
from bot.secret import MetadataKey, SecretKey

MAX_EPOCH = 32_503_680_000  # epoch seconds, the year 3000: anything later is nonsense
MAX_SECONDS = 10 * 366 * 86_400  # seconds, ten years: the longest that a secret is believed to live
CLOCK_SKEW = timedelta(minutes=5)  # how far a server's clock may be from ours
MAX_RECIPIENTS = 20
MAX_ADDRESS = 254  # characters


class SecretState(StrEnum):
    """What a server last said. It says nothing about the reader before RECEIVED: VIEWED comes from looking, too."""

    NEW = "new"
    VIEWED = "viewed"
    RECEIVED = "received"
    BURNED = "burned"
    EXPIRED = "expired"
    ORPHANED = "orphaned"  #: the secret went missing before its time
    UNKNOWN = "unknown"  #: a word that we do not know: no change

    @property
    def is_over(self) -> bool:
        """Whether it stays so: nobody can open the secret any more."""
        return self in _OVER

    @property
    def is_open(self) -> bool:
        return self in {SecretState.NEW, SecretState.VIEWED}


_OVER = frozenset({SecretState.RECEIVED, SecretState.BURNED, SecretState.EXPIRED, SecretState.ORPHANED})
_OPEN_WORDS = ("new", "shared", "viewed", "previewed")  # of both vocabularies
_STATES: dict[object, SecretState] = {
    **{state.value: state for state in SecretState},
    "previewed": SecretState.VIEWED,
    "revealed": SecretState.RECEIVED,
    "shared": SecretState.NEW,
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the API says of a secret, without anything that opens it."""

    key: MetadataKey
    state: SecretState
    created: datetime | None  #: UTC
    updated: datetime | None  #: UTC; the time of burning, when it was burned
    received: datetime | None  #: UTC; only when it was received
    ttl: int | None  #: seconds from `created`, as the server accepted it
    secret_ttl: int | None  #: seconds that are left; a list never says
    passphrase_required: bool | None  #: None when the answer does not say
    recipients: tuple[str, ...]  #: obscured addresses, the server's own text
    secret_missing: bool = False  #: the answer says that there is no secret, whatever its state says
    secret_key: SecretKey | None = None  #: only in the answer about one secret, and only until it is opened

    @property
    def expires_at(self) -> datetime | None:
        """UTC, or None when the answer does not say."""
        if self.created is None or self.ttl is None:
            return None
        return self.created + timedelta(seconds=self.ttl)

    def state_at(self, now: datetime) -> SecretState:
        """The state, computed where servers are late.

        No list ever says expired; 0.18 never does at all, and neither it nor 0.23 says orphaned: there a secret
        that is missing still shows as new or viewed. 0.25 prolongs a secret that somebody looked at: one that says
        how long it still lives is alive, whatever it was made for.
        """
        if not self.state.is_open or self.secret_ttl:
            return self.state
        expires = self.expires_at
        if expires is not None and now >= expires:
            return SecretState.EXPIRED
        if self.secret_missing:
            return SecretState.ORPHANED if expires is not None and now < expires - CLOCK_SKEW else SecretState.EXPIRED
        return self.state


class Entry(msgspec.Struct, gc=False):
    """One secret in an answer, as it came: for who looks at very many. Shows nothing of itself."""

    metadata_key: Any = None
    identifier: Any = None
    key: Any = None
    state: Any = None
    created: Any = None
    updated: Any = None
    received: Any = None
    ttl: Any = None
    secret_ttl: Any = msgspec.UNSET
    passphrase_required: Any = None
    has_passphrase: Any = None
    recipient: Any = None
    recipients: Any = None

    def __repr__(self) -> str:
        return "<Entry>"

    def find_key(self) -> MetadataKey | None:
        """Its key; None if it names no secret."""
        for key in (self.metadata_key, self.identifier, self.key):
            if isinstance(key, str) and KEY.fullmatch(key):
                return MetadataKey(key)
        return None

    def says_open(self) -> bool:
        """Whether it says that nothing has become of it. Its time may be over all the same."""
        return self.state in _OPEN_WORDS

    def expires_at_epoch(self) -> float | None:
        """When its time is over, in seconds since the epoch, if it says so in plain numbers."""
        if type(self.created) is int and type(self.ttl) is int:
            return self.created + self.ttl
        return None

    def metadata(self) -> Metadata | None:
        """What it says; None if it names no secret."""
        return _metadata(self)


class _SingleEntry(Entry, gc=False):
    secret_key: Any = None


class _Listing(msgspec.Struct):
    records: msgspec.Raw | None = None


class _LenientListing(Entry, gc=False):
    records: Any = None


def read_metadata(status: int, headers: Mapping[str, str], body: bytes) -> Metadata:
    """The metadata of one secret (`/private/KEY`).

    Raises `SecretGone`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body, is_about_secret=True)
    fields = decode(body, _SingleEntry)
    found = None if fields is None else _metadata(fields, missing=_says_missing(fields), opens=fields.secret_key)
    if found is None:
        raise HostUnavailable("200 without metadata")
    return found


def read_recent(status: int, headers: Mapping[str, str], body: bytes) -> list[Metadata]:
    """The account's secrets, newest first, each once (`/private/recent`).

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`. `UnrecognizedAnswer`, a kind of the last, means that the
    list is broken on that server (0.21 to 0.24.0: "unexpected error", or entries without keys): ask API v2.
    """
    return _sort_newest_first(read_entries(status, headers, body))


def read_recent_v2(status: int, headers: Mapping[str, str], body: bytes) -> list[Metadata]:
    """As `read_recent`, of API v2: `{"records": [...]}`, where `secret_ttl` is the whole lifetime."""
    return _sort_newest_first(read_entries_v2(status, headers, body))


def read_entries(status: int, headers: Mapping[str, str], body: bytes) -> list[Entry]:
    """As `read_recent`, as they came: in any order, perhaps twice. A tenth of the work where there are many."""
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    return _require_keys(decode_list(body, Entry))


def read_entries_v2(status: int, headers: Mapping[str, str], body: bytes) -> list[Entry]:
    """As `read_entries`, of API v2."""
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    listing: _Listing | _LenientListing | None
    try:
        listing = msgspec.json.decode(body, type=_Listing)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        listing = decode(body, _LenientListing)
    entries = None if listing is None or listing.records is None else decode_list_in(listing.records, Entry)
    for entry in entries or ():
        entry.ttl, entry.secret_ttl = entry.secret_ttl, None
    return _require_keys(entries)


def _require_keys(entries: list[Entry] | None) -> list[Entry]:
    if entries is None:
        raise HostUnavailable("200 without a list")
    if entries and all(entry.find_key() is None for entry in entries):
        raise UnrecognizedAnswer("a list without keys")
    return entries


def _sort_newest_first(entries: list[Entry]) -> list[Metadata]:
    found = {m.key: m for m in map(_metadata, entries) if m is not None}
    newest_first = list(found.values())
    if _age(newest_first[:1]) < _age(newest_first[-1:]):  # 0.24 and later send the oldest first
        newest_first.reverse()
    return sorted(newest_first, key=lambda m: _age([m]), reverse=True)


def _age(some: list[Metadata]) -> float:
    return some[0].created.timestamp() if some and some[0].created else 0.0


def _metadata(fields: Entry, *, missing: bool = False, opens: object = None) -> Metadata | None:
    """The entry, or None if it names no secret. Other fields may be missing or nonsense: they become None."""
    key = fields.find_key()
    if key is None:
        return None
    state = read_state(fields.state)
    asked = fields.passphrase_required
    return Metadata(
        key=key,
        state=state,
        created=_moment(fields.created),
        updated=_moment(fields.updated),
        received=_moment(fields.received),
        ttl=read_whole(fields.ttl, MAX_SECONDS),
        secret_ttl=read_whole(fields.secret_ttl, MAX_SECONDS),
        passphrase_required=read_bool(fields.has_passphrase if asked is None else asked),
        recipients=read_addresses(fields.recipient) or read_addresses(fields.recipients),
        secret_missing=missing and state.is_open,
        secret_key=SecretKey(opens) if isinstance(opens, str) and KEY.fullmatch(opens) else None,
    )


def _says_missing(fields: Entry) -> bool:
    """Only `/private/KEY` says so: an open secret's `secret_ttl` is a number there, and null when it is missing."""
    return fields.secret_ttl is None


def read_state(word: object) -> SecretState:
    """What a server's word for a state means; UNKNOWN for any that is not in the table."""
    return _STATES.get(word, SecretState.UNKNOWN) if isinstance(word, str) else SecretState.UNKNOWN


def read_whole(value: object, most: int) -> int | None:
    """A number from 0 to `most`, sent as a number or as text; anything else is None."""
    if isinstance(value, str):
        try:
            value = float(value[:32])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value <= most else None


def _moment(value: object) -> datetime | None:
    seconds = read_whole(value, MAX_EPOCH)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def read_bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def read_addresses(value: object) -> tuple[str, ...]:
    """Obscured addresses, sent as a list or as one text with commas."""
    entries = value.split(",", MAX_RECIPIENTS) if isinstance(value, str) else value
    if not isinstance(entries, list):
        return ()
    named = (entry.strip()[:MAX_ADDRESS] for entry in entries[:MAX_RECIPIENTS] if isinstance(entry, str))
    return tuple(entry for entry in named if entry)
