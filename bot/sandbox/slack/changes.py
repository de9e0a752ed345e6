"""Publishes changes of the workspace to subscribers, and lets a coroutine wait for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

DEFAULT_TIMEOUT = 5.0  # seconds

Result = TypeVar("Result")


ChangeKind = Literal[
    "message",
    "message_changed",
    "message_deleted",
    "view",
    "view_closed",
    "home",
    "warning",
    "call",
    "arrival",
    "delivery",
    "connection",
    "person",
    "channel",
]


@dataclass(frozen=True, slots=True)
class WorkspaceChange:
    """One change. `about` is the object that changed: for example a message, a view or a call."""

    what: ChangeKind
    about: Any = field(repr=False)


Subscriber = Callable[[WorkspaceChange], None]


class Changes:
    """Calls the subscribers at every change, in their order, and wakes all waiting coroutines."""

    patience = DEFAULT_TIMEOUT  #: seconds, the default timeout of `until`

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every later change. Returns a function that ends the subscription."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    def publish(self, what: ChangeKind, about: Any = None) -> None:
        for subscriber in list(self._subscribers):
            subscriber(WorkspaceChange(what, about))
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, condition: Callable[[], Result | None], timeout: float | None = None) -> Result:  # noqa: ASYNC109  callers choose the timeout
        """Wait until `condition()` is true. Returns what `condition()` returned.

        Raises `TimeoutError` after `timeout` seconds (default: `patience`).
        """
        async with asyncio.timeout(self.patience if timeout is None else timeout):
            while not (answer := condition()):
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
        return answer
