"""Bolt's app, and the front behind it as its last middleware.

Bolt's cost grows with every listener, and a listener's default is to look for the answer in sleeps of 10 ms. A
middleware that answers has neither: the answer leaves when it returns.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.request.payload_utils import is_action, is_slash_command, is_view_closed, is_view_submission
from slack_bolt.response import BoltResponse

from bot.secret import Secret
from bot.slack.dispatcher import Dispatcher, make_apology
from bot.slack.web import SlackClient, quiet_logger
from bot.slack.workspace import Workspace

SlackApp = AsyncApp

# Bolt reads these by itself, and would warn of a second token or switch to OAuth. What we need we have read.
READ_BY_BOLT = ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")


def make_app(
    dispatcher: Dispatcher, slack: SlackClient, workspace: Workspace, signing_secret: Secret | None
) -> AsyncApp:
    for name in READ_BY_BOLT:
        os.environ.pop(name, None)

    app = AsyncApp(
        name="ots-bot",
        client=slack.client_without_token(),
        authorize=_WorkspaceAuthorize(workspace),
        # Bolt takes an empty secret for none and then reads the environment; Socket Mode checks no signatures.
        signing_secret=signing_secret.reveal() if signing_secret else "not used in Socket Mode",
        process_before_response=True,
        logger=quiet_logger(),
        attaching_function_token_enabled=False,
    )
    app.use(_ToDispatcher(dispatcher))
    app.error(_log_without_values)
    return app


class _ToDispatcher(AsyncMiddleware):
    """Hands each kind of payload that people cause to the front; what else comes, Bolt answers."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt names the arguments
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - as above
    ) -> BoltResponse | None:
        ack, body = req.context.ack, req.body
        if is_slash_command(body):
            await self._dispatcher.on_command(ack, body)
        elif is_action(body):
            await self._dispatcher.on_action(ack, body)
        elif is_view_submission(body):
            await self._dispatcher.on_form(ack, body, req.context)
        elif is_view_closed(body):
            await self._dispatcher.on_closed(ack, body)
        else:
            return await next()
        return ack.response


class _WorkspaceAuthorize(AsyncAuthorize):
    """Which workspace it is was asked at the start. Bolt calls this as it is; for a function it collects arguments."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def __call__(self, **_about: object) -> AuthorizeResult:
        return self._workspace.authorized


async def _log_without_values(error: Exception) -> Any:
    """Bolt's own handler prints the request; this one prints where it happened."""
    make_apology(error)
    return BoltResponse(status=500, body="")
