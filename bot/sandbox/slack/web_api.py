"""Slack's Web API over HTTP: tokens and scopes, rate limits, arguments in all encodings, planned faults, answers.

Source: docs.slack.dev/apis/web-api. All calls are recorded; nothing is printed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import hdrs, web

from bot.sandbox.slack import chat_methods, directory_methods, unfurls, view_methods, workflows
from bot.sandbox.slack.faults import SlackFault, SlackFaults
from bot.sandbox.slack.model import Payload
from bot.sandbox.slack.rate_limits import SlackRateLimits
from bot.sandbox.slack.records import CallRecord, SentPayload, WorkspaceRecords
from bot.sandbox.slack.response_urls import answer_response_url
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.state import Refusal, WorkspaceState

MAX_REQUEST_BYTES = 4 * 1024 * 1024
_JSON_ARGUMENTS = ("blocks", "attachments", "view", "metadata", "unfurls", "outputs")


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API and the scope that it needs (None: no scope)."""

    run: Callable[[WorkspaceState, Payload], Awaitable[Payload]]
    scope: str | None = None


METHODS = {
    "auth.test": Method(directory_methods.auth_test),
    "bots.info": Method(directory_methods.bots_info, "users:read"),
    "chat.delete": Method(chat_methods.delete, "chat:write"),
    "chat.getPermalink": Method(chat_methods.get_permalink),
    "chat.postEphemeral": Method(chat_methods.post_ephemeral, "chat:write"),
    "chat.postMessage": Method(chat_methods.post_message, "chat:write"),
    "chat.unfurl": Method(unfurls.unfurl, "links:write"),
    "chat.update": Method(chat_methods.update, "chat:write"),
    "conversations.open": Method(directory_methods.conversations_open, "im:write"),
    "functions.completeError": Method(workflows.complete_error),
    "functions.completeSuccess": Method(workflows.complete_success),
    "team.info": Method(directory_methods.team_info, "team:read"),
    "users.info": Method(directory_methods.users_info, "users:read"),
    "views.open": Method(view_methods.open_),
    "views.publish": Method(view_methods.publish),
    "views.push": Method(view_methods.push),
    "views.update": Method(view_methods.update),
}
OPEN_CONNECTION = "apps.connections.open"
SCOPES_HEADER = "x-oauth-scopes"
RESPONSE_URL = "response_url"  #: the method name of response_urls in faults, calls and exports


@dataclass(slots=True)
class Tokens:
    """The tokens of the app. `scopes` belong to the bot tokens: with token rotation, two are good for a while."""

    bots: set[str]
    app: str
    scopes: AbstractSet[str]


class _RateLimited(Refusal):
    """The app has called a method too often. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class WebApi:
    """Serves `/api/METHOD` and the WebSockets of Socket Mode, and response_urls on another host."""

    def __init__(
        self, state: WorkspaceState, tokens: Tokens, sockets: Sockets, faults: SlackFaults, records: WorkspaceRecords
    ) -> None:
        self._state = state
        self._tokens = tokens
        self._sockets = sockets
        self._faults = faults
        self._records = records
        self.rate_limits = SlackRateLimits(state.clock)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/api/{method}", self.serve)
        app.router.add_get("/link/", self._sockets.serve)
        app.on_response_prepare.append(self._date)
        return app

    def hooks_app(self) -> web.Application:
        """What hooks.slack.com serves: response_urls are on another host than the Web API."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_post("/{kind:commands|actions}/{rest:.+}", self._response_url)
        return app

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the method that the path names."""
        method = request.match_info["method"]

        async def effect(args: Payload) -> web.Response:
            answer = {"ok": True, **await self._run(method, request, args)}
            return web.json_response(answer, headers=self._headers(read_token(request, args)))

        return await self._run_with_faults(method, request, effect)

    async def _response_url(self, request: web.Request) -> web.StreamResponse:
        path = request.path.strip("/")

        async def effect(args: Payload) -> web.Response:
            answer_response_url(self._state, path, args)
            return web.Response(text="ok")

        return await self._run_with_faults(RESPONSE_URL, request, effect)

    async def _run_with_faults(
        self, method: str, request: web.Request, effect: Callable[[Payload], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Run `effect` with the fault that is planned for the method, if any, and record the call."""
        args, unreadable = await _read_arguments(request)
        fault = self._faults.consume(method, args)
        if fault is not None and (stopped := await _apply_before(fault, request)) is not None:
            self._record(method, args, _fault_name(fault))
            return stopped
        try:
            if unreadable is not None:
                raise Refusal(unreadable)
            answer = await effect(args)
        except Refusal as refusal:
            answer = _refusal_response(method, refusal)
            self._record(method, args, refusal.code)
        else:
            self._record(method, args, None)
        if fault is not None and fault.kind == "wait_after":
            await fault.pause()
        return _abort(request) if fault is not None and fault.kind == "drop_after" else answer

    async def _run(self, name: str, request: web.Request, args: Payload) -> Payload:
        token = read_token(request, args)
        if name == OPEN_CONNECTION:
            return self._connection(request, token)
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        if not token:
            raise Refusal("not_authed")
        if token == self._tokens.app:
            raise Refusal("not_allowed_token_type")
        if self._state.step_tokens.get(token) is False:
            raise Refusal("token_revoked")
        if token not in self._tokens.bots and token not in self._state.step_tokens:
            raise Refusal("invalid_auth")
        if method.scope is not None and method.scope not in self._tokens.scopes:
            raise Refusal("missing_scope", needed=method.scope, provided=",".join(sorted(self._tokens.scopes)))
        self._count(name, self._state.one_name_of(str(args.get("channel", ""))))
        return await method.run(self._state, args)

    def _connection(self, request: web.Request, token: str) -> Payload:
        if not token:
            raise Refusal("not_authed")
        if token in self._tokens.bots:
            raise Refusal("not_allowed_token_type")
        if token != self._tokens.app:
            raise Refusal("invalid_auth")
        self._count(OPEN_CONNECTION)
        host = request.headers["Host"]  # `request.host` has no port when a proxy sent the whole address
        return {"url": f"ws://{host}/link/?ticket={self._sockets.new_ticket()}&app_id={self._state.app_id}"}

    async def _date(self, _request: web.Request, answer: web.StreamResponse) -> None:
        """Slack's time in its answers, which an app may compare with its own."""
        now = datetime.fromtimestamp(self._state.clock(), UTC)
        answer.headers[hdrs.DATE] = format_datetime(now, usegmt=True)

    def _headers(self, token: str) -> dict[str, str]:
        """Slack names the scopes of the token with each answer."""
        scopes = self._tokens.scopes if token in self._tokens.bots else {"connections:write"}
        return {SCOPES_HEADER: ",".join(sorted(scopes))}

    def _count(self, method: str, channel: str = "") -> None:
        if wait := self.rate_limits.take(method, channel):
            raise _RateLimited(wait)

    def _record(self, method: str, args: Payload, error: str | None) -> None:
        call = CallRecord(method, self._state.clock(), error)
        self._records.calls.append(call)
        kept = {name: value for name, value in args.items() if name != "token"}
        self._records.sent.append(SentPayload(method, kept, error or "ok"))
        self._state.changes.publish("call", call)


