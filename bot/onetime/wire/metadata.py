"""Reads metadata: the state of one secret, or the list of an account's recent secrets.

Servers up to 0.23 and later servers have different words for the states; only this file knows both. Many answers hold
`value` and `secret_value`, which are never read: on servers up to 0.25 the first answer about a secret's metadata even
holds its plain text. `secret_key` is read from the answer about one secret, never from a list. Only `read_owned` reads
the `secret_identifier` of a list, to compare it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from bot.errors import HostUnavailable, SecretGone
from bot.onetime.links import KEY
from bot.onetime.wire.body import decode, decode_list, decode_list_in
from bot.onetime.wire.recipients import MAX_ADDRESS
from bot.onetime.wire.refusals import UnrecognizedAnswer, refusal
from bot.secret import MetadataKey, SecretKey

MAX_EPOCH = 32_503_680_000  # epoch seconds, the year 3000: a later time is ignored
MAX_SECONDS = 10 * 366 * 86_400  # seconds, ten years: a longer life of a secret is ignored
CLOCK_SKEW = timedelta(minutes=5)  # how far a server's clock may differ from ours
MAX_RECIPIENTS = 20  # addresses that are read from one answer
_FINGERPRINT_KEY = secrets.token_bytes(32)
ANONYMOUS = "anon"  # what `custid` says of a secret that was made without an account


class SecretState(StrEnum):
    """The state that a server reports. VIEWED says nothing about the recipient: a call for metadata sets it."""

    NEW = "new"
    VIEWED = "viewed"
    RECEIVED = "received"
    BURNED = "burned"
    EXPIRED = "expired"
    ORPHANED = "orphaned"  #: the secret went missing before its time
    UNKNOWN = "unknown"  #: a word that we do not know: no change

    @property
    def is_over(self) -> bool:
        """Whether the state is final: nobody can open the secret any more."""
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
    """What the API reports about a secret. `secret_key` is the only field that could open it."""

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
    owner: str | None = None  #: the account that made the secret, or the one that asks: see `is_owner_known`; no list
    metadata_ttl: int | None = None  #: seconds that the server still keeps the metadata; a list never says
    server_short_id: str = ""  #: the server's own short name of the secret; empty when the answer does not say

    @property
    def short_id(self) -> str:
        """The short name that the server's own pages show: it opens nothing."""
        return self.server_short_id or self.key.short_id

    @property
    def is_owner_known(self) -> bool:
        """Whether `owner` made the secret. Servers from 0.24 on name the account that asks; their keys are longer."""
        return self.owner is not None and self.key.is_old

    @property
    def is_anonymous(self) -> bool:
        """Whether the secret was made without an account, as far as the answer says."""
        return self.is_owner_known and self.owner == ANONYMOUS

    @property
    def expires_at(self) -> datetime | None:
        """UTC, or None when the answer does not say."""
        if self.created is None or self.ttl is None:
            return None
        return self.created + timedelta(seconds=self.ttl)

    def state_at(self, now: datetime) -> SecretState:
        """The state at `now` (UTC), which servers report late or never.

        No list reports EXPIRED, and server 0.18 never does. Servers 0.18 and 0.23 never report ORPHANED: a missing
        secret is still "new" or "viewed" there. Server 0.25 prolongs a secret whose metadata somebody asked for, so a
        secret that has seconds left (`secret_ttl`) is open, whatever its `ttl` was.
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
    """One secret in an answer, with its fields undecoded: cheap where a list is long. Its repr shows no field."""

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
    shortid: Any = None
    shortkey: Any = None

    def __repr__(self) -> str:
        return "<Entry>"

    def find_key(self) -> MetadataKey | None:
        """The secret's metadata key; None if no field has the shape of a key."""
        for key in (self.metadata_key, self.identifier, self.key):
            if isinstance(key, str) and KEY.fullmatch(key):
                return MetadataKey(key)
        return None

    def says_open(self) -> bool:
        """Whether the reported state is an open one. The secret may still have expired."""
        return self.state in _OPEN_WORDS

    def created_at_epoch(self) -> float:
        """The time of creation in seconds since the epoch; 0.0 if the answer does not say."""
        return self.created if type(self.created) is int else float(read_whole(self.created, MAX_EPOCH) or 0)

    def expires_at_epoch(self) -> float | None:
        """The end of the secret's life in seconds since the epoch; None unless the answer has it as JSON integers."""
        if type(self.created) is int and type(self.ttl) is int:
            return self.created + self.ttl
        return None

    def metadata(self) -> Metadata | None:
        """The decoded fields; None if there is no key among them."""
        return _metadata(self)


