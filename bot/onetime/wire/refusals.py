"""The table of errors: what an answer other than a success means.

Servers send 404 for all errors of their own (0.26 with its database down: 500), so the meaning is in the body. The
server's sentences are compared only where servers never translate them. An answer that is in no row of the table means
that nothing is known (`UnrecognizedAnswer`), and never that a secret is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from bot.errors import (
    HostUnavailable,
    NotAuthorized,
    NothingDone,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    WrongPassphrase,
)
from bot.onetime.links import read_base
from bot.onetime.wire.body import decode
from bot.screen.pieces import Code, HostName, Plain, Sentences, say

MAX_WAIT = 15 * 60.0  # seconds of a Retry-After that are believed

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429  # all but 404 come from proxies or API v2
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TOO_LARGE = 413
# What a proxy refuses because of the request's own form, before it passes the request on (RFC 9110, RFC 6585). Onetime
# Secret itself has never answered one of these: its errors are 404.
REFUSED_BY_PROXY = frozenset({405, 411, TOO_LARGE, 414, 417, 421, 431})

_UNKNOWN_SECRET = "Unknown secret"
_NOT_AUTHORIZED = "Not authorized"
_RATE_LIMITED = ("Cripes!", "Rate limit exceeded")  # up to 0.23, and since
_UNEXPECTED = "An unexpected error occurred :["
_SERVER_ERRORS = (
    "An error occurred :[",
    "We'll be back shortly!",
    "Not Found",  # 0.24 and later: the key is too short
)
_SWITCHED_OFF = "is not available"
_WRONG_PASSPHRASE = "Double check that passphrase"  # in the account's language


class UnrecognizedAnswer(HostUnavailable):
    """The server answered in JSON with something that is in no row of the table. A POST is not repeated after this."""

    tell = say("That server answered with an error of its own. Please try again in a moment.")


class UnexpectedError(UnrecognizedAnswer):
    """“An unexpected error occurred :[”, which means other things to each version.

    - 0.18, without anything else in the answer: any error, and a burn with a wrong or missing passphrase.
    - 0.21 to 0.23, with the field `shrimp`: an error of the server.
    - 0.24 and later, with an intended status of 400: an error of the server. 0.26 also: the secret is locked for half
      an hour after 20 wrong passphrases, and the right one is refused too.
    """

    def __init__(self, why: str, *, may_be_wrong_passphrase: bool, may_be_locked: bool) -> None:
        super().__init__(why)
        self.may_be_wrong_passphrase = may_be_wrong_passphrase
        self.may_be_locked = may_be_locked


class NotRetryable(HostUnavailable):
    """A retry would get the same answer."""


class Redirected(NotRetryable, NothingDone):
    """The host sends everything on to another address. API v1 does nothing before such an answer."""

    tells_effect = True

    def __init__(self, why: str, location: str) -> None:
        super().__init__(why)
        self.base = base = read_base(location)  #: where it leads to, if that is the plain address of a server
        self.tell = Sentences.of(
            say("That server redirects everything to another address. Nothing was made, opened or burned."),
            say("The person who runs this app can set ONETIME_HOSTS to {address}.", address=Code(HostName(base)))
            if base
            else say("The person who runs this app can write its right address into ONETIME_HOSTS."),
        )


class RefusedByProxy(NotRetryable, NothingDone):
    """A proxy before the server refused the request because of its form, so the request never reached the server."""

    tells_effect = True

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}, refused by a proxy")
        self.tell = Sentences.of(
            say(
                "A proxy in front of that server refused the request as too large (HTTP {status}).",
                status=Plain(str(status)),
            )
            if status == TOO_LARGE
            else say("A proxy in front of that server refused the request (HTTP {status}).", status=Plain(str(status))),
            say("Nothing was made, opened or burned."),
        )


class AccountsOff(NotRetryable, NothingDone):
    """The server's operator has switched accounts off. Every call with an account is refused and has no effect."""

    tell = say("That server does not take accounts over its API.")


class _ErrorBody(msgspec.Struct):
    message: Any = None
    secret_key: Any = None
    shrimp: Any = msgspec.UNSET


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    is_about_secret: bool = False,
    otherwise: type[Refused | WrongPassphrase] | None = None,
) -> OnetimeError:
    """The error that an answer other than a success means. Returned, not raised.

    `is_about_secret` is for calls with the key of a secret, the only ones that can return `SecretGone`. `otherwise` is
    for calls that send a form: the error for a sentence that is in no row of the table, because a field is refused.
    """
    if status == TOO_MANY:
        return RateLimited("429", retry_after=read_retry_after_header(headers))
    if status in REDIRECTS:
        return Redirected(f"{status}, a redirect, not followed", headers.get("location", ""))
    if status in REFUSED_BY_PROXY:
        return RefusedByProxy(status)
    fields = decode(body, _ErrorBody) if 400 <= status < 500 else None  # noqa: PLR2004
    if fields is None:
        return HostUnavailable(f"{status}, not understood")
    message = fields.message if isinstance(fields.message, str) else ""
    answer = _ErrorAnswer(status, headers, message, fields)
    return (
        _caller_error(answer)
        or _server_error(answer)
        or (_secret_error(answer) if is_about_secret else None)
        or (_form_error(answer, otherwise) if otherwise else None)
        or UnrecognizedAnswer(f"{status}, not understood")
    )


