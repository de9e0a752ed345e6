"""The modules of the sandbox import each other in one direction: there is no circle, in Python or in JavaScript."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from bot.sandbox.page.server import STATIC

ROOT = Path(__file__).parents[2]
SANDBOX = ROOT / "bot" / "sandbox"
Graph = dict[str, set[str]]


def test_no_python_module_of_the_sandbox_is_in_a_circle() -> None:
    graph = {_name(path): set(_imports(path)) for path in SANDBOX.rglob("*.py") if path.name != "__init__.py"}

    assert _circle(graph) == []


def test_no_script_of_the_page_is_in_a_circle() -> None:
    scripts = (STATIC / "js").glob("*.js")
    graph = {path.name: set(re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8"))) for path in scripts}

    assert _circle(graph) == []


@pytest.mark.parametrize("graph", [{"a": {"b"}, "b": {"a"}}, {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"a"}}])
def test_a_circle_is_found(graph: Graph) -> None:
    assert set(_circle(graph)) == set(graph)


def _circle(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions and for type checking only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
