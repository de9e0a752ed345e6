"""The real `python -m bot run` by a clock that goes faster: the time of day, the timers, the database's time.

    python -m tests.long.fast_bot TIMES SINCE

`SINCE`, in seconds since 1970, is when this clock showed what the machine's did. What waits for others (the disk, a
server, the other process's processor) keeps its real seconds, because those do not go faster.
"""

from __future__ import annotations

import selectors
import sys
import time
from typing import Any

from sqlalchemy import Engine, event

JULIAN_1970 = 2440587.5  # days
DAY = 86_400.0  # seconds

_machine_time, _machine_monotonic = time.time, time.monotonic


def fast(times: float, since: float, machine: float) -> float:
    """The fast clock's time when the machine's is `machine`."""
    return since + (machine - since) * times


def set_up(times: float, since: float) -> None:
    """From now on this process knows only the fast clock."""
    began = _machine_monotonic()
    time.time = lambda: fast(times, since, _machine_time())
    time.monotonic = lambda: fast(times, began, _machine_monotonic())

    class Selector(selectors.DefaultSelector):
        """The event loop counts in fast seconds, the system in its own."""

        def select(self, timeout: float | None = None) -> Any:
            return super().select(timeout / times if timeout else timeout)

    selectors.DefaultSelector = Selector  # type: ignore[misc]

    @event.listens_for(Engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.create_function("julianday", 1, lambda _: time.time() / DAY + JULIAN_1970)


def be_patient(times: float) -> None:
    """Deadlines for others are real seconds. Before anything else of the bot is imported."""
    from bot.onetime import client
    from bot.slack import web
    from bot.storage import leases
    from bot.storage.engine import database
    from bot.watch import lease_renewer

    defaults = client.Onetime.__init__.__kwdefaults__
    assert defaults is not None
    defaults["deadline"] *= times
    web.TIMEOUT = round(web.TIMEOUT * times)
    database._COMMON["pool_timeout"] *= times
    database.WRITE_WAIT *= times
    lease_renewer.LEASE *= times
    leases.MAX_LEASE *= times  # a longer one counts as that of a wrong clock, and is taken back
    lease_renewer.RENEW_INTERVAL *= times


if __name__ == "__main__":
    TIMES, SINCE = map(float, sys.argv[1:])
    set_up(TIMES, SINCE)
    be_patient(TIMES)
    from bot.__main__ import main

    sys.exit(main(["run"]))
