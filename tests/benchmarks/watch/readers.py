"""(d) How late the news is with the shipped schedule, and how many calls it takes: simulated, in virtual time.

Somebody reads a secret after a time that is log-normal, as times to answer a message are found to be (Stouffer,
Malmgren and Amaral, "Log-normal statistics in e-mail communication patterns", 2006). With sigma 1.5 two readers of
three come within a factor of 4.5 of the median, either way, and one of twenty later than twelve times it: with a
median of 10 minutes from 2 to 45 minutes, and after 2 hours; with one of 8 hours from 2 hours to a day and a half, and
after 4 days, which is the weekend. A secret that is not read expires after a week.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.watch.host_poller import IDLE_INTERVAL
from bot.watch.schedule import next_poll_in
from tests.benchmarks.measure import Goal, percentile, table

SIGMA = 1.5
LIFE = 7 * 86_400.0  # seconds
HOUR = 3600.0  # seconds
EVERY = 20.0  # seconds: what WATCH_EVERY is unless set
WORKING_DAY = 8 * HOUR  # in which an account with many secrets makes them

Next = Callable[[list[float], float, list[float]], float | None]


@dataclass(frozen=True, slots=True)
class Plan:
    single: int = 6_000  # accounts with one secret
    crowded: int = 60  # accounts with a hundred
    hundred: int = 100


FULL = Plan()
QUICK = Plan(single=40, crowded=2, hundred=5)


@dataclass(slots=True)
class Found:
    """Delays of the news in seconds, of all and of those read within their first hour."""

    delays: list[float] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    calls: int = 0
    secrets: int = 0

    def row(self, name: str) -> list[str]:
        times = [f"{percentile(some, part):.0f} s" for some in (self.early, self.delays) for part in (50, 95)]
        return [name, *times, f"{self.calls / self.secrets:.0f}"]


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    rows, goals = [], []
    for median, spoken in ((600.0, "10 min"), (8 * HOUR, "8 h")):
        for each, count in ((1, plan.single), (plan.hundred, plan.crowded)):
            chance = random.Random(f"{median} {each}")  # the same readers whatever the schedule
            name = f"read after {spoken}, {each} to an account"
            found = simulate(chance, next_poll_in, accounts=count, each=each, median=median)
            rows.append(found.row(name))
            p50, p95 = percentile(found.early, 50), percentile(found.early, 95)
            goals.append(Goal(f"(d) p50 of the delay in seconds, {name}, within the hour", p50, "at most", 20))
            goals.append(Goal(f"(d) p95 of the delay in seconds, {name}, within the hour", p95, "at most", 60))
    head = ["(d) delay of the news", "within 1 h: p50", "p95", "all: p50", "p95", "calls a secret"]
    print(table(head, rows))
    return goals


def simulate(chance: random.Random, schedule: Next, *, accounts: int, each: int, median: float) -> Found:
    found = Found()
    for _ in range(accounts):
        made = [0.0] if each == 1 else sorted(chance.uniform(0, WORKING_DAY) for _ in range(each))
        _account(found, chance, schedule, [(at, at + _reading(chance, median)) for at in made])
    return found


def _reading(chance: random.Random, median: float) -> float:
    """Seconds until a secret is read; infinite if nobody does in time."""
    after = chance.lognormvariate(math.log(median), SIGMA)
    return after if after < LIFE else math.inf


def _account(found: Found, chance: random.Random, schedule: Next, secrets: list[tuple[float, float]]) -> None:
    """Poll an account until nothing is left. `secrets` are when each was made and read."""
    found.secrets += len(secrets)
    waiting = list(reversed(secrets))
    alive: list[tuple[float, float]] = []
    due: float | None = None
    while waiting or due is not None:
        if waiting and (due is None or waiting[-1][0] <= due):
            alive.append(waiting.pop())
            due = alive[-1][0]  # what is tracked just now is polled soon
            continue
        assert due is not None
        now = due + chance.uniform(0, IDLE_INTERVAL)  # the watcher rests so long when nothing is due
        alive = _still_due(found, alive, now)
        # As the watcher asks: the youngest decides how often, and the oldest expires first.
        soon = schedule([now - alive[-1][0]], EVERY, [alive[0][0] + LIFE - now]) if alive else None
        due = None if soon is None else now + soon


def _still_due(found: Found, alive: list[tuple[float, float]], now: float) -> list[tuple[float, float]]:
    """The secrets that are still to be polled after a poll."""
    found.calls += 1
    left = []
    for made, read in alive:
        if read <= now:
            found.delays.append(now - read)
            if read - made <= HOUR:
                found.early.append(now - read)
        elif now < made + LIFE:
            left.append((made, read))
    return left
