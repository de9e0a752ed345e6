"""The quick tests on every Python that is supported and at hand, with the pinned versions: half an hour for each.

It says which Pythons were not at hand. `--python` names one that is not on the path.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess

from tests.long.environment import PINNED, run_tests
from tests.readme import ROOT

SUPPORTED = tuple(
    re.findall(r"3\.\d+", re.findall(r"You need Python ([^\n]+), and", (ROOT / "docs/install.md").read_text())[0])
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--python", action="append", default=[], metavar="PATH", help="an interpreter more; repeatable")


def run(*, quick: bool, python: list[str]) -> bool:
    """Whether the tests pass on each Python that is at hand, and at least one is."""
    found = find_pythons([*python, *(f"python{version}" for version in SUPPORTED)])
    passed = {version: run_tests(path, PINNED, quick=quick) for version, path in found.items()}
    for version in SUPPORTED:
        print(f"{version}  {'passed' if passed[version] else 'FAILED'}" if version in passed else f"{version}  not run")
    return bool(passed) and all(passed.values())


def find_pythons(names: list[str]) -> dict[str, str]:
    """Supported version -> the first interpreter of these that is one and really starts."""
    found: dict[str, str] = {}
    for name in names:
        path = shutil.which(name)
        if path is None:
            continue
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if said in SUPPORTED:
            found.setdefault(said, path)
    return found
