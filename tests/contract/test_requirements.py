"""The pinned lists are complete, hashed, installable from anywhere, and what pyproject.toml asks for."""

import ast
import re
import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.readme import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
DEV = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]
FILES = {"requirements.txt": RUNTIME, "requirements-dev.txt": [*RUNTIME, *DEV]}

# Asked for by name or on the command line, never imported.
DRIVERS = {
    "tzdata": "zoneinfo reads it",
    "aiosqlite": "SQLAlchemy loads it for sqlite",
    "psycopg": "SQLAlchemy loads it for postgresql",
}
TOOLS = {
    "pytest-randomly": "a plugin", "pytest-socket": "a plugin", "pytest-timeout": "a plugin",
    "pytest-xdist": "a plugin", "ruff": ".ci/run", "mypy": ".ci/run", "import-linter": ".ci/run",
    "cyclonedx-bom": "docs/development.md", "types-pyyaml": "mypy reads it", "types-cachetools": "mypy reads it",
}  # fmt: skip

_ENTRY = re.compile(r"[a-z0-9-]+==[^\s\\]+(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def _text(file):
    return (ROOT / file).read_text()


def _pins(file):
    lines = re.findall(r"^([a-z0-9-]+==[^\\\n]+?) \\$", _text(file), re.MULTILINE)
    return {one.name: one for one in map(Requirement, lines)}


def _version(pin):
    return str(next(iter(pin.specifier)).version)


@pytest.mark.parametrize("file", FILES)
def test_a_list_is_nothing_but_pins_with_hashes(file):
    assert _pins(file)
    assert _ENTRY.sub("", _text(file)) == ""


@pytest.mark.parametrize("file", FILES)
def test_a_list_says_nothing_of_where_packages_come_from(file):
    assert "//" not in _text(file)
    assert not re.search(r"^\s*-(?!-hash=)", _text(file), re.MULTILINE)


@pytest.mark.parametrize(("file", "wanted"), FILES.items(), ids=FILES)
def test_what_the_project_asks_for_is_pinned(file, wanted):
    pins = _pins(file)

    missing = [
        str(one)
        for one in wanted
        if (name := canonicalize_name(one.name)) not in pins or not one.specifier.contains(_version(pins[name]))
    ]

    assert missing == []


def test_what_is_tested_is_what_runs():
    runtime, dev = _pins("requirements.txt"), _pins("requirements-dev.txt")

    assert {name: str(pin) for name, pin in runtime.items()} == {
        name: str(dev[name]) for name in runtime if name in dev
    }


def test_what_is_installed_is_what_is_pinned():
    here = [pin for pin in _pins("requirements-dev.txt").values() if pin.marker is None or pin.marker.evaluate()]

    wrong = {pin.name: metadata.version(pin.name) for pin in here if metadata.version(pin.name) != _version(pin)}

    assert wrong == {}


def _imported(*folders):
    """The distributions of everything that is imported there, but for Python's own and ours."""
    names = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names |= {one.name.split(".")[0] for one in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.split(".")[0])
    made_by = metadata.packages_distributions()
    foreign = names - sys.stdlib_module_names - {"bot", "migrations", "tests"}
    return {canonicalize_name(one) for name in foreign for one in made_by[name]}


def _names(requirements):
    return {canonicalize_name(one.name) for one in requirements}


def test_the_bot_imports_what_it_asks_for_and_asks_for_what_it_imports():
    assert _imported("bot", "migrations") | DRIVERS.keys() == _names(RUNTIME)


def test_the_tests_import_what_the_project_asks_for_and_nothing_is_asked_for_in_vain():
    used = _imported("tests")

    assert used <= _names([*RUNTIME, *DEV])
    assert _names(DEV) <= used | TOOLS.keys()