async def _apply_before(fault: SlackFault, request: web.Request) -> web.Response | None:
    """Apply a fault before the effect. If this returns a response, the effect must not happen."""
    match fault.kind:
        case "answer" if isinstance(fault.body, str):
            return web.Response(status=fault.status, text=fault.body, content_type="text/html", headers=fault.headers)
        case "answer":
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        case "drop":
            return _abort(request)
        case "wait":
            await fault.pause()
        case "hook":
            await fault.call_hook()
        case _:
            pass
    return None


def _fault_name(fault: SlackFault) -> str:
    if isinstance(fault.body, dict) and "error" in fault.body:
        return str(fault.body["error"])
    return "dropped" if fault.kind == "drop" else f"http_{fault.status}"


def _abort(request: web.Request) -> web.Response:
    """End the connection without an answer. The response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _refusal_response(method: str, refusal: Refusal) -> web.Response:
    if isinstance(refusal, _RateLimited):
        headers = {"Retry-After": str(refusal.retry_after)}
        return web.json_response({"ok": False, "error": refusal.code}, status=429, headers=headers)
    if method != RESPONSE_URL:
        return web.json_response({"ok": False, "error": refusal.code, **refusal.extra})
    if refusal.code in ("used_url", "expired_url", "invalid_url"):
        return web.json_response({"ok": False, "error": refusal.code}, status=404)
    return web.Response(status=400, text=refusal.code)


def read_token(request: web.Request, args: Payload) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(args.get("token") or "")


async def _read_arguments(request: web.Request) -> tuple[Payload, str | None]:
    """The arguments of a call from its query and body, and Slack's error code if the body cannot be read."""
    args: Payload = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            return await _read_json_arguments(request, args)
        form = await request.post()
        args |= {name: value for name, value in form.items() if isinstance(value, str)}
    return _decode_arguments(args), None


async def _read_json_arguments(request: web.Request, args: Payload) -> tuple[Payload, str | None]:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        return args, "invalid_json"
    if not isinstance(body, dict):
        return args, "json_not_object"
    return _decode_arguments(args | body), None


def _decode_arguments(args: Payload) -> Payload:
    """Arguments as values: forms have objects as JSON in a string, and booleans as 0 and 1."""
    decoded: dict[str, Any] = dict(args)
    for name in _JSON_ARGUMENTS:
        if isinstance(decoded.get(name), str):
            try:
                decoded[name] = json.loads(decoded[name])
            except ValueError:
                continue  # the rules refuse the string later
    for name in ("unfurl_links", "unfurl_media", "link_names", "mrkdwn", "reply_broadcast"):
        if decoded.get(name) in ("0", "1", "true", "false"):
            decoded[name] = decoded[name] in ("1", "true")
    return {name: value for name, value in decoded.items() if value is not None}
