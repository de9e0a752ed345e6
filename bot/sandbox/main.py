"""`python -m bot sandbox`: everything on loopback, with nothing to configure."""

from __future__ import annotations

import asyncio
import signal
import sys

from bot.errors import CannotStart
from bot.sandbox.first_round import FIRST_ROUND
from bot.sandbox.page import Page, read_manifest
from bot.sandbox.page import browser as browsers
from bot.sandbox.tour import Tour
from bot.sandbox.world import World

EMAIL = "ada@example.com"
TOKEN = "sandbox-token-of-ada"
ACCOUNTS = {EMAIL: TOKEN, "ben@example.com": "sandbox-token-of-ben"}
LOOPBACK = "127.0.0.1"  # where the emulated Onetime Secret listens
INTERRUPTED = 130  # the exit code of a process that SIGINT ended


def run(*, port: int, version: str, tour: bool, browser: bool = True) -> int:
    """Run the sandbox: play the tour and end, or serve the page until interrupted. Returns the exit code."""
    return asyncio.run(_play_tour(version) if tour else _serve(port, version, browser=browser))


def new_world(version: str = "0.26") -> World:
    """A world with its own clock, whose bot polls tracked secrets often, so that people need not wait long.

    Links that people post get cards.
    """
    world = World(version=version, settings={"WATCH_EVERY": "5", "UNFURL_LINKS": "on"}, own_clock=True)
    world.workspace.allow_unfurls(LOOPBACK)
    return world


def populate(world: World, number: str = "") -> None:
    """Add the people of the page: three members (ada is an admin) and a guest in a channel with the bot, two accounts.

    `number` is added to the ids of the people, so that they are new to the bot.
    """
    workspace = world.workspace
    people = [
        workspace.person(f"U0ADA{number}", "ada", admin=True),
        workspace.person(f"U0BEN{number}", "ben"),
        workspace.person(f"U0CLEO{number}", "cleo"),
        workspace.person(f"U0DORA{number}", "dora", guest=True),
    ]
    workspace.channel("C0TEAM", "team", [*people, workspace.bot_user_id])
    for person in people:
        workspace.state.open_dm(person.id)
    for username, token in ACCOUNTS.items():
        world.onetime.add_account(username, token)


async def _play_tour(version: str) -> int:
    _end_on_signal()
    world = new_world(version)
    world.onetime.add_account(EMAIL, TOKEN)
    try:
        await world.start()
        return await Tour(world, EMAIL, TOKEN, sys.stdout).play()
    except asyncio.CancelledError:
        return INTERRUPTED
    finally:
        await world.stop()


async def _serve(port: int, version: str, *, browser: bool) -> int:
    """Serve the page. It is there at once and shows that the bot is starting."""
    _end_on_signal()
    world = new_world(version)
    populate(world)
    page = Page(world, read_manifest(), ACCOUNTS, FIRST_ROUND)
    is_up = False
    try:
        await _listen(page, port)
        await world.start()
        page.controls.watch_bot()
        is_up = True
        print(_describe(world, page.url), flush=True)  # noqa: T201 - for the person at the terminal
        if browser and browsers.has_browser():
            browsers.show(page.url)
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return 0 if is_up else INTERRUPTED
    finally:
        await page.stop()
        await world.stop()
    return 0


async def _listen(page: Page, port: int) -> None:
    try:
        await page.start(port)
    except OSError as error:
        raise CannotStart(f"--port {port} cannot be listened on: {error.strerror}.") from None


def _end_on_signal() -> None:
    """Let SIGTERM and SIGINT cancel this task, so that the bot's process is ended too."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _describe(world: World, page: str) -> str:
    return "\n".join([
        f"The sandbox is up: {page}",
        "Nothing leaves this machine, and everything is forgotten when it ends.",
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
