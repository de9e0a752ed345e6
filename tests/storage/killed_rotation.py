"""`python -m bot keys rotate`, killed at the Nth failpoint that it passes: killed_rotation.py URL KEYS N."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from itertools import count
from pathlib import Path

from bot import failpoints
from bot.secret import SecretKey
from bot.storage.sealing.changing import rotate
from bot.storage.sealing.keyring import KeyRing


def main(url: str, keys: Path, number: int) -> int:
    passed = count(1)

    def kill(_name: str) -> None:
        if next(passed) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.hook = kill
    ring = KeyRing.read(keys.read_text())
    _, left = asyncio.run(rotate(url, ring, lambda link: SecretKey(link.reveal().rpartition("/")[2]), 3))
    return left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
