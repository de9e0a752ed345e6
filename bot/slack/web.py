"""The calls to Slack's Web API. Every error leaves here as `SlackError`: a method and a code, never content."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import stamina
from cachetools import TTLCache
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from bot.connection_failures import RedirectRefused, explain_connection_failure
from bot.errors import SlackError, ViewChanged, WindowClosed
from bot.logs import Log
from bot.metrics import Metrics
from bot.proxy import ProxyRule
from bot.secret import Secret
from bot.slack.token_facts import read_clock, read_scopes
from bot.slack.token_health import TokenHealth

TIMEOUT = 10  # seconds for one call
_SLACKS_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,80}")  # other servers answer whole sentences
MAX_RETRY_AFTER = 4.0  # seconds: a longer wait is left to the caller
MAX_LIMITED = 20.0  # seconds for all waits of one call
LOG_AGAIN = 60.0  # seconds until the log repeats why a host gives no answer
# Slack's own, and the one for governments, whose response_urls are taken to be on the same domain.
DOMAINS = ("slack.com", "slack-gov.com")
RESPONSE_URL = "response_url"  # in the place of a method's name

# The modal is not open any more, or the trigger is too old to open one.
_HASH_CONFLICT = "hash_conflict"
WINDOW_GONE_CODES = frozenset(
    {"not_found", "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired"}
)

log = Log("web")


def quiet_logger() -> logging.Logger:
    """The logger for slack_sdk and slack_bolt: they quote bodies at DEBUG and INFO, so its own level is WARNING."""
    logger = logging.getLogger("slack_sdk.quiet")
    logger.setLevel(logging.WARNING)
    return logger


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What the app proves itself with when it is installed by OAuth."""

    client_id: str
    client_secret: Secret


