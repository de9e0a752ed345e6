"""Keeps one slow or broken host from taking everybody's time: few calls at once, none while it is down."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.errors import HostUnavailable, OnetimeError

CONCURRENCY = 96  # calls to one host
MAX_FAILURES = 5  # in a row, before it is left alone
MIN_OPEN_TIME = 30.0  # seconds that it is left alone then, and longer each time
MAX_OPEN_TIME = 300.0  # seconds


class CircuitOpen(HostUnavailable):
    """The host is being left alone. `seconds` until it may be tried again, spread so that not all come at once."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the host is being left alone")
        self.retry_after = seconds * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load


class CircuitBreaker:
    """The state of one host: closed (all is well), open (left alone), half-open (one call may try)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._semaphore = asyncio.Semaphore(CONCURRENCY)
        self._failures = 0
        self._open_time = MIN_OPEN_TIME
        self._open_until = 0.0
        self._is_trial_running = False

    @property
    def seconds_until_trial(self) -> float:
        """Seconds that it is still to be left alone; 0 if it may be called, if only for a try."""
        return max(0.0, self._open_until - self._clock()) if self.is_tripped else 0.0

    @property
    def is_tripped(self) -> bool:
        return self._failures >= MAX_FAILURES

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Around one call. Raises `CircuitOpen` instead of letting it happen while the host is left alone."""
        async with self._semaphore:
            trial = self._admit()  # after the wait at the gate: the host may have gone down meanwhile
            try:
                yield
            except HostUnavailable:
                self._record_failure(trial=trial)
                raise
            except OnetimeError:
                self._record_success()  # an answer, if not the one hoped for
                raise
            else:
                self._record_success()
            finally:
                self._is_trial_running = self._is_trial_running and not trial

    def _admit(self) -> bool:
        """Whether this is the one call that tries how the host is."""
        if not self.is_tripped:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._is_trial_running:
            raise CircuitOpen(max(left, 1.0))
        self._is_trial_running = True
        return True

    def _record_success(self) -> None:
        self._failures, self._open_time = 0, MIN_OPEN_TIME

    def _record_failure(self, *, trial: bool) -> None:
        """Calls that were under way when the host was found down say nothing new when they fail too."""
        self._failures += 1
        if trial or self._failures == MAX_FAILURES:
            self._open_until = self._clock() + self._open_time
            self._open_time = min(self._open_time * 2, MAX_OPEN_TIME)
