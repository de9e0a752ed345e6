"""aiohttp's server with what it lacks: a time limit for requests that arrive slowly, and a limit of open connections.

    opened ──► receiving ──the whole request has arrived──► answering ──► idle
                  ▲  │                                                     │
                  │  └── `REQUEST_TIME` is over: closed                    └── aiohttp's keep-alive is over: closed
                  └──────────────── the next request begins ───────────────┘

The next request may begin in the packet that ends the one before. So a connection that once sent more than the request
that it waited for is never idle, but receiving.

When there are too many connections, the one that has been receiving or idle for longest makes room for a new one. So
whoever holds connections open without using them cannot keep Slack out.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.logs import Log

REQUEST_TIME = 10.0  # seconds for headers and body
SWEEP_EVERY = 1.0  # seconds between looks for slow connections; at most one log line each
MAX_CONNECTIONS = 1000
MIN_CONNECTIONS = 16

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"

log = Log("http")


def max_connections() -> int:
    """A quarter of the files that this process may open: the rest is for the accepted ones and for calls of ours."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, files // 4))


def backlog() -> int:
    """How many connections are accepted at once, before the limit is looked at. All of them need a file."""
    return min(128, max_connections() // 2)


class LimitedServer(web.Server):
    """`route` answers requests, `options` are those of `aiohttp.web.Server`."""

    def __init__(
        self,
        route: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        limit: int,
        request_time: float = REQUEST_TIME,
        **options: Any,
    ) -> None:
        super().__init__(self._answer, **options)
        self._route = route
        self._options = options
        self._limit = limit
        self._request_time = request_time
        self._open = 0
        self._waiting: dict[Connection, float] = {}  # receiving or idle -> since when; the oldest first
        self._closed = 0  # since the last log line
        self._sweeping: asyncio.TimerHandle | None = None

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)

    def note_opened(self, connection: Connection) -> None:
        self._open += 1
        if self._open > self._limit:
            self._close(next(iter(self._waiting), connection))
        self._wait(connection, receiving=True)

    def note_data(self, connection: Connection) -> None:
        if connection in self._waiting and not connection.is_receiving:
            self._wait(connection, receiving=True)

    def note_lost(self, connection: Connection) -> None:
        self._open -= 1
        self._waiting.pop(connection, None)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        is_answered = False

        def received() -> None:
            if not is_answered:
                self._waiting.pop(connection, None)

        request.content.on_eof(received)
        try:
            return await self._route(request)
        finally:
            is_answered = True
            connection.end_request(request)
            self._wait(connection, receiving=connection.is_ahead)

    def _wait(self, connection: Connection, *, receiving: bool) -> None:
        if connection.transport is None or connection.transport.is_closing():
            return
        self._waiting.pop(connection, None)
        self._waiting[connection] = time.monotonic()
        connection.is_receiving = receiving
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_EVERY, self._sweep)

    def _sweep(self) -> None:
        started_before = time.monotonic() - self._request_time
        slow = [one for one, since in self._waiting.items() if one.is_receiving and since <= started_before]
        for connection in slow:
            self._close(connection)
        if self._closed:
            log.warning("connections_closed", count=self._closed, reason="too slow, or too many at once")
            self._closed = 0
        again = asyncio.get_running_loop().call_later(SWEEP_EVERY, self._sweep) if self._waiting else None
        self._sweeping = again

    def _close(self, connection: Connection) -> None:
        self._waiting.pop(connection, None)
        self._closed += 1
        if connection.transport is not None:
            connection.transport.abort()


class Connection(web.RequestHandler):
    """A connection that tells its server what happens to it."""

    __slots__ = ("_after_head", "_last", "_server", "is_ahead", "is_receiving")

    def __init__(self, server: LimitedServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self.is_receiving = True
        self.is_ahead = False  # it has sent more than the request that it waited for
        self._last = b""  # of the request that is here: its last bytes
        self._after_head: int | None = None  # bytes since the head of the request ended; None: it has not ended

    def end_request(self, request: web.BaseRequest) -> None:
        """This request was answered. What arrives from now on is the next one, unless some of it is here already."""
        if request.content_length is None and "Transfer-Encoding" in request.headers:
            is_more = not self._last.endswith(_LAST_CHUNK)
        else:
            is_more = (self._after_head or 0) > (request.content_length or 0)
        self.is_ahead = self.is_ahead or is_more
        self._last, self._after_head = b"", None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.note_opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.note_lost(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if data:
            self._server.note_data(self)
            self._follow(data)
        super().data_received(data)

    def _follow(self, data: bytes) -> None:
        if self._after_head is None:
            head = self._last + data
            end = head.find(_HEAD_END)
            self._after_head = None if end < 0 else len(head) - end - len(_HEAD_END)
        else:
            self._after_head += len(data)
        self._last = (self._last + data)[-len(_LAST_CHUNK) :]
