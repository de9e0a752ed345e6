"""Socket Mode: envelopes over WebSockets. The app gets their addresses from apps.connections.open.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSMsgType, web

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.model import Payload
from bot.sandbox.slack.records import DeliveryKind

MAX_CONNECTIONS = 10
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]
_WITH_PAYLOAD: frozenset[DeliveryKind] = frozenset(
    {"slash_commands", "interactive"}
)  # the ack of these may have a payload


class SocketNotConnected(Exception):
    """There is no connection to the app, or the connection broke before the ack."""


@dataclass(eq=False, slots=True)
class _Connection:
    request: web.Request
    socket: web.WebSocketResponse = field(default_factory=web.WebSocketResponse)
    pending: dict[str, asyncio.Future[Any]] = field(default_factory=dict)  #: envelope_id -> the payload of its ack
    is_ready: bool = False  #: true after the hello; nothing is delivered before

    def acknowledge(self, raw: str) -> None:
        try:
            message = json.loads(raw)
            answer = self.pending[message["envelope_id"]]
        except (ValueError, KeyError, TypeError):
            return  # Slack ignores unknown messages
        if not answer.done():
            answer.set_result(message.get("payload"))

    def fail_pending(self) -> None:
        for answer in self.pending.values():
            if not answer.done():
                answer.set_exception(SocketNotConnected())


class Sockets:
    """The open connections, up to `max_connections`. Each envelope goes to the next one in turn."""

    def __init__(self, app_id: str, changes: Changes) -> None:
        self._app_id = app_id
        self._changes = changes
        self._tickets: set[str] = set()
        self._open: list[_Connection] = []
        self._round_robin = itertools.count()
        self.max_connections = MAX_CONNECTIONS

    @property
    def connected(self) -> int:
        """The number of connections that are ready for deliveries."""
        return len(self._ready_connections())

    def _ready_connections(self) -> list[_Connection]:
        return [one for one in self._open if one.is_ready]

    def new_ticket(self) -> str:
        """Make a ticket, which opens one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends. An unknown ticket gets 404."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        self._tickets.discard(ticket)
        connection = _Connection(request)
        await connection.socket.prepare(request)
        if len(self._open) >= self.max_connections:
            await connection.socket.send_json(_disconnect("too_many_websockets"))
            await connection.socket.close()
        else:
            await self._listen(connection)
        return connection.socket

    async def _listen(self, connection: _Connection) -> None:
        self._open.append(connection)
        try:
            await connection.socket.send_json(self._hello())
            connection.is_ready = True
            self._changes.publish("connection", self.connected)
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    connection.acknowledge(message.data)
        finally:
            self._forget(connection)

    def _forget(self, connection: _Connection) -> None:
        connection.fail_pending()
        if connection in self._open:
            self._open.remove(connection)
            self._changes.publish("connection", self.connected)

    def _hello(self) -> Payload:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }

    async def deliver(self, kind: DeliveryKind, payload: Payload, retry: tuple[int, str] | None = None) -> Any:
        """Send an envelope and wait for its ack. Returns the ack's payload or None. Raises `SocketNotConnected`."""
        ready = self._ready_connections()
        if not ready:
            raise SocketNotConnected
        connection = ready[next(self._round_robin) % len(ready)]
        number = str(uuid.uuid4())
        envelope: Payload = {"envelope_id": number, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind in _WITH_PAYLOAD
        if kind == "events_api":
            envelope["retry_attempt"], envelope["retry_reason"] = retry or (0, "")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.pending[number] = answer
        try:
            await connection.socket.send_json(envelope)
            return await answer
        except ConnectionError:
            raise SocketNotConnected from None
        finally:
            del connection.pending[number]
            answer.cancel()

    async def disconnect(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Send a disconnect message to every connection, and close it unless the reason is `warning`."""
        for connection in list(self._open):
            await connection.socket.send_json(_disconnect(reason))
            if reason != "warning":
                self._forget(connection)
                await connection.socket.close()

    def break_all(self) -> None:
        """Break every connection without a message."""
        for connection in list(self._open):
            self._forget(connection)
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def stop(self) -> None:
        self._tickets.clear()
        for connection in list(self._open):
            self._forget(connection)
            await connection.socket.close(code=1001)


def _disconnect(reason: DisconnectReason) -> Payload:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
