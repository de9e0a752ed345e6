"""The quick tests on the lowest versions that pyproject.toml allows, in an environment of its own, for half an hour."""

from __future__ import annotations

import sys

from packaging.requirements import Requirement

from tests.long.environment import read_project, run_tests


def run(*, quick: bool) -> bool:
    """Whether the tests pass there. A quick run makes the environment, and runs the unit tests alone."""
    project = read_project()
    lowest = [find_lowest(line) for line in project["project"]["dependencies"]]
    return run_tests(sys.executable, [*lowest, *project["dependency-groups"]["dev"]], quick=quick)


def find_lowest(line: str) -> str:
    """The requirement for exactly the lowest version that this line allows."""
    wanted = Requirement(line)
    (lower,) = (one.version for one in wanted.specifier if one.operator == ">=")
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{wanted.name}{extras}=={lower}"
