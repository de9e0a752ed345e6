"""Slack over Socket Mode: the app behind a WebSocket that the bot opens, for networks that let nothing in."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.connection_failures import explain_connection_failure
from bot.errors import CannotStart, SlackError
from bot.logs import Log
from bot.secret import Secret
from bot.slack.app import to_bolt
from bot.slack.web import TIMEOUT, SlackClient, quiet_logger
from bot.slack_codes import classify

PING_INTERVAL = 5.0  # seconds; a connection that does not answer is noticed within twice as many
MIN_RETRY_DELAY, MAX_RETRY_DELAY = 1.0, 60.0  # seconds; doubled with each try, and up to half of it left out at random
LAST_ANSWERS = 2.5  # seconds at shutdown for answers that are under way
MAX_FIRST_DELAY = 0.5  # seconds, at random: Slack may send all connections away at once
MAX_ACK_WAIT = 3.0  # seconds that Slack waits for an acknowledgement
SETTLED = 30.0  # seconds after which a connection counts as one that works: then the next delay is the shortest again
NO_PERMISSION = "no_permission"  # of an app-level token; elsewhere it may be about a conversation
FIX_TOKEN = (
    "make one with the scope connections:write under “Basic Information”, “App-Level Tokens”, and copy all of it "
    "(xapp-…)"
)
FIX_NETWORK = "Check the network, SLACK_API_URL and HTTPS_PROXY."

log = Log("socket")


class SocketConnection(SocketModeClient):
    """slack_sdk's connection, which hands requests to Bolt and sets `delivered` when an answer was sent.

    Unlike slack_sdk's it takes a new address for each try, waits longer after each failure, and says what failed.
    """

    def __init__(self, app: AsyncApp, slack: SlackClient, app_token: Secret) -> None:
        super().__init__(app_token="", logger=quiet_logger(), web_client=app.client, ping_interval=PING_INTERVAL)
        self._app = app
        self._slack = slack
        self._app_token = app_token
        self._tries = 0  # since a connection settled
        self._made_at: float | None = None  # by `time.monotonic`, like the next one
        self._connected_until = time.monotonic()
        self._failure = ""
        self._answering: set[asyncio.Future[None]] = set()  # to requests of Slack's
        self.socket_mode_request_listeners.append(self._answer)

    async def start(self) -> None:
        """Connect, retrying while Slack cannot be reached. Raises `CannotStart` when Slack refuses the app token."""
        await self.aiohttp_client_session.close()
        self.aiohttp_client_session = self._slack.new_session()
        try:
            await self._connect_once()
        except SlackError as error:
            if _is_refused(error):
                raise CannotStart(_explain(error)) from None
            self._note(error)
            await self.connect()

    async def find_failure(self) -> str | None:
        """Since when and why there is no connection, with the fix; None while there is one."""
        if await self.is_connected():
            return None
        gone = round(time.monotonic() - self._connected_until)
        return f"no connection to Slack for {gone} s. {self._failure}".strip()

    async def is_connected(self) -> bool:
        connected = await super().is_connected()
        if connected:
            self._connected_until = time.monotonic()
        return connected

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - slack_sdk's
        known = self.current_session
        async with self.connect_operation_lock:
            if self.current_session is known and (force or not await self.is_connected()):
                await self.connect()

    async def connect(self) -> None:
        """Connect, however often it fails."""
        is_settled = self._made_at is not None and time.monotonic() - self._made_at >= SETTLED
        self._tries = 0 if is_settled else self._tries + 1
        while not self.closed:
            await asyncio.sleep(self._delay())
            try:
                await self._connect_once()
            except SlackError as error:
                self._tries += 1
                self._note(error)
            else:
                return

    def _delay(self) -> float:
        if self._tries == 0:
            return random.uniform(0.0, MAX_FIRST_DELAY)  # noqa: S311 - as below
        most = min(MIN_RETRY_DELAY * 2.0 ** min(self._tries - 1, 10), MAX_RETRY_DELAY)
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - so that processes do not come all at once

    async def _connect_once(self) -> None:
        """Take the place of the connection that there is. Raises `SlackError`."""
        self.auto_reconnect_enabled = False
        if self.current_session is not None:
            if not self.current_session.closed:  # Slack gives notice before it closes a connection
                await self._let_answers_leave(MAX_ACK_WAIT)
            with suppress(aiohttp.ClientError, OSError):  # it may be broken
                await self.current_session.close()
        url = await self._slack.open_socket(self._app_token)
        try:
            async with asyncio.timeout(TIMEOUT):
                session = await self.aiohttp_client_session.ws_connect(
                    url.reveal(), autoping=False, heartbeat=self.ping_interval
                )
                await session.ping(f"sdk-ping-pong:{time.time()}".encode())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            why = explain_connection_failure(error)
            raise SlackError("Socket Mode", "connection", why=why) from None
        if self._failure:
            log.info("socket_connected", ms=round((time.monotonic() - self._connected_until) * 1000))
        self._failure, self._made_at, self._connected_until = "", time.monotonic(), time.monotonic()
        self.current_session, self.stale, self.last_ping_pong_time = session, False, None
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled
        # The tasks of the connection before may be the one that runs this: nothing is awaited from here on.
        for task in (self.current_session_monitor, self.message_receiver):
            if task is not None:
                task.cancel()
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    def _note(self, error: SlackError) -> None:
        self._failure = _explain(error)
        log.warning("socket_not_connected", error=str(error), reason=self._failure)

    async def close(self) -> None:
        """Close the connection when the answers that are under way were sent: a form's may take FORM_DEADLINE."""
        await self._let_answers_leave(LAST_ANSWERS)
        await super().close()  # type: ignore[no-untyped-call]

    async def _let_answers_leave(self, seconds: float) -> None:
        """Wait until the answers that are under way were sent, so many seconds at most."""
        stop_at = time.monotonic() + seconds
        while self._answering and (left := stop_at - time.monotonic()) > 0:
            await asyncio.wait(self._answering.copy(), timeout=left)

    async def _answer(self, client: Any, request: SocketModeRequest) -> None:
        answering = asyncio.ensure_future(self._answer_one(client, request))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        await answering

    async def _answer_one(self, client: Any, request: SocketModeRequest) -> None:
        started = time.time()
        delivered = asyncio.Event()
        said = await self._app.async_dispatch(to_bolt(request.payload, delivered))
        try:
            await send_async_response(client, request, said, started)
        finally:
            delivered.set()


def _is_refused(error: SlackError) -> bool:
    """Whether Slack refuses the app token, or the app: no later try succeeds until an operator acts."""
    return error.code == NO_PERMISSION or classify(error.code) == "workspace"


def _explain(error: SlackError) -> str:
    if _is_refused(error):
        return f"SLACK_APP_TOKEN was not accepted by Slack ({error.code}): {FIX_TOKEN}."
    return f"Slack could not be reached ({error}). {FIX_NETWORK}"
