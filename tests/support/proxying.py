"""A small real HTTP proxy: tunnels by CONNECT, and plain requests by their whole address."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HEAD = 65_536  # bytes of a request's line and headers, at most


class Proxy:
    """Notes where each connection went. `names` are hosts that only the proxy can find: name -> address and port."""

    def __init__(self, names: dict[str, tuple[str, int]] | None = None, authorization: str | None = None) -> None:
        self.port = 0
        self.asked: list[str] = []  #: host:port of each connection
        self._names = names or {}
        self._authorization = authorization
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        if self._authorization is not None and self._authorization.encode() not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        where = urlsplit(f"//{target}" if method == "CONNECT" else target)
        assert where.hostname is not None
        self.asked.append(f"{where.hostname}:{where.port or 80}")
        host, port = self._names.get(where.hostname, (where.hostname, where.port or 80))
        there, to_there = await asyncio.open_connection(host, port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            to_there.write(head)
        self._open.add(to_there)
        try:
            await asyncio.gather(_copy(reader, to_there), _copy(there, writer))
        finally:
            self._open.discard(to_there)
            to_there.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(HEAD):
        writer.write(part)
        await writer.drain()
    writer.close()
