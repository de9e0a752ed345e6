"""A bot that can be killed at any step, for the crash sweeps. What runs in its process is crashing_bot.py."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import pytest

from bot.sandbox.slack import SlackMessage
from bot.sandbox.world import World
from tests.support.waiting import PATIENCE, eventually

LAUNCHER = Path(__file__).with_name("crashing_bot.py")
SETTLED = "SELECT count(*) FROM reveals WHERE state IN ('opening', 'claiming') OR (state = 'escrowed' AND notified_at IS NULL)"


def said(line: bytes | bytearray) -> dict[str, Any]:
    """The event of a line of the log; nothing for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def distinct(messages: Iterable[SlackMessage]) -> list[SlackMessage]:
    """The newest copy of each message. Slack drops no repeated post, so a message may come twice after a crash."""
    return list({message.client_msg_id or message.ts: message for message in messages}.values())


def thinned(steps: Iterable[str] | Mapping[str, Any], *, every: int = 3) -> list[pytest.ParameterSet]:
    """The steps as rows for `parametrize`, with their values if they have some. All but each `every`th are slow."""
    values = steps if isinstance(steps, Mapping) else {}
    return [
        pytest.param(
            step, *([values[step]] if values else []), id=step, marks=[pytest.mark.slow] * bool(number % every)
        )
        for number, step in enumerate(steps)
    ]


class Crashing:
    """A world whose bot can be killed at a step, and is up again at once."""

    def __init__(self, control: Path, **settings: str) -> None:
        self._control = control
        self._read = 0  # bytes of what the bot has logged
        self._repeats_before = 0  # of `repeats`, at the last `kill_at`
        self.kills = 0
        self.world = World(command=(str(LAUNCHER), str(control)), settings=settings)

    async def __aenter__(self) -> Self:
        await self.world.start()
        await self.says("ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.world.stop()

    def kill_at(self, *steps: str | int) -> None:
        """Each of these is for another process: the one that runs now, the one after it, …"""
        self._repeats_before = self.repeats
        self._control.with_suffix(".passed").unlink(missing_ok=True)
        self._control.write_text(" ".join(str(step) for step in steps))

    def all_is_well(self) -> None:
        """Nothing is killed and nothing fails from now on."""
        self._control.unlink(missing_ok=True)
        self.world.workspace.clear_faults()
        self.world.workspace.honours_client_msg_id = False
        self.world.onetime.clear_faults()

    def kill_now(self) -> None:
        os.kill(self.world.bot.pid, signal.SIGUSR1)

    @property
    def repeats(self) -> int:
        """How many messages came once more than they should."""
        posts = Counter((one.channel, one.client_msg_id) for one in self.world.workspace.messages if one.client_msg_id)
        return sum(times - 1 for times in posts.values())

    @property
    def repeated(self) -> int:
        """How many messages came once more since `kill_at`."""
        return self.repeats - self._repeats_before

    @property
    def passed(self) -> list[str]:
        """The steps passed since `kill_at`."""
        return self._control.with_suffix(".passed").read_text().split()

    async def says(self, *events: str) -> str:
        """Waits for the next of these among what the bot and its launcher log."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while (end := self.world.bot.output.find(b"\n", self._read)) >= 0:
                    line = self.world.bot.output[self._read : end]
                    self._read = end + 1
                    if (event := said(line)).get("event") in events:
                        return self._heard(event)
                assert self.world.bot.is_running
                await asyncio.sleep(0.005)

    def _heard(self, event: dict[str, Any]) -> str:
        self.kills += event["event"] == "killed"
        if event["event"] == "ready":
            self.world.workspace.connect_http(f"http://127.0.0.1:{event['port']}/slack/events")
        return str(event["event"])

    async def is_up_again(self) -> None:
        """Returns when the bot was started anew, and has looked after everything that it found interrupted."""
        await self.says("ready")
        await eventually(lambda: self.query(SETTLED) == [(0,)])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.world.directory}/bot.db?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(f"{self.world.directory}/bot.db", timeout=PATIENCE)) as database, database:
            database.execute(statement)

    def files(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.world.directory.iterdir() if not file.name.endswith("-shm"))
