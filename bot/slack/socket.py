"""Slack over Socket Mode: the same app behind a WebSocket that we open, for where nothing can reach us."""

from __future__ import annotations

import asyncio
from time import time
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.secret import Secret
from bot.slack.web import quiet_logger


class Socket(AsyncSocketModeHandler):
    """Bolt's handler, which also says when an answer has been sent."""

    def __init__(self, app: AsyncApp, app_token: Secret) -> None:
        super().__init__(app, app_token.reveal(), logger=quiet_logger(), web_client=app.client)

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        started = time()
        delivered = asyncio.Event()
        said = await self.app.async_dispatch(
            AsyncBoltRequest(
                mode="socket_mode", body=req.payload, headers=build_headers(req), context={"delivered": delivered}
            )
        )
        try:
            await send_async_response(client, req, said, started)
        finally:
            delivered.set()
