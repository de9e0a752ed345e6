"""The quick tests on the newest versions that pyproject.toml allows, also those after the pinned ones: half an hour."""

from __future__ import annotations

import sys

from tests.long.environment import read_project, run_tests


def run(*, quick: bool) -> bool:
    """Whether the tests pass there. A quick run makes the environment, and runs the unit tests alone."""
    project = read_project()
    newest = ["--upgrade", *project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    return run_tests(sys.executable, newest, quick=quick)
