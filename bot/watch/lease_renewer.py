"""Leases of what this process is working on: renewed together, so that they can be short and the work be long.

A process that dies renews nothing, and after `LEASE` seconds another takes over. One that was stopped for longer and
goes on is fenced out: what it held has another's lease by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from bot.logs import Log
from bot.periodic import PeriodicTask

LEASE = 4.0  # seconds
RENEW_INTERVAL = 1.2  # seconds after which a lease is renewed: two may fail before it runs out

log = Log("leases")


class Leased(Protocol):
    """A row that `claim` gave: which one, and by which claim."""

    @property
    def id(self) -> str: ...

    @property
    def lease(self) -> str | None: ...


LeasedRow = TypeVar("LeasedRow", bound=Leased)


class LeaseRenewer(Generic[LeasedRow]):
    """`renew` is given what was taken more than `RENEW` seconds ago and not dropped since, and `LEASE`."""

    def __init__(self, renew: Callable[[list[LeasedRow], float], Awaitable[object]]) -> None:
        self._renew = renew
        self._rows: dict[tuple[str, str | None], tuple[float, LeasedRow]] = {}

    def hold(self, rows: Iterable[LeasedRow]) -> None:
        now = time.monotonic()
        self._rows.update({(row.id, row.lease): (now, row) for row in rows})

    def forget(self, row: LeasedRow) -> None:
        self._rows.pop((row.id, row.lease), None)

    @asynccontextmanager
    async def renew_in_background(self) -> AsyncIterator[None]:
        """Renews as long as this is open."""
        loop = PeriodicTask(self._renew_held, RENEW_INTERVAL, log, "renewal_failed")
        renewing = asyncio.create_task(loop.run())
        try:
            yield
        finally:
            loop.stop()
            await renewing

    async def _renew_held(self) -> bool:
        before = time.monotonic() - RENEW_INTERVAL / 2
        if old := [row for since, row in self._rows.values() if since < before]:
            await self._renew(old, LEASE)
        return False
