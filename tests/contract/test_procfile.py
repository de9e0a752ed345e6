"""The lines of the Procfile, as a platform starts them: by a shell, with PORT and DATABASE_URL in the environment."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bot.sandbox.bot_process import BotProcess, Process
from bot.sandbox.world import World
from tests.readme import ROOT
from tests.support.postgres import Cluster, free_port, postgres

__all__ = ["postgres"]

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


class PlatformProcess(BotProcess):
    """One process of the platform. `python` is the one of this environment."""

    @staticmethod
    async def spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        return await asyncio.create_subprocess_exec(
            *("sh", "-c", f"exec {LINES[command[0]]}"), cwd=ROOT, env={**environment, "PATH": path},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip


@pytest.mark.slow
async def test_a_platform_that_starts_the_procfile_has_a_bot_that_serves(postgres: Cluster):
    url = postgres.new_database().replace("postgresql://", "postgres://")  # as platforms write it
    world = World(settings={"DATABASE_URL": url, "WATCH_EVERY": "5"})
    await world.onetime.start()
    await world.workspace.start()
    port = free_port()
    settings = world.settings() | {"PORT": str(port)}
    web, worker = PlatformProcess(settings, ("web",)), PlatformProcess(settings, ("worker",))
    try:
        release = PlatformProcess(settings, ("release",))
        process = await release.spawn(("release",), {**os.environ, **settings})
        assert await process.wait() == 0
        await asyncio.gather(web.start(), worker.start())  # each is ready when it has the tables and Slack's consent
        assert web.port == port
        world.workspace.connect_http(f"http://127.0.0.1:{port}/slack/events")
        ada, ben = world.workspace.person("U0ADA", "ada"), world.workspace.person("U0BEN", "ben")

        await ada.command("/ots", "share")
        await ada.until(lambda: ada.view and ada.view.submit == "Share")
        await ada.submit(None, {"text1": "by way of a platform", "to": [ben.id]})
        await ben.until(lambda: any("one-time secret" in one.shows for one in ben.dm))
    finally:
        await asyncio.gather(web.stop(), worker.stop())
        await world.stop()
