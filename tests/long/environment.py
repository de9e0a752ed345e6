"""The tests in an environment of their own: with another Python, or with other versions of what the bot needs."""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.readme import ROOT

PINS = "tests/contract/test_requirements.py"  # compares what is installed with the pinned list
PINNED = ("--require-hashes", "-r", str(ROOT / "requirements-dev.txt"))


def read_project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def run_tests(python: str, install: Sequence[str], *, quick: bool) -> bool:
    """Make an environment with this Python, install this with pip, and run the quick tests. Whether they pass.

    A quick run has the unit tests alone.
    """
    with tempfile.TemporaryDirectory(prefix="environment-") as made:
        inside = str(Path(made) / "bin" / "python")
        subprocess.run([python, "-m", "venv", made], check=True)
        subprocess.run([inside, "-m", "pip", "install", "-q", "--only-binary", ":all:", *install], check=True)
        is_pinned = tuple(install) == PINNED
        tests = ["tests/unit"] if quick else [*([] if is_pinned else ["--ignore", PINS])]
        command = [inside, "-m", "pytest", "-q", "-n", "auto", "-m", "not slow", *tests]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0
