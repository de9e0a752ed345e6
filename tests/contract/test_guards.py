"""Each guard finds what it is there to find: a test plants a violation in a copy of the project, and runs the tool.

All plants for one tool are in one copy, so the tool runs once. A plant is a file that the project does not have.
"""

import ast
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.readme import ROOT

CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
COMPUTED_IMPORTS = {
    "bot/sandbox/clocked_bot.py": "runs the bot itself, with another clock",
}


def _copy(folder: Path, plants: dict[str, str]) -> None:
    """Copy what the tools read into `folder`, with the time of each file, and add the plants."""
    shutil.copytree(ROOT / "bot", folder / "bot", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    for name, text in plants.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def _run(tool: str, folder: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


# --- imports: a file to plant, what it holds, the contract that breaks, and what the tool says

IMPORTS = {
    "Slack's library in the watcher": (
        "bot/watch/planted.py",
        "import slack_sdk",
        "Only bot.slack imports Slack's libraries",
        "bot.watch.planted -> slack_sdk (l.1)",
    ),
    "Slack's framework in a function": (
        "bot/sharing/planted.py",
        "def lazy() -> None:\n    from slack_bolt.async_app import AsyncApp",
        "Only bot.slack imports Slack's libraries",
        "bot.sharing.planted -> slack_bolt (l.2)",
    ),
    "SQLAlchemy in status": (
        "bot/status/planted.py",
        "from sqlalchemy import select",
        "Only bot.storage imports the database's libraries",
        "bot.status.planted -> sqlalchemy (l.1)",
    ),
    "SQLAlchemy in the sandbox, for types alone": (
        "bot/sandbox/planted.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy import Engine",
        "Only bot.storage imports the database's libraries",
        "bot.sandbox.planted -> sqlalchemy (l.3)",
    ),
    "Alembic in a new file without a layer": (
        "bot/upgrade.py",
        "from alembic import command",
        "Only bot.storage imports the database's libraries",
        "bot.upgrade -> alembic (l.1)",
    ),
    "a driver in storage": (
        "bot/storage/planted.py",
        "import aiosqlite",
        "Nothing imports the database's drivers: SQLAlchemy loads them",
        "bot.storage.planted -> aiosqlite (l.1)",
    ),
    "the HTTP client in a feature": (
        "bot/features/planted_call.py",
        "import httpx",
        "Only bot.onetime imports the HTTP client",
        "bot.features.planted_call -> httpx (l.1)",
    ),
    "the detectors of credentials in another module": (
        "bot/features/planted_detector.py",
        "import detect_secrets",
        "Only one module imports detect-secrets",
        "bot.features.planted_detector -> detect_secrets (l.1)",
    ),
    "another HTTP client in a feature": (
        "bot/features/planted_request.py",
        "import requests",
        "Nothing imports requests, which detect-secrets brings along",
        "bot.features.planted_request -> requests (l.1)",
    ),
    "a feature in a feature": (
        "bot/features/planted.py",
        "from bot.features import burn",
        "Features do not import each other",
        "bot.features.planted -> bot.features.burn (l.1)",
    ),
    "a feature in a feature, by way of the registry": (
        "bot/features/planted_around.py",
        "from bot.features import Registry",
        "Features do not import each other",
        "bot.features.planted_around -> bot.features (l.1)",
    ),
    "a socket in wire": (
        "bot/onetime/wire/planted.py",
        "import socket",
        "Links and wire do no I/O",
        "bot.onetime.wire.planted -> socket (l.1)",
    ),
    "the client in wire": (
        "bot/onetime/wire/planted_around.py",
        "from bot.onetime import client",
        "Links and wire do no I/O",
        "bot.onetime.wire.planted_around -> bot.onetime.client (l.1)",
    ),
    "the bot in an emulator": (
        "bot/sandbox/slack/planted.py",
        "from bot.secret import Secret",
        "The emulators and their page know nothing of the bot",
        "bot.sandbox.slack.planted -> bot.secret (l.1)",
    ),
    "a screen that knows the status": (
        "bot/screen/planted.py",
        "from bot.status import burn",
        "Imports point one way",
        "bot.screen.planted -> bot.status.burn (l.1)",
    ),
    "the watcher in Slack's package": (
        "bot/slack/planted.py",
        "from bot.watch import poll",
        "Imports point one way",
        "bot.slack.planted -> bot.watch.poll (l.1)",
    ),
    "a new file without a layer": ("bot/layerless.py", "", "Imports point one way", "- bot.layerless"),
    "a new package without a layer": ("bot/attic/__init__.py", "", "Imports point one way", "- bot.attic"),
}


def _broken_contracts(folder: Path) -> dict[str, str]:
    """What import-linter says of each broken contract, by its name."""
    said = _run("lint-imports", folder, "--no-cache").split("Broken contracts", 1)[1]
    titles = re.split(r"^(.+)\n-+\n", said, flags=re.MULTILINE)[1:]
    return dict(zip(titles[::2], titles[1::2], strict=True))


def test_every_import_that_a_contract_forbids_is_refused(tmp_path):
    _copy(tmp_path, {name: text for name, text, _, _ in IMPORTS.values()})

    broken = _broken_contracts(tmp_path)

    assert [plant for plant, (_, _, contract, said) in IMPORTS.items() if said not in broken[contract]] == []


def test_each_contract_has_a_plant():
    assert CONTRACTS.keys() == {contract for _, _, contract, _ in IMPORTS.values()}


def test_no_contract_has_an_exception():
    assert [name for name, contract in CONTRACTS.items() if "ignore_imports" in contract] == []


def test_all_of_the_bot_is_forbidden_to_the_emulators():
    forbidden = CONTRACTS["The emulators and their page know nothing of the bot"]["forbidden_modules"]
    files = {path.stem for path in (ROOT / "bot").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}

    assert set(forbidden) == {f"bot.{name}" for name in files | packages - {"sandbox"}}


def _computed_imports(tree: ast.AST) -> list[str]:
    """Imports whose name is computed, which import-linter cannot see."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name for alias in node.names}
            names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    return sorted(names & {"__import__", "import_module", "runpy", "run_module", "run_path", "pkgutil", "exec", "eval"})


def test_no_module_imports_by_a_computed_name():
    found = {
        name
        for path in (ROOT / "bot").rglob("*.py")
        if _computed_imports(ast.parse(path.read_text())) and (name := path.relative_to(ROOT).as_posix())
    }

    assert found == COMPUTED_IMPORTS.keys()


@pytest.mark.parametrize(
    "line",
    [
        '__import__("slack_sdk")',
        'importlib.import_module("slack_sdk")',
        "from importlib import import_module",
        "import runpy",
        'exec("import slack_sdk")',
    ],
)
def test_an_import_by_a_computed_name_is_found(line):
    assert _computed_imports(ast.parse(line))


# --- types: an expression to plant in the function below, and what mypy says of it

HEAD = """\
from bot.errors import BotError
from bot.interaction.feature import FieldErrors
from bot.screen.parts import Button, Choice, Modal, Text
from bot.screen.pieces import say
from bot.secret import MetadataKey, SecretKey
from bot.storage.button_contexts import METADATA, SECRET, NewButtonContext
from bot.storage.notifications import Notification
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.rows import Delivery
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import Tracked


async def planted(
    tracked: Tracked, notification: Notification, deliveries: Deliveries, delivery: Delivery,
    secret_key: SecretKey, metadata_key: MetadataKey,
) -> None:
"""
HOST = "'https://ots.example.com'"
TYPES = {
    "a misspelt keyword of a modal": ('Modal.of("note", say("Title"), sumbit=say("Send"))', '"sumbit"'),
    "a keyword of a modal with another type": ('Modal.of("note", say("Title"), push="yes")', '"push"'),
    "a misspelt style of a button": ('Button(say("Burn"), "burn", style="dangerous")', '"style"'),
    "a label that is not in the catalogues": ('Button("Burn", "burn")', '"str"'),
    "a paragraph that is not in the catalogues": ('Text.of("Burned.")', '"str"'),
    "an error that is not in the catalogues": ('BotError("why", tell="Please try again.")', '"str"'),
    "a field error that is not in the catalogues": ('FieldErrors({"to": "Choose somebody."})', '"str"'),
    "an option that is not in the catalogues": ('Choice("ttl", say("Life"), (("60", "a minute"),))', "tuple"),
    "a value that is not in the catalogues": ('say("{who} opened it.", who="Somebody")', '"str"'),
    "a misspelt state that a delivery gets": ('await deliveries.close(delivery.id, "brned")', "brned"),
    "a misspelt state that a delivery is compared with": ('print(delivery.state == "brned")', "brned"),
    "a misspelt state that a tracked secret gets": ('Change(tracked.id, "brned")', "brned"),
    "a misspelt state that a tracked secret is compared with": ('print(tracked.state == "brned")', "brned"),
    "a misspelt kind that a notification gets": ('Change(tracked.id, None, notification="recieved")', "recieved"),
    "a misspelt kind that a notification is compared with": ('print(notification.kind == "recieved")', "recieved"),
    "a secret key as the key of a button for metadata": (
        f"NewButtonContext(METADATA, {HOST}, secret_key)", "NewButtonContext",
    ),
    "a metadata key as the key of a button that opens": (
        f"NewButtonContext(SECRET, {HOST}, metadata_key)", "NewButtonContext",
    ),
}  # fmt: skip


def _type_errors(folder: Path) -> dict[int, str]:
    """What mypy says of the planted file, by line. It starts from the project's cache, if there is one."""
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    said = _run("mypy", folder, "bot/planted.py")
    return {int(line): error for line, error in re.findall(r"^bot/planted\.py:(\d+): error: (.+)$", said, re.MULTILINE)}


def test_every_name_that_a_type_does_not_have_is_refused(tmp_path):
    _copy(tmp_path, {"bot/planted.py": HEAD + "".join(f"    {line}\n" for line, _ in TYPES.values())})
    expected = dict(zip(itertools.count(HEAD.count("\n") + 1), TYPES.items()))

    errors = _type_errors(tmp_path)

    assert [plant for line, (plant, (_, said)) in expected.items() if said not in errors.get(line, "")] == []
    assert errors.keys() <= expected.keys()
