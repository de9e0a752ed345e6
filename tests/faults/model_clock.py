"""A clock that moves only when it is told to, for all of the bot in this process: Python's side and SQLite's.

Pauses, time-outs and the event loop stay real, so whoever uses this keeps them short.
"""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Engine, event

BEGIN = 1_800_000_000.0  # seconds since 1970: a day in 2027
JULIAN_1970 = 2440587.5  # days
DAY = 86_400.0  # seconds


class Clock:
    """Whole seconds, because Onetime Secret counts in those."""

    def __init__(self) -> None:
        self.now = BEGIN

    def move(self, seconds: int) -> None:
        self.now += seconds

    def of_the_database(self, engine: Engine) -> None:
        """SQLite is asked the time only as `julianday('now')`; its connections from now on say ours."""

        @event.listens_for(engine, "connect")
        def _connected(connection: Any, _record: object) -> None:
            connection.create_function("julianday", 1, lambda _: self.now / DAY + JULIAN_1970)

    @contextmanager
    def in_the_bot(self) -> Iterator[None]:
        """Every module of the bot that is loaded now reads this clock instead of the machine's."""
        changed = [
            (module, name, getattr(module, name), ours)
            for module in _modules()
            for name, real, ours in (("datetime", datetime, self._datetime()), ("time", time, self._time()))
            if getattr(module, name, None) is real
        ]
        for module, name, _, ours in changed:
            setattr(module, name, ours)
        try:
            yield
        finally:
            for module, name, real, _ in changed:
                setattr(module, name, real)

    def _datetime(self) -> type[datetime]:
        clock = self

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.fromtimestamp(clock.now, tz)

        return Datetime

    def _time(self) -> types.SimpleNamespace:
        own = {"time": lambda: self.now, "monotonic": lambda: self.now - BEGIN + DAY}
        return types.SimpleNamespace(**{**vars(time), **own})


def _modules() -> list[types.ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("bot.") and "sandbox" not in name]
