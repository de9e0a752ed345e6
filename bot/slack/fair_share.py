"""How much each person may start at once, so that nobody keeps the bot busy for all others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cachetools import LRUCache, TTLCache

from bot.errors import LimitReached
from bot.person import Person
from bot.slack.connections import max_connections

BURST = 30  # what a person may start at once
PER_SECOND = 3.0  # what a person may start each second after that
HOLD = 1.0  # seconds that a refusal waits, of the 3 that Slack gives: who only repeats gets no further sooner
TELL_EVERY = 10.0  # seconds between two messages that say so
MAX_PEOPLE = 50_000

TOO_MUCH = "That was a lot at once, so this was not done. Please try again in a few seconds."


class FairShare:
    """A token bucket for each person."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, hold: float = HOLD) -> None:
        self._clock = clock
        self._hold = hold
        self._max_held = max_connections() // 2
        self._held = 0
        self._buckets: LRUCache[Person, tuple[float, float]] = LRUCache(
            MAX_PEOPLE
        )  # tokens, and when there were so many
        self._told: TTLCache[Person, bool] = TTLCache(MAX_PEOPLE, TELL_EVERY, timer=clock)

    def take(self, person: Person) -> bool:
        """Whether the person may start something now."""
        now = self._clock()
        tokens, at = self._buckets.get(person, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - at) * PER_SECOND)
        is_enough = tokens >= 1
        self._buckets[person] = (tokens - is_enough, now)
        return is_enough

    async def hold(self) -> None:
        """Wait before a refusal. Not if too many are waiting already: each of them holds a connection."""
        if self._held >= self._max_held:
            return
        self._held += 1
        try:
            await asyncio.sleep(self._hold)
        finally:
            self._held -= 1

    def is_due_to_tell(self, person: Person) -> bool:
        """Whether the person was not told in the last `TELL_EVERY` seconds. Counts as telling them."""
        if person in self._told:
            return False
        self._told[person] = True
        return True


def too_much() -> LimitReached:
    return LimitReached("acts", 1 / PER_SECOND, tell=TOO_MUCH)
