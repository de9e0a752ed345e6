"""Slack over signed HTTP, and the health pages for operators. The server is aiohttp's own.

Anybody can send requests here. So the signature is checked over the raw bytes before anything in a body is decoded,
decompressed or parsed, and a request that is refused costs little: without the headers of a signature the body is not
even read, and a forged body is hashed piece by piece and never put together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from bot.logs import Log
from bot.metrics import CONTENT_TYPE
from bot.readiness import Readiness
from bot.secret import Secret
from bot.slack.app import to_bolt
from bot.slack.connections import LimitedServer, max_connections
from bot.slack.payloads import decode_body
from bot.slack.signature import SIGNATURE, STAMP, SignatureCheck, SignatureChecker, Verdict, read_signature

REQUEST_URL = "/slack/events"  # the path that docs and manifest name; a signed request is taken on any path
MAX_BODY = 1024 * 1024  # bytes
MAX_UNSIGNED_BODY = 1024  # bytes; Slack's certificate check has less
KEEP_ALIVE = 75.0  # seconds that an idle connection stays open: longer than proxies keep theirs
LINGER = 2.0  # seconds to read on after a refusal, so that its answer arrives before the connection closes
# What reading a body raises when the connection ends. aiohttp's RuntimeError says that it had ended before.
BROKEN_OFF = (ConnectionError, web.RequestPayloadError, RuntimeError)

log = Log("http")

InstallPage = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
HealthPage = Callable[[], Awaitable[web.Response]]


def make_server(
    app: AsyncApp | None, signing_secret: Secret | None, readiness: Readiness, install_pages: Mapping[str, InstallPage]
) -> web.Server:
    """The server, to be made inside a running loop. `app` is None in Socket Mode: Slack sends nothing over HTTP then.

    Anybody may ask /readyz here, so it answers without reasons. `install_pages` are those by which workspaces install
    the app, by their path; a HEAD begins no installation.
    """
    health: Mapping[str, HealthPage] = {"/healthz": _show_health, "/readyz": _show_readiness(readiness)}
    requests = SlackRequests(app, SignatureChecker(signing_secret)) if app is not None and signing_secret else None

    async def route(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST" and requests is not None:
            return await requests.answer(request)
        if request.method == "GET" and (install_page := install_pages.get(request.path)) is not None:
            return await install_page(request)
        page = health.get(request.path) if request.method in ("GET", "HEAD") else None
        return await page() if page is not None else _refuse(404)

    return LimitedServer(
        route,
        limit=max_connections(),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGER,
    )


def make_admin_server(readiness: Readiness, expose: Callable[[], Awaitable[bytes]]) -> web.Server:
    """The server for operators, to be made inside a running loop: /readyz with all reasons, and /metrics.

    `expose` gives the metrics in Prometheus' text format.
    """

    async def show_metrics() -> web.Response:
        return web.Response(body=await expose(), headers={"Content-Type": CONTENT_TYPE})

    pages: Mapping[str, HealthPage] = {
        "/healthz": _show_health, "/readyz": _show_reasons(readiness), "/metrics": show_metrics,
    }  # fmt: skip

    async def route(request: web.BaseRequest) -> web.StreamResponse:
        page = pages.get(request.path) if request.method in ("GET", "HEAD") else None
        return await page() if page is not None else _refuse(404)

    return web.Server(route, access_log=None)


class SlackRequests:
    """Answers what is sent by POST: Slack's requests through Bolt, all others with a refusal."""

    def __init__(self, app: AsyncApp, checker: SignatureChecker) -> None:
        self._app = app
        self._checker = checker

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await self._read_verified(request)
        if isinstance(raw, web.Response):
            return raw
        body = decode_body(raw)
        if body is None:
            return _refuse_body()
        if body.get("type") == "url_verification":
            return web.json_response({"challenge": body.get("challenge")})
        if body.get("ssl_check") == "1":
            return web.Response()
        delivered = asyncio.Event()
        answer = _as_response(await self._app.async_dispatch(to_bolt(body, delivered)))
        try:
            await answer.prepare(request)
            await answer.write_eof()
        except ConnectionResetError:
            pass  # Slack waits no longer, or the proxy has gone; the work goes on
        finally:
            # Later screens must reach Slack after this answer, or the answer would cover them.
            delivered.set()
        return answer

    async def _read_verified(self, request: web.BaseRequest) -> bytes | web.Response:
        """The body of a request that is rightly signed, or the refusal of one that is not."""
        if (request.content_length or 0) > MAX_BODY:
            return _refuse(413)
        signature = read_signature(request.headers.getall(STAMP, ()), request.headers.getall(SIGNATURE, ()))
        if signature is None:
            return await _answer_unsigned(request)
        check = self._checker.begin(signature)
        parts = await _read(request, check)
        if isinstance(parts, web.Response):
            return parts
        verdict = check.verdict(now := time.time())
        if verdict is Verdict.RIGHT:
            return b"".join(parts)
        return _refuse_signature(_explain_clock(check.seconds_ahead(now)) if verdict is Verdict.OUTDATED else "forged")


