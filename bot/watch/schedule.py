"""How often an account is looked at: often while something in it is fresh, rarer as it ages; and when to remind.

Pure arithmetic.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.person import known_zone

MAX_FRESH_AGE = 15 * 60.0  # seconds of age in which every `WATCH_EVERY` is a look
FIRST_HOUR = 3600.0  # seconds
FIRST_HOUR_INTERVAL = 40.0  # seconds between looks until then
MAX_INTERVAL = 300.0  # seconds
INTERVAL_PER_AGE = 0.05  # of the age, in between
JITTER = 0.1  # of the interval, either way

REMINDER_LIFE_DIVISOR = 6  # the last of so many parts of its life begins when it is time to remind
MIN_REMINDER_LEAD = timedelta(minutes=10)  # before the end: there has to be time to do something about it
MIN_REMINDER_LIFE = timedelta(minutes=20)  # whoever made what lives shorter than this still thinks of it
NIGHT, MORNING = time(21), time(8)  # in the person's own zone; a reminder can wait, or come before
EVENING = time(20, 45)  # what cannot wait until the morning; a look may come five minutes late


def poll_interval(age: float, min_interval: float) -> float:
    """Seconds until the next look at something `age` seconds old, without jitter."""
    if age < MAX_FRESH_AGE:
        return min_interval
    if age < FIRST_HOUR:
        return max(min_interval, FIRST_HOUR_INTERVAL)
    return max(min_interval, FIRST_HOUR_INTERVAL, min(MAX_INTERVAL, age * INTERVAL_PER_AGE))


def next_poll_in(ages: Iterable[float], min_interval: float, expires_in: Iterable[float] = ()) -> float | None:
    """Seconds until the account's next look: as often as its freshest secret deserves, and just after one expires.

    None when there is nothing to look at.
    """
    intervals = [poll_interval(age, min_interval) for age in ages]
    if not intervals:
        return None
    spread = min(intervals) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
    soon = [left + 1 for left in expires_in if 0 < left + 1 < spread]
    return min([spread, MAX_INTERVAL, *soon])


def reminder_time(made_at: datetime, expires_at: datetime, zone: str | None = None) -> datetime | None:
    """When an unread secret is worth a reminder, in UTC: a sixth of its life before the end, ten minutes at least.

    None for one that lives less than twenty minutes. Between 21:00 and 08:00 in the person's own `zone` (an IANA
    name; without one that is known there is no night) it waits for the morning. Where that is too late it comes the
    evening before, in the second half of the life; and only where that is too early it comes at night.
    """
    life = expires_at - made_at
    if life < MIN_REMINDER_LIFE:
        return None
    at = (expires_at - max(life / REMINDER_LIFE_DIVISOR, MIN_REMINDER_LEAD)).astimezone(UTC)
    where = known_zone(zone)
    if where is None or not _is_night(at, where):
        return at
    morning, evening = _morning_after(at, where), _evening_before(at, where)
    if morning <= expires_at - MIN_REMINDER_LEAD:
        return morning
    return evening if evening >= made_at + life / 2 else at


def is_reminder_due(made_at: datetime, expires_at: datetime, now: datetime, zone: str | None = None) -> bool:
    """Whether a reminder is due. One that is late, because nobody looked, waits for the morning too if it can."""
    at = reminder_time(made_at, expires_at, zone)
    if at is None or not at <= now < expires_at:
        return False
    where = known_zone(zone)
    if where is None or not _is_night(now, where):
        return True
    return _morning_after(now, where) > expires_at - MIN_REMINDER_LEAD


def _is_night(at: datetime, where: ZoneInfo) -> bool:
    clock = at.astimezone(where).time()
    return clock >= NIGHT or clock < MORNING


def _morning_after(at: datetime, where: ZoneInfo) -> datetime:
    """The end of the night that `at` is in. On the clocks of the place, whatever they are put to in between."""
    local = at.astimezone(where)
    day = local.date() + timedelta(days=local.time() >= NIGHT)
    return datetime.combine(day, MORNING, where).astimezone(UTC)


def _evening_before(at: datetime, where: ZoneInfo) -> datetime:
    """Shortly before the night that `at` is in."""
    local = at.astimezone(where)
    day = local.date() - timedelta(days=local.time() < MORNING)
    return datetime.combine(day, EVENING, where).astimezone(UTC)
