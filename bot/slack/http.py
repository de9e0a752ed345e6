"""Slack over signed HTTP, and the health pages for operators. The server is aiohttp's own.

Bolt checks signatures, but it answers a malformed one with a 500 and quotes the body of a wrong one in its log. So
text that cannot be a signature is refused here first, and one line without content is logged.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.logs import Log

MAX_BODY = 1024 * 1024

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)

log = Log("http")

ReadinessChecks = Mapping[str, Callable[[], Awaitable[bool]]]


def make_server(app: AsyncApp | None, checks: ReadinessChecks) -> web.Application:
    """The routes. `app` is None in Socket Mode, where Slack sends nothing over HTTP.

    `checks` are what /readyz asks: name -> whether that part is ready.
    """
    server = web.Application(client_max_size=MAX_BODY)
    server.router.add_get("/healthz", _healthy)
    server.router.add_get("/readyz", _readiness(checks))
    if app is not None:
        server.router.add_post("/slack/events", _events(app))
    return server


def _events(app: AsyncApp) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def take(request: web.Request) -> web.StreamResponse:
        if (request.content_length or 0) > MAX_BODY:
            return web.Response(status=413)
        try:
            body = (await request.read()).decode()
        except UnicodeDecodeError:
            return web.Response(status=400)
        if not has_signature(request.headers):
            return _unsigned(body)
        delivered = asyncio.Event()
        try:
            asked = AsyncBoltRequest(body=body, headers=dict(request.headers), context={"delivered": delivered})
        except (ValueError, TypeError, AttributeError, RecursionError):
            # Bolt reads the body before it checks the signature, so anybody can cause this.
            log.warning("bad_body")
            return web.Response(status=400)
        said = await app.async_dispatch(asked)
        if said.status == 401:  # noqa: PLR2004 - HTTP Unauthorized, by Bolt's signature check
            log.warning("bad_signature")
        answer = _as_response(said)
        try:
            await answer.prepare(request)
            await answer.write_eof()
        finally:
            # Later screens must reach Slack after this answer, or the answer would cover them.
            delivered.set()
        return answer

    return take


def _as_response(said: BoltResponse) -> web.Response:
    """Bolt's answer as aiohttp's, without the cookies that only Bolt's OAuth pages set."""
    headers = {name: values[0] for name, values in said.headers.items()}
    return web.Response(status=said.status, body=said.body.encode(), headers=headers)


def has_signature(headers: Mapping[str, str]) -> bool:
    """Whether the two headers have the form of a signature. Bolt checks whether it is right."""
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    return bool(_TIMESTAMP.fullmatch(stamp) and _SIGNATURE.fullmatch(signature))


def _unsigned(body: str) -> web.Response:
    """Slack's certificate check carries `ssl_check=1` and needs no more than a 200."""
    if "ssl_check=1" in body.split("&"):
        return web.Response()
    log.warning("bad_signature", reason="malformed")
    return web.json_response({"error": "invalid request"}, status=401)


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _readiness(checks: ReadinessChecks) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def ready(_request: web.Request) -> web.Response:
        found = {name: await check() for name, check in checks.items()}
        return web.json_response(found, status=200 if all(found.values()) else 503)

    return ready
