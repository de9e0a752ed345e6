"""Names of the actions that only a Home tab has: they turn its pages. `ref` is a button context."""

from __future__ import annotations

from typing import Final

TRACKED_NEWER: Final = "home_tracked_newer"
TRACKED_OLDER: Final = "home_tracked_older"
RECENT_NEWER: Final = "home_recent_newer"
RECENT_OLDER: Final = "home_recent_older"
RECENT_FILTER: Final = "home_recent_filter"
