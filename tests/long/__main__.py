"""`python -m tests.long NAME` runs one long test, with exit code 1 if it fails. Without NAME it lists the long tests."""

import argparse
import sys
from collections.abc import Mapping
from types import ModuleType

from tests.long import model, soak

RUNS: Mapping[str, ModuleType] = {"model": model, "soak": soak}  # each has `run(*, quick) -> bool`


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description="Without NAME: lists the long tests.")
    parser.add_argument("name", nargs="?", choices=RUNS, metavar="NAME", help=" or ".join(RUNS))
    parser.add_argument("--quick", action="store_true", help="only shows that the test runs: its result means little")
    given = parser.parse_args()
    if given.name is None:
        for name, module in RUNS.items():
            print(f"{name:<8} {str(module.__doc__).splitlines()[0]}")
        return 0
    return 0 if RUNS[given.name].run(quick=given.quick) else 1


if __name__ == "__main__":
    sys.exit(main())
