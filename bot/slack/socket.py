"""Slack over Socket Mode: the app behind a WebSocket that the bot opens, for networks that let nothing in."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import time
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.errors import CannotStart
from bot.secret import Secret
from bot.slack.app import to_bolt
from bot.slack.web import quiet_logger
from bot.slack_codes import classify

NO_PERMISSION = "no_permission"  # of an app-level token; elsewhere it may be about a conversation


class SocketModeHandler(AsyncSocketModeHandler):
    """Bolt's handler, which also sets `delivered` when an answer was sent."""

    def __init__(self, app: AsyncApp, app_token: Secret) -> None:
        super().__init__(app, app_token.reveal(), logger=quiet_logger(), web_client=app.client)

    async def start(self) -> None:
        """Connect, retrying while Slack cannot be reached. Raises `CannotStart` when Slack refuses the app token."""
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            try:
                said = await self.app.client.apps_connections_open(app_token=self.app_token)
            except SlackApiError as error:
                _refuse(str(error.response.get("error")))
            else:
                self.client.wss_uri = said.get("url")
        await self.connect_async()  # type: ignore[no-untyped-call]

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        started = time()
        delivered = asyncio.Event()
        said = await self.app.async_dispatch(to_bolt(req.payload, delivered))
        try:
            await send_async_response(client, req, said, started)
        finally:
            delivered.set()


def _refuse(code: str) -> None:
    """Raise `CannotStart` for an error that does not go away: slack_sdk would retry for ever and log nothing."""
    if code == NO_PERMISSION or classify(code) == "workspace":
        raise CannotStart(
            f"SLACK_APP_TOKEN was not accepted by Slack ({code}): make one with the scope connections:write "
            "under “Basic Information”, “App-Level Tokens”, and copy all of it (xapp-…)."
        ) from None
