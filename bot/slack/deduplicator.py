"""Recognizes repeated deliveries, so that Slack's retries and replayed requests have no second effect."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import TTLCache

LIFETIME = 600.0  # seconds; a signed request is valid for 300
MAX_ENTRIES = 200_000  # entries; about 60 MB. When it is full, the oldest entry goes


class Deduplicator:
    """Remembers keys in this process. Across processes the database decides: opening and sharing compare-and-set."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: TTLCache[str, None] = TTLCache(MAX_ENTRIES, LIFETIME, timer=clock)

    def is_first(self, key: str) -> bool:
        """Whether `key` was not given in the last `LIFETIME` seconds."""
        if key in self._seen:
            return False
        self._seen[key] = None
        return True
