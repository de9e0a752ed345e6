"""What arrived at the server, for tests that wait and people who watch. Never a key, never a user name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.onetime.routes import covers


@dataclass(slots=True)
class RequestRecord:
    """One request. `route` is a template, never an address with a key in it; `caller` is masked.

    `status` is None until it is answered, and stays None if the connection was dropped instead.
    """

    at: float  # epoch seconds, of the server's clock
    method: str
    route: str
    caller: str
    status: int | None = None
    fault: str | None = None


class RequestLog:
    """All requests, in the order in which they arrived."""

    def __init__(self) -> None:
        self.all: list[RequestRecord] = []
        self._callbacks: list[Callable[[RequestRecord], None]] = []
        self._marks: dict[str, int] = {}
        self._arrival = asyncio.Event()

    def forget(self) -> None:
        self.all.clear()
        self._marks.clear()

    def add(self, seen: RequestRecord) -> None:
        self.all.append(seen)
        self._arrival.set()

    def done(self, seen: RequestRecord) -> None:
        for callback in tuple(self._callbacks):
            callback(seen)

    def subscribe(self, callback: Callable[[RequestRecord], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def mark(self, route: str) -> None:
        """Whoever waits for `route` from now on does not mean what came before."""
        self._marks[route] = len(self.all)

    async def arrived(self, route: str, times: int) -> None:
        since = self._marks.get(route, 0)
        while sum(covers(route, seen.route) for seen in self.all[since:]) < times:
            self._arrival.clear()
            await self._arrival.wait()
