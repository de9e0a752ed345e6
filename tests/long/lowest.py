"""The quick tests on the lowest versions that pyproject.toml allows, in an environment of its own, for half an hour."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tests.readme import ROOT

PINS = "tests/contract/test_requirements.py"  # compares what is installed with the pinned list, which this is not


def run(*, quick: bool) -> bool:
    """Whether the tests pass there. A quick run makes the environment, and runs the unit tests alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lowest = [find_lowest(line) for line in project["project"]["dependencies"]]
    with tempfile.TemporaryDirectory(prefix="lowest-") as made:
        python = Path(made) / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "--only-binary", ":all:"]
        subprocess.run([*install, *lowest, *project["dependency-groups"]["dev"]], check=True)
        tests = ["tests/unit"] if quick else ["-m", "not slow", "--ignore", PINS]
        tested = subprocess.run([str(python), "-m", "pytest", "-q", "-n", "auto", *tests], cwd=ROOT, check=False)
    return tested.returncode == 0


def find_lowest(line: str) -> str:
    """The requirement for exactly the lowest version that this line allows."""
    wanted = Requirement(line)
    (lower,) = (one.version for one in wanted.specifier if one.operator == ">=")
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{wanted.name}{extras}=={lower}"
