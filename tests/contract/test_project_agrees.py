"""README, CHANGELOG, Procfile and the files of the project say what the code does, and the other way round."""

import argparse
import fnmatch
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import _parser
from bot.features import Registry
from bot.settings import Settings
from tests import readme
from tests.readme import ROOT

VERBS = {verb.name: verb for verb in Registry().verbs}
SANDBOX_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -q --require-hashes -r requirements.txt "
    "&& .venv/bin/python -m bot sandbox"
)
TEST_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -q --require-hashes -r requirements-dev.txt "
    '&& .venv/bin/python -m pytest -n auto -m "not slow"'
)
TOP_LEVEL = {
    "pyproject.toml", "README.md", "bot", "migrations", "tests", "manifest.yml", "Procfile", "LICENSE",
    "CHANGELOG.md", ".ci", ".gitignore", "requirements.txt", "requirements-dev.txt",
}  # fmt: skip

# The parts of the patterns stand apart, so that they do not find themselves here.
NOT_IN_ANY_FILE = {
    "a path of somebody's machine": re.compile(r"(?<![\w.:/-])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)(?:/|\b)"),
    "a package registry's host": re.compile(r"pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.(?:com|org)|index-url\s+http"),
    "the number of an issue": re.compile(r"\bissu[e]s? #?\d+\b"),
}


# --- the command line


