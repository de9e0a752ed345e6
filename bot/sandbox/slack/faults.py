"""What can be made to go wrong with a call of the Web API or a response_url, planned by the method's name."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from bot.sandbox.slack.changes import Changes

ANY = "*"  #: a fault planned for this name meets every method that has no fault of its own


@dataclass(slots=True)
class SlackFault:
    """One way to fail. Made by the functions below, never changed; only `hang` has something to release."""

    kind: Literal["answer", "drop", "drop_after", "wait", "wait_after", "hook"]
    status: int = 200
    body: Any = None  #: an object is sent as JSON, a string as HTML
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    hook: Callable[[], Any] | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @classmethod
    def error(cls, code: str, **extra: Any) -> Self:
        """`ok: false` with that code, and no effect."""
        return cls("answer", body={"ok": False, "error": code, **extra})

    @classmethod
    def http(cls, status: int, body: str | dict[str, Any] = "") -> Self:
        """That HTTP status and body (a string is HTML), and no effect."""
        return cls("answer", status=status, body=body)

    @classmethod
    def rate_limited(cls, retry_after: float | str | None = 30) -> Self:
        """429, with the Retry-After header as given; None leaves it out."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls("answer", 429, {"ok": False, "error": "ratelimited"}, headers)

    @classmethod
    def delay(cls, seconds: float, *, after: bool = False) -> Self:
        """Takes longer: before the effect, or (`after`) between the effect and the answer."""
        return cls("wait_after" if after else "wait", seconds=seconds)

    @classmethod
    def hang(cls, *, after: bool = False) -> Self:
        """Waits until `release()`, or until the faults are cleared; then goes on as if nothing was."""
        return cls("wait_after" if after else "wait")

    @classmethod
    def drop(cls) -> Self:
        """The connection breaks before the effect."""
        return cls("drop")

    @classmethod
    def drop_after(cls) -> Self:
        """The effect takes place, then the connection breaks before the answer."""
        return cls("drop_after")

    @classmethod
    def meanwhile(cls, hook: Callable[[], Any]) -> Self:
        """Calls (and awaits) `hook` when the call arrives, then goes on: to close a modal just then, say."""
        return cls("hook", hook=hook)

    def release(self) -> None:
        self.released.set()

    async def pause(self) -> None:
        if self.seconds is not None:
            await asyncio.sleep(self.seconds)
        else:
            await self.released.wait()

    async def call_hook(self) -> None:
        outcome = self.hook() if self.hook else None
        if inspect.isawaitable(outcome):
            await outcome


@dataclass(slots=True)
class _PlannedSlackFault:
    fault: SlackFault
    times_left: int | None  #: None: for ever
    about: str  #: what stands in the calls that meet it


class SlackFaults:
    """The plan. Faults of one method meet its calls in the order in which they were planned."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._plan: dict[str, list[_PlannedSlackFault]] = {}
        self._arrivals: Counter[str] = Counter()
        self._every_fault: list[SlackFault] = []

    def plan(self, method: str, fault: SlackFault, times: int | None = 1, about: str = "") -> SlackFault:
        """The next `times` calls of `method` (None: all) in which `about` stands meet `fault`.

        Arrivals are counted anew from here.
        """
        self._plan.setdefault(method, []).append(_PlannedSlackFault(fault, times, about))
        self._every_fault.append(fault)
        self._arrivals[method] = 0
        return fault

    def clear(self) -> None:
        """No more faults; whatever hangs goes on."""
        self._plan.clear()
        self._arrivals.clear()
        for fault in self._every_fault:
            fault.release()
        self._every_fault.clear()

    async def wait_for_call(self, method: str, times: int = 1, timeout: float | None = None) -> None:  # noqa: ASYNC109  the test names its patience
        """Waits until `method` was called `times` times since its last `plan` (or `clear`, or the start)."""
        await self._changes.until(lambda: self._arrivals[method] >= times, timeout)

    def consume(self, method: str, args: Mapping[str, Any]) -> SlackFault | None:
        """Counts an arrival and takes the fault that it meets, if any."""
        self._arrivals[method] += 1
        self._changes.publish("arrival", method)
        for name in (method, ANY):
            for planned in self._plan.get(name, []):
                if (planned.times_left is None or planned.times_left > 0) and planned.about in str(args):
                    planned.times_left = planned.times_left and planned.times_left - 1
                    return planned.fault
        return None
