"""Starts the bot in a tenth of the time: as a fork of a server (fork_server.py) that has imported everything."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bot.sandbox import bot_process
from tests.support import every_language

SERVER = Path(__file__).with_name("fork_server.py")


class ForkServer:
    """One for each worker of the test run. It starts together with the first process."""

    def __init__(self, cut_texts: Path | None = None) -> None:
        self._cut_texts = cut_texts  # the file for texts that Slack has no room for
        self._server: subprocess.Popen[bytes] | None = None
        self._asking: socket.socket | None = None

    async def spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> bot_process.Process:
        """Replaces `bot_process.spawn`, except for processes that must change something before any import."""
        is_ours = any(name.startswith("PYTHON") and name != "PYTHONPATH" for name in environment)
        if is_ours or "bot.sandbox.clocked_bot" in command:
            return await bot_process.spawn(command, environment)
        return await self._fork(command, environment)

    def close(self) -> None:
        if self._asking is not None:
            self._asking.close()
        if self._server is not None:
            self._server.wait()

    async def _fork(self, command: Sequence[str], environment: Mapping[str, str]) -> Forked:
        asking = self._asking or self._started()
        reading, writing = os.pipe()
        ours, theirs = socket.socketpair()
        message = json.dumps({"command": list(command), "environment": dict(environment)}).encode()
        socket.send_fds(asking, [message], [writing, theirs.fileno()])
        os.close(writing)
        theirs.close()
        loop = asyncio.get_running_loop()
        stdout = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb", 0))
        _, life = await loop.create_unix_connection(Life, sock=ours)
        return Forked(await life.pid, stdout, life)

    def _started(self) -> socket.socket:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno())],
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
                | ({every_language.FOUND: str(self._cut_texts)} if self._cut_texts else {}),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        return self._asking


class Life(asyncio.Protocol):
    """What the server writes about one process: its pid, and in the end its exit code."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pid: asyncio.Future[int] = loop.create_future()
        self.code: asyncio.Future[int] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._begun = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            (self.code if self.pid.done() else self.pid).set_result(int(line))
        if self.code.done() and self._transport is not None:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        for one in (self.pid, self.code):
            if not one.done():
                one.set_exception(ConnectionError("the fork server has ended"))
                one.exception()  # a waiting task gets the error; without one, asyncio does not warn
        self.closed.set_result(None)


class Forked:
    """A forked process, with the interface of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, life: Life) -> None:
        self.pid = pid
        self.stdout = stdout
        self._life = life

    @property
    def returncode(self) -> int | None:
        return self._life.code.result() if self._life.code.done() else None

    async def wait(self) -> int:
        await asyncio.shield(self._life.closed)  # nothing of the process is left for the next test
        return self._life.code.result()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
