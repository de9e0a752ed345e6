"""What was delivered before: Slack's own retries and anybody's replays have no second effect."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LIFETIME = 600.0  # seconds; a signed request is valid for 300
MAX_ENTRIES = 200_000  # entries; about 30 MB


class Deduplicator:
    """Remembers in this process. Across processes the database decides: opening and sharing compare-and-set."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._when: OrderedDict[str, float] = OrderedDict()

    def is_first(self, key: str) -> bool:
        """Whether `key` was not seen in the last ten minutes. From now on it was."""
        now = self._clock()
        while self._when and (len(self._when) >= MAX_ENTRIES or next(iter(self._when.values())) < now - LIFETIME):
            self._when.popitem(last=False)
        if key in self._when:
            return False
        self._when[key] = now
        return True