class SlackConnections:
    """The connections to Slack, shared by the clients of all workspaces."""

    def __init__(self, proxy: ProxyRule, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._proxy = proxy
        self._logged: TTLCache[tuple[str, str], bool] = TTLCache(100, LOG_AGAIN)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """One session for all calls: a new session for each call costs six times as much. Made inside a loop."""
        if self._session is None:
            self._session = self.new_session()
        return self._session

    def new_session(self) -> aiohttp.ClientSession:
        """A session that follows the rules for outgoing calls. The caller closes it."""
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            middlewares=(_refuse_redirects, self._proxy.apply),
        )

    def is_news(self, host: str, reason: str) -> bool:
        """Whether the log should say that this host gives no answer for this reason: once in `LOG_AGAIN` seconds."""
        if (host, reason) in self._logged:
            return False
        self._logged[host, reason] = True
        return True

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class SlackClient:
    """One workspace's Web API. Only the caller knows whether a retry is safe, so nothing is tried again here.

    The exception is a 429 that asks for a short wait: Slack did nothing, and takes a message a second in a conversation
    and an edit each 1.2 seconds in a workspace. A window is not waited for, because its trigger dies meanwhile.
    """

    def __init__(
        self,
        token: Secret | None,
        api_url: str,
        proxy: ProxyRule | None = None,
        *,
        connections: SlackConnections | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Without a `token` only those calls can be made that need none of a workspace."""
        self.health = TokenHealth()
        self.scopes: frozenset[str] | None = None  # of the token; None: not known
        self.clock_ahead: float | None = None  # seconds that this machine's clock is ahead of Slack's
        self._token = token
        self._api_url = api_url
        self._connections = connections or SlackConnections(proxy or ProxyRule(), metrics)
        self._client: AsyncWebClient | None = None

    def with_token(self, token: Secret) -> SlackClient:
        """The Web API of another workspace, over the same connections."""
        return SlackClient(token, self._api_url, connections=self._connections)

    @property
    def session(self) -> aiohttp.ClientSession:
        return self._connections.session

    def new_session(self) -> aiohttp.ClientSession:
        """A session that follows the rules for outgoing calls. The caller closes it."""
        return self._connections.new_session()

    @property
    def client(self) -> AsyncWebClient:
        """slack_sdk's client over the shared session."""
        if self._client is None:
            self._client = AsyncWebClient(
                token=None if self._token is None else self._token.reveal(),
                base_url=self._api_url,
                timeout=TIMEOUT,
                session=self.session,
                retry_handlers=[],
                logger=quiet_logger(),
            )
        return self._client

    def client_without_token(self) -> AsyncWebClient:
        """For Bolt, which takes its token from `authorize` and makes no call with this client."""
        return AsyncWebClient(base_url=self._api_url, timeout=TIMEOUT, retry_handlers=[], logger=quiet_logger())

    async def close(self) -> None:
        """Close the connections, also those of clients that `with_token` made."""
        await self._connections.close()

    async def who_am_i(self) -> Mapping[str, Any]:
        """What auth.test says of the token. `scopes` and `clock_ahead` are known after that."""
        answer = await self._call("auth.test", self.client.auth_test())
        headers = {str(name): str(value) for name, value in answer.headers.items()}
        self.scopes, self.clock_ahead = read_scopes(headers), read_clock(headers, time.time())
        return {
            name: answer.get(name)
            for name in ("team_id", "enterprise_id", "bot_id", "user_id", "is_enterprise_install")
        }

    async def find_app_id(self, bot_id: str) -> str | None:
        """The id of the app that this bot belongs to; None if Slack does not say. Raises `SlackError`.

        A refusal says nothing about the token: an app need not have the scope for this.
        """
        answer = await self._translate("bots.info", self.client.bots_info(bot=bot_id))
        bot = answer.get("bot")
        found = bot.get("app_id") if isinstance(bot, dict) else None
        return found if isinstance(found, str) and found else None

    async def exchange_code(self, app: AppCredentials, code: Secret) -> Mapping[str, Any]:
        """What the installation is that this code was given for, with its token. Raises `SlackError`."""
        return await self._access(app, code=code.reveal())

    async def renew_token(self, app: AppCredentials, refresh_token: Secret) -> Mapping[str, Any]:
        """The next token of an installation, and the next refresh token. Raises `SlackError`."""
        return await self._access(app, grant_type="refresh_token", refresh_token=refresh_token.reveal())

    async def _access(self, app: AppCredentials, **given: str) -> Mapping[str, Any]:
        call = self.client.oauth_v2_access(client_id=app.client_id, client_secret=app.client_secret.reveal(), **given)
        answer = await self._translate("oauth.v2.access", call)
        found: Mapping[str, Any] = answer.data
        return found

    async def uninstall(self, app: AppCredentials) -> None:
        """Remove the app from the workspace that the token belongs to. Raises `SlackError`."""
        credentials = {"client_id": app.client_id, "client_secret": app.client_secret.reveal()}
        call = self.client.api_call("apps.uninstall", data=credentials)  # slack_sdk's own puts them into the URL
        await self._translate("apps.uninstall", call)

    async def open_socket(self, app_token: Secret) -> Secret:
        """The address of a new WebSocket for Socket Mode, with the ticket in it."""
        opened = self.client.apps_connections_open(app_token=app_token.reveal())
        answer = await self._translate("apps.connections.open", opened)
        return Secret(self._pick("apps.connections.open", answer, "url"))

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> str:
        """Open a modal; returns its id. Raises `WindowClosed` when the trigger is too old."""
        answer = await self._call("views.open", self.client.views_open(trigger_id=trigger_id, view=view))
        return self._pick("views.open", answer, "view", "id")

    async def push_view(self, trigger_id: str, view: dict[str, Any]) -> str:
        answer = await self._call("views.push", self.client.views_push(trigger_id=trigger_id, view=view))
        return self._pick("views.push", answer, "view", "id")

    async def update_view(self, view_id: str, view: dict[str, Any], *, if_hash: str | None = None) -> str | None:
        """Change a modal; returns its new hash. With `if_hash` only if the modal is as it was with that hash.

        Raises `ViewChanged` if it is not, `WindowClosed` when the modal is not open any more.
        """
        guard = {"hash": if_hash} if if_hash else {}
        answer = await self._call("views.update", self.client.views_update(view_id=view_id, view=view, **guard))
        return _read_hash(answer)

    async def publish_home(self, user_id: str, view: dict[str, Any], *, if_hash: str | None = None) -> str | None:
        """Show the Home tab of a person; returns its hash. With `if_hash` only if it is as it was with that hash.

        Raises `ViewChanged` if it is not.
        """
        guard = {"hash": if_hash} if if_hash else {}
        answer = await self._call("views.publish", self.client.views_publish(user_id=user_id, view=view, **guard))
        return _read_hash(answer)

    async def open_dm(self, user_id: str) -> str:
        answer = await self._call_within_limits(
            "conversations.open", lambda: self.client.conversations_open(users=[user_id])
        )
        return self._pick("conversations.open", answer, "channel", "id")

    async def post(
        self, channel: str, message: dict[str, Any], *, client_msg_id: str | None = None, thread_ts: str | None = None
    ) -> str:
        """Post a message, or with `thread_ts` a reply in that thread; returns its `ts`.

        Slack documents no idempotency for apps: that it would drop a second post with the same `client_msg_id` is only
        a hope. Source: docs.slack.dev, chat.postMessage, where only two of its errors name that argument.
        """
        more: dict[str, Any] = {"client_msg_id": client_msg_id} if client_msg_id else {}
        more |= {"thread_ts": thread_ts} if thread_ts else {}
        answer = await self._call_within_limits(
            "chat.postMessage", lambda: self.client.chat_postMessage(channel=channel, **message, **more)
        )
        return self._pick("chat.postMessage", answer, "ts")

    async def update(self, channel: str, ts: str, message: dict[str, Any]) -> None:
        """Change a message of ours in place."""
        changed = {name: value for name, value in message.items() if not name.startswith("unfurl")}
        await self._call_within_limits(
            "chat.update", lambda: self.client.chat_update(channel=channel, ts=ts, **changed)
        )

    async def unfurl(self, channel: str, ts: str, cards: Mapping[Secret, dict[str, Any]]) -> None:
        """Attach a card to each of these links in somebody's message, or change the card that is there.

        A link is written exactly as Slack wrote it in the event.
        """
        unfurls = {link.reveal(): card for link, card in cards.items()}
        await self._call_within_limits(
            "chat.unfurl", lambda: self.client.chat_unfurl(channel=channel, ts=ts, unfurls=unfurls)
        )

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message of ours."""
        await self._call_within_limits("chat.delete", lambda: self.client.chat_delete(channel=channel, ts=ts))

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message."""
        answer = await self._call_within_limits(
            "chat.getPermalink", lambda: self.client.chat_getPermalink(channel=channel, message_ts=ts)
        )
        return self._pick("chat.getPermalink", answer, "permalink")

    async def complete_step(self, execution: str, outputs: Mapping[str, str]) -> None:
        """End an execution of a workflow step with these outputs."""
        ended: dict[str, Any] = {"function_execution_id": execution, "outputs": dict(outputs)}
        await self._call_within_limits(
            "functions.completeSuccess", lambda: self.client.functions_completeSuccess(**ended)
        )

    async def fail_step(self, execution: str, said: str) -> None:
        """End an execution of a workflow step with an error, which Slack shows."""
        ended = {"function_execution_id": execution, "error": said}
        await self._call_within_limits("functions.completeError", lambda: self.client.functions_completeError(**ended))

    async def user(self, user_id: str) -> Mapping[str, Any]:
        answer = await self._call_within_limits(
            "users.info", lambda: self.client.users_info(user=user_id, include_locale=True)
        )
        found = answer.get("user")
        if not isinstance(found, dict):
            raise self._unreadable("users.info")
        return found

    async def respond(self, response_url: Secret, message: dict[str, Any], *, replace: bool = False) -> None:
        """Answer through a response_url: privately, or in place of the message that a button was on."""
        url = self._read_response_url(response_url)
        body = message | ({"replace_original": True} if replace else {"replace_original": False})
        body["response_type"] = "ephemeral"
        await self._call(RESPONSE_URL, self._post(url, body))

    def _read_response_url(self, response_url: Secret) -> URL:
        """Raises `SlackError` for what is no URL of Slack's. Its text is in no error: a response_url is a secret."""
        try:
            url = URL(response_url.reveal())
            is_slacks = url.user is None and self._is_host_of_response_urls(url.origin())
        except ValueError:  # no URL, or one without a host
            is_slacks = False
        if not is_slacks:
            raise SlackError(RESPONSE_URL, "foreign_url") from None
        return url

    def _is_host_of_response_urls(self, origin: URL) -> bool:
        """The hooks of the API's own domain; for a Slack that is emulated on this machine, any port of this machine."""
        api = URL(self._api_url).origin()
        if is_loopback(api):
            return origin.scheme == api.scheme and is_loopback(origin)
        return origin in (URL(f"https://hooks.{find_domain(api)}"), api)

    async def _post(self, url: URL, body: dict[str, Any]) -> None:
        async with self.session.post(url, json=body, allow_redirects=False) as answer:
            if answer.status != 200:  # noqa: PLR2004 - HTTP OK
                raise _read_refusal(RESPONSE_URL, f"http_{answer.status}", answer.headers)

    async def _call_within_limits(self, method: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> Any:
        """Call; after a 429 with a short wait call again. Raises `SlackError`."""
        async for attempt in stamina.retry_context(on=_short_limit, attempts=None, timeout=MAX_LIMITED):
            with attempt:
                return await self._call(method, call())
        raise AssertionError("unreachable")  # stamina raises the last error

    async def _call(self, method: str, call: Awaitable[AsyncSlackResponse | None]) -> Any:
        """Await a call. What Slack says of our token is noted in `health`; a response_url needs no token."""
        began = self.health.begin()
        try:
            answer = await self._translate(method, call)
        except SlackError as error:
            if method == RESPONSE_URL:
                raise
            if error.about == "workspace":
                self.health.refuse(error)
            elif error.about in ("recipient", "message"):
                self.health.accept(method, began)
            raise
        if method != RESPONSE_URL:
            self.health.accept(method, began)
        return answer

    def _pick(self, method: str, answer: AsyncSlackResponse, *path: str) -> str:
        """A text in an answer of Slack's. Raises `SlackError` if the answer, although `ok`, has another shape."""
        found: Any = answer.data
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, str) or not found:
            raise self._unreadable(method)
        return found

    def _unreadable(self, method: str) -> SlackError:
        failure = SlackError(method, "unreadable")
        self._log_unavailable(method, failure)
        return failure

    async def _translate(self, method: str, call: Awaitable[AsyncSlackResponse | None]) -> Any:
        """Await a call. Every error becomes a `SlackError`."""
        began, outcome = time.monotonic(), "unknown"
        try:
            answer = await self._read_answer(method, call)
            outcome = "ok"
        except SlackError as error:
            outcome = _outcome_of(error)
            raise
        finally:
            self._connections.metrics.slack_call(method, outcome, time.monotonic() - began)
        return answer

    async def _read_answer(self, method: str, call: Awaitable[AsyncSlackResponse | None]) -> Any:
        failure: SlackError
        try:
            answer = await call
        except SlackError:
            raise
        except SlackClientError as error:
            failure = _read_error(method, getattr(error, "response", None))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            failure = SlackError(method, "connection", why=explain_connection_failure(error))
        except (ValueError, KeyError, TypeError, AttributeError):
            # The answer is not one of Slack's. Its text may be anything, so it is not kept.
            failure = SlackError(method, "unreadable")
        else:
            if answer is None or isinstance(answer.data, dict):
                return answer
            failure = SlackError(method, "unreadable")  # slack_sdk takes what is no JSON for an answer that is `ok`
        self._log_unavailable(method, failure)
        raise failure from None

    def _log_unavailable(self, method: str, failure: SlackError) -> None:
        """Log why Slack, or what is between, gave no answer of Slack's: once in a while for each reason."""
        if failure.code not in ("connection", "unreadable") and not failure.code.startswith("http_"):
            return
        api = URL(self._api_url)
        host = f"hooks.{find_domain(api)}" if method == RESPONSE_URL else str(api.host)
        reason = failure.why or failure.code
        if self._connections.is_news(host, reason):
            log.warning("slack_unavailable", action=method, host=host, reason=reason)


def _outcome_of(error: SlackError) -> str:
    """What the error is about, for metrics."""
    if isinstance(error, WindowClosed):
        return "window_closed"
    if isinstance(error, ViewChanged):
        return "view_changed"
    return "ratelimited" if error.retry_after is not None else error.about


async def _refuse_redirects(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> Any:
    """A middleware of aiohttp. Slack's API redirects nothing: whoever does would get our token."""
    answer = await handler(request)
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP's redirects
        answer.close()
        raise RedirectRefused(answer.status)
    return answer


def _read_hash(answer: AsyncSlackResponse) -> str | None:
    view = answer.get("view")
    found = view.get("hash") if isinstance(view, dict) else None
    return found if isinstance(found, str) and found else None


def _short_limit(error: Exception) -> bool | float:
    """The seconds to wait before another try; False for every other error."""
    wait = error.retry_after if isinstance(error, SlackError) else None
    return wait if wait is not None and wait <= MAX_RETRY_AFTER else False


def find_domain(api: URL) -> str:
    """The domain that Slack uses where this is the API: slack.com too if that is somebody's own gateway to Slack."""
    host = api.host or ""
    return next((one for one in DOMAINS if host == one or host.endswith(f".{one}")), DOMAINS[0])


def is_loopback(origin: URL) -> bool:
    """Whether this URL is on this machine: then Slack is emulated."""
    try:
        return ipaddress.ip_address(origin.host or "").is_loopback
    except ValueError:
        return origin.host == "localhost"


def _read_error(method: str, response: Any) -> SlackError:
    if isinstance(response, aiohttp.ClientResponse) and response.status == 429:  # noqa: PLR2004 - as below
        return _read_refusal(method, "ratelimited", response.headers)  # its body is no JSON: a proxy may have limited
    if not isinstance(response, AsyncSlackResponse):
        return SlackError(method, "unreadable")
    answer = response.data if isinstance(response.data, dict) else {}
    code = answer.get("error")
    if not isinstance(code, str) or not _SLACKS_CODE.fullmatch(code):
        code = f"http_{response.status_code}"
    if response.status_code == 429:  # noqa: PLR2004 - HTTP Too Many Requests
        code = "ratelimited"
    return _read_refusal(method, code, response.headers)


def _read_refusal(method: str, code: str, headers: Mapping[str, Any]) -> SlackError:
    if code in WINDOW_GONE_CODES:
        return WindowClosed(method, code)
    if code == _HASH_CONFLICT:
        return ViewChanged(method, code)
    return SlackError(
        method, code, retry_after=read_retry_after(headers) if "429" in code or code == "ratelimited" else None
    )


def read_retry_after(headers: Mapping[str, Any]) -> float:
    """Seconds to wait after a 429: Slack's own number, 30 without a usable one, 300 at most."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        seconds = float(str(said))
    except ValueError:
        return 30.0
    return min(max(seconds, 1.0), 300.0) if seconds == seconds else 30.0  # noqa: PLR0124 - not a number
