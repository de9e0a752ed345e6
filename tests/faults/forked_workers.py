"""Several of the real `python -m bot worker` at once. Their imports, a second each, are made once: each is a fork.

    python forked_workers.py NUMBER

Each says `{"event": "forked", "pid": …}` before anything else. SIGTERM stops them all.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import psycopg  # noqa: F401 - imported once, for all that are forked
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401 - as above

import bot.__main__
import bot.wiring
from bot.watch import host_poller, lease_renewer, notifier

# Seconds. On a busy machine so many processes are late for a lease of 4 s, and what runs out is sent by another too.
LEASE = 60.0

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(number: int) -> int:
    for module in (lease_renewer, notifier, host_poller):
        vars(module)["LEASE"] = LEASE
    workers = [forked() for _ in range(number)]

    def stop(which: int, _frame: FrameType | None) -> None:
        for pid in workers:
            os.kill(pid, which)

    signal.signal(signal.SIGTERM, stop)
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]
    return next((end for end in ends if end), 0)


def forked() -> int:
    pid = os.fork()
    if pid == 0:
        be_a_worker()
    return pid


def be_a_worker() -> NoReturn:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    print(json.dumps({"event": "forked", "pid": os.getpid()}), flush=True)
    sys.exit(bot.__main__.main(["worker"]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
