"""Sends deliveries to the app: as signed HTTP requests, or over Socket Mode while the app is connected there.

Source: docs.slack.dev/authentication/verifying-requests-from-slack, docs.slack.dev/apis/events-api.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.model import Payload
from bot.sandbox.slack.records import AppDelivery, DeliveryKind, WorkspaceRecords
from bot.sandbox.slack.sockets import SocketNotConnected, Sockets

ACK_WITHIN = 3.0  # seconds
COMMAND: Final = "slash_commands"
INTERACTION: Final = "interactive"
EVENT: Final = "events_api"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The v0 signature of a request body, as Slack makes it."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def encode(kind: DeliveryKind, payload: Payload) -> tuple[bytes, str]:
    """The request body and the content type of a delivery of that kind."""
    if kind == EVENT:
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == COMMAND else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


class Deliverer:
    """Sends one delivery at a time and waits `ack_within` seconds for the answer.

    `ack_within` and `request_url` can be changed at any time.
    """

    ack_within = ACK_WITHIN

    def __init__(
        self, *, secret: str, clock: Callable[[], float], sockets: Sockets, records: WorkspaceRecords, changes: Changes
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._sockets = sockets
        self._records = records
        self._changes = changes
        self._session: aiohttp.ClientSession | None = None
        self.request_url: str | None = None

    def connect(self, request_url: str) -> None:
        """Set the `request_url`. Raises `ValueError` for a URL that is not on this machine."""
        host = urlsplit(request_url).hostname or ""
        if host != "localhost" and not _is_loopback(host):
            raise ValueError("the sandbox delivers to loopback only")
        self.request_url = request_url

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        kind: DeliveryKind,
        payload: Payload,
        *,
        headers_override: Mapping[str, str] | None = None,
        signed: bool = True,
        retry: tuple[int, str] | None = None,
    ) -> AppDelivery:
        """Send a payload and wait for the answer. Errors are stored in the delivery; nothing is raised.

        `retry` is the number (1 to 3) and the reason of a retry of an event.
        """
        delivery = AppDelivery(kind, payload)
        if self._sockets.connected and headers_override is None and signed:
            await self._send_within_limit(delivery, self._send_socket(delivery, retry))
        else:
            delivery.body, content_type = encode(kind, payload)
            delivery.headers = self._headers(delivery.body, content_type, retry, signed=signed)
            for name, value in (headers_override or {}).items():
                delivery.headers = {
                    other: header for other, header in delivery.headers.items() if other.lower() != name.lower()
                }
                delivery.headers[name] = value
            await self._send_within_limit(delivery, self._send_http(delivery))
        return delivery

    async def replay(self, delivery: AppDelivery) -> AppDelivery:
        """Send a request again with the same body, time stamp and signature."""
        again = AppDelivery(delivery.kind, delivery.payload, body=delivery.body, headers=dict(delivery.headers))
        if delivery.via == "socket":
            await self._send_within_limit(again, self._send_socket(again, None))
        else:
            await self._send_within_limit(again, self._send_http(again))
        return again

    def _headers(
        self, body: bytes, content_type: str, retry: tuple[int, str] | None, *, signed: bool
    ) -> dict[str, str]:
        headers = {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept": "application/json,*/*",
            "Content-Type": content_type,
        }
        if signed:
            timestamp = str(int(self._clock()))
            headers["X-Slack-Request-Timestamp"] = timestamp
            headers["X-Slack-Signature"] = sign(self._secret, timestamp, body)
        if retry is not None:
            headers["X-Slack-Retry-Num"], headers["X-Slack-Retry-Reason"] = str(retry[0]), retry[1]
        return headers

    async def _send_within_limit(self, delivery: AppDelivery, exchange: Any) -> None:
        self._records.deliveries.append(delivery)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.ack_within):
                await exchange
        except TimeoutError:
            delivery.error = "operation_timeout"
        except (aiohttp.ClientError, SocketNotConnected, OSError):
            delivery.error = "dispatch_failed"
        delivery.seconds = time.perf_counter() - started
        self._changes.publish("delivery", delivery)

    async def _send_http(self, delivery: AppDelivery) -> None:
        if self.request_url is None or self._session is None:
            raise SocketNotConnected
        delivery.via = "http"
        async with self._session.post(
            self.request_url, data=delivery.body, headers=delivery.headers, allow_redirects=False
        ) as response:
            raw = (await response.read()).decode("utf-8", "replace")
            delivery.status = response.status
            delivery.answer = _parse_answer(raw, response.content_type)
        is_accepted = delivery.status == 200 or (delivery.kind == EVENT and 200 <= delivery.status < 300)
        if not is_accepted:
            delivery.error = "http_service_error" if delivery.status >= 500 else "http_client_error"

    async def _send_socket(self, delivery: AppDelivery, retry: tuple[int, str] | None) -> None:
        delivery.via = "socket"
        answer = await self._sockets.deliver(delivery.kind, delivery.payload, retry)
        delivery.status, delivery.answer = 200, answer or None


def _parse_answer(raw: str, content_type: str) -> Any:
    if not raw.strip():
        return None
    if content_type == "application/json" or raw.lstrip().startswith("{"):
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    return raw


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
