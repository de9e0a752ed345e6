"""The real bot as a child process: started, stopped, killed and restarted as an operator does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

CHECKOUT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 90.0  # seconds; a start takes 10 where ten processes want each core
STOP_TIMEOUT = 12.0  # seconds; the bot promises to end within 10


class Process(Protocol):
    """The part of `asyncio.subprocess.Process` that is used here."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...


async def spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start `python` with `command` and exactly `environment`. stdout and stderr are both in `stdout`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


class BotProcess:
    """`python -m bot run` with `settings`. Other settings in the environment are not passed on."""

    spawn = staticmethod(spawn)  #: tests replace this with a faster start

    def __init__(self, settings: Mapping[str, str], command: Sequence[str] = ("-m", "bot", "run")) -> None:
        self._settings = dict(settings)
        self._command = tuple(command)
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.output = bytearray()  # everything that the process wrote to stdout and stderr
        self.port = 0  # the port of its HTTP server; 0 until the bot is ready

    async def start(self) -> None:
        """Start the process and wait until it logs `ready`. Raises `RuntimeError` with its output if it ends before."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith(_SETTING_PREFIXES)}
        environment = {**keep, "PYTHONPATH": str(CHECKOUT), "LOG_FORMAT": "json", **self._settings}
        self._process = await self.spawn(self._command, environment)
        self._events = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        async with asyncio.timeout(START_TIMEOUT):
            while (event := await self._events.get()) is not None:
                if event.get("event") == "ready":
                    self.port = event["port"]
                    return
        raise RuntimeError(f"the bot did not start: {bytes(self.output[-2000:]).decode(errors='replace')}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def stop(self) -> int:
        """Send SIGTERM and wait. After `STOP_TIMEOUT` send SIGKILL. Returns the exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """Send SIGKILL and wait. Returns the exit code."""
        return await self._end(signal.SIGKILL)

    async def wait_until_ended(self) -> int:
        """Wait until the process ends. Returns the exit code."""
        assert self._process is not None
        code = await self._process.wait()
        if self._reading is not None:
            await self._reading
        return code

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(how)
        try:
            return await asyncio.wait_for(self.wait_until_ended(), STOP_TIMEOUT)
        except TimeoutError:
            self._process.kill()
            return await self.wait_until_ended()

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.output += line
            if self.port:
                break
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                self._events.put_nowait(event)
        self._events.put_nowait(None)
        while more := await self._process.stdout.read(65536):
            self.output += more


_SETTING_PREFIXES = (
    "SLACK_", "ONETIME_", "DATABASE_URL", "ENCRYPTION_", "WATCH_", "PORT", "HOST", "LOG_", "REVEAL_", "ALLOW_",
    "PYTHON", "ADMIN_", "HTTPS_PROXY", "NO_PROXY", "PROXY_", "UNFURL_", "https_proxy", "no_proxy",
)  # fmt: skip
