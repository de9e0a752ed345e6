"""`python -m tests.long NAME` runs one long test, with exit code 1 if it fails. Without NAME it lists the long tests."""

import argparse
import sys
from collections.abc import Mapping
from types import ModuleType

from tests.long import fuzz, highest, history, image, lowest, model, mutants, opening, pythons, soak, storm

# Each has `run(*, quick) -> bool`. One with more options adds them in `add_options(parser)`, and `run` takes them.
RUNS: Mapping[str, ModuleType] = {
    "fuzz": fuzz,
    "highest": highest,
    "history": history,
    "image": image,
    "lowest": lowest,
    "model": model,
    "mutants": mutants,
    "opening": opening,
    "pythons": pythons,
    "soak": soak,
    "storm": storm,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description="Without NAME: lists the long tests.")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, module in RUNS.items():
        one = names.add_parser(name, help=_first_line(module), description=module.__doc__)
        one.add_argument("--quick", action="store_true", help="only shows that the test runs: its result means little")
        if hasattr(module, "add_options"):
            module.add_options(one)
    given = vars(parser.parse_args())
    chosen = given.pop("name")
    if chosen is None:
        for name, module in RUNS.items():
            print(f"{name:<8} {_first_line(module)}")
        return 0
    return 0 if RUNS[chosen].run(**given) else 1


def _first_line(module: ModuleType) -> str:
    return str(module.__doc__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
