"""Numbers and durations as people say them."""

from __future__ import annotations

from datetime import timedelta


def in_words(seconds: int) -> str:
    """A duration as people say it: “7 days”, “1 hour 30 minutes”. At most two units."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    said = []
    rest = max(0, int(timedelta(seconds=seconds).total_seconds()))
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(said[:2]) or "0 seconds"
