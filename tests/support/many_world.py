"""The bot between an emulated Slack of several workspaces, which install it by OAuth, and an emulated Onetime Secret."""

from __future__ import annotations

import secrets
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.clock import Clock
from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import SlackPlatform, SlackWorkspace
from bot.sandbox.slack.slack_platform import CLIENT_ID, CLIENT_SECRET


class Browser:
    """Keeps cookies, as a browser does, and follows no redirect by itself."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    async def get(self, url: str) -> tuple[int, str, str]:
        """Status, text and the address of a redirect."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, headers=headers if self.cookies else {}, allow_redirects=False) as answer,
        ):
            self.cookies |= {name: cookie.value for name, cookie in answer.cookies.items()}
            return answer.status, await answer.text(), answer.headers.get("Location", "")


class ManyWorld:
    """`settings` replace settings of the bot."""

    def __init__(
        self,
        workspaces: list[SlackWorkspace],
        *,
        rotation: bool = False,
        settings: dict[str, str] | None = None,
        database_url: str | None = None,
        mode: str = "http",
        command: Sequence[str] = ("-m", "bot", "run"),
    ) -> None:
        self._mode = mode
        self._command = command
        self._folder = tempfile.TemporaryDirectory(prefix="ots-bot-")
        self.directory = Path(self._folder.name)
        self.clock = Clock(self.directory / "clock")
        self.platform = SlackPlatform(workspaces, self.clock.now, rotation=rotation)
        self.onetime = OnetimeServer("0.26", clock=self.clock.now)
        self.database_url = database_url or f"sqlite:///{self.directory}/bot.db"
        self._key = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        self._settings = settings or {}
        self.bot = BotProcess({})

    async def __aenter__(self) -> Self:
        await self.onetime.start()
        await self.platform.start()
        await self.start_bot()
        return self

    async def start_bot(self, **settings: str) -> None:
        """Start the bot, or start it again, on the same database."""
        self.bot = BotProcess(self.settings() | settings, self._command)
        await self.bot.start()
        self.platform.redirect_url = f"{self.url}/slack/oauth_redirect"
        for workspace in self.platform.workspaces:
            workspace.connect_http(f"{self.url}/slack/events")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.bot.stop()
        finally:
            await self.platform.stop()
            await self.onetime.stop()
            self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.bot.port}"

    def settings(self) -> dict[str, str]:
        return {
            "SLACK_CLIENT_ID": CLIENT_ID,
            "SLACK_CLIENT_SECRET": CLIENT_SECRET,
            **self._transport(),
            "SLACK_API_URL": self.platform.api_url,
            "DATABASE_URL": self.database_url,
            "ENCRYPTION_KEYS": f"k1:{self._key}",
            "ONETIME_HOSTS": self.onetime.url,
            "ONETIME_DEFAULT_HOST": self.onetime.url,
            "PORT": "0",
            **self._settings,
        }

    def _transport(self) -> dict[str, str]:
        first = self.platform.workspaces[0]
        if self._mode == "socket":
            return {"SLACK_APP_TOKEN": first.app_token}
        return {"SLACK_SIGNING_SECRET": first.signing_secret}

    async def install(self, workspace: SlackWorkspace, user: str = "U0ADA") -> tuple[int, str]:
        """Somebody installs the app in a browser. Returns the status and the text of the last page."""
        browser = Browser()
        _, _, authorize = await browser.get(f"{self.url}/slack/install")
        status, text, _ = await browser.get(self.platform.allow(authorize, workspace, user))
        return status, text
