"""The rate limits of the Web API: how often the app may call a method, and how long it has to wait after that.

Source: docs.slack.dev/apis/web-api/rate-limits, and the tier on the page of each method (2026). Slack limits each
method for each app and workspace. It promises at least the number of calls of the tier, and tolerates short bursts
above that, of which it does not say the size. Here a call more than promised is refused: no app may rely on bursts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class CallLimit:
    """`burst` calls at once, and then one more after each `interval` seconds."""

    burst: int
    interval: float


TIER_1 = CallLimit(4, MINUTE)  # "1+ per minute … a small amount of burst behavior is tolerated"
TIER_2 = CallLimit(20, MINUTE / 20)
TIER_3 = CallLimit(50, MINUTE / 50)
TIER_4 = CallLimit(100, MINUTE / 100)
SPECIAL = CallLimit(300, MINUTE / 300)  # "several hundred messages per minute" and workspace; "hundreds of requests"
IN_CHANNEL = CallLimit(4, 1.0)  # "one message per second per channel … short bursts >1 allowed"

POST = "chat.postMessage"
LIMITS = {
    "apps.connections.open": TIER_1,
    "auth.test": SPECIAL,
    "bots.info": TIER_3,
    "chat.delete": TIER_3,
    "chat.getPermalink": SPECIAL,
    "chat.postEphemeral": TIER_4,
    POST: SPECIAL,
    "chat.unfurl": TIER_3,
    "chat.update": TIER_3,
    "conversations.open": TIER_3,
    "functions.completeError": TIER_3,
    "functions.completeSuccess": TIER_3,
    "team.info": TIER_3,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}


class _CallBucket:
    """A token bucket: it is full at first, and each call takes one token."""

    __slots__ = ("_limit", "_refilled_at", "_tokens")

    def __init__(self, limit: CallLimit, now: float) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._refilled_at = now

    def seconds_until_free(self, now: float) -> float:
        """0 if a call is allowed now."""
        refilled = max(now - self._refilled_at, 0.0) / self._limit.interval  # a clock that was set back refills nothing
        self._tokens = min(self._tokens + refilled, float(self._limit.burst))
        self._refilled_at = now
        return max(1.0 - self._tokens, 0.0) * self._limit.interval

    def take(self) -> None:
        self._tokens -= 1.0


class SlackRateLimits:
    """Counts the calls of one workspace. `are_on` can be changed at any time: for all workspaces, or for one."""

    are_on = True

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _CallBucket] = {}

    def forget(self) -> None:
        self._buckets.clear()

    def take(self, method: str, channel: str = "") -> int:
        """Count a call and return 0. When there were too many, return the seconds to wait; the call does not count.

        `channel` is the conversation of a posted message.
        """
        if not self.are_on:
            return 0
        now = self._clock()
        buckets = [self._bucket(method, "", LIMITS[method], now)]
        if method == POST:
            buckets.append(self._bucket(method, channel, IN_CHANNEL, now))
        wait = max(bucket.seconds_until_free(now) for bucket in buckets)
        if wait > 0:
            return math.ceil(wait)
        for bucket in buckets:
            bucket.take()
        return 0

    def _bucket(self, method: str, channel: str, limit: CallLimit, now: float) -> _CallBucket:
        return self._buckets.setdefault((method, channel), _CallBucket(limit, now))
