"""What the benchmarks share: figures, goals, and the processes that are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of this run, nearly always a ratio of two, and what it should be."""

    what: str
    figure: float
    bound: Literal["at most", "at least"]
    wanted: float

    @property
    def is_met(self) -> bool:
        return self.figure <= self.wanted if self.bound == "at most" else self.figure >= self.wanted

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "MISSED"
        return f"{verdict:<7} {self.what}: {self.figure:.3f} (goal: {self.bound} {self.wanted:.3f})"


def percentile(values: Sequence[float], hundredths: int) -> float:
    """The smallest value that `hundredths` percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * hundredths // 100) - 1)]


def middle(values: Sequence[float]) -> float:
    """The median over the rounds: a round that something else disturbed does not count."""
    return median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: both halves of each were measured one after the other."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def resident(pid: int) -> float:
    """Resident memory of a process, in MiB. Source: proc(5), VmRSS in /proc/pid/status."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kib,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kib / 1024


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used. Source: Linux, Documentation/scheduler/sched-stats.rst."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in (head, *rows)
    )
    return "\n".join(lines)
