"""The rate limits of the servers: a count for each caller and action, in fixed buckets of 20 minutes."""

from __future__ import annotations

from collections import Counter

from bot.sandbox.onetime.versions import BUCKET_SECONDS, LimitedAction, Version

ANONYMOUS = ""  # all anonymous callers count as one: all of them come from the same address here


class RateLimits:
    """Counts the actions of callers. With `on` false nothing is limited."""

    def __init__(self, version: Version, *, on: bool) -> None:
        self.on = on
        self._version = version
        self._counts: Counter[tuple[int, str, LimitedAction]] = Counter()

    def exceeds(self, caller: str, action: LimitedAction, now: float) -> bool:
        """Count one `action` of `caller` (a user name or `ANONYMOUS`). Returns True if the count is above the limit."""
        limit = self._version.limits.get(action)
        exempt = caller != ANONYMOUS and not self._version.limits_accounts
        if not self.on or limit is None or exempt:
            return False
        bucket = int(now // BUCKET_SECONDS)
        self._counts[bucket, caller, action] += 1
        return self._counts[bucket, caller, action] > limit
