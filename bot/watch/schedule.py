"""When to poll an account (often while a secret of it is fresh, less often as it ages) and when to send a reminder.

Arithmetic only: no I/O and no clock.

    age of the newest secret    seconds between two polls (`poll_interval`)
    under 15 minutes            WATCH_EVERY
    under an hour               40
    older                       5 % of the age: 180 to 300
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.person import known_zone

MAX_FRESH_AGE = 15 * 60.0  # seconds: a younger secret is polled for every WATCH_EVERY
FIRST_HOUR = 3600.0  # seconds of age
FIRST_HOUR_INTERVAL = 40.0  # seconds between two polls for a secret of up to that age; never less for an older one
MAX_INTERVAL = 300.0  # seconds between two polls, whatever the age
INTERVAL_PER_AGE = 0.05  # seconds between two polls for each second of age, after the first hour
JITTER = 0.1  # of the interval, added or subtracted by chance

REMINDER_LIFE_DIVISOR = 6  # a reminder comes when the last sixth of the life begins
MIN_REMINDER_LEAD = timedelta(minutes=10)  # a reminder comes at least so long before the end: there must be time to act
MIN_REMINDER_LIFE = timedelta(minutes=20)  # no reminder of a shorter life: its maker has not forgotten it yet
NIGHT, MORNING = time(21), time(8)  # in the person's zone; no reminder comes in between if it can come earlier or later
EVENING = time(20, 45)  # for reminders that cannot wait until the morning; a poll may come 5 minutes late


def poll_interval(age: float, min_interval: float) -> float:
    """Seconds between two polls for a secret that is `age` seconds old, without jitter. `min_interval`: WATCH_EVERY."""
    if age < MAX_FRESH_AGE:
        return min_interval
    if age < FIRST_HOUR:
        return max(min_interval, FIRST_HOUR_INTERVAL)
    return max(min_interval, FIRST_HOUR_INTERVAL, min(MAX_INTERVAL, age * INTERVAL_PER_AGE))


def next_poll_in(ages: Iterable[float], min_interval: float, expires_in: Iterable[float] = ()) -> float | None:
    """Seconds until the account's next poll: by its newest secret, or a second after the next expiry if that is sooner.

    `ages` and `expires_in` are in seconds. None if there are no ages: no secret is left to poll for.
    """
    intervals = [poll_interval(age, min_interval) for age in ages]
    if not intervals:
        return None
    delay = min(intervals) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
    after_expiry = [seconds + 1 for seconds in expires_in if 0 < seconds + 1 < delay]
    return min([delay, MAX_INTERVAL, *after_expiry])


def reminder_time(made_at: datetime, expires_at: datetime, zone: str | None = None) -> datetime | None:
    """When to send a reminder of an unread secret, in UTC: a sixth of its life before the end, and 10 minutes at least.

    None for a secret that lives less than 20 minutes. A reminder that would come between 21:00 and 08:00 in `zone`
    comes in the morning instead. If the morning is too late, it comes the evening before, but not in the first half of
    the life. Otherwise it comes at night. `zone` is an IANA name; without a zone that this machine knows, there is no
    night.
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
    """Whether to send the reminder now.

    A late reminder (no worker ran) also waits for the morning, unless the morning is too late.
    """
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
    """The end of the night that `at` is in, by local time: correct in nights when clocks change, too. In UTC."""
    local = at.astimezone(where)
    day = local.date() + timedelta(days=local.time() >= NIGHT)
    return datetime.combine(day, MORNING, where).astimezone(UTC)


def _evening_before(at: datetime, where: ZoneInfo) -> datetime:
    """EVENING before the night that `at` is in, in UTC."""
    local = at.astimezone(where)
    day = local.date() - timedelta(days=local.time() < MORNING)
    return datetime.combine(day, EVENING, where).astimezone(UTC)
