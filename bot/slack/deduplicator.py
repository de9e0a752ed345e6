"""Recognizes repeated deliveries, so that Slack's retries and replayed requests have no second effect."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import FIFOCache

LIFETIME = 600.0  # seconds; a signed request is valid for 300
MAX_ENTRIES = 200_000  # entries; about 30 MB. When it is full, the oldest entry goes


class Deduplicator:
    """Remembers keys in this process. Across processes the database decides: opening and sharing compare-and-set."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Not a TTLCache, which costs four times as much for each request: the times are compared here.
        self._seen_at: FIFOCache[str, float] = FIFOCache(MAX_ENTRIES)

    def is_first(self, key: str) -> bool:
        """Whether `key` was not given in the last `LIFETIME` seconds."""
        now = self._clock()
        seen_at = self._seen_at.get(key)
        if seen_at is not None and now - seen_at < LIFETIME:
            return False
        self._seen_at[key] = now
        return True
