"""The calls to Onetime Secret, over httpx on aiohttp's transport.

What is promised for every call: one deadline over everything, at most 1 MiB read (8 MiB of a secret or a list),
no redirects, no cookies, no proxies, no compressed bodies, nothing logged. Errors are those of bot/errors.py and
name the operation and the host; no library's error, which may quote a URL with a key in it, leaves this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import aiohttp
import httpx
import stamina
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from bot.errors import HostUnavailable, NothingSent, OnetimeError
from bot.onetime import wire
from bot.onetime.links import Host
from bot.onetime.wire import Entry, GeneratedSecret, Metadata, SharedSecret, requests
from bot.onetime.wire.requests import ApiRequest
from bot.secret import MetadataKey, Secret, SecretKey

try:
    USER_AGENT = f"ots-bot/{version('ots-bot')}"
except PackageNotFoundError:  # run from a checkout
    USER_AGENT = "ots-bot/dev"

AnswerT = TypeVar("AnswerT")
AnswerReader = Callable[[int, Mapping[str, str], bytes], AnswerT]
RetryPredicate = Callable[[Exception], bool]  # whether an error is worth another try

MAX_BODY = 1024 * 1024  # bytes of a body
# The two that may honestly be longer: a secret of 1,000,000 characters (servers up to 0.23), which nobody gets
# twice, and a list of ten thousand.
MAX_BODY_BY_OPERATION = {"reveal": 8 * MAX_BODY, "recent": 8 * MAX_BODY}
KEEP_ALIVE = 4.0  # seconds a connection is kept: shorter than servers do, or a POST meets one that is just closing
# Connections. Twice what the watcher uses at once, so that a person's click finds one; and without a limit over all
# hosts a slow one cannot hold up the others.
CONNECTIONS_PER_HOST = 192
AiohttpResponseStream.CHUNK_SIZE = 256 * 1024  # bytes: a long list in one piece, not in a dozen
V2_LIST_TIME = 3600.0  # seconds that a host's broken v1 list is not asked for again


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom a call is made for, and where: anonymously, or with the account of exactly that host."""

    host: Host
    username: Secret | None = None
    token: Secret | None = None

    def authorization_header(self) -> Secret | None:
        if self.username is None or self.token is None:
            return None
        return wire.basic(self.username, self.token)


@dataclass(frozen=True, slots=True)
class _HttpAnswer:
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


