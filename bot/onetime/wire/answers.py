"""The answers to the calls that do something: open, burn, make, and the two that only check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.errors import HostTrouble, Refused, WrongPassphrase
from bot.onetime.links import KEY
from bot.onetime.wire.body import one, one_at_any_cost
from bot.onetime.wire.metadata import LONGEST, addresses, whole, yes_or_no
from bot.onetime.wire.refusals import refusal
from bot.secret import MetadataKey, Secret, SecretKey

OK = 200  # the only status of success


@dataclass(frozen=True, slots=True)
class Shared:
    """A secret that was made. `ttl` is what the server made of the one that was asked for, in seconds."""

    secret_key: SecretKey
    metadata_key: MetadataKey
    ttl: int | None
    passphrase_required: bool | None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """As `Shared`, with the password that the server made up. It says it only once."""

    secret_key: SecretKey
    metadata_key: MetadataKey
    ttl: int | None
    passphrase_required: bool | None
    value: Secret


class _Opened(msgspec.Struct):
    value: Any = None
    secret_value: Any = None


class _Made(msgspec.Struct):
    secret_key: Any = None
    secret_identifier: Any = None
    metadata_key: Any = None
    identifier: Any = None
    ttl: Any = None
    passphrase_required: Any = None
    has_passphrase: Any = None
    recipient: Any = None
    recipients: Any = None


class _Health(msgspec.Struct):
    status: Any = None


def read_reveal(status: int, headers: Mapping[str, str], body: bytes) -> Secret:
    """The secret, exactly. Whatever a 200 carries as its value is returned, however odd the JSON around it.

    Raises `SecretGone` (also for a wrong or missing passphrase), `NotAuthorized`, `RateLimited`, and
    `HostTrouble`, after which the secret may have been opened for nothing.
    """
    if status != OK:
        raise refusal(status, headers, body, about_a_secret=True)
    value = _value(body)
    if value is None:
        raise HostTrouble("200 without a value")
    return value


def read_burn(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless this very call burned the secret.

    The `state` object in a 200 still says "new" on every server version, so it is not read.

    Raises `SecretGone`, `WrongPassphrase` (0.18 says `HostTrouble` instead), `NotAuthorized`, `RateLimited`,
    `HostTrouble`.
    """
    if status != OK:
        raise refusal(status, headers, body, about_a_secret=True, otherwise=WrongPassphrase)
    if one(body, _Health) is None:
        raise HostTrouble("200 without JSON")


def read_authcheck(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless the server took the credentials: `NotAuthorized`, `RateLimited` or `HostTrouble`."""
    _read_health(status, headers, body)


def read_status(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless the server says that it is well. Wrong credentials fail here, too."""
    _read_health(status, headers, body)


def _read_health(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if status != OK:
        raise refusal(status, headers, body)
    health = one(body, _Health)
    if health is None or health.status != "nominal":
        raise HostTrouble("200, not nominal")


def read_share(status: int, headers: Mapping[str, str], body: bytes) -> Shared:
    """The keys of the secret that was made.

    Raises `Refused` with the server's sentence, `NotAuthorized`, `RateLimited`, and `HostTrouble`, after which
    the secret may exist although nobody has its link.
    """
    secret_key, metadata_key, made = _read_made(status, headers, body)
    return Shared(
        secret_key,
        metadata_key,
        whole(made.ttl, LONGEST),
        _passphrase_required(made),
        addresses(made.recipient) or addresses(made.recipients),
    )


def read_generate(status: int, headers: Mapping[str, str], body: bytes) -> Generated:
    """The keys and the value of the secret that was made. Raises as `read_share`."""
    secret_key, metadata_key, made = _read_made(status, headers, body)
    value = _value(body)
    if value is None:
        raise HostTrouble("200 without a value")
    return Generated(secret_key, metadata_key, whole(made.ttl, LONGEST), _passphrase_required(made), value)


def _read_made(status: int, headers: Mapping[str, str], body: bytes) -> tuple[SecretKey, MetadataKey, _Made]:
    if status != OK:
        raise refusal(status, headers, body, otherwise=Refused)
    made = one(body, _Made)
    secret = made and _key(made.secret_key, made.secret_identifier)
    metadata = made and _key(made.metadata_key, made.identifier)
    if not made or not secret or not metadata:
        raise HostTrouble("200 without the keys")
    return SecretKey(secret), MetadataKey(metadata), made


def _key(*candidates: object) -> str | None:
    return next((key for key in candidates if isinstance(key, str) and KEY.fullmatch(key)), None)


def _passphrase_required(made: _Made) -> bool | None:
    return yes_or_no(made.has_passphrase if made.passphrase_required is None else made.passphrase_required)


def _value(body: bytes) -> Secret | None:
    found = one(body, _Opened)
    if found is None or not isinstance(found.value, str):
        found = one_at_any_cost(body, _Opened) or _Opened()
    value = found.value if isinstance(found.value, str) else found.secret_value
    return Secret(value) if isinstance(value, str) else None
