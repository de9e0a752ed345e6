"""Whether this process can do its job now: what /readyz says.

A check is a part of the process by name. What concerns one workspace of many is no check: it never makes the process
unready.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.errors import BotError
from bot.logs import Log

CHECK_TIME = 4.0  # seconds for all checks of one report
MAX_PER_SECOND = 5  # reports: anybody may ask, and a check writes to the disk

ReadinessChecks = Mapping[str, Callable[[], Awaitable[str | None]]]  # name -> why that part is not ready, or None

log = Log("readiness")


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """By the name of each part, why it is not ready; None for a part that is."""

    reasons: Mapping[str, str | None]

    @property
    def is_ready(self) -> bool:
        return not any(self.reasons.values())

    @property
    def summary(self) -> str:
        """All reasons in one line; empty while everything is ready."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items() if reason)


class Readiness:
    """Makes reports. Who asks while one is being made gets that one."""

    def __init__(self, checks: ReadinessChecks) -> None:
        self._checks = checks
        self._under_way: asyncio.Task[ReadinessReport] | None = None
        self._last = ReadinessReport({})
        self._made_at: deque[float] = deque(maxlen=MAX_PER_SECOND)  # by `time.monotonic`

    async def report(self) -> ReadinessReport:
        """The state of now. After MAX_PER_SECOND reports within a second it is the last one's."""
        if self._under_way is None:
            now = time.monotonic()
            if len(self._made_at) == MAX_PER_SECOND and now - self._made_at[0] < 1.0:
                return self._last
            self._made_at.append(now)
            self._under_way = asyncio.create_task(self._make_report())
        return await asyncio.shield(self._under_way)

    async def _make_report(self) -> ReadinessReport:
        try:
            found = await asyncio.gather(*(_run(check) for check in self._checks.values()))
            report = ReadinessReport(dict(zip(self._checks, found, strict=True)))
            self._log_change(report)
            self._last = report
            return report
        finally:
            self._under_way = None

    def _log_change(self, report: ReadinessReport) -> None:
        """A line when another part fails and when all work again, but none for each request."""
        failing = {name for name, reason in report.reasons.items() if reason}
        before = {name for name, reason in self._last.reasons.items() if reason}
        if failing - before:
            log.warning("not_ready", reason=report.summary)
        elif before and not failing:
            log.info("ready_again")


async def _run(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIME):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_TIME:g} s"
    except BotError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a check that crashes is a part that does not work
        log.error("check_crashed", cause=error)
        return f"the check failed ({type(error).__name__})"
