"""Sends an answer over HTTP, or fails in the way that a planned fault says."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from bot.sandbox.onetime.api import Api
from bot.sandbox.onetime.exchange import ServerRequest, ServerResponse
from bot.sandbox.onetime.faults import HTML, OnetimeFault
from bot.sandbox.onetime.request_log import RequestRecord

_NO_CONTENT_TYPE = "x-emulator-no-content-type"


class Responder:
    """Answers requests, with or without a fault. Setting `stopping` ends all delays."""

    def __init__(self, api: Api, stopping: asyncio.Event) -> None:
        self._api = api
        self._stopping = stopping

    async def respond(
        self, request: web.Request, server_request: ServerRequest, record: RequestRecord, fault: OnetimeFault | None
    ) -> web.StreamResponse:
        """Carry out the request and return the response for aiohttp to send. Sets the status of `record`."""
        if fault is None:
            return _complete(self._api.answer(server_request), record)
        if not fault.has_effect:
            return _respond_with_fault(request, fault, record)
        if fault.kind in {"delay", "hang"}:
            await self._wait(fault)
        answer = self._api.answer(server_request)
        if fault.kind in {"late", "hang after"}:
            await self._wait(fault)
        if fault.kind == "drop after":
            return _drop(request)
        if fault.kind == "truncated":
            return await _truncated(request, answer, record)
        if fault.kind == "drip":
            return await self._drip(request, answer, fault, record)
        return _complete(answer, record)

    async def _wait(self, fault: OnetimeFault) -> None:
        if fault.kind.startswith("hang"):
            await fault.released.wait()
        else:
            await self._sleep(fault.seconds)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _drip(
        self, request: web.Request, answer: ServerResponse, fault: OnetimeFault, record: RequestRecord
    ) -> web.StreamResponse:
        response = await _start(request, answer, record)
        for start in range(0, len(answer.body), fault.at_once):
            try:
                await response.write(answer.body[start : start + fault.at_once])
            except ConnectionError:
                break  # the client has closed the connection
            await self._sleep(fault.seconds)
        return response


async def drop_content_type(_request: web.Request, response: web.StreamResponse) -> None:
    """Remove the Content-Type that aiohttp always adds: some answers of the real servers have none."""
    if response.headers.pop(_NO_CONTENT_TYPE, None):
        response.headers.popall(hdrs.CONTENT_TYPE, None)


def _complete(answer: ServerResponse, record: RequestRecord) -> web.Response:
    record.status = answer.status
    return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))


def _respond_with_fault(request: web.Request, fault: OnetimeFault, record: RequestRecord) -> web.Response:
    if fault.kind == "drop":
        return _drop(request)
    headers = {name.lower(): value for name, value in fault.headers.items()}
    is_html = fault.kind == "html"
    kind = headers.pop("content-type", "text/html; charset=utf-8" if is_html else None)
    body = fault.body or (HTML if is_html else b"")
    return _complete(ServerResponse(fault.status, body, kind, headers), record)


def _headers(answer: ServerResponse) -> dict[str, str]:
    kind = {_NO_CONTENT_TYPE: "1"} if answer.content_type is None else {"content-type": answer.content_type}
    return kind | dict(answer.headers)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # aiohttp needs a response; the connection is closed already


async def _start(request: web.Request, answer: ServerResponse, record: RequestRecord) -> web.StreamResponse:
    record.status = answer.status
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(answer.body)
    await response.prepare(request)
    return response


async def _truncated(request: web.Request, answer: ServerResponse, record: RequestRecord) -> web.StreamResponse:
    response = await _start(request, answer, record)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
