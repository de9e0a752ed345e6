"""Breaks guards of the bot on purpose, one small change at a time, and counts how many of them the tests notice.

    python -m tests.long mutants --area sealing --seed 1 --count 200

A change to a copy of the code (a mutant) is killed if a test fails, and survives if all tests pass. The operators that
make mutants are mutmut's. mutmut itself runs all mutants of a function and none of a constant, so the seeded sample and
its runs are made here.
"""

from __future__ import annotations

import argparse
import difflib
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

from tests.long.mutant_areas import AREAS
from tests.readme import ROOT

Fate = Literal["survived", "killed", "out of time"]  # a mutant whose tests do not end is killed too

GOAL = 0.9  # of all mutants are killed
COUNT, QUICK = 200, 4  # mutants of an area
SAFETY = 5  # times that the tests of a mutant may take as long as without it
STARTING = 30.0  # seconds more
PYTEST = ("-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0",
          "-k", "not postgresql")  # fmt: skip
COPIED = (
    ".slack",
    "bot",
    "docs",
    "migrations",
    "tests",
    "CHANGELOG.md",
    "Procfile",
    "README.md",
    "manifest.yml",
    "pyproject.toml",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.png")
UNCHANGED_CALLS = ("cast", "isinstance", "len", "TypeVar")  # without their arguments they fail at once, or do the same
CODECS = ("ascii", "utf-8")  # the same in capitals


@dataclass(frozen=True)
class Mutant:
    path: str  # from the root of the project
    line: int
    before: str  # the line
    after: str
    original: str  # the whole file
    code: str  # the whole file with the change

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n    - {self.before}\n    + {self.after}"


# --- making mutants


class _Mutations(cst.CSTVisitor):
    """Finds what mutmut's operators change: all but types, decorators, and sentences, which are for people.

    Of the three changes of a text, which add signs or change its case, one is enough.
    """

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        match node:
            case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
                return False
            case cst.Call(func=cst.Name(value=name)) if name in UNCHANGED_CALLS:
                return False
            case cst.Assign(value=cst.Call(func=cst.Name(value=name))) if name in UNCHANGED_CALLS:
                return False
            case cst.Assign(value=cst.Subscript(value=cst.Name(value="Literal"))):
                return False
            case cst.SimpleString(value=text) if " " in text.strip("'\" ") or text.strip("'\"") in CODECS:
                return False
        for kind, changes in mutation_operators:
            if isinstance(node, kind):
                found = [(node, changed) for changed in changes(node)]
                self.found += found[:1] if kind is cst.BaseString else found
        return True


def sample(paths: Iterable[str], seed: int, count: int) -> list[Mutant]:
    """So many mutants of these files, or all if there are fewer. The same seed gives the same mutants."""
    modules = {path: cst.parse_module((ROOT / path).read_text()) for path in sorted(paths)}
    everything: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []
    for path, module in modules.items():
        module.visit(visitor := _Mutations())
        everything += [(path, *mutation) for mutation in visitor.found]
    random.Random(seed).shuffle(everything)
    made = (_make(path, modules[path], old, new) for path, old, new in everything)
    return [mutant for _, mutant in zip(range(count), filter(None, made), strict=False)]


def _make(path: str, module: cst.Module, old: cst.CSTNode, new: cst.CSTNode) -> Mutant | None:
    """The mutant, or None where the change leaves no Python."""
    code = cst.ensure_type(module.deep_replace(old, new), cst.Module).code
    try:
        compile(code, path, "exec")
    except SyntaxError:
        return None
    lines, changed = module.code.splitlines(), code.splitlines()
    for kind, start, end, other_start, other_end in difflib.SequenceMatcher(None, lines, changed).get_opcodes():
        if kind != "equal":
            before, after = lines[start:end], changed[other_start:other_end]
            return Mutant(
                path,
                start + 1,
                " ".join(" ".join(before).split()),
                " ".join(" ".join(after).split()),
                module.code,
                code,
            )
    return None


# --- running the tests


class Copy:
    """A copy of the project, in which one file at a time is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writes = 0
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
            else:
                shutil.copy2(ROOT / name, folder / name)

    def write(self, path: str, code: str) -> None:
        """Python knows a changed file by its time in whole seconds and its size, so each write has its own time."""
        self._writes += 1
        (self.folder / path).write_text(code)
        os.utime(self.folder / path, (stamp := 1_000_000_000 + self._writes, stamp))

    def judge(self, mutant: Mutant, tests: Iterable[str], timeout: float) -> Fate:
        self.write(mutant.path, mutant.code)
        try:
            return self.run(tests, timeout)
        finally:
            self.write(mutant.path, mutant.original)

    def run(self, tests: Iterable[str], timeout: float) -> Fate:
        command = [sys.executable, *PYTEST, *tests]
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # with the bots that the tests have started
            process.communicate()
            return "out of time"
        return "survived" if process.returncode == 0 else "killed"


def judge(area: str, mutants: list[Mutant], folder: Path, jobs: int) -> Iterator[tuple[Mutant, Fate]]:
    """Each mutant, and what became of it. Raises `RuntimeError` if the tests fail without a mutant."""
    copies: queue.Queue[Copy] = queue.Queue()
    for number in range(jobs):
        copies.put(Copy(folder / str(number)))
    first, tests = copies.queue[0], AREAS[area]
    limits: dict[str, float] = {}
    for path in sorted({mutant.path for mutant in mutants}):
        began = time.monotonic()
        if all(first.run(tests[path], 3_600) != "survived" for _ in range(2)):
            raise RuntimeError(f"the tests of {path} fail without any change")
        limits[path] = STARTING + SAFETY * (time.monotonic() - began)

    def fate_of(mutant: Mutant) -> Fate:
        copy = copies.get()
        try:
            return copy.judge(mutant, tests[mutant.path], limits[mutant.path])
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(mutants, pool.map(fate_of, mutants), strict=True)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", choices=AREAS, help="what is broken; all areas without it")
    parser.add_argument("--seed", type=int, default=1, help="which mutants; 1 without it")
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many mutants of an area; {COUNT} without it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time; one for each core")


def run(*, quick: bool, area: str | None, seed: int, count: int, jobs: int) -> bool:
    """Whether the goal is reached in every area. Prints each mutant that survived."""
    reached = [_run_area(one, seed, QUICK if quick else count, jobs) for one in ([area] if area else AREAS)]
    return all(reached)


def _run_area(area: str, seed: int, count: int, jobs: int) -> bool:
    mutants = sample(AREAS[area], seed, count)
    began, fates = time.monotonic(), Counter[Fate]()
    with tempfile.TemporaryDirectory() as folder:
        for number, (mutant, fate) in enumerate(judge(area, mutants, Path(folder), jobs), 1):
            fates[fate] += 1
            if fate == "survived":
                print(f"survived ({number} of {len(mutants)}): {mutant}", flush=True)
    killed = len(mutants) - fates["survived"]
    share = killed / len(mutants)
    minutes = (time.monotonic() - began) / 60
    print(
        f"{'met' if share >= GOAL else 'MISSED'}  {area}: {killed} of {len(mutants)} killed"
        f" ({fates['out of time']} of them ran out of time), seed {seed}, {minutes:.0f} min"
    )
    return share >= GOAL
