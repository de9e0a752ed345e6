"""`python -m tests.benchmarks NAME`: prints figures and ratios, and ends 1 where a goal is missed."""

import argparse
import asyncio
import sys

from tests.benchmarks import ack, start
from tests.benchmarks.measure import Goal

BENCHMARKS = {"ack": ack.measure, "start": start.measure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--quick", action="store_true", help="only to see that it runs: the figures mean nothing")
    given = parser.parse_args()
    goals: list[Goal] = asyncio.run(BENCHMARKS[given.name](quick=given.quick))
    print()
    for goal in goals:
        print(goal)
    return 0 if all(goal.is_met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
