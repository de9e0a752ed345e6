"""The current time of this machine. The database has a clock of its own (bot/storage/engine/database.py)."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, from `time.time`: the only clock that the sandbox can move."""
    return datetime.fromtimestamp(time.time(), UTC)
