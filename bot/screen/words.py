"""Durations in words."""

from __future__ import annotations

from datetime import timedelta


def in_words(seconds: int) -> str:
    """A duration in words, in at most two units: “7 days”, “1 hour 30 minutes”. A negative one is “0 seconds”."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    said = []
    rest = max(0, int(timedelta(seconds=seconds).total_seconds()))
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(said[:2]) or "0 seconds"
