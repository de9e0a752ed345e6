"""The log of requests that arrived at the server, for tests and the page. It holds no key and no user name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.onetime.routes import covers


@dataclass(slots=True)
class RequestRecord:
    """One request. `route` is a template, never a path with a key in it; `caller` is masked.

    `status` is None until the request is answered. It stays None if the connection was dropped.
    """

    at: float  # seconds since 1970, of the server's clock
    method: str
    route: str
    caller: str
    status: int | None = None
    fault: str | None = None


class RequestLog:
    """All requests, in the order of their arrival."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self._callbacks: list[Callable[[RequestRecord], None]] = []
        self._marks: dict[str, int] = {}
        self._arrival = asyncio.Event()

    def forget(self) -> None:
        self.records.clear()
        self._marks.clear()

    def add(self, record: RequestRecord) -> None:
        self.records.append(record)
        self._arrival.set()

    def notify(self, record: RequestRecord) -> None:
        """Call the subscribers with a request that was answered or dropped."""
        for callback in tuple(self._callbacks):
            callback(record)

    def subscribe(self, callback: Callable[[RequestRecord], None]) -> Callable[[], None]:
        """Call `callback` with each finished request. Returns a function that ends the subscription."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def mark(self, route: str) -> None:
        """Start to count the requests to `route` again: `wait_for_call` ignores those before now."""
        self._marks[route] = len(self.records)

    async def wait_for_call(self, route: str, times: int) -> None:
        """Wait until `times` requests to `route` have arrived since its `mark`, or since the start."""
        since = self._marks.get(route, 0)
        while sum(covers(route, record.route) for record in self.records[since:]) < times:
            self._arrival.clear()
            await self._arrival.wait()
