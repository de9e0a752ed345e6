"""Limits the calls to one slow or broken host: few calls at once, and none while the host is down.

    closed ──MAX_FAILURES calls in a row fail──▶ open ──the open time is over──▶ half-open
      ▲                                           ▲                                 │ one call at a time: the trial
      │                                           └──── the trial fails ────────────┤ open for twice as long
      └──────────── the host answers ───────────────────────────────────────────────┘

- A call that began before the circuit opened closes it too, if the host answers that call.
- Only `HostUnavailable` is a failure. Every other error of Onetime Secret is an answer, so the host is up.
- An error that is not the host's (a bug, a cancelled task) changes no state; after such a trial another call may try.
- Calls that were under way when the circuit opened change nothing if they fail: they say nothing new, and must not
  make the open time longer.
- When the circuit has closed, the next open time is MIN_OPEN_TIME again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.errors import HostUnavailable, OnetimeError

CONCURRENCY = 96  # calls to one host at once
MAX_FAILURES = 5  # in a row; with this failure the circuit opens
MIN_OPEN_TIME = 30.0  # seconds that the circuit stays open the first time
MAX_OPEN_TIME = 300.0  # seconds


class CircuitOpen(HostUnavailable):
    """The call was not made, because the circuit is open or somebody else's trial is under way.

    `retry_after` is in seconds, with up to half as much added by chance, so that callers do not return all at once.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("not called: its circuit is open")
        self.retry_after = seconds * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load


class CircuitBreaker:
    """The circuit of one host. `clock` gives seconds, from any start. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._semaphore = asyncio.Semaphore(CONCURRENCY)
        self._failures = 0  # in a row
        self._open_time = MIN_OPEN_TIME  # seconds, of the next time that the circuit opens
        self._open_until = 0.0  # by `clock`
        self._is_trial_running = False

    @property
    def is_tripped(self) -> bool:
        """Whether the circuit is open or half-open."""
        return self._failures >= MAX_FAILURES

    @property
    def seconds_until_trial(self) -> float:
        """Seconds until a trial may be made; 0 if the circuit is closed or half-open."""
        return max(0.0, self._open_until - self._clock()) if self.is_tripped else 0.0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Use this around one call. Waits for a free place; raises `CircuitOpen` if no call may be made."""
        async with self._semaphore:
            is_trial = self._admit()  # after the wait for a place: the circuit may have opened meanwhile
            try:
                yield
            except HostUnavailable:
                self._record_failure(is_trial=is_trial)
                raise
            except OnetimeError:
                self._record_success()
                raise
            else:
                self._record_success()
            finally:
                self._is_trial_running = self._is_trial_running and not is_trial

    def _admit(self) -> bool:
        """Whether this call is the trial. Raises `CircuitOpen`."""
        if not self.is_tripped:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._is_trial_running:
            raise CircuitOpen(max(left, 1.0))
        self._is_trial_running = True
        return True

    def _record_success(self) -> None:
        self._failures, self._open_time = 0, MIN_OPEN_TIME

    def _record_failure(self, *, is_trial: bool) -> None:
        self._failures += 1
        if is_trial or self._failures == MAX_FAILURES:
            self._open_until = self._clock() + self._open_time
            self._open_time = min(self._open_time * 2, MAX_OPEN_TIME)
