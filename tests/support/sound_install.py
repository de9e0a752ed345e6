"""An installation that the doctor finds nothing wrong with: emulators, a key file, a settings file. Tests break it."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.world import World
from bot.storage.sealing.keyring import generate_line
from tests.contract.upgrade.emulators import run_bot
from tests.support.postgres import free_port


@dataclass
class Install:
    """The settings go into a file of its own, and the doctor runs as a process."""

    world: World
    folder: Path
    canaries: list[str]
    stack: AsyncExitStack
    settings: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)

    @property
    def key_file(self) -> Path:
        return self.folder / "keys" / "encryption.keys"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "bot.db"

    @property
    def env_file(self) -> Path:
        return self.folder / "bot.env"

    def write_settings(self) -> None:
        if not self.env_file.exists():
            self.env_file.touch(0o600)
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))

    async def doctor(self, *arguments: str) -> tuple[int, str]:
        """The exit code and what it wrote, which never has a secret in it."""
        self.write_settings()
        code, said = await run_bot("--env-file", str(self.env_file), "doctor", *self.arguments, *arguments)
        assert [one for one in self.canaries if one in said] == []
        assert "Traceback" not in said
        return code, said

    async def findings(self) -> tuple[int, list[dict[str, Any]]]:
        code, said = await self.doctor("--json")
        report = json.loads(said)
        assert report["ok"] == (code == 0)
        return code, report["findings"]

    async def start_bot(self) -> str:
        """The address where Slack reaches it."""
        await self.world.start_bot(**self.settings)
        self.settings["PORT"] = str(self.world.bot.port)
        return f"http://127.0.0.1:{self.world.bot.port}"

    async def serve(self, answer: Any) -> str:
        """Another server, which answers everything in this way."""
        server = web.Server(answer, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"


@asynccontextmanager
async def sound_install(folder: Path) -> AsyncIterator[Install]:
    canaries = [secrets.token_hex(12) for _ in range(3)]
    workspace = SlackWorkspace(
        bot_token=f"xoxb-1-{canaries[0]}", app_token=f"xapp-1-{canaries[1]}", signing_secret=f"{canaries[2]}00112233"
    )
    world = World(workspace=workspace, settings={"ENCRYPTION_KEYS": ""})  # the keys come from a file
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.stop)
        await world.onetime.start()
        await workspace.start()
        install = Install(world, folder, canaries, stack)
        for one in (install.key_file.parent, install.database.parent):
            one.mkdir(mode=0o700)
        write_key(install, generate_line().reveal())
        settings = world.settings()
        del settings["ENCRYPTION_KEYS"]
        install.settings = settings | {
            "ENCRYPTION_KEYS_FILE": str(install.key_file),
            "DATABASE_URL": f"sqlite:///{install.database}",
            "PORT": str(free_port()),
        }
        yield install


def write_key(install: Install, line: str) -> None:
    install.key_file.unlink(missing_ok=True)
    install.key_file.touch(0o600)
    install.key_file.write_text(f"{line}\n")
    install.canaries.append(line.partition(":")[2])
