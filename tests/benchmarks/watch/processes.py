"""The processes of the benchmark: the load server, and children that do one job and say what it cost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.bot_process import CHECKOUT, BotProcess


@dataclass(frozen=True, slots=True)
class Done:
    """What a process did in a window of time."""

    secrets: int  # polled
    seconds: float
    cpu: float  # seconds, all threads, user and system

    @property
    def rate(self) -> float:
        """Secrets a second."""
        return self.secrets / self.seconds

    @property
    def each(self) -> float:
        """CPU microseconds for a secret."""
        return self.cpu / self.secrets * 1e6

    def said(self) -> str:
        return json.dumps(asdict(self))


def cpu() -> float:
    """CPU seconds of this process so far, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Host:
    """The load server, from outside."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def delay(self, seconds: float) -> None:
        self._get(f"delay/{seconds}")

    def received(self, accounts: int) -> None:
        """From now on the first secret of each of so many accounts was opened."""
        self._get(f"received/{accounts}")

    def calls(self) -> int:
        """How many it has answered."""
        return int(self._get("calls")["calls"])

    def _get(self, what: str) -> Any:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"GET /bench/{what} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
        return json.loads(answer.partition(b"\r\n\r\n")[2])


@contextlib.asynccontextmanager
async def load_server(each: int) -> AsyncIterator[Host]:
    """`each` secrets to an account."""
    process = BotProcess({}, ("-m", "tests.benchmarks.watch.host", str(each)))
    try:
        await process.start()
        yield Host(process.port)
    finally:
        await process.kill()


async def child(module: str, job: Mapping[str, object], settings: Mapping[str, str] | None = None) -> Done:
    """Run `python -m tests.benchmarks.watch.MODULE` with the job on its command line. Raises if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.benchmarks.watch.{module}",
        json.dumps(job),
        cwd=CHECKOUT,
        env={**os.environ, "LOG_FORMAT": "json", **(settings or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed; it said why above")
    return Done(**json.loads(out.splitlines()[-1]))
