"""Planned faults of the Web API and of response_urls: which fault, for which method, how often."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from bot.sandbox.slack.changes import Changes

ANY = "*"  #: the method name for a fault of all methods without a fault of their own


@dataclass(slots=True)
class SlackFault:
    """One fault. Make it with a class method; `release` is only for a fault made by `hang`."""

    kind: Literal["answer", "drop", "drop_after", "wait", "wait_after", "hook"]
    status: int = 200
    body: Any = None  #: a dict is sent as JSON, a string as HTML
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    hook: Callable[[], Any] | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @classmethod
    def error(cls, code: str, **extra: Any) -> Self:
        """Answer `ok: false` with `code` and further fields. The call has no effect."""
        return cls("answer", body={"ok": False, "error": code, **extra})

    @classmethod
    def http(cls, status: int, body: str | dict[str, Any] = "") -> Self:
        """Answer an HTTP status and body (a string is HTML). The call has no effect."""
        return cls("answer", status=status, body=body)

    @classmethod
    def rate_limited(cls, retry_after: float | str | None = 30) -> Self:
        """Answer 429 with the header Retry-After, in seconds; None leaves the header out."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls("answer", 429, {"ok": False, "error": "ratelimited"}, headers)

    @classmethod
    def delay(cls, seconds: float, *, after: bool = False) -> Self:
        """Wait `seconds` before the effect or, with `after`, between the effect and the answer."""
        return cls("wait_after" if after else "wait", seconds=seconds)

    @classmethod
    def hang(cls, *, after: bool = False) -> Self:
        """Wait until `release()` or until the faults are cleared, then continue."""
        return cls("wait_after" if after else "wait")

    @classmethod
    def drop(cls) -> Self:
        """Break the connection before the effect."""
        return cls("drop")

    @classmethod
    def drop_after(cls) -> Self:
        """Break the connection after the effect and before the answer."""
        return cls("drop_after")

    @classmethod
    def meanwhile(cls, hook: Callable[[], Any]) -> Self:
        """Call (and await) `hook` when the call arrives, then continue. For example, `hook` closes a modal."""
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
    about: str  #: only calls with this text in their arguments meet the fault


class SlackFaults:
    """All planned faults. Those of one method are used in the order in which they were planned."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._plan: dict[str, list[_PlannedSlackFault]] = {}
        self._arrivals: Counter[str] = Counter()
        self._every_fault: list[SlackFault] = []

    def plan(self, method: str, fault: SlackFault, times: int | None = 1, about: str = "") -> SlackFault:
        """Let the next `times` calls of `method` (None: all) meet `fault`, if `about` is in their arguments.

        The count of `wait_for_call` starts again.
        """
        self._plan.setdefault(method, []).append(_PlannedSlackFault(fault, times, about))
        self._every_fault.append(fault)
        self._arrivals[method] = 0
        return fault

    def clear(self) -> None:
        """Remove all faults and continue the calls that hang."""
        self._plan.clear()
        self._arrivals.clear()
        for fault in self._every_fault:
            fault.release()
        self._every_fault.clear()

    async def wait_for_call(self, method: str, times: int = 1, timeout: float | None = None) -> None:  # noqa: ASYNC109  callers choose the timeout
        """Wait until `method` was called `times` times since its last `plan`, or `clear`, or the start."""
        await self._changes.until(lambda: self._arrivals[method] >= times, timeout)

    def consume(self, method: str, args: Mapping[str, Any]) -> SlackFault | None:
        """Count a call and return the fault that it meets, or None. The fault is counted as used once."""
        self._arrivals[method] += 1
        self._changes.publish("arrival", method)
        for name in (method, ANY):
            for planned in self._plan.get(name, []):
                if (planned.times_left is None or planned.times_left > 0) and planned.about in str(args):
                    planned.times_left = planned.times_left and planned.times_left - 1
                    return planned.fault
        return None
