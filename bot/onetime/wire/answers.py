"""Reads the answers to calls that change something (reveal, burn, share, generate) or check (authcheck, status).

Every `read_*` function takes the status, the headers and the whole body of an answer. Servers 0.18 to 0.26.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.errors import HostUnavailable, Refused, WrongPassphrase
from bot.onetime.links import KEY
from bot.onetime.wire.body import decode, decode_leniently
from bot.onetime.wire.metadata import MAX_SECONDS, read_addresses, read_bool, read_whole
from bot.onetime.wire.refusals import refusal
from bot.secret import MetadataKey, Secret, SecretKey

OK = 200  # the only status of success


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A new secret. `ttl` is in seconds; the server may have shortened it. None means that the server does not say."""

    secret_key: SecretKey
    metadata_key: MetadataKey
    ttl: int | None
    passphrase_required: bool | None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedSecret:
    """A new secret whose text the server generated: `value`, which only this answer has. `ttl` is in seconds."""

    secret_key: SecretKey
    metadata_key: MetadataKey
    ttl: int | None
    passphrase_required: bool | None
    value: Secret


class _RevealBody(msgspec.Struct):
    value: Any = None
    secret_value: Any = None


class _CreationBody(msgspec.Struct):
    secret_key: Any = None
    secret_identifier: Any = None
    metadata_key: Any = None
    identifier: Any = None
    ttl: Any = None
    passphrase_required: Any = None
    has_passphrase: Any = None
    recipient: Any = None
    recipients: Any = None


class _HealthBody(msgspec.Struct):
    status: Any = None


def read_reveal(status: int, headers: Mapping[str, str], body: bytes) -> Secret:
    """The secret's text, exactly as it was shared, even if the JSON around it is damaged.

    Raises `SecretGone` (for a wrong or missing passphrase too), `NotAuthorized`, `RateLimited`, and `HostUnavailable`,
    after which the secret may be opened and lost.
    """
    if status != OK:
        raise refusal(status, headers, body, is_about_secret=True)
    value = _value(body)
    if value is None:
        raise HostUnavailable("200 without a value")
    return value


def read_burn(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless this call itself burned the secret.

    The `state` object in a 200 still says "new" on every server version, so it is not read.

    Raises `SecretGone`, `WrongPassphrase` (0.18 says `HostUnavailable` instead), `NotAuthorized`, `RateLimited`,
    `HostUnavailable`.
    """
    if status != OK:
        raise refusal(status, headers, body, is_about_secret=True, otherwise=WrongPassphrase)
    if decode(body, _HealthBody) is None:
        raise HostUnavailable("200 without JSON")


def read_authcheck(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless the server took the credentials.

    Raises `NotAuthorized`, `Refused` with the server's sentence, `RateLimited`, `HostUnavailable`.
    """
    _read_health(status, headers, body, otherwise=Refused)


def read_status(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise unless the server reports that it works.

    Raises `NotAuthorized` for wrong credentials, `RateLimited`, `HostUnavailable`.
    """
    _read_health(status, headers, body)


def _read_health(
    status: int, headers: Mapping[str, str], body: bytes, *, otherwise: type[Refused] | None = None
) -> None:
    if status != OK:
        raise refusal(status, headers, body, otherwise=otherwise)
    health = decode(body, _HealthBody)
    if health is None or health.status != "nominal":
        raise HostUnavailable("200, not nominal")


def read_share(status: int, headers: Mapping[str, str], body: bytes) -> SharedSecret:
    """The keys of the new secret.

    Raises `Refused` with the server's sentence, `NotAuthorized`, `RateLimited`, and `HostUnavailable`, after which the
    secret may exist although nobody has its link.
    """
    secret_key, metadata_key, made = _read_creation(status, headers, body)
    return SharedSecret(
        secret_key,
        metadata_key,
        read_whole(made.ttl, MAX_SECONDS),
        _passphrase_required(made),
        read_addresses(made.recipient) or read_addresses(made.recipients),
    )


def read_generate(status: int, headers: Mapping[str, str], body: bytes) -> GeneratedSecret:
    """The keys and the text of the new secret.

    Raises `Refused` with the server's sentence, `NotAuthorized`, `RateLimited`, and `HostUnavailable`, after which the
    secret may exist although nobody has its link.
    """
    secret_key, metadata_key, made = _read_creation(status, headers, body)
    value = _value(body)
    if value is None:
        raise HostUnavailable("200 without a value")
    return GeneratedSecret(
        secret_key, metadata_key, read_whole(made.ttl, MAX_SECONDS), _passphrase_required(made), value
    )


def _read_creation(
    status: int, headers: Mapping[str, str], body: bytes
) -> tuple[SecretKey, MetadataKey, _CreationBody]:
    if status != OK:
        raise refusal(status, headers, body, otherwise=Refused)
    made = decode(body, _CreationBody)
    secret = made and _key(made.secret_key, made.secret_identifier)
    metadata = made and _key(made.metadata_key, made.identifier)
    if not made or not secret or not metadata:
        raise HostUnavailable("200 without the keys")
    return SecretKey(secret), MetadataKey(metadata), made


def _key(*candidates: object) -> str | None:
    return next((key for key in candidates if isinstance(key, str) and KEY.fullmatch(key)), None)


def _passphrase_required(made: _CreationBody) -> bool | None:
    return read_bool(made.has_passphrase if made.passphrase_required is None else made.passphrase_required)


def _value(body: bytes) -> Secret | None:
    found = decode(body, _RevealBody)
    if found is None or not isinstance(found.value, str):
        found = decode_leniently(body, _RevealBody) or _RevealBody()
    value = found.value if isinstance(found.value, str) else found.secret_value
    return Secret(value) if isinstance(value, str) else None
