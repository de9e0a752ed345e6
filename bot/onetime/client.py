"""The calls to Onetime Secret, over httpx on aiohttp's transport.

Rules for every call: one deadline for all its tries; at most 1 MiB is read (8 MiB of a secret or a list); no
redirects, cookies or compressed bodies; no proxy but that of HTTPS_PROXY. The log says only why a host gave no answer,
once in a while for each reason. Errors are those of bot/errors.py, and name the operation and the host. A library's
error may quote a URL with a key in it, so no such error leaves this file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import aiohttp
import httpx
import stamina
from cachetools import TTLCache
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from bot.connection_failures import explain_connection_failure
from bot.errors import HostUnavailable, NotAuthorized, NothingSent, OnetimeError, RateLimited, Refused, SecretGone
from bot.logs import Log
from bot.metrics import Metrics
from bot.onetime import wire
from bot.onetime.links import Host
from bot.onetime.wire import Entry, GeneratedSecret, Metadata, SecretStatus, SharedSecret, requests
from bot.onetime.wire.family import ServerFamily, read_family
from bot.onetime.wire.reasons import read_reason
from bot.onetime.wire.requests import ApiRequest
from bot.policy.decide import require
from bot.proxy import ProxyRule
from bot.secret import MetadataKey, Secret, SecretKey

try:
    USER_AGENT = f"ots-bot/{version('ots-bot')}"
except PackageNotFoundError:  # run from a checkout
    USER_AGENT = "ots-bot/dev"

AnswerT = TypeVar("AnswerT")
AnswerReader = Callable[[int, Mapping[str, str], bytes], AnswerT]  # status, headers, body; raises `OnetimeError`
RetryPredicate = Callable[[Exception], bool]  # whether to send the request again after this error

MAX_BODY = 1024 * 1024  # bytes of an answer's body
# Two answers may be longer: a secret of 1,000,000 characters (servers up to 0.23), which the host gives only once, and
# a list of 10,000 secrets.
MAX_BODY_BY_OPERATION = {"reveal": 8 * MAX_BODY, "recent": 8 * MAX_BODY}
KEEP_ALIVE = 4.0  # seconds that an idle connection is kept: shorter than on servers, or a POST may meet one that closes
# Twice what the watcher uses at once, so that a person's click finds a free connection. There is no limit for all hosts
# together, so a slow host cannot hold up the others.
CONNECTIONS_PER_HOST = 192
AiohttpResponseStream.CHUNK_SIZE = 256 * 1024  # bytes: a long list arrives in few pieces
LOG_AGAIN = 60.0  # seconds until the log repeats why a host gives no answer
V2_LIST_TIME = 3600.0  # seconds that a host whose v1 list is broken is asked by API v2 only
MAX_V2_HOSTS = 1000  # hosts; operators allow far fewer

log = Log("onetime")


# Calls that a rule about servers never stops: what exists there can still be looked after and burned.
ALWAYS_ALLOWED = frozenset({"metadata", "burn"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """The host of a call, and an account on exactly this host. Without user name and token the call is anonymous."""

    host: Host
    username: Secret | None = None
    token: Secret | None = None

    def authorization_header(self) -> Secret | None:
        """HTTP Basic; None for an anonymous call. Raises `NotAuthorized` for a user name with a colon."""
        if self.username is None or self.token is None:
            return None
        return wire.basic(self.username, self.token)


@dataclass(frozen=True, slots=True)
class _HttpAnswer:
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


# For metrics, the special before the general.
_OUTCOMES: tuple[tuple[type[OnetimeError], str], ...] = (
    (SecretGone, "gone"),
    (NotAuthorized, "not_authorized"),
    (RateLimited, "rate_limited"),
    (NothingSent, "nothing_sent"),
    (HostUnavailable, "unavailable"),
    (Refused, "refused"),
)


class Onetime:
    """Calls to any of the allowed hosts. One object for the whole process; it opens its connections when first used.

    `deadline` is in seconds, for a whole call with all its tries; `tries` is how often a request is sent at most.
    """

    def __init__(
        self,
        *,
        deadline: float = 10.0,
        tries: int = 3,
        proxy: ProxyRule | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._deadline = deadline
        self._tries = tries
        self._proxy = proxy or ProxyRule()
        self._logged: TTLCache[tuple[str, str], bool] = TTLCache(1000, LOG_AGAIN)
        self._http: httpx.AsyncBaseTransport | None = None
        self._v2_hosts: TTLCache[str, bool] = TTLCache(MAX_V2_HOSTS, V2_LIST_TIME)  # base URLs with a broken v1 list

    # --- opening a secret

    async def reveal(self, credentials: Credentials, key: SecretKey, passphrase: Secret | None = None) -> Secret:
        """Open the secret. One POST: sent again only if no connection could be made at all.

        Raises `SecretGone` (v1 says the same for a wrong passphrase), `NotAuthorized`, `RateLimited`, `NothingSent`,
        and any other `HostUnavailable`, after which the secret may be opened and lost.
        """
        request = requests.reveal(key, passphrase)
        return await self._call(credentials, request, wire.read_reveal, should_retry=_is_nothing_sent, tries=2)

    # --- reading metadata

    async def metadata(self, credentials: Credentials, key: MetadataKey) -> Metadata:
        """What became of a secret. Raises `SecretGone`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.

        On servers up to 0.25 this call makes a new secret "viewed".
        """
        return await self._call(credentials, requests.metadata(key), wire.read_metadata, should_retry=_is_temporary)

    async def secret_status(self, host: Host, key: SecretKey) -> SecretStatus:
        """What is known of a secret that can still be opened, asked for without an account. It opens nothing.

        Raises `SecretGone` if it cannot be opened any more, `RateLimited`, `HostUnavailable`. Its kind
        `UnrecognizedAnswer` means that the server cannot tell.
        """
        request = requests.secret_status(key)
        return await self._call(Credentials(host), request, wire.read_secret_status, should_retry=_is_unread)

    async def recent(self, credentials: Credentials) -> list[Metadata]:
        """The account's secrets, newest first, each only once. Changes nothing on the host.

        A host whose v1 list is broken (servers 0.21 to 0.24.0) is called by API v2 for the next V2_LIST_TIME seconds.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        work = self._fetch_list(credentials, wire.read_recent, wire.read_recent_v2)
        return await self._with_deadline(credentials.host, "recent", work)

    async def entries(self, credentials: Credentials) -> list[Entry]:
        """The account's secrets in the host's order, some perhaps twice. Takes a tenth of the CPU time of `recent`.

        For long lists in which few entries matter. Changes nothing on the host. A host whose v1 list is broken is
        called through API v2.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        work = self._fetch_list(credentials, wire.read_entries, wire.read_entries_v2)
        return await self._with_deadline(credentials.host, "recent", work)

    async def find_owned(self, credentials: Credentials, key: SecretKey) -> MetadataKey | None:
        """The metadata key of a secret that the account's list names by its secret key; None if the list does not.

        Lists of servers up to 0.24.0 name none. Changes nothing on the host.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        work = self._fetch_list(credentials, wire.read_owned, wire.read_owned_v2)
        return (await self._with_deadline(credentials.host, "recent", work)).get(wire.fingerprint(key))

    async def _fetch_list(
        self, credentials: Credentials, read: AnswerReader[AnswerT], read_v2: AnswerReader[AnswerT]
    ) -> AnswerT:
        host = credentials.host.url
        if host not in self._v2_hosts:
            try:
                return await self._send_with_retries(credentials, requests.recent(), read, _is_unread, self._tries)
            except wire.UnrecognizedAnswer:
                pass
        answer = await self._send_with_retries(credentials, requests.recent_v2(), read_v2, _is_temporary, self._tries)
        self._v2_hosts[host] = True
        return answer

    # --- changing and making secrets

    async def burn(self, credentials: Credentials, key: MetadataKey, passphrase: Secret | None = None) -> None:
        """Burn the secret. Sent once more if no answer came: `SecretGone` may then mean that the first try burned it.

        Raises `SecretGone`, `WrongPassphrase`, `NotAuthorized`, `RateLimited`, `HostUnavailable`.
        """
        request = requests.burn(key, passphrase)
        await self._call(credentials, request, wire.read_burn, should_retry=_is_unread, tries=2)

    async def share(
        self,
        credentials: Credentials,
        text: Secret,
        *,
        ttl: int | None,
        passphrase: Secret | None,
        recipient: Secret | None = None,
    ) -> SharedSecret:
        """Make a secret of a text; `ttl` is in seconds. Never sent twice: after `HostUnavailable` the secret may exist.

        `recipient` is an e-mail address to which the host sends the link. It needs an account.

        Raises `Refused`, `NotAuthorized`, `RateLimited`, `NothingSent`, `HostUnavailable`.
        """
        request = requests.share(text, ttl=ttl, passphrase=passphrase, recipient=recipient)
        return await self._call(credentials, request, wire.read_share, should_retry=_never_retry)

    async def generate(
        self, credentials: Credentials, *, ttl: int | None, passphrase: Secret | None
    ) -> GeneratedSecret:
        """Make a secret from a password that the server generates; `ttl` is in seconds. Never sent twice, like `share`.

        Raises `Refused`, `NotAuthorized`, `RateLimited`, `NothingSent`, `HostUnavailable`.
        """
        request = requests.generate(ttl=ttl, passphrase=passphrase)
        return await self._call(credentials, request, wire.read_generate, should_retry=_never_retry)

    # --- checking

    async def authcheck(self, credentials: Credentials) -> None:
        """Raise unless the host takes the caller's credentials: `NotAuthorized`, `RateLimited`, `HostUnavailable`."""
        await self._call(credentials, requests.authcheck(), wire.read_authcheck, should_retry=_is_temporary)

    async def status(self, host: Host) -> None:
        """Raise `HostUnavailable` or `RateLimited` unless the host reports that it works."""
        await self._call(Credentials(host), requests.status(), wire.read_status, should_retry=_is_temporary)

    async def family(self, host: Host) -> ServerFamily | None:
        """Which versions the host may have; None if it does not show. Raises `HostUnavailable`."""
        request = requests.authcheck()
        return await self._call(Credentials(host), request, read_family, should_retry=_is_temporary)

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
        began, outcome = time.monotonic(), "unavailable"
        try:
            async with asyncio.timeout(self._deadline):
                answer = await work
            outcome = "ok"
        except OnetimeError as error:
            outcome = next((name for kind, name in _OUTCOMES if isinstance(error, kind)), outcome)
            raise
        except TimeoutError:
            pass  # the error is raised below, without the traceback of the timeout
        else:
            return answer
        finally:
            self._metrics.onetime_call(operation, outcome, time.monotonic() - began)
        reason = f"no answer within {self._deadline:g} s"
        self._log_unavailable(host, operation, reason)
        raise HostUnavailable(f"{operation} at {host.name}: {reason}")

    async def _send_with_retries(
        self,
        credentials: Credentials,
        request: ApiRequest,
        read: AnswerReader[AnswerT],
        should_retry: RetryPredicate,
        tries: int,
    ) -> AnswerT:
        first: OnetimeError
        try:  # nearly always enough; the retry context below would cost a tenth of a call
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
        """Send the request once and read the answer.

        Errors are raised here: the frames below hold secrets in their variables, so no traceback may include them.
        """
        if request.operation not in ALWAYS_ALLOWED:
            require("hosts", credentials.host.url)
        target, authorization = Secret(credentials.host.url + request.target()), credentials.authorization_header()
        answer = await self._exchange(request, target, authorization)
        outcome = _read_answer(answer, read) if isinstance(answer, _HttpAnswer) else answer
        if isinstance(outcome, OnetimeError):
            if isinstance(outcome, HostUnavailable):
                self._log_unavailable(credentials.host, request.operation, str(outcome))
            if isinstance(outcome, Refused):
                outcome.reason = read_reason(outcome.reason, _sent_values(credentials, request))
            outcome.args = (f"{request.operation} at {credentials.host.name}: {outcome}",)
            raise outcome.with_traceback(None) from None
        return outcome

    def _log_unavailable(self, host: Host, operation: str, reason: str) -> None:
        if (host.name, reason) not in self._logged:
            self._logged[host.name, reason] = True
            log.warning("host_unavailable", action=operation, host=host.name, reason=reason)

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
        except httpx.TransportError as error:
            # The transport raises ConnectTimeout for every lost connection, even one that is lost after the request
            # was sent. Only aiohttp's error underneath proves that nothing was sent.
            nothing_sent = isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
            reason = explain_connection_failure(error.__cause__ or error)
            return NothingSent(reason) if nothing_sent else HostUnavailable(reason)
        except Exception as error:  # noqa: BLE001 - a hostile host can provoke any error of three libraries
            return HostUnavailable(explain_connection_failure(error))

    def _open_transport(self) -> httpx.AsyncBaseTransport:
        if self._http is None:
            self._http = _make_transport(self._proxy)
        return self._http


