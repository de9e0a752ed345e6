"""`python -m bot sandbox`: everything on loopback, with nothing to configure."""

from __future__ import annotations

import asyncio
import signal
import sys

from bot.errors import CannotStart
from bot.sandbox.tour import Tour
from bot.sandbox.world import World

EMAIL = "ada@example.com"
TOKEN = "sandbox-token-of-ada"
INTERRUPTED = 130  # as shells say it


def run(*, port: int, version: str, tour: bool) -> int:
    """Start it; play the tour and end, or stay up until interrupted. Returns the exit code."""
    return asyncio.run(_run(port=0 if tour else port, version=version, tour=tour))


async def _run(*, port: int, version: str, tour: bool) -> int:
    _end_when_told()
    world = World(version=version, settings={"WATCH_EVERY": "5"}, own_clock=True)
    world.onetime.add_account(EMAIL, TOKEN)
    is_up = False
    try:
        await _start(world, port)
        if tour:
            return await Tour(world, EMAIL, TOKEN, sys.stdout).play()
        is_up = True
        print(_where(world), flush=True)  # noqa: T201 - for the person at the terminal
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return 0 if is_up else INTERRUPTED
    finally:
        await world.stop()
    return 0


async def _start(world: World, port: int) -> None:
    try:
        await world.start(slack_port=port)
    except OSError as error:
        raise CannotStart(f"--port {port} cannot be listened on: {error.strerror}.") from None


def _end_when_told() -> None:
    """SIGTERM and SIGINT end it in good order, at any moment: the bot is a process of its own and must not stay."""
    task = asyncio.current_task()
    assert task is not None
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, task.cancel)


def _where(world: World) -> str:
    return "\n".join([
        "The sandbox is up. Nothing leaves this machine, and everything is forgotten when it ends.",
        "",
        f"  Onetime Secret {world.onetime.version} (emulated)  {world.onetime.url}",
        f"  Slack's Web API (emulated)    {world.workspace.api_url}",
        f"  The bot                       http://127.0.0.1:{world.bot.port}  (/healthz, /readyz, /slack/events)",
        "",
        f"  Signing secret  {world.workspace.signing_secret}",
        f"  An account      {EMAIL} with the API token {TOKEN}",
        "",
        "See the journeys played: python -m bot sandbox --tour. End this with Ctrl-C.",
    ])  # fmt: skip
