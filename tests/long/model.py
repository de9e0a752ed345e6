"""Thousands of new examples for the model of tracked secrets, for up to 4 hours. A failing one is made short."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.readme import ROOT

TEST = "tests/faults/test_tracking_model.py"
LONGEST = 4 * 3600  # seconds


def run(*, quick: bool) -> bool:
    """Whether all examples hold. A quick run tries as many examples as the slow tests of `.ci/run`."""
    command = [sys.executable, "-m", "pytest", TEST, "-m", "slow", "--timeout", str(LONGEST)]
    environment = os.environ if quick else {**os.environ, "HYPOTHESIS": "long"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
