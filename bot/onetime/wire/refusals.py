"""The table of errors: what an answer that is not a success means.

No server ever sent anything but 404 for an error of its own (0.26 with its database down: 500), so the
meaning is in the body. Literals are compared only where the servers never translate them; what is in no
row of the table means "don't know, try later", and never that a secret is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from bot.errors import HostUnavailable, NotAuthorized, OnetimeError, RateLimited, Refused, SecretGone, WrongPassphrase
from bot.onetime.wire.body import decode

MAX_WAIT = 15 * 60.0  # seconds
MAX_REASON = 300  # characters of a server's sentence

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429  # all but 404 from proxies or API v2

_UNKNOWN_SECRET = "Unknown secret"
_NOT_AUTHORIZED = "Not authorized"
_RATE_LIMITED = ("Cripes!", "Rate limit exceeded")  # up to 0.23, and since
_SERVER_ERRORS = (
    "An unexpected error occurred :[",  # also: 0.18 burn with a wrong passphrase; 0.26 too many wrong ones
    "An error occurred :[",
    "We'll be back shortly!",
    "Not Found",  # a key too short for 0.24 and later
)
_SWITCHED_OFF = "is not available"
_WRONG_PASSPHRASE = "Double check that passphrase"  # translated by the account's language


class UnrecognizedAnswer(HostUnavailable):
    """The server said, in JSON, something that is in no row of the table. A POST that got this is not sent again."""


class NotRetryable(HostUnavailable):
    """The answer would be no better the next time: nothing is gained by asking again."""


class AccountsOff(NotRetryable):
    """The server's operator switched accounts off: whatever is asked with one is refused, and had no effect."""

    tell = "That server does not take accounts over its API."


class _ErrorBody(msgspec.Struct):
    message: Any = None
    secret_key: Any = None
    shrimp: Any = None


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    is_about_secret: bool = False,
    otherwise: type[Refused | WrongPassphrase] | None = None,
) -> OnetimeError:
    """The error that an answer other than a success stands for.

    Only calls `about_a_secret` can be told that it is gone. `otherwise` is what a sentence means that is in
    no row of the table, for calls that send a form: a field that the server does not take.
    """
    if status == TOO_MANY:
        return RateLimited("429", retry_after=read_retry_after_header(headers))
    if 300 <= status < 400:  # noqa: PLR2004
        return NotRetryable(f"{status}, a redirect, not followed")
    said = decode(body, _ErrorBody) if 400 <= status < 500 else None  # noqa: PLR2004
    if said is None:
        return HostUnavailable(f"{status}, not understood")
    message = said.message if isinstance(said.message, str) else ""
    heard = _ErrorAnswer(status, headers, message, said)
    return (
        _caller_error(heard)
        or _server_error(heard)
        or (_secret_error(heard) if is_about_secret else None)
        or (_form_error(heard, otherwise) if otherwise else None)
        or UnrecognizedAnswer(f"{status}, not understood")
    )


class _ErrorAnswer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    message: str
    said: _ErrorBody

    @property
    def intended(self) -> str:
        """The status that 0.24.6 and later say they mean."""
        return self.headers.get("x-ots-intended-status", "")


def _caller_error(heard: _ErrorAnswer) -> OnetimeError | None:
    meant = heard.status == UNAUTHORIZED or heard.intended == str(UNAUTHORIZED)
    if meant or heard.message == _NOT_AUTHORIZED:
        return NotAuthorized(f"{heard.status}, not authorized")
    if heard.message.startswith(_RATE_LIMITED):
        return RateLimited(f"{heard.status}, rate limited", retry_after=read_retry_after_header(heard.headers))
    return None


def _server_error(heard: _ErrorAnswer) -> OnetimeError | None:
    if heard.message.startswith("/api/") and heard.message.endswith(_SWITCHED_OFF):
        return AccountsOff(f"{heard.status}, accounts are switched off")
    if heard.message in _SERVER_ERRORS or heard.status == FORBIDDEN:
        return UnrecognizedAnswer(f"{heard.status}, trouble of the server or its guard")
    return None


def _secret_error(heard: _ErrorAnswer) -> OnetimeError | None:
    named = heard.message == _UNKNOWN_SECRET or isinstance(heard.said.secret_key, str)
    return SecretGone("unknown secret") if heard.status == NOT_FOUND and named else None


def _form_error(heard: _ErrorAnswer, meaning: type[Refused | WrongPassphrase]) -> OnetimeError | None:
    if not heard.message:
        return None
    if meaning is Refused:
        return Refused(f"{heard.status}, a field refused", reason=heard.message[:MAX_REASON])
    # The sentence may be translated; then only the marks of a form error tell it from the server's own trouble.
    marked = heard.intended == "400" or isinstance(heard.said.shrimp, str)
    if marked or heard.message == _WRONG_PASSPHRASE:
        return WrongPassphrase(f"{heard.status}, wrong passphrase")
    return None


def read_retry_after_header(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds (it may be a date, RFC 9110 10.2.3), from 0 to 15 minutes, or None."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.lstrip("-").isdigit():
        seconds = -1.0 if asked.startswith("-") else float(asked[:10])
    else:
        at = _date(asked)
        if at is None:
            return None
        seconds = (at - (_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), MAX_WAIT)


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
