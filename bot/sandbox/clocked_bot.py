"""`python -m bot.sandbox.clocked_bot FILE run`: the bot as it is, by the sandbox's clock instead of the machine's.

Whatever reads the time reads `time.time`, or asks the database for it. So these two are replaced before anything
else is imported.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bot.sandbox.clock import Clock

JULIAN_1970 = 2440587.5  # days
DAY = 86_400.0  # seconds


def set_up(clock: Clock) -> None:
    """From now on this process knows only this clock. SQLite is asked for `julianday('now')` and nothing else."""
    time.time = clock.now

    @event.listens_for(Engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.create_function("julianday", 1, lambda _: clock.now() / DAY + JULIAN_1970)


if __name__ == "__main__":
    set_up(Clock(Path(sys.argv.pop(1))))
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
