"""Bolt's app: one listener for each kind of payload, and the front behind it.

Bolt's cost grows with every listener, so there is one that takes all of a kind. With `process_before_response` the
answer leaves when the listener returns; Bolt's default waits for it in sleeps of 10 ms.
"""

from __future__ import annotations

import os
import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.secret import Secret
from bot.slack.front import Front, apology
from bot.slack.web import Slack, quiet_logger
from bot.slack.workspace import Workspace

App = AsyncApp

ANY = re.compile("")

# Bolt reads these by itself, and would warn of a second token or switch to OAuth. What we need we have read.
READ_BY_BOLT = ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET")


def make_app(front: Front, slack: Slack, workspace: Workspace, signing_secret: Secret | None) -> AsyncApp:
    for name in READ_BY_BOLT:
        os.environ.pop(name, None)

    # Bolt reads the parameters' names, so this is no method.
    async def authorize() -> AuthorizeResult:
        return workspace.authorized

    app = AsyncApp(
        name="ots-bot",
        client=slack.client_without_token(),
        authorize=authorize,
        # Bolt takes an empty secret for none and then reads the environment; Socket Mode checks no signatures.
        signing_secret=signing_secret.reveal() if signing_secret else "not used in Socket Mode",
        process_before_response=True,
        logger=quiet_logger(),
        attaching_function_token_enabled=False,
    )
    app.command(ANY)(front.on_command)
    app.action(ANY)(front.on_action)
    app.view_submission(ANY)(front.on_form)
    app.view_closed(ANY)(front.on_closed)
    app.error(_log_without_values)
    return app


async def _log_without_values(error: Exception) -> Any:
    """Bolt's own handler prints the request; this one prints where it happened."""
    apology(error)
    return BoltResponse(status=500, body="")
