"""Bolt's app, with the dispatcher as its last middleware.

Bolt's cost grows with each listener, and by default a listener polls for the answer in sleeps of 10 ms. A middleware
that answers avoids both: the answer leaves when the middleware returns.

What Bolt would look for in every request is switched off, because it was looked for before: http.py checks the
signature and answers ssl_check and url_verification, and the dispatcher ignores events that the bot caused itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.dispatcher import Dispatcher, make_apology
from bot.slack.payloads import JsonObject
from bot.slack.web import SlackClient, quiet_logger

SlackApp = AsyncApp

# Bolt reads these from the environment, and would warn of a second token or switch to OAuth. Our settings are read
# before.
READ_BY_BOLT = ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")


def make_app(dispatcher: Dispatcher, slack: SlackClient) -> AsyncApp:
    for name in READ_BY_BOLT:
        os.environ.pop(name, None)

    app = AsyncApp(
        name="ots-bot",
        client=slack.client_without_token(),
        authorize=_NoAuthorize(),  # type: ignore[no-untyped-call]
        signing_secret="-",  # noqa: S106 - not used, but without one Bolt reads the environment
        process_before_response=True,
        logger=quiet_logger(),
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.use(_ToDispatcher(dispatcher))
    app.error(_log_without_values)
    return app


def to_bolt(payload: JsonObject, delivered: asyncio.Event) -> AsyncBoltRequest:
    """The request as Bolt gets it: without a body, because Bolt would read fields of any type, and fail on some."""
    return AsyncBoltRequest(mode="socket_mode", body={}, context={"payload": payload, "delivered": delivered})


class _ToDispatcher(AsyncMiddleware):
    """Hands every payload to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt names the arguments
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002, ARG002 - Bolt names the arguments
    ) -> BoltResponse | None:
        ack = req.context.ack
        await self._dispatcher.dispatch(ack, req.context["payload"], req.context["delivered"])
        return ack.response or BoltResponse(status=503, body="")  # not acknowledged: Slack sends it again


class _NoAuthorize(AsyncAuthorize):
    """Bolt asks at every request for a token, and uses none here: the dispatcher finds the workspace itself.

    Bolt names the arguments.
    """

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,  # noqa: ARG002
        enterprise_id: str | None,  # noqa: ARG002
        team_id: str | None,  # noqa: ARG002
        user_id: str | None,  # noqa: ARG002
        actor_enterprise_id: str | None = None,  # noqa: ARG002
        actor_team_id: str | None = None,  # noqa: ARG002
        actor_user_id: str | None = None,  # noqa: ARG002
    ) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="-")  # noqa: S106 - in place of a token


async def _log_without_values(error: Exception) -> Any:
    """Bolt's own handler logs the request. This one logs only the type of the error and its place in the code."""
    make_apology(error)
    return BoltResponse(status=500, body="")