async def _read(request: web.BaseRequest, check: SignatureCheck) -> list[bytes] | web.Response:
    """The parts of the body, which `check` was given; or the refusal of a body that is too large or broke off."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.content.iter_any():
            size += len(part)
            if size > MAX_BODY:
                return _refuse(413)
            check.update(part)
            parts.append(part)
    except BROKEN_OFF:
        return _refuse(400)
    return parts


async def _answer_unsigned(request: web.BaseRequest) -> web.Response:
    """Slack's certificate check needs no more than a 200. It is short, so no long body is read."""
    if 0 < (request.content_length or 0) <= MAX_UNSIGNED_BODY:
        try:
            fields = (await request.content.read()).split(b"&")
        except BROKEN_OFF:
            return _refuse(400)
        if b"ssl_check=1" in fields:
            return web.Response()
    if request.path != REQUEST_URL and STAMP not in request.headers and SIGNATURE not in request.headers:
        return _refuse(404)  # it has nothing to do with Slack, so the log has no line of it
    return _refuse_signature("malformed")


def _explain_clock(seconds: float) -> str:
    where = "ahead of" if seconds > 0 else "behind"
    return f"clock: rightly signed, but its time is {abs(round(seconds))} s {where} this machine's"


def _refuse_signature(reason: str) -> web.Response:
    log.warning("bad_signature", reason=reason)
    return _refuse(401)


def _refuse_body() -> web.Response:
    log.warning("bad_body")
    return _refuse(400)


def _refuse(status: int) -> web.Response:
    """An answer after which the connection closes: what is left of the request is not read."""
    answer = web.Response(status=status)
    answer.force_close()
    return answer


def _as_response(said: BoltResponse) -> web.Response:
    """Bolt's answer as aiohttp's, without the cookies that only Bolt's OAuth pages set."""
    headers = {name: values[0] for name, values in said.headers.items()}
    return web.Response(status=said.status, body=said.body.encode(), headers=headers)


async def _show_health() -> web.Response:
    return web.Response(text="ok\n")


def _show_readiness(readiness: Readiness) -> HealthPage:
    async def show() -> web.Response:
        report = await readiness.report()
        return web.Response(text="ready\n") if report.is_ready else web.Response(text="not ready\n", status=503)

    return show


def _show_reasons(readiness: Readiness) -> HealthPage:
    async def show() -> web.Response:
        report = await readiness.report()
        checks = {
            name: {"ready": True} if reason is None else {"ready": False, "reason": reason}
            for name, reason in report.reasons.items()
        }
        answer = {"ready": report.is_ready, "checks": checks}
        return web.json_response(answer, status=200 if report.is_ready else 503)

    return show
