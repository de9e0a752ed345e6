"""Renews the leases of rows that this process is working on, so that leases can be short and the work long.

    free ──claim──▶ leased until now + LEASE ──┬─ renewed every RENEW_INTERVAL while the renewer holds the row
     ▲                                         ├─ given back with the write that ends the work ──▶ free
     └── the lease runs out ───────────────────┘  (the process died, or was stopped for longer than LEASE)

A process that goes on after its lease ran out is fenced: every write names the lease of its claim, and another claim
has another lease.
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
RENEW_INTERVAL = 1.2  # seconds between two renewals: two in a row may fail before a lease runs out

log = Log("leases")


class Leased(Protocol):
    """A row that a claim gave: its id, and the id of the claim's lease."""

    @property
    def id(self) -> str: ...

    @property
    def lease(self) -> str | None: ...


LeasedRow = TypeVar("LeasedRow", bound=Leased)


class LeaseRenewer(Generic[LeasedRow]):
    """Calls `renew(rows, LEASE)` for the rows it holds; `renew` skips rows that have another lease by now."""

    def __init__(self, renew: Callable[[list[LeasedRow], float], Awaitable[object]]) -> None:
        self._renew = renew
        self._rows: dict[tuple[str, str | None], tuple[float, LeasedRow]] = {}  # with the time of `hold`

    def hold(self, rows: Iterable[LeasedRow]) -> None:
        """Renew the leases of these rows from now on."""
        now = time.monotonic()
        self._rows.update({(row.id, row.lease): (now, row) for row in rows})

    def forget(self, row: LeasedRow) -> None:
        """Renew this row's lease no more. The lease itself is given back by a write, or runs out."""
        self._rows.pop((row.id, row.lease), None)

    @asynccontextmanager
    async def renew_in_background(self) -> AsyncIterator[None]:
        """Renews while the block runs."""
        loop = PeriodicTask(self._renew_held, RENEW_INTERVAL, log, "renewal_failed")
        renewing = asyncio.create_task(loop.run())
        try:
            yield
        finally:
            loop.stop()
            await renewing

    async def _renew_held(self) -> bool:
        """Renew the leases that are not brand new."""
        before = time.monotonic() - RENEW_INTERVAL / 2
        if rows := [row for since, row in self._rows.values() if since < before]:
            await self._renew(rows, LEASE)
        return False