class _NamedEntry(Entry, gc=False):
    secret_identifier: Any = None


EntryT = TypeVar("EntryT", bound=Entry)


class _SingleEntry(Entry, gc=False):
    secret_key: Any = None
    custid: Any = None
    metadata_ttl: Any = None


class _Listing(msgspec.Struct):
    records: msgspec.Raw | None = None


class _LenientListing(Entry, gc=False):
    records: Any = None


class _LenientNamedListing(_LenientListing, gc=False):
    secret_identifier: Any = None


def read_metadata(status: int, headers: Mapping[str, str], body: bytes) -> Metadata:
    """The metadata of one secret (`/private/KEY`).

    Raises `SecretGone`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body, is_about_secret=True)
    fields = decode(body, _SingleEntry)
    found = None if fields is None else _metadata(fields, missing=_says_missing(fields), secret_key=fields.secret_key)
    if fields is None or found is None:
        raise HostUnavailable("200 without metadata")
    owner = fields.custid[:MAX_ADDRESS] if isinstance(fields.custid, str) and fields.custid else None
    return replace(found, owner=owner, metadata_ttl=read_whole(fields.metadata_ttl, MAX_SECONDS))


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """What a server says of a secret that can still be opened, to somebody who has its secret key."""

    passphrase_required: bool | None  #: None when the answer does not say
    seconds_left: int | None  #: until it expires


class _StatusBody(msgspec.Struct):
    record: Any = None
    details: Any = None


def read_secret_status(status: int, headers: Mapping[str, str], body: bytes) -> SecretStatus:
    """What is known of a secret by its secret key (API v2, `/secret/KEY/status`).

    Raises `SecretGone` for a secret that cannot be opened any more; `RateLimited`, `HostUnavailable`. Its kind
    `UnrecognizedAnswer` means that the server cannot tell: it has no such call.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body, is_about_secret=True)
    answer = decode(body, _StatusBody)
    if answer is None or not isinstance(answer.record, dict):
        raise HostUnavailable("200 without a record")
    if answer.record.get("state") == "unknown":
        raise SecretGone("unknown")
    if not read_state(answer.record.get("state")).is_open:
        raise HostUnavailable("a record in a state that is not open")
    details = answer.details if isinstance(answer.details, dict) else {}
    left = details.get("current_expiration", details.get("realttl"))  # the second up to 0.23
    return SecretStatus(read_bool(answer.record.get("has_passphrase")), read_whole(left, MAX_SECONDS))


def read_recent(status: int, headers: Mapping[str, str], body: bytes) -> list[Metadata]:
    """The account's secrets, newest first, each once (API v1, `/private/recent`).

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`. Its kind `UnrecognizedAnswer` means that the list of that
    server is broken (0.21 to 0.24.0: "unexpected error", or entries without keys): ask API v2.
    """
    return _sort_newest_first(read_entries(status, headers, body))


def read_recent_v2(status: int, headers: Mapping[str, str], body: bytes) -> list[Metadata]:
    """The account's secrets, newest first, each once (API v2: `{"records": [...]}`).

    API v2 has the whole life of a secret in `secret_ttl`, which becomes `ttl` here.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
    """
    return _sort_newest_first(read_entries_v2(status, headers, body))


def read_entries(status: int, headers: Mapping[str, str], body: bytes) -> list[Entry]:
    """The account's secrets in the server's order, perhaps some twice: a tenth of the CPU time of `read_recent`.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`, and its kind `UnrecognizedAnswer` for a broken list.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    return _require_keys(decode_list(body, Entry))


def read_entries_v2(status: int, headers: Mapping[str, str], body: bytes) -> list[Entry]:
    """The account's secrets by API v2, in the server's order, perhaps some twice.

    API v2 has the whole life of a secret in `secret_ttl`, which becomes `ttl` here.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    entries = _decode_records(body, Entry, _LenientListing)
    for entry in entries or ():
        entry.ttl, entry.secret_ttl = entry.secret_ttl, None
    return _require_keys(entries)


def fingerprint(key: SecretKey) -> bytes:
    """Equal for equal keys, in this process alone. It says nothing about the key."""
    return blake2b(key.reveal().encode("utf-8", "surrogatepass"), key=_FINGERPRINT_KEY, digest_size=16).digest()


