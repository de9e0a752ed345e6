"""How an answer goes out over HTTP, or fails to."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from bot.sandbox.onetime.api import Api
from bot.sandbox.onetime.exchange import ApiRequest, ApiResponse
from bot.sandbox.onetime.faults import HTML, OnetimeFault
from bot.sandbox.onetime.request_log import RequestRecord

_NO_TYPE = "x-emulator-no-content-type"


class Responder:
    """Carries requests out and answers them, as faults let it. `stopping` ends all waiting."""

    def __init__(self, api: Api, stopping: asyncio.Event) -> None:
        self._api = api
        self._stopping = stopping

    async def deliver(
        self, request: web.Request, asked: ApiRequest, seen: RequestRecord, fault: OnetimeFault | None
    ) -> web.StreamResponse:
        """The response for aiohttp to send. `seen` is told what became of it."""
        if fault is None:
            return _whole(self._api.answer(asked), seen)
        if not fault.has_effect:
            return _instead(request, fault, seen)
        if fault.kind in {"delay", "hang"}:
            await self._wait(fault)
        answer = self._api.answer(asked)
        if fault.kind in {"late", "hang after"}:
            await self._wait(fault)
        if fault.kind == "drop after":
            return _drop(request)
        if fault.kind == "truncated":
            return await _truncated(request, answer, seen)
        if fault.kind == "drip":
            return await self._drip(request, answer, fault, seen)
        return _whole(answer, seen)

    async def _wait(self, fault: OnetimeFault) -> None:
        if fault.kind.startswith("hang"):
            await fault.released.wait()
        else:
            await self._pause(fault.seconds)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _drip(
        self, request: web.Request, answer: ApiResponse, fault: OnetimeFault, seen: RequestRecord
    ) -> web.StreamResponse:
        response = await _begin(request, answer, seen)
        for start in range(0, len(answer.body), fault.at_once):
            try:
                await response.write(answer.body[start : start + fault.at_once])
            except ConnectionError:
                break  # the client has had enough
            await self._pause(fault.seconds)
        return response


async def leave_out_type(_request: web.Request, response: web.StreamResponse) -> None:
    """Some real answers have no Content-Type; aiohttp always adds one."""
    if response.headers.pop(_NO_TYPE, None):
        response.headers.popall(hdrs.CONTENT_TYPE, None)


def _whole(answer: ApiResponse, seen: RequestRecord) -> web.Response:
    seen.status = answer.status
    return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))


def _instead(request: web.Request, fault: OnetimeFault, seen: RequestRecord) -> web.Response:
    if fault.kind == "drop":
        return _drop(request)
    headers = {name.lower(): value for name, value in fault.headers.items()}
    is_html = fault.kind == "html"
    kind = headers.pop("content-type", "text/html; charset=utf-8" if is_html else None)
    body = fault.body or (HTML if is_html else b"")
    return _whole(ApiResponse(fault.status, body, kind, headers), seen)


def _headers(answer: ApiResponse) -> dict[str, str]:
    kind = {_NO_TYPE: "1"} if answer.content_type is None else {"content-type": answer.content_type}
    return kind | dict(answer.headers)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere


async def _begin(request: web.Request, answer: ApiResponse, seen: RequestRecord) -> web.StreamResponse:
    seen.status = answer.status
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(answer.body)
    await response.prepare(request)
    return response


async def _truncated(request: web.Request, answer: ApiResponse, seen: RequestRecord) -> web.StreamResponse:
    response = await _begin(request, answer, seen)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
