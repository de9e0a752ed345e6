"""Reads the form of a request that makes a secret: refuses some values, and silently moves others into bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.sandbox.onetime import bodies
from bot.sandbox.onetime.accounts import Caller
from bot.sandbox.onetime.refusals import Refusals
from bot.sandbox.onetime.store import generate_password
from bot.sandbox.onetime.versions import DAY, Version

DEFAULT_TTL = 7 * DAY  # seconds
MIN_TTL = 60  # seconds
DEFAULT_PASSWORD_LENGTH = 12  # characters
MAX_PASSWORD_LENGTH = 128  # characters

_EMAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_INTEGER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True, slots=True)
class ConcealForm:
    """The values of a form after the checks of the server."""

    text: str = field(repr=False)
    passphrase: str = field(repr=False)  # "" is none
    ttl: int  # seconds
    recipients: list[str] = field(repr=False)  # obscured


def read_share_form(version: Version, caller: Caller, fields: dict[str, str]) -> ConcealForm:
    """Read the form of /share. Raises `RequestRefused` with the answer of the server."""
    text = fields.get("secret", "")
    if not text:
        raise Refusals(version).form_error(caller, "You did not provide anything to share")
    return _read_form(version, caller, fields, text)


def read_generate_form(version: Version, caller: Caller, fields: dict[str, str]) -> ConcealForm:
    """Read the form of /generate and make a random text. Raises `RequestRefused` with the answer of the server."""
    length = _parse_integer(fields.get("length", "")) if version.takes_length else 0
    text = generate_password(min(length, MAX_PASSWORD_LENGTH) if length > 0 else DEFAULT_PASSWORD_LENGTH)
    return _read_form(version, caller, fields, text)


def _read_form(version: Version, caller: Caller, fields: dict[str, str], text: str) -> ConcealForm:
    recipients = _recipients(version, caller, fields.get("recipient", ""))
    passphrase, domain = fields.get("passphrase", ""), fields.get("share_domain", "")
    refusals = Refusals(version)
    if domain:
        message = version.unknown_domain + domain
        raise refusals.form_error(caller, message, shrimp=version.unknown_domain_has_shrimp)
    problem = _passphrase_problem(version, passphrase) or _size_problem(version, text)
    if problem is not None:
        raise refusals.form_error(caller, problem)
    return ConcealForm(
        text, passphrase, _fit_ttl(version, fields.get("ttl"), anonymous=caller.account is None), recipients
    )


def _recipients(version: Version, caller: Caller, address: str) -> list[str]:
    if not address:
        return []
    if caller.account is None:
        raise Refusals(version).form_error(caller, "An account is required to send emails.")
    if _EMAIL_ADDRESS.fullmatch(address):
        return [bodies.obscure(address, version.mask)]
    if version.ignores_bad_recipients:
        return []
    raise Refusals(version).form_error(caller, f"Undeliverable email address: {address}")


def _passphrase_problem(version: Version, passphrase: str) -> str | None:
    if passphrase and len(passphrase) < version.min_passphrase_length:
        return f"Passphrase must be at least {version.min_passphrase_length} characters long"
    if len(passphrase) > version.max_passphrase_length:
        return f"Passphrase must be no more than {version.max_passphrase_length} characters long"
    return None


def _size_problem(version: Version, text: str) -> str | None:
    size = len(text.encode("utf-8", "replace")) if version.size_unit == "bytes" else len(text)
    if version.max_size is None or size <= version.max_size:
        return None
    return f"Secret value exceeds the maximum size of {version.max_size} {version.size_unit}"


def _fit_ttl(version: Version, sent: str | None, *, anonymous: bool) -> int:
    """The time to live in seconds. A value out of bounds is no error: the nearest allowed one is taken."""
    limit = version.max_ttl_anonymous if anonymous else version.max_ttl
    if sent is None:
        return min(DEFAULT_TTL, limit)
    seconds = _parse_integer(sent)
    if seconds <= 0:
        return version.ttl_for_none
    return version.ttl_for_too_short if seconds < MIN_TTL else min(seconds, limit)


def _parse_integer(text: str) -> int:
    """The integer that Ruby's `to_i` reads: the digits that the text begins with, 0 if there are none."""
    found = _INTEGER.match(text)
    return int(found[1][:12]) if found else 0
