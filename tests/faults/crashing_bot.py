"""The real `python -m bot run`, killed at a chosen step and started again at once, as a supervisor would.

    python crashing_bot.py CONTROL

While the file CONTROL holds a number N, the Nth step of bot.failpoints that is passed from then on is the last thing that
the process does; with a name, the step of that name; what else stands there is for the next process. SIGUSR1 kills it wherever it is. Each kill is a SIGKILL, and is
said among the bot's log lines as `{"event": "killed"}`. The names of all steps passed are appended to CONTROL.passed.

A start costs a second of imports. So they are made once, and each bot is a fork of a process that has imported
everything and done nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

import alembic.command  # noqa: F401 - imported once, for all that are forked

import bot.__main__
import bot.wiring
from bot import failpoints

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(control: Path) -> int:
    supervisor = Supervisor()
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGUSR1, supervisor.kill)
    while True:
        status = supervisor.run(lambda: be_the_bot(control))
        if supervisor.stopping or status != -signal.SIGKILL:
            return max(status, 0)
        print('{"event": "killed"}', flush=True)


class Supervisor:
    """Has one child at a time."""

    def __init__(self) -> None:
        self.stopping = False
        self._child = 0

    def run(self, work: Callable[[], NoReturn]) -> int:
        """Returns how the child ended: its exit code, or minus the signal."""
        signals = {signal.SIGTERM, signal.SIGUSR1}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        self._child = os.fork()
        if self._child == 0:
            for one in signals:
                signal.signal(one, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if self._child == 0:
            work()
        _, status = os.waitpid(self._child, 0)
        return os.waitstatus_to_exitcode(status)

    def stop(self, number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        os.kill(self._child, number)

    def kill(self, _number: int, _frame: FrameType | None) -> None:
        os.kill(self._child, signal.SIGKILL)


def be_the_bot(control: Path) -> NoReturn:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    failpoints.hook = lambda name: passing(control, name)
    sys.exit(bot.__main__.main(["run"]))


def passing(control: Path, name: str) -> None:
    with control.with_suffix(".passed").open("a") as passed:
        passed.write(f"{name}\n")
    try:
        until, *later = control.read_text().split()
    except FileNotFoundError:
        return
    if until in (name, "1"):
        if later:
            control.write_text(" ".join(later))
        else:
            control.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    elif until.isdecimal():
        control.write_text(" ".join([str(int(until) - 1), *later]))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
