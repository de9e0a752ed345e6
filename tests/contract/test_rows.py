"""Every fault that the bot must survive, and everything that was once found broken, has tests that exist.

The tables are `rows/faults_*.toml` (faults and bad inputs) and `rows/findings_*.toml` (what was found broken), a file
for each group. An entry is named after its row, and says what holds and which tests show it:

    [A1]
    says = "one sentence: what holds"
    tests = ["tests/faults/test_notifier.py::test_name"]

In place of `tests`, `later` says what still has to be built, and `dropped` why the row does not apply.
"""

import ast
import functools
import tomllib
from typing import Any

import pytest

from tests.readme import ROOT
from tests.support.rows import each_row

ROWS = ROOT / "tests" / "contract" / "rows"
# How many rows each group has.
FAULTS = {
    "A": 17,
    "B": 11,
    "C": 16,
    "D": 12,
    "E": 18,
    "F": 15,
    "G": 17,
    "H": 10,
    "I": 19,
    "J": 22,
    "K": 13,
    "L": 9,
    "M": 8,
}
FINDINGS = {"A": 16, "B": 8, "C": 13, "D": 13, "E": 12, "F": 7}
GROUPS = {
    f"{table}_{group.lower()}": [f"{group}{number}" for number in range(1, count + 1)]
    for table, groups in {"faults": FAULTS, "findings": FINDINGS}.items()
    for group, count in groups.items()
}
# Rows without an entry. None is added here: an entry takes its row off the list.
UNFINISHED: dict[str, str] = {}
WAYS = ("tests", "later", "dropped")


def _entries(name: str) -> dict[str, Any]:
    path = ROWS / f"{name}.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


@functools.cache
def _tests(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    file = ROOT / path
    tree = ast.parse(file.read_text() if file.is_file() else "")
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def _problems(entry: dict[str, Any]) -> list[str]:
    ways = [way for way in WAYS if way in entry]
    if len(ways) != 1:
        return [f"it has {ways}, and wants one of {WAYS}"]
    problems = [f"there is no key {key}" for key in entry.keys() - {"says", *WAYS}]
    texts = {"says": entry.get("says"), **{way: entry[way] for way in ways if way != "tests"}}
    problems += [f"{key} is no sentence" for key, text in texts.items() if not isinstance(text, str) or " " not in text]
    tests = entry.get("tests", [])
    if ways == ["tests"] and (not isinstance(tests, list) or not tests):
        problems.append("it names no test")
    for test in tests:
        path, _, name = test.partition("::")
        if not path.startswith("tests/") or name not in _tests(path):
            problems.append(f"there is no test {test}")
    return problems


@each_row("name", GROUPS)
def test_every_row_has_its_entry_and_no_other_has_one(name):
    assert [*_entries(name)] == [row for row in GROUPS[name] if row not in UNFINISHED.get(name, "").split()]


@each_row("name", GROUPS)
def test_every_entry_says_what_holds_and_names_tests_that_exist(name):
    assert {row: found for row, entry in _entries(name).items() if (found := _problems(entry))} == {}


def test_there_is_no_table_beside_those_that_are_read():
    assert {path.stem for path in ROWS.iterdir()} <= GROUPS.keys()
    assert UNFINISHED.keys() <= GROUPS.keys()


HERE = "tests/contract/test_rows.py"
HAS_TEST = f"{HERE}::test_there_is_no_table_beside_those_that_are_read"


@each_row(
    ("entry", "problem"),
    [
        pytest.param({"says": "it holds", "tests": []}, "it names no test", id="no test"),
        pytest.param({"says": "it holds"}, "wants one of", id="no way"),
        pytest.param({"says": "it holds", "tests": [HAS_TEST], "later": "when it is"}, "wants one of", id="two ways"),
        pytest.param({"says": "it holds", "tests": [HERE]}, "there is no test", id="a whole file"),
        pytest.param({"says": "it holds", "tests": [f"{HERE}::test_that_is_gone"]}, "there is no test", id="gone"),
        pytest.param({"says": "it holds", "tests": [f"{HERE}::_problems"]}, "there is no test", id="a helper"),
        pytest.param({"says": "it holds", "tests": ["tests/gone.py::test_it"]}, "there is no test", id="no file"),
        pytest.param({"says": "", "tests": [HAS_TEST]}, "says is no sentence", id="nothing said"),
        pytest.param({"says": "it holds", "dropped": ""}, "dropped is no sentence", id="dropped without a reason"),
        pytest.param({"says": "it holds", "tests": [HAS_TEST], "note": "x"}, "there is no key note", id="another key"),
    ],
)
def test_an_entry_that_shows_nothing_is_found(entry, problem):
    assert problem in " ".join(_problems(entry))


def test_an_entry_that_names_a_test_is_taken():
    assert _problems({"says": "it holds", "tests": [HAS_TEST]}) == []
    assert _problems({"says": "it holds", "later": "when the command is built"}) == []
