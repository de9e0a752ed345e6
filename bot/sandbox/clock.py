"""The sandbox's own time, which can be moved on or run fast: for both emulators, and for the bot between them.

It is the machine's time and so many seconds more. Those seconds stand in a file of 8 bytes, because the bot is a
process of its own (clocked_bot.py). Only the time of day moves: time-outs and pauses stay real.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from pathlib import Path

TICK = 0.2  # seconds between two moves of a clock that runs fast

_SECONDS = struct.Struct("=d")
_machine = time.time  # as it is, also where clocked_bot.py puts `Clock.now` in its place


class Clock:
    """Seconds since 1970. Every `Clock` on the same file shows the same time."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SECONDS.size)

    @property
    def ahead(self) -> float:
        """Seconds that it is ahead of the machine's clock."""
        seconds: float = _SECONDS.unpack_from(self._shared)[0]
        return seconds

    def now(self) -> float:
        return _machine() + self.ahead

    def move(self, seconds: float) -> None:
        """From now on it is so much later. Raises `ValueError` for going back: nobody's clock does that for long."""
        if seconds < 0:
            raise ValueError("a clock goes forward")
        _SECONDS.pack_into(self._shared, 0, self.ahead + seconds)

    async def run(self, seconds: float, times: float) -> None:
        """Let so many seconds pass, so many times as fast as they do."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            await asyncio.sleep(min(TICK, left))
            self.move(min((times - 1) * TICK, max(0.0, until - self.now())))
