"""The watcher against the goals set for it: `python -m tests.benchmarks watch [a b c d e]`.

A load server stands for Onetime Secret, in a process of its own; its CPU is in none of the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.measure import Goal
from tests.benchmarks.watch import acks, calls, claims, cycle, readers

PARTS = {"a": calls.measure, "b": cycle.measure, "c": claims.measure, "d": readers.measure, "e": acks.measure}


async def measure(*, quick: bool, parts: Sequence[str] = ()) -> list[Goal]:
    """Prints the figures of the parts (all if none is named) and returns how they compare with the goals."""
    goals = []
    for part in parts or PARTS:
        goals += await PARTS[part](quick=quick)
        print()
    return goals
