"""`python -m bot.sandbox.clocked_bot FILE run`: the unchanged bot, on the sandbox's clock instead of the machine's.

FILE is the clock's file (see clock.py, which also draws who follows the clock). The bot reads the time of day from
`time.time` and from the database. This module replaces both before anything of the bot is imported.
"""

from __future__ import annotations

import runpy
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from bot.sandbox.clock import Clock

JULIAN_1970 = 2440587.5  # days
SECONDS_A_DAY = 86_400.0


def replace_time(clock: Clock) -> None:
    """Make `clock` the only time of day in this process. The bot asks SQLite only for `julianday('now')`."""
    time.time = clock.now
    connect = sqlite3.connect

    def connect_with_clock(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.create_function("julianday", 1, lambda _: clock.now() / SECONDS_A_DAY + JULIAN_1970)
        return connection

    # aiosqlite looks in the first place, and SQLAlchemy's migrations in the second.
    sqlite3.connect = connect_with_clock  # type: ignore[assignment]
    sqlite3.dbapi2.connect = connect_with_clock  # type: ignore[assignment]


if __name__ == "__main__":
    replace_time(Clock(Path(sys.argv.pop(1))))
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
