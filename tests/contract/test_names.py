"""The names in bot/ are those that somebody who knows the field expects, and each means one thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.readme import ROOT

TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in sorted((ROOT / "bot").rglob("*.py"))
}
TYPE_MAKERS = {"NewType", "ParamSpec", "TypeVar", "TypeVarTuple"}

# Private words that were replaced, each with the word to write instead.
PRIVATE_WORDS = {
    "addressee": "recipient",
    "addressees": "recipients",
    "after crash": "recovery",
    "catalogue": "registry",
    "doubtful": "unknown_outcome",
    "fewest": "min",
    "front": "dispatcher",
    "handed": "link_shown",
    "herald": "notifier",
    "let go": "ignored",
    "living": "tracked or status message",
    "longest": "max",
    "look": "poll",
    "look after": "recover",
    "looks": "polls",
    "notice": "notification",
    "notices": "notifications",
    "on top": "push",
    "one at a time": "advisory_lock",
    "one at any cost": "decode_leniently",
    "paced": "key budget",
    "parcel": "delivery",
    "parcels": "deliveries",
    "park": "dead_letter",
    "parked": "dead_letter",
    "picked": "user_ids or pickers",
    "put back": "reclaim",
    "remembered": "stored, or unchanged",
    "rooms": "text_fields",
    "same again": "not_retryable",
    "scrub": "checkpoint",
    "spoken": "accessibility_label",
    "stranded": "stale",
    "tidier": "recovery",
    "told": "notified",
    "told to stop": "wait_for_shutdown",
    "trouble": "error",
    "unsure": "unknown_outcome",
    "worth": "is_retryable",
}
ALLOWED = {
    "looks_like_one": "a question about a text, and no poll",
}
# The emulators name what Slack and Onetime Secret do, where some of these words are plain English.
SANDBOX = "bot/sandbox/"


# --- one type for one name


def _types(tree: ast.Module) -> Iterator[str]:
    """The names of classes, type variables and type aliases that a module makes."""
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            made = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in TYPE_MAKERS
            if made or re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", target.id):
                yield target.id


def _repeated(trees: dict[str, ast.Module]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for name in _types(tree):
            found[name].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_a_type_name_exists_once():
    assert _repeated(TREES) == {}


def test_a_type_name_that_exists_twice_is_found():
    classes, others = "class Row: ...\nclass Host: ...", 'Row = TypeVar("Row")\nHost = str | None\nT = TypeVar("T")'

    repeated = _repeated({"a.py": ast.parse(classes), "b.py": ast.parse(others), "c.py": ast.parse('T = TypeVar("T")')})

    assert repeated == {"Row": ["a.py", "b.py"], "Host": ["a.py", "b.py"], "T": ["b.py", "c.py"]}


# --- what is imported keeps its meaning


def _imported(tree: ast.AST) -> set[str]:
    """The names that import statements of a module bind, in any scope."""
    return {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _bound(tree: ast.AST) -> Iterator[str]:
    """The names that anything but an import binds: parameters, assignments, loops, patterns, functions, classes."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.ClassDef):  # a method is not a local name
            yield from (
                node.name
                for node in ast.iter_child_nodes(scope)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            )


def _shadowed(tree: ast.Module) -> set[str]:
    """Fields of a class are left out, because code reaches them only through the class."""
    fields = {
        node.target.id
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return _imported(tree) & set(_bound(tree)) - fields


def test_no_local_shadows_an_import():
    assert {path: names for path, tree in TREES.items() if (names := _shadowed(tree))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "def act(clock): ...",
        "def act():\n    clock = 1",
        "def act():\n    for clock in (): ...",
        "def act():\n    def clock(): ...",
        "try: ...\nexcept ValueError as clock: ...",
        "match 1:\n    case clock: ...",
        "print([1 for clock in ()])",
    ],
)
def test_a_local_that_shadows_an_import_is_found(code):
    assert _shadowed(ast.parse(f"from bot import clock\n{code}")) == {"clock"}


# --- words


def _identifiers(path: str, tree: ast.Module) -> set[str]:
    """The names that a module gives and uses, the words of its path, its events in the log, and its failpoints.

    Other strings are left out: many are stored, or are in messages that people have in Slack already.
    """
    found = set(path.removesuffix(".py").split("/"))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.Attribute(attr=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[ast.Constant(value=str(event))]):
                found.add(event)
            case ast.Call(func=ast.Name(id="Log" | "failpoint"), args=[ast.Constant(value=str(part))]):
                found.add(part)
            case ast.alias(name=name, asname=other):
                found |= {name.split(".")[-1], other or ""}
    return found


def _private_words(identifiers: set[str]) -> dict[str, str]:
    """The identifiers that hold a private word, each with what to write instead."""
    found: dict[str, str] = {}
    for identifier in identifiers - ALLOWED.keys():
        words = " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)).lower()
        for old, new in PRIVATE_WORDS.items():
            if f" {old} " in f" {words} ":
                found[identifier] = new
    return found


def test_no_name_has_a_private_word():
    found = {
        path: words
        for path, tree in TREES.items()
        if not path.startswith(SANDBOX) and (words := _private_words(_identifiers(path, tree)))
    }

    assert found == {}


def test_a_private_word_is_found_however_it_is_written():
    code = """
from bot import herald
log = Log("after_crash")
class ParcelRow:
    let_go_at: float
def _told():
    log.info("row_parked", error="told")
    failpoint("sender_told")
    return LONGEST_NOTICE
"""

    found = _private_words(_identifiers("bot/tidier.py", ast.parse(code)))

    assert found.keys() == {
        "herald", "after_crash", "ParcelRow", "let_go_at", "_told", "row_parked", "sender_told",
        "LONGEST_NOTICE", "tidier",
    }  # fmt: skip
    assert _private_words({"deliveries", "toldest", "looks_like_one"}) == {}


def test_each_exception_to_the_words_is_used():
    assert ALLOWED.keys() <= {name for path, tree in TREES.items() for name in _identifiers(path, tree)}


# --- files


def test_the_scripts_that_a_comment_names_exist():
    scripts = [f"/{path.as_posix()}" for top in ("bot", "migrations", "tests") for path in (ROOT / top).rglob("*.*")]
    named = {
        (path.relative_to(ROOT).as_posix(), script)
        for path in (ROOT / "bot").rglob("*.*")
        if path.suffix in {".py", ".js", ".css"}
        for script in re.findall(r"(?<![\w/.*{}])\w[\w/]*\.(?:py|js)\b", path.read_text())
    }

    assert len(named) > 10
    assert [one for one in sorted(named) if not any(path.endswith(f"/{one[1]}") for path in scripts)] == []
