"""`python -m tests.benchmarks NAME` prints figures and ratios. Its exit code is 1 if a goal is missed."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

from tests.benchmarks import ack, audit, door, home, ids, links, metrics, start, webs, workspaces
from tests.benchmarks.measure import Goal
from tests.benchmarks.watch import parts as watch

BENCHMARKS: Mapping[str, Callable[..., Awaitable[list[Goal]]]] = {
    "ack": ack.measure,
    "audit": audit.measure,
    "door": door.measure,
    "home": home.measure,
    "ids": ids.measure,
    "links": links.measure,
    "metrics": metrics.measure,
    "start": start.measure,
    "watch": watch.measure,
    "webs": webs.measure,
    "workspaces": workspaces.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument(
        "parts", nargs="*", help=f"parts of watch ({' '.join(watch.PARTS)}); all of them if none is named"
    )
    parser.add_argument(
        "--quick", action="store_true", help="only shows that the benchmark runs: its figures mean nothing"
    )
    given = parser.parse_intermixed_args()
    if given.parts and (given.name != "watch" or not set(given.parts) <= set(watch.PARTS)):
        parser.error("only watch has parts, which are " + " ".join(watch.PARTS))
    some = {"parts": given.parts} if given.parts else {}
    goals = asyncio.run(_run(BENCHMARKS[given.name](quick=given.quick, **some)))
    print()
    for goal in goals:
        print(goal)
    return 0 if all(goal.is_met for goal in goals) else 1


async def _run(measuring: Awaitable[list[Goal]]) -> list[Goal]:
    return await measuring


if __name__ == "__main__":
    sys.exit(main())
