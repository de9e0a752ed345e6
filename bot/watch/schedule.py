"""How often an account is looked at: often while something in it is fresh, rarer as it ages. Pure arithmetic."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

FRESH = 15 * 60.0  # seconds of age in which every `WATCH_EVERY` is a look
FIRST_HOUR = 3600.0  # seconds
IN_FIRST_HOUR = 60.0  # seconds between looks until then
SLOWEST = 300.0  # seconds
PER_AGE = 0.05  # of the age, in between
JITTER = 0.1  # of the interval, either way

REMIND_AT = 1 / 6  # of the life that is left when it is time to remind
REMIND_LEAST = timedelta(minutes=10)


def interval(age: float, every: float) -> float:
    """Seconds until the next look at something `age` seconds old, without jitter."""
    if age < FRESH:
        return every
    if age < FIRST_HOUR:
        return max(every, IN_FIRST_HOUR)
    return max(every, IN_FIRST_HOUR, min(SLOWEST, age * PER_AGE))


def next_look(ages: Iterable[float], every: float, expires_in: Iterable[float] = ()) -> float | None:
    """Seconds until the account's next look: as often as its freshest secret deserves, and just after one expires.

    None when there is nothing to look at.
    """
    intervals = [interval(age, every) for age in ages]
    if not intervals:
        return None
    spread = min(intervals) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
    soon = [left + 1 for left in expires_in if 0 < left + 1 < spread]
    return min([spread, SLOWEST, *soon])


def remind_at(made_at: datetime, expires_at: datetime) -> datetime:
    """When an unread secret is worth a reminder: a sixth of its life before the end, ten minutes at least."""
    left = max((expires_at - made_at) * REMIND_AT, REMIND_LEAST)
    return max(made_at, expires_at - left)