def _commands(parser, words=()):
    """Every command of the parser: its words and its own parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield " ".join(words), parser
    for action in inner:
        for name, one in action.choices.items():
            yield from _commands(one, (*words, name))


def _options(parser):
    named = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    return named - {"--help"}


COMMANDS = dict(_commands(_parser()))


def _command_rows():
    rows = readme.rows(readme.section("Commands"))
    return {readme.quoted(cells[0])[0].removeprefix("python -m bot "): cells[1] for cells in rows}


def test_the_table_of_commands_has_exactly_the_commands_of_the_parser():
    assert sorted(_command_rows()) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_stand_in_its_row(command):
    assert set(re.findall(r"--[a-z-]+", _command_rows()[command])) == _options(COMMANDS[command])


def test_the_option_before_a_command_is_explained():
    assert all(f"`{option} " in readme.section("Commands") for option in _options(_parser()))


def _told_commands():
    """Every `python -m bot …` in a code block, in the Procfile and in a sentence, without what precedes it."""
    told = readme.text() + (ROOT / "Procfile").read_text()
    found = re.findall(r"python -m bot ((?:--env-file \S+ )?[a-z][^`\n]*)", told)
    return sorted({line.strip() for line in found})


@pytest.mark.parametrize("line", _told_commands())
def test_what_the_documents_tell_to_type_is_understood(line):
    _parser().parse_args(shlex.split(line))


def test_the_procfile_starts_what_the_table_of_commands_has():
    processes = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())

    assert processes.keys() == {"release", "web", "worker"}
    assert all(line.startswith("python -m bot ") for line in processes.values())
    assert _parser().parse_args(shlex.split(processes["web"])[3:]).host == "0.0.0.0"


# --- the two lines


@pytest.mark.parametrize("line", [SANDBOX_LINE, TEST_LINE], ids=["try it", "test it"])
def test_the_lines_that_set_up_and_run_stand_alone(line):
    assert f"\n```sh\n{line}\n```\n" in readme.text()


def test_ci_finds_the_line_that_tests():
    script = (ROOT / ".ci/run").read_text()
    pattern = re.search(r"sed -n '([^']+)' README\.md", script)
    assert pattern

    found = subprocess.run(["sed", "-n", pattern[1], ROOT / "README.md"], capture_output=True, text=True, check=True)

    assert found.stdout == f"{TEST_LINE}\n"


# --- verbs


def test_the_table_of_verbs_is_the_catalogue():
    rows = [
        (*readme.quoted(command), does, tuple(readme.quoted(also)))
        for command, does, also in readme.rows(readme.section("What you can type"))
    ]

    assert rows == [(f"/ots {verb.name} {verb.usage}".rstrip(), verb.does, verb.aliases) for verb in Registry().verbs]


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md", "manifest.yml"])
def test_no_document_has_a_verb_that_does_not_exist(file):
    said = (ROOT / file).read_text().replace(readme.section("Add a verb"), "")

    verbs = set(re.findall(r"/ots ([a-z]+)", said))

    assert verbs - {word for verb in VERBS.values() for word in (verb.name, *verb.aliases)} - {"and"} == set()


def test_the_changelog_has_every_verb():
    said = (ROOT / "CHANGELOG.md").read_text()

    assert [name for name in VERBS if f"`/ots {name}`" not in said] == []


def test_the_example_of_a_new_verb_is_one():
    (example,) = readme.code("python", readme.section("Add a verb"))[:1]
    scope: dict[str, Any] = {"__name__": "bot.features.example"}

    exec(compile(example, "the README's example", "exec"), scope)

    feature = scope["FEATURE"]
    assert Registry((feature,)).read("hosts all") == (feature.verbs[0], "all")


# --- settings


def test_the_table_of_settings_has_exactly_the_settings():
    names = [readme.quoted(cells[0])[0] for cells in readme.rows(readme.section("Settings"))]

    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


def test_the_table_of_settings_has_their_defaults(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    told = {readme.quoted(cells[0])[0]: cells[2] for cells in readme.rows(readme.section("Settings"))}

    plain = {
        name.lower(): readme.quoted(default)[0] for name, default in told.items() if re.fullmatch("`[^`]+`", default)
    }

    none = [name for name, default in told.items() if default == "–"]
    assert Settings.model_validate(plain) == Settings()
    assert all(getattr(Settings(), name.lower()) in (None, ()) for name in none)
    assert told.keys() - {name.upper() for name in plain} - set(none) == {"LOG_FORMAT"}
    assert told["LOG_FORMAT"] == "`text` on a terminal, else `json`"


def test_the_settings_in_examples_exist():
    examples = "".join(readme.code("ini", readme.section("Install into Slack")))
    names = set(re.findall(r"^(?:# |Environment=)?([A-Z][A-Z_]+)=", examples, re.MULTILINE))

    assert len(names) > 3
    assert names <= {name.upper() for name in Settings.model_fields}


# --- the rest of the README


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_every_link_in_the_readme_leads_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", readme.text())
    anchors = {f"#{_anchor(title)}" for title in re.findall(r"^#+ (.+)$", readme.text(), re.MULTILINE)}

    local = [target for target in targets if not target.startswith("https://")]

    assert [target for target in local if target not in anchors and not (ROOT / target).is_file()] == []


def test_the_packages_are_all_explained():
    explained = set(re.findall(r"^- \*\*`bot/(\w+)`\*\*", readme.section("How it is built"), re.MULTILINE))

    assert explained == {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}


def test_the_servers_that_are_supported_are_those_of_the_sandbox_and_the_recordings():
    versions = next(one.choices for one in COMMANDS["sandbox"]._actions if "--server" in one.option_strings)
    recorded = {path.name.removeprefix("v").rsplit(".", 2)[0] for path in (ROOT / "tests/contract/recorded").iterdir()}

    assert f"**{versions[0]} to {versions[-1]}**" in readme.section("Limits")
    assert all(f"{version}`" in readme.section("Try it") for version in versions)
    assert recorded == set(versions)


# --- the project's files


def test_the_changelog_is_in_its_form_and_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    said = (ROOT / "CHANGELOG.md").read_text()

    assert "## [Unreleased]\n" in said
    assert re.search(rf"\b{re.escape(version)}\b", said)
    sections = set(re.findall(r"^### (.+)$", said, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def _ignored():
    return [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]


def _is_ignored(path):
    return any(fnmatch.fnmatch(part, pattern) for part in path.parts for pattern in (*_ignored(), ".git"))


def _files():
    for top in sorted(TOP_LEVEL):
        inside = (path for path in (ROOT / top).rglob("*") if path.is_file())
        yield from (ROOT / top,) if (ROOT / top).is_file() else inside


def _texts():
    """Every file of the project that people write, and its lines."""
    for path in _files():
        inside = path.relative_to(ROOT)
        if not _is_ignored(inside) and "recorded" not in inside.parts and path.suffix != ".png":
            yield inside, path.read_text().splitlines()


def test_the_top_level_holds_what_belongs_there_and_nothing_else():
    there = {path.name for path in ROOT.iterdir() if not _is_ignored(Path(path.name))}

    assert there == TOP_LEVEL


@pytest.mark.parametrize(("what", "pattern"), NOT_IN_ANY_FILE.items(), ids=list(NOT_IN_ANY_FILE))
def test_no_file_names(what, pattern):
    found = [
        f"{path}:{number} has {what}: {line.strip()[:80]}"
        for path, lines in _texts()
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    "parts",
    [("see /wor", "k/main"), ("cd /roo", "t"), ('"/hom', 'e/ada/bot"'), ("at pyp", "i.org"), ("as in issu", "e 12")],
    ids="|".join,
)
def test_what_no_file_may_name_would_be_found(parts):
    assert any(pattern.search("".join(parts)) for pattern in NOT_IN_ANY_FILE.values())
