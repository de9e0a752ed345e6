"""The code of an earlier commit, to run beside the code of now: taken out of the repository's history."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from tests.contract.upgrade.fixture import ROOT
from tests.support.postgres import fail_or_skip

BEFORE = "b62e1a4361a5785565c1c3ccdd5bbc6cad32d94a"  # the last commit with schema 0007
ONE_WORKSPACE = (
    "864397b3865c49b9572fee26194aecbc7280c9f6"  # the last commit that serves one workspace alone, with schema 0024
)


def check_out(directory: Path, commit: str = BEFORE) -> dict[str, str]:
    """Write the code of a commit into the directory. Returns the environment in which `python -m bot` is that code.

    A copy of the repository without its history skips the test, and fails it under CI.
    """
    command = ["git", "archive", commit, "bot", "migrations"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    if done.returncode:
        fail_or_skip(f"commit {commit[:7]} is not here: this test needs the whole history (git fetch --unshallow)")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return {"PYTHONPATH": str(directory), "PYTHONSAFEPATH": "1"}
