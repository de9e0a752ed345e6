"""The two emulators and the bot together, on loopback and in a temporary directory."""

from __future__ import annotations

import secrets
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.clock import Clock
from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import SlackWorkspace


class World:
    """An emulated workspace, an emulated Onetime Secret, and the bot between them. `stop` removes everything.

    `mode` is how Slack reaches the bot: signed HTTP or Socket Mode. `settings` replace settings of the bot. With
    `own_clock` the bot follows `clock` too, as clock.py describes; else the bot has the machine's time.
    """

    def __init__(
        self,
        *,
        mode: Literal["http", "socket"] = "http",
        version: str = "0.26",
        workspace: SlackWorkspace | None = None,
        onetime: OnetimeServer | None = None,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] = ("-m", "bot", "run"),
        own_clock: bool = False,
    ) -> None:
        self.mode = mode
        self._directory = tempfile.TemporaryDirectory(prefix="ots-bot-")
        self.directory = Path(self._directory.name)
        self.clock = Clock(self.directory / "clock")
        self.workspace = workspace or SlackWorkspace(clock=self.clock.now)
        self.onetime = onetime or OnetimeServer(version, clock=self.clock.now)
        self.encryption_key = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        self._extra_settings = dict(settings or {})
        self._command = command
        if own_clock:
            self._command = ("-m", "bot.sandbox.clocked_bot", str(self.directory / "clock"), "run")
        self.bot = BotProcess({}, self._command)  # started by `start`

    async def start(self, *, slack_port: int = 0, onetime_port: int = 0) -> Self:
        await self.onetime.start(onetime_port)
        await self.workspace.start(slack_port)
        await self.start_bot()
        return self

    async def start_bot(self, **settings: str) -> None:
        """Start the bot, or start it again, on the same database."""
        self.bot = BotProcess(self.settings() | settings, self._command)
        await self.bot.start()
        if self.mode == "http":
            self.workspace.connect_http(f"http://127.0.0.1:{self.bot.port}/slack/events")

    def settings(self) -> dict[str, str]:
        workspace = self.workspace
        slack = {"SLACK_SIGNING_SECRET": workspace.signing_secret} if self.mode == "http" else {}
        slack |= {"SLACK_APP_TOKEN": workspace.app_token} if self.mode == "socket" else {}
        return {
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_API_URL": workspace.api_url,
            **slack,
            "DATABASE_URL": f"sqlite:///{self.directory}/bot.db",
            "ENCRYPTION_KEYS": f"k1:{self.encryption_key}",
            "ONETIME_HOSTS": self.onetime.url,
            "ONETIME_DEFAULT_HOST": self.onetime.url,
            "PORT": "0",
            **self._extra_settings,
        }

    async def stop(self) -> None:
        try:
            await self.bot.stop()
        finally:
            await self.workspace.stop()
            await self.onetime.stop()
            self._directory.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