class _ErrorAnswer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    message: str
    fields: _ErrorBody

    @property
    def intended(self) -> str:
        """The status that servers since 0.24.6 give in a header, beside their 404; empty on older servers."""
        return self.headers.get("x-ots-intended-status", "")


def _caller_error(answer: _ErrorAnswer) -> OnetimeError | None:
    is_meant = answer.status == UNAUTHORIZED or answer.intended == str(UNAUTHORIZED)
    if is_meant or answer.message == _NOT_AUTHORIZED:
        return NotAuthorized(f"{answer.status}, not authorized")
    if answer.message.startswith(_RATE_LIMITED):
        return RateLimited(f"{answer.status}, rate limited", retry_after=read_retry_after_header(answer.headers))
    return None


def _server_error(answer: _ErrorAnswer) -> OnetimeError | None:
    if answer.message.startswith("/api/") and answer.message.endswith(_SWITCHED_OFF):
        return AccountsOff(f"{answer.status}, accounts are switched off")
    if answer.message == _UNEXPECTED:
        has_shrimp = answer.fields.shrimp is not msgspec.UNSET
        return UnexpectedError(
            f"{answer.status}, an unexpected error",
            may_be_wrong_passphrase=not answer.intended and not has_shrimp,
            may_be_locked=answer.intended == "400",
        )
    if answer.message in _SERVER_ERRORS or answer.status == FORBIDDEN:
        return UnrecognizedAnswer(f"{answer.status}, an error of the server or its guard")
    return None


def _secret_error(answer: _ErrorAnswer) -> OnetimeError | None:
    is_named = answer.message == _UNKNOWN_SECRET or isinstance(answer.fields.secret_key, str)
    return SecretGone("unknown secret") if answer.status == NOT_FOUND and is_named else None


def _form_error(answer: _ErrorAnswer, meaning: type[Refused | WrongPassphrase]) -> OnetimeError | None:
    if not answer.message:
        return None
    if meaning is Refused:
        return Refused(f"{answer.status}, a field refused", reason=answer.message)
    # The sentence may be translated; then only the marks of a form error distinguish it from an error of the server.
    is_marked = answer.intended == "400" or isinstance(answer.fields.shrimp, str)
    if is_marked or answer.message == _WRONG_PASSPHRASE:
        return WrongPassphrase(f"{answer.status}, wrong passphrase")
    return None


def read_retry_after_header(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, from 0 to MAX_WAIT; None if there is none that is valid.

    The header may hold seconds or a date (RFC 9110, 10.2.3). `headers` has its names in lower case or ignores case.
    """
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