@lru_cache(maxsize=256)
def _parse_url(address: str) -> httpx.URL:
    """Cached, so only for addresses without a key. Parsing is the slowest part of making a request."""
    return httpx.URL(address)


def _sent_values(credentials: Credentials, request: ApiRequest) -> list[str]:
    """Every confidential value that the request carried."""
    secrets = [credentials.username, credentials.token, request.key, *request.form.values()]
    return [value.reveal() for value in secrets if isinstance(value, Secret)]


def _read_answer(answer: _HttpAnswer, read: AnswerReader[AnswerT]) -> AnswerT | OnetimeError:
    try:
        return read(answer.status, answer.headers, answer.body)
    except OnetimeError as error:
        return error


async def _read_bounded(response: httpx.Response, max_bytes: int) -> _HttpAnswer | OnetimeError:
    """The answer; an error if it is longer than `max_bytes`, or compressed: a short body could become a huge one."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return wire.NotRetryable("an encoded body, not read")
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                return wire.NotRetryable(f"more than {max_bytes} bytes")
    except httpx.ReadError:
        # The body is shorter than announced. If it is complete JSON, it is still read: it may be a secret that the host
        # gives only once.
        pass
    return _HttpAnswer(response.status_code, response.headers, bytes(body))


def _make_transport(proxy: ProxyRule) -> httpx.AsyncBaseTransport:
    """A transport without httpx's client, which could follow redirects, keep cookies and log URLs with keys in them.

    The client would also cost half of a call's CPU time. There are no timeouts of single steps: each call has one
    deadline.
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
            middlewares=(proxy.apply,),
        )

    return AiohttpTransport(verify=trusted, trust_env=False, client=session)


# --- retry predicates (`RetryPredicate`), from the most careful to the most patient


def _never_retry(_error: Exception) -> bool:
    """For calls that make something: a second try could make it twice."""
    return False


def _is_nothing_sent(error: Exception) -> bool:
    """For calls whose answer comes only once: try again only if the host certainly has not seen the request."""
    return isinstance(error, NothingSent)


def _is_unread(error: Exception) -> bool:
    """For calls that may be repeated: try again if no answer of the server itself could be read."""
    return isinstance(error, HostUnavailable) and not isinstance(error, wire.UnrecognizedAnswer | wire.NotRetryable)


def _is_temporary(error: Exception) -> bool:
    """For calls that only read: try again unless the next answer would certainly be no better."""
    return isinstance(error, HostUnavailable) and not isinstance(error, wire.NotRetryable)
