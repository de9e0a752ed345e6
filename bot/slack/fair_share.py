"""How much each person may have under way, so that nobody keeps the bot busy for all others.

Whoever waits for an answer before they do the next thing is never refused. Whoever has more than `FREE` things under
way has a token bucket for the rest. A refusal is held back for a moment and counts as under way for so long: a program
that only repeats what was refused gets no further sooner, and costs next to nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from cachetools import LRUCache, TTLCache

from bot.errors import LimitReached
from bot.person import Person
from bot.screen.pieces import say
from bot.slack.connections import max_connections

FREE = 2  # things that a person may have under way without tokens
BURST = 10  # tokens
PER_SECOND = 1.0  # tokens
HOLD = 1.0  # seconds that a refusal waits, of the 3 that Slack gives
TELL_EVERY = 10.0  # seconds between two messages that say so
MAX_PEOPLE = 50_000

TOO_MUCH = say("Too many actions at once. Nothing was done. Please try again in a few seconds.")


class FairShare:
    """What each person has under way, and their tokens. `begin` and `end` say what is under way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, hold: float = HOLD) -> None:
        self._clock = clock
        self._hold = hold
        self._max_held = max_connections() // 2
        self._held = 0
        self._under_way: Counter[Person] = Counter()
        self._buckets: LRUCache[Person, tuple[float, float]] = LRUCache(
            MAX_PEOPLE
        )  # tokens, and when there were so many
        self._notified: TTLCache[Person, bool] = TTLCache(MAX_PEOPLE, TELL_EVERY, timer=clock)

    def may_begin(self, person: Person) -> bool:
        """Whether the person may begin one more thing now. Takes a token if it needs one."""
        if self._under_way[person] < FREE:
            return True
        now = self._clock()
        tokens, at = self._buckets.get(person, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - at) * PER_SECOND)
        is_enough = tokens >= 1
        self._buckets[person] = (tokens - is_enough, now)
        return is_enough

    def begin(self, person: Person) -> None:
        self._under_way[person] += 1

    def end(self, person: Person) -> None:
        self._under_way[person] -= 1
        if not self._under_way[person]:
            del self._under_way[person]

    async def hold(self, person: Person) -> None:
        """Wait before a refusal. Not if too many are waiting already: each of them holds a connection."""
        if self._held >= self._max_held:
            return
        self._held += 1
        self.begin(person)
        try:
            await asyncio.sleep(self._hold)
        finally:
            self._held -= 1
            self.end(person)

    def is_due_to_tell(self, person: Person) -> bool:
        """Whether the person was not told in the last `TELL_EVERY` seconds. Counts as telling them."""
        if person in self._notified:
            return False
        self._notified[person] = True
        return True


def too_much() -> LimitReached:
    return LimitReached("under_way", HOLD, tell=TOO_MUCH)
