"""The mutation run: what it changes, that it is the same again, and that it notices what the tests notice."""

import re
import subprocess
import sys

import libcst as cst
import pytest

from tests.long.mutant_areas import AREAS
from tests.long.mutants import Copy, Mutant, _make, _Mutations, sample
from tests.readme import ROOT
from tests.support.rows import each_row

SEALER = "bot/storage/sealing/sealer.py"


@each_row("area", AREAS)
def test_the_files_and_tests_of_an_area_exist(area):
    named = {*AREAS[area], *(test.partition("::")[0] for tests in AREAS[area].values() for test in tests)}

    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_the_same_seed_gives_the_same_mutants():
    first, again, other = (sample([SEALER], seed, 20) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert len({mutant.code for mutant in first}) == 20


def changes(code):
    module = cst.parse_module(code)
    module.visit(visitor := _Mutations())
    made = [_make("it.py", module, old, new) for old, new in visitor.found]
    return {mutant.after for mutant in made if mutant}


@each_row(
    ("code", "change"),
    [
        ("LIMIT = 300.0", "LIMIT = 301.0"),
        ("if a < b: pass", "if a <= b: pass"),
        ("x = a and b", "x = a or b"),
        ("x = not a", "x = a"),
        ("f(a, b=True)", "f(a, b=False)"),
        ("f(a, b)", "f(a, )"),
        ("name = 'token'", "name = 'XXtokenXX'"),
    ],
)
def test_a_guard_is_broken_in_many_ways(code, change):
    assert change in changes(code)


@each_row("code", ["def f(a: int | None) -> int: ...", "@limit(3)\ndef f(): ...", "tell('Try it again.')", "len(a)"])
def test_types_decorators_and_sentences_stay_as_they_are(code):
    assert changes(code) <= {"tell(None)"}


@pytest.mark.slow
def test_a_mutant_is_killed_if_a_test_fails_and_the_copy_is_whole_again(tmp_path):
    copy, code = Copy(tmp_path), (ROOT / SEALER).read_text()
    bad = Mutant(SEALER, 1, "", "", code, code.replace("header + bound)", "header)"))
    harmless = Mutant(SEALER, 1, "", "", code, f"{code}\n# nothing else\n")
    tests = ("tests/unit/test_seal.py::test_a_blob_that_was_moved_is_refused",)

    found = [copy.judge(mutant, tests, 60) for mutant in (bad, harmless, bad)]

    assert found == ["killed", "survived", "killed"]
    assert copy.run(tests, 60) == "survived"


@pytest.mark.slow
def test_a_run_says_how_many_were_killed_and_names_the_others():
    command = [sys.executable, "-m", "tests.long", "mutants", "--area", "sealing", "--quick"]

    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    killed = int(re.search(r"sealing: (\d) of 4 killed .*, seed 1", done.stdout).group(1))
    assert done.stdout.count("survived") == 4 - killed, done.stderr
    assert done.returncode == int("MISSED" in done.stdout), done.stderr
