"""Imports everything that the bot needs, once. Each process that a test starts is then a fork of this server.

    python fork_server.py DESCRIPTOR

The descriptor is a Unix socket. Each message on it is a command and its environment in JSON, with two descriptors:
where the process writes, and a socket on which the server writes the pid and, in the end, the exit code, one line each.
When the socket is closed, the server kills the remaining processes and ends. It has no threads and no event loop: a
fork would break both.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST = 1 << 17  # bytes of a message
NEEDED = (
    "bot.wiring", "alembic.autogenerate", "alembic.command", "aiosqlite", "psycopg", "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """A process to start. `command` is what follows `python` on its command line."""

    command: Sequence[str]
    environment: dict[str, str]
    output: int
    life: socket.socket

    @classmethod
    def read(cls, message: bytes, descriptors: Sequence[int]) -> Start:
        output, life = descriptors
        asked = json.loads(message)
        return cls(asked["command"], asked["environment"], output, socket.socket(fileno=life))


def serve(asking: socket.socket) -> Start | None:
    """Returns in each child process with what the child has to run, and at the end in the server with None."""
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking)
    lives: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([asking.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            reap(lives)
        if asking.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(asking, LONGEST, 2)
        if not message:
            for pid in lives:
                os.kill(pid, signal.SIGKILL)
            reap(lives, 0)
            return None
        start = Start.read(message, descriptors)
        if (pid := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            for one in (woken, waking):
                os.close(one)
            for other in (asking, start.life, *lives.values()):
                other.close()
            return start
        os.close(start.output)
        lives[pid] = start.life
        tell(start.life, pid)


def reap(lives: dict[int, socket.socket], how: int = os.WNOHANG) -> None:
    while lives:
        pid, status = os.waitpid(-1, how)
        if pid == 0:
            return
        with lives.pop(pid) as life:
            tell(life, os.waitstatus_to_exitcode(status))


def tell(life: socket.socket, number: int) -> None:
    try:
        life.sendall(f"{number}\n".encode())
    except OSError:
        return  # the test does not wait for this process any more


def be(start: Start) -> None:
    """Become this process, as if Python had just been started for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(start.output, 1)
    os.dup2(start.output, 2)
    os.close(start.output)
    os.environ.clear()
    os.environ.update(start.environment)
    time.tzset()
    if start.command[0] == "-m":
        _, module, *arguments = start.command
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        script, *_ = sys.argv = list(start.command)
        runpy.run_path(script, run_name="__main__")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the test run, and the server ends with it
    sys.path.insert(0, str(CHECKOUT))
    for module in NEEDED:
        importlib.import_module(module)
    importlib.import_module("tests.support.drawn_screens").keep()
    importlib.import_module("tests.support.every_language").watch()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        start = serve(asking)
    if start is not None:
        be(start)


if __name__ == "__main__":
    main()
