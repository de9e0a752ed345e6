"""The workspaces and organisations that the app is installed in. Slack is not asked who we are for each request."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

from bot.errors import CannotStart, CannotStartYet, SlackError
from bot.secret import Secret
from bot.slack.web import SlackClient

NOT_INSTALLED = "team_not_installed"  # our own code beside those of Slack's

_NOT_SLACK = frozenset({"http_404", "http_405", "http_410", "unknown_method"})  # a server without Slack's methods
_PASSING = frozenset({"org_login_required", "team_added_to_org"})  # the workspace is being moved into an organisation
APP_ID_WITHIN = 5.0  # seconds that the start waits for the id of our app

_APP_TOKEN = re.compile(r"xapp-[0-9]+-(A[A-Z0-9]+)-")  # the id of the app is part of it


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace or organisation that the app is installed in, and the Web API by its token."""

    slack: SlackClient
    team_id: str | None  # None: an organisation's
    enterprise_id: str | None  # None outside Enterprise Grid
    bot_id: str | None
    bot_user_id: str | None
    is_revoked: bool = False  # Slack takes its token no more; what the workspace has here is not erased yet

    def is_itself(self, user_id: str, bot_id: str | None) -> bool:
        """Whether this user or this bot is the bot itself."""
        return user_id == self.bot_user_id or (bot_id is not None and bot_id == self.bot_id)


class Workspaces(ABC):
    """Finds the installation that a payload came from or a message goes to."""

    @abstractmethod
    async def find(self, install_team: str | None) -> Workspace | None:
        """The installation for the workspace or organisation with this id; None where the app is not installed.

        An `install_team` of None is what a payload leaves out. Raises `StorageUnavailable`, `SlackError`.
        """

    @abstractmethod
    def is_our_app(self, app_id: object) -> bool:
        """Whether a payload with this `api_app_id` is for our app. True if it names none, or ours is not known."""

    @abstractmethod
    async def note_member(self, team_id: str, enterprise_id: str) -> None:
        """This workspace is one of that organisation's, so that a message to it can go out by its installation.

        Raises `StorageUnavailable`.
        """

    @abstractmethod
    async def still_installed(self, install_team: str) -> bool:
        """Whether Slack takes our token there, after it said that the app was removed.

        False where only the database can say whether the app was installed again. Raises `SlackError` if Slack is away.
        """

    @abstractmethod
    def forget(self, install_team: str) -> None:
        """Read this installation again before it is used: it has changed."""

    async def require(self, install_team: str | None) -> Workspace:
        """As `find`. Raises `SlackError` where the app is not installed, or its token was revoked."""
        found = await self.find(install_team)
        if found is None or found.is_revoked:
            raise SlackError("client", NOT_INSTALLED)
        return found

    async def client_of(self, install_team: str | None) -> SlackClient:
        """The Web API with the token of this workspace or organisation. Raises as `require` does."""
        return (await self.require(install_team)).slack


class OneWorkspace(Workspaces):
    """The one workspace (or organisation) that the bot token in the settings belongs to."""

    def __init__(self, slack: SlackClient, app_token: Secret | None = None) -> None:
        self._slack = slack
        named = _APP_TOKEN.match(app_token.reveal()) if app_token else None
        self._app_ids = {named[1]} if named else set[str]()  # of our app; empty: not known
        self._workspace: Workspace | None = None
        self._org_wide = False

    async def load(self) -> None:
        """Ask Slack who we are. Raises `CannotStart` when Slack refuses the token, `CannotStartYet` when it is away."""
        try:
            said = await self._slack.who_am_i()
        except SlackError as error:
            raise _cannot_start(error) from None
        self._org_wide = bool(said.get("is_enterprise_install"))
        await self._find_app_id(said.get("bot_id"))
        self._workspace = Workspace(
            self._slack, said.get("team_id"), said.get("enterprise_id"), said.get("bot_id"), said.get("user_id")
        )

    async def _find_app_id(self, bot_id: str | None) -> None:
        """Without an answer the id stays unknown, and what names another app is taken for ours."""
        try:
            async with asyncio.timeout(APP_ID_WITHIN):
                app_id = await self._slack.find_app_id(bot_id) if bot_id else None
        except (SlackError, TimeoutError):
            return
        self._app_ids |= {app_id} if app_id else set()

    async def find(self, install_team: str | None) -> Workspace | None:
        known = self._workspace
        if known is None or not (self._org_wide or install_team is None or install_team == known.team_id):
            return None
        return known

    async def note_member(self, team_id: str, enterprise_id: str) -> None:
        """There is one installation, so every message goes out by it."""

    async def still_installed(self, install_team: str) -> bool:
        if await self.find(install_team) is None:
            return True  # it is none of ours to erase
        try:
            await self._slack.who_am_i()
        except SlackError as error:
            if error.about == "workspace" and error.code not in _PASSING:
                return False
            raise
        return True

    def forget(self, install_team: str) -> None:
        """It is read once, at the start: the operator installs it again by another token in the settings."""

    def is_our_app(self, app_id: object) -> bool:
        return not self._app_ids or not isinstance(app_id, str) or not app_id or app_id in self._app_ids


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
