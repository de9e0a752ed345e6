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
OPEN_TIME = 30.0  # seconds that it is left alone then, and longer each time
MAX_OPEN_TIME = 300.0  # seconds


class CircuitOpen(HostUnavailable):
    """The host is being left alone. `seconds` until it may be tried again, spread so that not all come at once."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the host is being left alone")
        self.seconds = seconds * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load


class CircuitBreaker:
    """The state of one host: closed (all is well), open (left alone), half-open (one call may try)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._gate = asyncio.Semaphore(CONCURRENCY)
        self._failures = 0
        self._rest = OPEN_TIME
        self._open_until = 0.0
        self._trying = False

    @property
    def rests_for(self) -> float:
        """Seconds that it is still to be left alone; 0 if it may be called, if only for a try."""
        return max(0.0, self._open_until - self._clock()) if self.is_down else 0.0

    @property
    def is_down(self) -> bool:
        return self._failures >= MAX_FAILURES

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Around one call. Raises `CircuitOpen` instead of letting it happen while the host is left alone."""
        async with self._gate:
            trial = self._let_in()  # after the wait at the gate: the host may have gone down meanwhile
            try:
                yield
            except HostUnavailable:
                self._failed(trial=trial)
                raise
            except OnetimeError:
                self._well()  # an answer, if not the one hoped for
                raise
            else:
                self._well()
            finally:
                self._trying = self._trying and not trial

    def _let_in(self) -> bool:
        """Whether this is the one call that tries how the host is."""
        if not self.is_down:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._trying:
            raise CircuitOpen(max(left, 1.0))
        self._trying = True
        return True

    def _well(self) -> None:
        self._failures, self._rest = 0, OPEN_TIME

    def _failed(self, *, trial: bool) -> None:
        """Calls that were under way when the host was found down say nothing new when they fail too."""
        self._failures += 1
        if trial or self._failures == MAX_FAILURES:
            self._open_until = self._clock() + self._rest
            self._rest = min(self._rest * 2, MAX_OPEN_TIME)
