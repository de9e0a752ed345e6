"""The workspace and the app that the bot token belongs to. Slack is asked once at the start, not for each request."""

from __future__ import annotations

import asyncio
import re

from slack_bolt.authorization import AuthorizeResult

from bot.errors import CannotStart, CannotStartYet, SlackError
from bot.secret import Secret
from bot.slack.web import SlackClient

_NOT_SLACK = frozenset({"http_404", "http_405", "http_410", "unknown_method"})  # a server without Slack's methods
_PASSING = frozenset({"org_login_required", "team_added_to_org"})  # the workspace is being moved into an organisation
APP_ID_WITHIN = 5.0  # seconds that the start waits for the id of our app

_APP_TOKEN = re.compile(r"xapp-[0-9]+-(A[A-Z0-9]+)-")  # the id of the app is part of it


class Workspace:
    """The one workspace (or organisation) that the bot token belongs to."""

    def __init__(self, slack: SlackClient, token: Secret, app_token: Secret | None = None) -> None:
        self._slack = slack
        self._token = token
        named = _APP_TOKEN.match(app_token.reveal()) if app_token else None
        self._app_ids = {named[1]} if named else set[str]()  # of our app; empty: not known
        self._result: AuthorizeResult | None = None
        self.team_id: str | None = None  # None for an organisation's install
        self.enterprise_id: str | None = None
        self._org_wide = False

    @property
    def is_known(self) -> bool:
        return self._result is not None

    async def load(self) -> None:
        """Ask Slack who we are. Raises `CannotStart` when Slack refuses the token, `CannotStartYet` when it is away."""
        try:
            said = await self._slack.who_am_i()
        except SlackError as error:
            raise _cannot_start(error) from None
        self.team_id = said.get("team_id")
        self.enterprise_id = said.get("enterprise_id")
        self._org_wide = bool(said.get("is_enterprise_install"))
        await self._find_app_id(said.get("bot_id"))
        self._result = AuthorizeResult(
            enterprise_id=self.enterprise_id,
            team_id=self.team_id,
            bot_id=said.get("bot_id"),
            bot_user_id=said.get("user_id"),
            bot_token=self._token.reveal(),
        )

    async def _find_app_id(self, bot_id: str | None) -> None:
        """Without an answer the id stays unknown, and what names another app is taken for ours."""
        try:
            async with asyncio.timeout(APP_ID_WITHIN):
                app_id = await self._slack.find_app_id(bot_id) if bot_id else None
        except (SlackError, TimeoutError):
            return
        self._app_ids |= {app_id} if app_id else set()

    def client_of(self, team_id: str | None) -> SlackClient:
        """The Web API with the token of this workspace; None means the organisation's install.

        Raises `SlackError` where the app is not installed.
        """
        if not self.is_ours(team_id):
            raise SlackError("client", "team_not_installed")
        return self._slack

    def is_ours(self, install_team: str | None) -> bool:
        """Whether the app is installed in this workspace; None means the organisation's install."""
        return self._org_wide or install_team is None or install_team == self.team_id

    def is_our_app(self, app_id: object) -> bool:
        """Whether a payload with this `api_app_id` is for our app. True if it names none, or ours is not known."""
        return not self._app_ids or not isinstance(app_id, str) or not app_id or app_id in self._app_ids

    def is_itself(self, user_id: str, bot_id: str | None) -> bool:
        """Whether this user or this bot is the bot itself."""
        known = self._result
        if known is None:
            return False
        return user_id == known.bot_user_id or (bot_id is not None and bot_id == known.bot_id)

    @property
    def authorized(self) -> AuthorizeResult:
        """The answer to Bolt, which asks for this at every request. Known after `load`."""
        assert self._result is not None
        return self._result


def _cannot_start(error: SlackError) -> CannotStart:
    if error.code in _NOT_SLACK:
        return CannotStart(f"SLACK_API_URL is not the address of Slack's Web API ({error}).")
    if error.about == "workspace" and error.code not in _PASSING:
        return CannotStart(
            f"SLACK_BOT_TOKEN was not accepted by Slack ({error.code}): copy it again from “OAuth & Permissions”."
        )
    return CannotStartYet(
        f"Slack could not be reached ({error}). Check the network and SLACK_API_URL.", wait=error.retry_after or 0.0
    )