class Onetime:
    """Calls to any of the allowed hosts. One for the whole process; it opens its connections when first used.

    `deadline` is for a whole call with all its tries, in seconds.
    """

    def __init__(self, *, deadline: float = 10.0, tries: int = 3) -> None:
        self._deadline = deadline
        self._tries = tries
        self._http: httpx.AsyncBaseTransport | None = None
        self._v2_until: dict[str, float] = {}  # host -> the loop's time until which v1's list counts as broken

    # --- opening a secret

    async def reveal(self, credentials: Credentials, key: SecretKey, passphrase: Secret | None = None) -> Secret:
        """Open the secret. One POST: sent again only if no connection could be made at all.

        Raises `SecretGone` (v1 says the same for a wrong passphrase), `NotAuthorized`, `RateLimited`,
        `NothingSent`, and any other `HostUnavailable` when the secret may have been opened for nothing.
        """
        request = requests.reveal(key, passphrase)
        return await self._call(credentials, request, wire.read_reveal, should_retry=_is_nothing_sent, tries=2)

    # --- looking at secrets

    async def metadata(self, credentials: Credentials, key: MetadataKey) -> Metadata:
        """What became of a secret. Raises `SecretGone`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.

        Up to 0.25 this very look makes a new secret "viewed".
        """
        return await self._call(
            credentials, requests.metadata(key), wire.read_metadata, should_retry=_is_worth_asking_again
        )

    async def recent(self, credentials: Credentials) -> list[Metadata]:
        """The account's secrets, newest first, without changing anything. Servers of 0.21 to 0.24.0 are asked by v2.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        work = self._fetch_list(credentials, wire.read_recent, wire.read_recent_v2)
        return await self._with_deadline(credentials.host, "recent", work)

    async def entries(self, credentials: Credentials) -> list[Entry]:
        """As `recent`, as they came: in any order, perhaps twice. For who looks at very many."""
        work = self._fetch_list(credentials, wire.read_entries, wire.read_entries_v2)
        return await self._with_deadline(credentials.host, "recent", work)

    async def _fetch_list(
        self, credentials: Credentials, read: AnswerReader[AnswerT], read_v2: AnswerReader[AnswerT]
    ) -> AnswerT:
        now = asyncio.get_running_loop().time
        if self._v2_until.get(credentials.host.url, 0.0) <= now():
            try:
                return await self._send_with_retries(credentials, requests.recent(), read, _is_lost, self._tries)
            except wire.UnrecognizedAnswer:
                pass
        found = await self._send_with_retries(
            credentials, requests.recent_v2(), read_v2, _is_worth_asking_again, self._tries
        )
        self._v2_until[credentials.host.url] = now() + V2_LIST_TIME
        return found

    # --- changing and making secrets

    async def burn(self, credentials: Credentials, key: MetadataKey, passphrase: Secret | None = None) -> None:
        """Burn the secret. Sent once more if no answer came: then `SecretGone` may mean that the first try did it.

        Raises `SecretGone`, `WrongPassphrase`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        request = requests.burn(key, passphrase)
        await self._call(credentials, request, wire.read_burn, should_retry=_is_lost, tries=2)

    async def share(
        self,
        credentials: Credentials,
        text: Secret,
        *,
        ttl: int | None,
        passphrase: Secret | None,
        recipient: str | None = None,
    ) -> SharedSecret:
        """Make a secret of a text; `ttl` in seconds. Never sent twice: after `HostUnavailable` it may exist.

        Raises `Refused`, `NotAuthorized`, `RateLimited`, `NothingSent`, `HostUnavailable`.
        """
        request = requests.share(text, ttl=ttl, passphrase=passphrase, recipient=recipient)
        return await self._call(credentials, request, wire.read_share, should_retry=_never_retry, tries=1)

    async def generate(
        self, credentials: Credentials, *, ttl: int | None, passphrase: Secret | None
    ) -> GeneratedSecret:
        """Make a secret of a password that the server makes up. As `share`."""
        request = requests.generate(ttl=ttl, passphrase=passphrase)
        return await self._call(credentials, request, wire.read_generate, should_retry=_never_retry, tries=1)

    # --- checking

    async def authcheck(self, credentials: Credentials) -> None:
        """Raise unless the host takes the caller's credentials: `NotAuthorized`, `RateLimited`, `HostUnavailable`."""
        await self._call(credentials, requests.authcheck(), wire.read_authcheck, should_retry=_is_worth_asking_again)

    async def status(self, host: Host) -> None:
        """Raise `HostUnavailable` or `RateLimited` unless the host says that it is well."""
        await self._call(Credentials(host), requests.status(), wire.read_status, should_retry=_is_worth_asking_again)

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    # --- how a call is made

    async def _call(
        self,
        credentials: Credentials,
        request: ApiRequest,
        read: AnswerReader[AnswerT],
        *,
        should_retry: RetryPredicate,
        tries: int | None = None,
    ) -> AnswerT:
        work = self._send_with_retries(credentials, request, read, should_retry, tries or self._tries)
        return await self._with_deadline(credentials.host, request.operation, work)

    async def _with_deadline(self, host: Host, operation: str, work: Awaitable[AnswerT]) -> AnswerT:
        try:
            async with asyncio.timeout(self._deadline):
                return await work
        except TimeoutError:
            pass  # and raise below, where the timeout's own traceback is not part of the error
        raise HostUnavailable(f"{operation} at {host.name}: no answer within {self._deadline:g} s")

    async def _send_with_retries(
        self,
        credentials: Credentials,
        request: ApiRequest,
        read: AnswerReader[AnswerT],
        should_retry: RetryPredicate,
        tries: int,
    ) -> AnswerT:
        first: OnetimeError
        try:  # nearly always enough, and what goes round it below costs a tenth of a call
            return await self._send_once(credentials, request, read)
        except OnetimeError as error:
            first = error
        async for attempt in stamina.retry_context(
            on=should_retry,
            attempts=min(tries, self._tries),
            timeout=None,
            wait_initial=0.1,
            wait_max=1.5,
            wait_jitter=0.5,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                return await self._send_once(credentials, request, read)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _send_once(self, credentials: Credentials, request: ApiRequest, read: AnswerReader[AnswerT]) -> AnswerT:
        """One exchange, read. An error starts here: no frame below it, whose values are secret, is in its traceback."""
        target, authorization = Secret(credentials.host.url + request.target()), credentials.authorization_header()
        answer = await self._exchange(request, target, authorization)
        outcome = _read_answer(answer, read) if isinstance(answer, _HttpAnswer) else answer
        if isinstance(outcome, OnetimeError):
            outcome.args = (f"{request.operation} at {credentials.host.name}: {outcome}",)
            raise outcome.with_traceback(None) from None
        return outcome

    async def _exchange(
        self, request: ApiRequest, target: Secret, authorization: Secret | None
    ) -> _HttpAnswer | OnetimeError:
        try:
            response = await self._open_transport().handle_async_request(
                httpx.Request(
                    request.method,
                    target.reveal() if request.key else _parse_url(target.reveal()),
                    headers={"User-Agent": USER_AGENT, **request.headers(authorization)},
                    content=request.body(),
                )
            )
            async with aclosing(response):
                return await _read_bounded(response, MAX_BODY_BY_OPERATION.get(request.operation, MAX_BODY))
        except httpx.TransportError as trouble:
            # The transport calls any lost connection ConnectTimeout, also one lost after the request was sent.
            # Only aiohttp's own error underneath can prove that it never got that far.
            sure = isinstance(trouble.__cause__, aiohttp.ClientConnectorError)
            return NothingSent("no connection") if sure else HostUnavailable(type(trouble.__cause__).__name__)
        except Exception as trouble:  # noqa: BLE001 - a hostile host can provoke any error of three libraries
            return HostUnavailable(type(trouble).__name__)

    def _open_transport(self) -> httpx.AsyncBaseTransport:
        if self._http is None:
            self._http = _make_transport()
        return self._http


@lru_cache(maxsize=256)
def _parse_url(address: str) -> httpx.URL:
    """One without a key, kept: reading it again each time would cost more than all else of making a request."""
    return httpx.URL(address)


def _read_answer(answer: _HttpAnswer, read: AnswerReader[AnswerT]) -> AnswerT | OnetimeError:
    try:
        return read(answer.status, answer.headers, answer.body)
    except OnetimeError as error:
        return error


async def _read_bounded(response: httpx.Response, most: int) -> _HttpAnswer | OnetimeError:
    """The answer, or why it is not read: encoded (a small bomb becomes a large one) or too large."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return wire.NotRetryable("an encoded body, not read")
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most:
                return wire.NotRetryable(f"more than {most} bytes")
    except httpx.ReadError:
        # Cut short of what was announced. It is read all the same: if it is JSON to its end, it is whole,
        # and may be a secret that nobody will get again.
        pass
    return _HttpAnswer(response.status_code, response.headers, bytes(body))


def _make_transport() -> httpx.AsyncBaseTransport:
    """Without httpx's client around it, which could follow redirects, keep cookies and log URLs, keys and all.

    It costs half of a call, and is good for nothing here. The deadline of a call is over everything, so there are no
    time-outs of single steps.
    """
    trusted = httpx.create_ssl_context(verify=True, trust_env=False)
    trusted.load_default_certs()  # the machine's own authorities too, for hosts inside a company

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=trusted, limit=0, limit_per_host=CONNECTIONS_PER_HOST, keepalive_timeout=KEEP_ALIVE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    return AiohttpTransport(verify=trusted, trust_env=False, client=session)


def _is_nothing_sent(error: Exception) -> bool:
    return isinstance(error, NothingSent)


def _is_lost(error: Exception) -> bool:
    """No answer, or none of the server's own words: what was asked may be asked again."""
    return isinstance(error, HostUnavailable) and not isinstance(error, wire.UnrecognizedAnswer | wire.NotRetryable)


def _is_worth_asking_again(error: Exception) -> bool:
    return isinstance(error, HostUnavailable) and not isinstance(error, wire.NotRetryable)


def _never_retry(_error: Exception) -> bool:
    return False
