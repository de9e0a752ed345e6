"""Planned faults of the emulated server: which fault, for which route, how often."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from bot.sandbox.onetime.routes import covers

FaultKind = Literal[
    "delay",  # waits `seconds`, then takes effect and answers
    "hang",  # waits for `release()`, then takes effect and answers
    "answer",  # answers `status`, `body` and `headers` instead; no effect
    "html",  # answers a proxy's HTML page with `status`; no effect
    "drop",  # closes the connection; no effect
    "drop after",  # takes effect, then closes the connection without an answer
    "late",  # takes effect, and answers after `seconds`
    "hang after",  # takes effect, and answers after `release()`
    "truncated",  # takes effect; half of the body comes, then the connection closes
    "drip",  # takes effect; the body comes in pieces of `at_once` bytes, `seconds` apart
]

HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True, eq=False)
class OnetimeFault:
    """One fault of a request. `FaultKind` describes each kind."""

    kind: FaultKind
    seconds: float = 0.0
    status: int = 502
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    at_once: int = 1  # bytes
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(get_args(FaultKind))}")

    def release(self) -> None:
        """Continue the requests that hang on this fault, and never hang on it again."""
        self.released.set()

    @property
    def has_effect(self) -> bool:
        return self.kind not in {"answer", "html", "drop"}


@dataclass(slots=True, eq=False)
class PlannedFault:
    route: str
    fault: OnetimeFault
    times_left: int | None  # None: for ever


class OnetimeFaults:
    """The planned faults, oldest plan first."""

    def __init__(self) -> None:
        self._planned: list[PlannedFault] = []
        self._started: list[OnetimeFault] = []

    def plan(self, route: str, fault: OnetimeFault, times: int | None = 1) -> None:
        if times is not None and times < 1:
            raise ValueError("a fault is planned for one time at least, or None for always")
        self._planned.append(PlannedFault(route, fault, times))

    def consume(self, template: str) -> OnetimeFault | None:
        """The planned fault for a request to `template`, or None. Counts the fault as used once."""
        for planned in self._planned:
            if covers(planned.route, template):
                if planned.times_left is not None:
                    planned.times_left -= 1
                    if planned.times_left == 0:
                        self._planned.remove(planned)
                self._started.append(planned.fault)
                return planned.fault
        return None

    def clear(self) -> None:
        """Remove all plans and continue the requests that hang."""
        for fault in [planned.fault for planned in self._planned] + self._started:
            fault.release()
        self._planned.clear()
        self._started.clear()
