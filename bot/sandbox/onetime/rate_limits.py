"""Rate limits as the servers keep them: a count per caller and action, in fixed 20-minute buckets."""

from __future__ import annotations

from collections import Counter

from bot.sandbox.onetime.versions import BUCKET, LimitedAction, Version

ANONYMOUS = ""  # the one anonymous caller: everybody here comes from the same address


class RateLimits:
    """Counts what callers do. When `on` is false nothing is ever too much."""

    def __init__(self, version: Version, *, on: bool) -> None:
        self.on = on
        self._version = version
        self._counts: Counter[tuple[int, str, LimitedAction]] = Counter()

    def is_too_much(self, caller: str, action: LimitedAction, now: float) -> bool:
        """Count one more `action` of `caller` (a user name or `ANONYMOUS`) and say whether it is over the limit."""
        most = self._version.limits.get(action)
        exempt = caller != ANONYMOUS and not self._version.limits_accounts
        if not self.on or most is None or exempt:
            return False
        bucket = int(now // BUCKET)
        self._counts[bucket, caller, action] += 1
        return self._counts[bucket, caller, action] > most
