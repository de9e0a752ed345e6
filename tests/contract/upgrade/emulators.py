"""The emulated Slack and Onetime Secret as a bot of commit 8a783c1 left them. Only this file knows the sandbox."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime import OnetimeServer, SecretSnapshot
from bot.sandbox.onetime.store import StoredSecret
from bot.sandbox.slack import SlackWorkspace, WorkspaceMember
from bot.sandbox.slack.elements import complete, initial_values
from bot.sandbox.slack.model import SlackChannel, SlackMessage, SlackView
from bot.sandbox.slack.records import AppDelivery
from bot.sandbox.world import World
from tests.contract.upgrade import fixture

__all__ = [
    "AppDelivery",
    "SecretSnapshot",
    "SlackMessage",
    "SlackView",
    "WorkspaceMember",
    "World",
    "old_world",
    "run_bot",
]

PORT = int(fixture.read("onetime.json")["url"].rpartition(":")[2])  # sealed values are bound to the host's URL
TIMES = ("created", "updated", "dies", "viewed", "received", "burned")  # of a secret on the emulated server
FIELDS = {
    "dies": "text_expires_at",
    "looked_at": "previewed",
    "shown": "text_was_shown",
    "wrong": "wrong_passphrases_at",
}


@asynccontextmanager
async def old_world() -> AsyncIterator[World]:
    """The bot, started on the old database between the two emulators. On SQLite it upgrades its database itself."""
    onetime = fixture.read("onetime.json")
    world = World(settings={"ONETIME_HOSTS": f"{onetime['url']},{onetime['other_url']}"})
    world.encryption_key = fixture.KEY_LINE.partition(":")[2]
    with _alone():
        try:
            await world.onetime.start(PORT)
            await world.workspace.start()
            fixture.lay_down(f"sqlite:///{world.directory}/bot.db")
            seed_onetime(world.onetime)
            seed_slack(world.workspace)
            await world.start_bot()
            yield world
        finally:
            await world.stop()


@contextmanager
def _alone() -> Iterator[None]:
    """The port is always the same, so only one worker of a test run can use it at a time."""
    with (Path(tempfile.gettempdir()) / f"ots-bot-upgrade-{PORT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def run_bot(*arguments: str, **settings: str) -> tuple[int, str]:
    """`python -m bot ARGUMENTS`: its exit code, and what it wrote."""
    process = await BotProcess.spawn(("-m", "bot", *arguments), settings)
    assert process.stdout is not None
    said = await process.stdout.read()
    return await process.wait(), said.decode()


def seed_onetime(server: OnetimeServer) -> None:
    """The accounts, and every secret with what became of it."""
    found, later = fixture.read("onetime.json"), fixture.shift()
    for account in found["accounts"]:
        server.add_account(account["username"], account["token"])
    for one in found["secrets"]:
        empty = {"owner": None, "text": None, "passphrase": ""}
        kept = StoredSecret(**_renamed({**empty, **one, **{name: one[name] + later for name in TIMES if name in one}}))
        server._store._by_metadata[kept.metadata_key] = server._store._by_secret[kept.secret_key] = kept


def _renamed(recorded: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored secret under their current names."""
    return {FIELDS.get(name, name): value for name, value in recorded.items()}


def seed_slack(workspace: SlackWorkspace) -> None:
    """The people, their conversations, every message and every open window."""
    found, state = fixture.read("slack.json"), workspace.state
    assert state.team_id == found["team"]
    state._count = found["count"]  # ids that were given before are not given again
    for user, name in found["people"]:
        workspace.person(user, name)
    for channel, user in found["dms"]:
        state.channels[channel] = SlackChannel(channel, "directmessage", {user, state.bot.id}, user)
    for one in found["channels"]:
        workspace.channel(one["id"], one["name"], one["members"])
    for one in found["messages"]:
        blocks = complete({"blocks": fixture.blocks_of(one)})["blocks"]
        state.messages.append(SlackMessage(**{"user": state.bot.id, "text": "", **one, "blocks": blocks}))
    for one in found["views"]:
        payload = complete({**one["payload"], "blocks": fixture.blocks_of(one["payload"])})
        view = SlackView(**{"values": initial_values(payload["blocks"]), **one, "payload": payload})
        state.views[view.id] = view
        state.stack(view.user).append(view)