def read_owned(status: int, headers: Mapping[str, str], body: bytes) -> dict[bytes, MetadataKey]:
    """The metadata keys of the account's secrets by the `fingerprint` of their secret keys (API v1).

    Lists of servers from 0.24.1 on name the secret keys, which are fingerprinted here and kept nowhere. Other lists
    give nothing. Raises what `read_entries` does.
    """
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    return _fingerprinted(_require_keys(decode_list(body, _NamedEntry)))


def read_owned_v2(status: int, headers: Mapping[str, str], body: bytes) -> dict[bytes, MetadataKey]:
    """`read_owned` by API v2."""
    if status != 200:  # noqa: PLR2004
        raise refusal(status, headers, body)
    return _fingerprinted(_require_keys(_decode_records(body, _NamedEntry, _LenientNamedListing)))


def _decode_records(body: bytes, kind: type[EntryT], lenient: type[_LenientListing]) -> list[EntryT] | None:
    """The records of a list by API v2. `lenient` has the fields of `kind`: it is for bodies that msgspec refuses."""
    listing: _Listing | _LenientListing | None
    try:
        listing = msgspec.json.decode(body, type=_Listing)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        listing = decode(body, lenient)
    return None if listing is None or listing.records is None else decode_list_in(listing.records, kind)


def _fingerprinted(entries: list[_NamedEntry]) -> dict[bytes, MetadataKey]:
    found: dict[bytes, MetadataKey] = {}
    for entry in entries:
        named, key = entry.secret_identifier, entry.find_key()
        if key is not None and isinstance(named, str) and KEY.fullmatch(named):
            found[fingerprint(SecretKey(named))] = key
    return found


def _require_keys(entries: list[EntryT] | None) -> list[EntryT]:
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


def _metadata(fields: Entry, *, missing: bool = False, secret_key: object = None) -> Metadata | None:
    """The decoded fields, or None without a key. Any other field that is missing or not valid becomes None."""
    key = fields.find_key()
    if key is None:
        return None
    state = read_state(fields.state)
    asked = fields.passphrase_required
    return Metadata(
        key=key,
        state=state,
        created=_read_time(fields.created),
        updated=_read_time(fields.updated),
        received=_read_time(fields.received),
        ttl=read_whole(fields.ttl, MAX_SECONDS),
        secret_ttl=read_whole(fields.secret_ttl, MAX_SECONDS),
        passphrase_required=read_bool(fields.has_passphrase if asked is None else asked),
        recipients=read_addresses(fields.recipient) or read_addresses(fields.recipients),
        secret_missing=missing and state.is_open,
        secret_key=SecretKey(secret_key) if isinstance(secret_key, str) and KEY.fullmatch(secret_key) else None,
        server_short_id=_read_short_id(fields, key),
    )


def _read_short_id(fields: Entry, key: MetadataKey) -> str:
    """The server's own short name, unless it has more of the key than a short name may show."""
    given = (fields.shortid, fields.shortkey)
    return next((name for name in given if isinstance(name, str) and key.may_be_called(name)), "")


def _says_missing(fields: Entry) -> bool:
    """Whether the secret is missing. Only for `/private/KEY`, where an open secret without `secret_ttl` is missing."""
    return fields.secret_ttl is None


def read_state(word: object) -> SecretState:
    """The state that a server's word means; UNKNOWN for any other value."""
    return _STATES.get(word, SecretState.UNKNOWN) if isinstance(word, str) else SecretState.UNKNOWN


def read_whole(value: object, maximum: int) -> int | None:
    """The whole part of a number from 0 to `maximum`, which may be text; None for any other value."""
    if isinstance(value, str):
        try:
            value = float(value[:32])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value <= maximum else None


def _read_time(value: object) -> datetime | None:
    seconds = read_whole(value, MAX_EPOCH)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def read_bool(value: object) -> bool | None:
    """A truth value, which may be the text "true" or "false"; None for any other value."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def read_addresses(value: object) -> tuple[str, ...]:
    """Obscured addresses, from a list or from a text with commas; empty for any other value.

    MAX_RECIPIENTS at most, each cut after MAX_ADDRESS characters.
    """
    entries = value.split(",", MAX_RECIPIENTS) if isinstance(value, str) else value
    if not isinstance(entries, list):
        return ()
    named = (entry.strip()[:MAX_ADDRESS] for entry in entries[:MAX_RECIPIENTS] if isinstance(entry, str))
    return tuple(entry for entry in named if entry)
