"""What the doctor asks of Slack, and of the address where Slack reaches the bot. Each answer is kept as it came."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from bot.connection_failures import RedirectRefused, explain_connection_failure
from bot.proxy import ProxyRule
from bot.secret import Secret
from bot.slack.http import REQUEST_URL
from bot.slack.signature import SIGNATURE, STAMP, sign
from bot.slack.token_facts import read_clock, read_scopes
from bot.slack.web import AppCredentials, SlackClient, is_loopback

__all__ = [
    "REQUEST_URL",
    "AppCredentials",
    "HttpFailure",
    "SlackAnswer",
    "UrlAnswer",
    "ask",
    "is_emulated",
    "try_credentials",
    "verify_url",
]

MAX_ANSWER = 65_536  # bytes that are read
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_ID = re.compile(r"[\w .,:'()&+@-]{1,80}")


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """Why there was no answer."""

    why: str
    is_redirect: bool = False


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """An answer of Slack's Web API. `code` is Slack's error, "" if there is none, None if the answer is not Slack's."""

    status: int
    code: str | None
    fields: Mapping[str, Any] = field(repr=False)
    scopes: frozenset[str] | None = None
    clock_ahead: float | None = None  # seconds

    def name(self, key: str) -> str:
        """A short text of the answer; "?" for anything else, since another server may answer anything."""
        found = self.fields.get(key)
        return found if isinstance(found, str) and _ID.fullmatch(found) else "?"


@dataclass(frozen=True, slots=True)
class UrlAnswer:
    """What was answered to a url_verification."""

    status: int
    has_challenge: bool
    seconds: float


async def ask(
    api_url: str, method: str, token: Secret | None, proxy: ProxyRule | None = None
) -> SlackAnswer | HttpFailure:
    """Call a method of Slack's Web API that needs no arguments."""
    headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
    return await _post(api_url, method, proxy, headers=headers)


async def try_credentials(
    api_url: str, app: AppCredentials, proxy: ProxyRule | None = None
) -> SlackAnswer | HttpFailure:
    """Try to exchange a code that nobody has: Slack says `invalid_code` if it takes the credentials of the app."""
    auth = aiohttp.BasicAuth(app.client_id, app.client_secret.reveal())
    return await _post(api_url, "oauth.v2.access", proxy, headers={"Authorization": auth.encode()}, data={"code": "-"})


async def _post(api_url: str, method: str, proxy: ProxyRule | None, **given: Any) -> SlackAnswer | HttpFailure:
    slack = SlackClient(None, api_url, proxy)
    try:
        async with (
            slack.new_session() as session,
            session.post(URL(api_url + method), allow_redirects=False, **given) as answer,
        ):
            body = await answer.content.read(MAX_ANSWER)
            status, said = answer.status, answer.headers
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return _failure(error)
    fields = _read_json(body)
    is_slacks = isinstance(fields.get("ok"), bool)
    code = fields.get("error", "") if is_slacks else None
    if is_slacks and not (isinstance(code, str) and (fields["ok"] or _CODE.fullmatch(code))):
        code = None
    return SlackAnswer(status, code, fields, read_scopes(said), read_clock(said, time.time()))


async def verify_url(
    url: URL, signing_secret: Secret, proxy: ProxyRule | None = None
) -> tuple[UrlAnswer | HttpFailure, UrlAnswer | HttpFailure]:
    """Send a url_verification as Slack does, once rightly signed and once wrongly."""
    slack = SlackClient(Secret(""), "https://slack.com/api/", proxy)
    async with slack.new_session() as session:
        right = await _verify(session, url, signing_secret)
        wrong = await _verify(session, url, Secret(secrets.token_hex(16)))
    return right, wrong


async def _verify(session: aiohttp.ClientSession, url: URL, signing_secret: Secret) -> UrlAnswer | HttpFailure:
    challenge = secrets.token_urlsafe(24)
    body = json.dumps({"type": "url_verification", "token": "", "challenge": challenge}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        STAMP: stamp,
        SIGNATURE: sign(signing_secret, stamp, body),
    }
    began = time.monotonic()
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            said = await answer.content.read(MAX_ANSWER)
            return UrlAnswer(answer.status, challenge.encode() in said, time.monotonic() - began)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return _failure(error)


def is_emulated(api_url: str) -> bool:
    """Whether this is no Slack but an emulated one, on this machine."""
    return is_loopback(URL(api_url))


def _failure(error: Exception) -> HttpFailure:
    return HttpFailure(explain_connection_failure(error), isinstance(error, RedirectRefused))


def _read_json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
