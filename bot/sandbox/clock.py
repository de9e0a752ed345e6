"""The sandbox's clock: the time of day for both emulators and for the bot, which can be moved or run fast.

The sandbox's time is the machine's time plus an offset. The offset is a number of seconds in a file of 8 bytes.
Each process maps that file into its memory, so a move is visible in all of them at once.

States of the clock. The offset is all that is stored:

                 move(s): offset += s
    in step <---------------------------> ahead or behind
    offset == 0                            offset != 0
       |                                    |   ^
       | run(seconds, speed)                |   | `seconds` of the sandbox's time have passed
       +------------> running fast <--------+   |
                      one move every TICK ------+

Time only goes forward in the page and in the tour. Tests also set the clock back, as an operator does who corrects it.

Who moves the clock, and who reads it:

    page/controls.py ("+ 1 hour") --move--> file of 8 bytes <--run, move-- tour.py
                                              |
      Clock.now in the sandbox's process -----+----- Clock.now in the bot's process
        slack.Workspace:                                clocked_bot.py puts it in the place of `time.time`
          ts, signature, trigger_id, response_url       and of SQLite's `julianday('now')`
        onetime.OnetimeServer:
          expiry, rate limits, lockout
        page/feed.py: how much time a secret has left
      Clock.offset in the sandbox's process
        the page (static/js/dates.js): "today", "in 5 minutes"

What does not follow the clock: asyncio's sleeps and timeouts, `time.monotonic`, HTTP timeouts, the delays of planned
faults. The bot's watcher wakes in real seconds. At each wake-up the watcher compares due times with the time of day,
so after a move more accounts are due.

Without `own_clock` (world.py) the bot keeps the machine's time, and only the emulators would follow a move.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from pathlib import Path

TICK = 0.2  # real seconds between two moves while the clock runs fast

_OFFSET = struct.Struct("=d")
_machine_time = time.time  # taken at import: clocked_bot.py replaces `time.time` by `Clock.now` later


class Clock:
    """Tells seconds since 1970. All `Clock` objects of one file, in any process, tell the same time."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_OFFSET.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _OFFSET.size)

    @property
    def offset(self) -> float:
        """Seconds that this clock is ahead of the machine's; negative if it is behind."""
        seconds: float = _OFFSET.unpack_from(self._shared)[0]
        return seconds

    def now(self) -> float:
        return _machine_time() + self.offset

    def move(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, or back by a negative number of seconds."""
        _OFFSET.pack_into(self._shared, 0, self.offset + seconds)

    async def run(self, seconds: float, speed: float) -> None:
        """Let `seconds` of the sandbox's time pass, `speed` times as fast as real time. Returns when they have."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            await asyncio.sleep(min(TICK, left))
            self.move(min((speed - 1) * TICK, max(0.0, until - self.now())))
