"""What somebody wants kept, read from a form: what is refused, and what is silently made to fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.sandbox.onetime import bodies
from bot.sandbox.onetime.accounts import Caller
from bot.sandbox.onetime.refusals import Refusals
from bot.sandbox.onetime.store import generated_text
from bot.sandbox.onetime.versions import DAY, Version

TTL_IF_NONE_ASKED = 7 * DAY
TTL_LITTLE = 60  # seconds; less is too little
GENERATED_LENGTH = 12  # characters
GENERATED_MOST = 128

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_INTEGER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True, slots=True)
class ConcealForm:
    text: str = field(repr=False)
    passphrase: str = field(repr=False)  # "" is none
    ttl: int  # seconds
    recipients: list[str] = field(repr=False)  # obscured


def to_share(version: Version, caller: Caller, fields: dict[str, str]) -> ConcealForm:
    """Raises `RequestRefused`."""
    text = fields.get("secret", "")
    if not text:
        raise Refusals(version).form_error(caller, "You did not provide anything to share")
    return _wanted(version, caller, fields, text)


def to_generate(version: Version, caller: Caller, fields: dict[str, str]) -> ConcealForm:
    """Raises `RequestRefused`."""
    length = _integer(fields.get("length", "")) if version.takes_length else 0
    text = generated_text(min(length, GENERATED_MOST) if length > 0 else GENERATED_LENGTH)
    return _wanted(version, caller, fields, text)


def _wanted(version: Version, caller: Caller, fields: dict[str, str], text: str) -> ConcealForm:
    recipients = _recipients(version, caller, fields.get("recipient", ""))
    passphrase, domain = fields.get("passphrase", ""), fields.get("share_domain", "")
    refusals = Refusals(version)
    if domain:
        message = version.unknown_domain + domain
        raise refusals.form_error(caller, message, shrimp=version.unknown_domain_has_shrimp)
    problem = _passphrase_problem(version, passphrase) or _size_problem(version, text)
    if problem is not None:
        raise refusals.form_error(caller, problem)
    return ConcealForm(text, passphrase, _ttl(version, fields.get("ttl"), anonymous=caller.account is None), recipients)


def _recipients(version: Version, caller: Caller, address: str) -> list[str]:
    if not address:
        return []
    if caller.account is None:
        raise Refusals(version).form_error(caller, "An account is required to send emails.")
    if _ADDRESS.fullmatch(address):
        return [bodies.obscured(address, version.mask)]
    if version.ignores_bad_recipients:
        return []
    raise Refusals(version).form_error(caller, f"Undeliverable email address: {address}")


def _passphrase_problem(version: Version, passphrase: str) -> str | None:
    if passphrase and len(passphrase) < version.passphrase_least:
        return f"Passphrase must be at least {version.passphrase_least} characters long"
    if len(passphrase) > version.passphrase_most:
        return f"Passphrase must be no more than {version.passphrase_most} characters long"
    return None


def _size_problem(version: Version, text: str) -> str | None:
    size = len(text.encode("utf-8", "replace")) if version.size_unit == "bytes" else len(text)
    if version.size_most is None or size <= version.size_most:
        return None
    return f"Secret value exceeds the maximum size of {version.size_most} {version.size_unit}"


def _ttl(version: Version, asked: str | None, *, anonymous: bool) -> int:
    """Seconds. Never an error: what is out of bounds is moved to one."""
    most = version.ttl_most_anonymous if anonymous else version.ttl_most
    if asked is None:
        return min(TTL_IF_NONE_ASKED, most)
    seconds = _integer(asked)
    if seconds <= 0:
        return version.ttl_of_nothing
    return version.ttl_of_too_little if seconds < TTL_LITTLE else min(seconds, most)


def _integer(text: str) -> int:
    """As Ruby reads a number: whatever digits the text begins with, else 0."""
    found = _INTEGER.match(text)
    return int(found[1][:12]) if found else 0
