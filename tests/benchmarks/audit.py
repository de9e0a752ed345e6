"""What the audit costs: how fast a command is acknowledged that is noted, against a bot that notes nothing.

Two real bots take turns, one of them with AUDIT_RETENTION_DAYS=0. Each command is looked up in the database, answered
and noted in the background, while the next one is acknowledged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bot.sandbox.slack import WorkspaceMember
from bot.sandbox.world import World
from tests.benchmarks.measure import Goal, middle, percentile, ratio, table

PEOPLE = 20  # who take turns, so that nobody has more under way than a person may


@dataclass(frozen=True, slots=True)
class AuditPlan:
    rounds: int
    commands: int  # in one turn of one bot


FULL = AuditPlan(rounds=60, commands=60)
QUICK = AuditPlan(rounds=2, commands=5)


@dataclass(slots=True)
class Acks:
    """One figure for each round, in milliseconds."""

    p50: list[float] = field(default_factory=list)
    p90: list[float] = field(default_factory=list)

    def add(self, milliseconds: list[float]) -> None:
        self.p50.append(percentile(milliseconds, 50))
        self.p90.append(percentile(milliseconds, 90))

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.p50):.3f} ms", f"{middle(self.p90):.3f} ms"]


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of both and returns their ratios."""
    plan = QUICK if quick else FULL
    async with World() as noting, World(settings={"AUDIT_RETENTION_DAYS": "0"}) as silent:
        people = {name: await _meet(world) for name, world in (("noting", noting), ("silent", silent))}
        found = {name: Acks() for name in people}
        for number in range(plan.rounds):
            for name in sorted(people, reverse=number % 2 == 0):
                found[name].add(await _turn(people[name], plan.commands))
    print(table(["", "p50 of an ack", "p90"], [acks.row(name) for name, acks in found.items()]))
    ours, other = found["noting"], found["silent"]
    return [
        Goal("p50 of an ack, with audit / without", ratio(ours.p50, other.p50), "at most", 1.05),
        Goal("p90 of an ack, with audit / without", ratio(ours.p90, other.p90), "at most", 1.05),
    ]


async def _meet(world: World) -> list[WorkspaceMember]:
    """People whom the bot knows from now on."""
    people = [world.workspace.person(f"U0P{number:04}", f"p{number}") for number in range(PEOPLE)]
    for person in people:
        await person.command("/ots", "accounts")
        await person.until(lambda person=person: person.ephemerals)  # type: ignore[misc]
    return people


async def _turn(people: list[WorkspaceMember], count: int) -> list[float]:
    took = []
    for number in range(count):
        began = time.perf_counter()
        delivery = await people[number % len(people)].command("/ots", "accounts")
        took.append((time.perf_counter() - began) * 1000)
        assert delivery.status == 200
    return took
