"""README, docs, CHANGELOG, Procfile and the files of the project say what the code does, and the other way round."""

import argparse
import configparser
import fnmatch
import importlib.util
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import EXIT_CONFIG, _parser
from bot.features import Registry
from bot.settings import Settings, find_lookalikes, read_settings
from bot.storage.engine.location import locate
from tests import readme
from tests.readme import DEPLOY, DOCUMENTS, README, ROOT
from tests.support.english import plain_english

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
    "pyproject.toml", "README.md", "docs", "bot", "migrations", "tests", "manifest.yml", "Procfile", "LICENSE",
    "CHANGELOG.md", ".ci", ".gitignore", ".slack", "requirements.txt", "requirements-dev.txt",
}  # fmt: skip
MOST_README = 10_240  # bytes
OLD_SETTINGS = {"ONETIME_MOST_BYTES"}  # named where an operator is told the new name
EXAMPLES = {"bot/features/hosts.py", "tests/journeys/test_hosts.py"}  # files that “Add a verb” tells to write
COPIES = {"bot.env", "new.env"}  # what an operator calls a copy of a file in docs/deploy
UNIT_FOLDER = "/etc/systemd/system"

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
    """Every `python -m bot …` in a code block, a sentence, the Procfile and docs/deploy, without what precedes it."""
    files = [ROOT / "Procfile", *DEPLOY.iterdir()]
    told = "\n".join([readme.text(), *(file.read_text() for file in files)])
    found = re.findall(r"python -m bot ((?:--env-file \S+ )?[a-z][^`\n]*)", told)
    return sorted({line.strip() for line in found})


@pytest.mark.parametrize("line", _told_commands())
def test_what_the_documents_tell_to_type_is_understood(line):
    _parser().parse_args(shlex.split(line))


def test_the_modules_that_the_documents_tell_to_run_exist():
    told = set(re.findall(r"python -m (tests\.\w+)", readme.text()))

    assert len(told) > 2
    assert [name for name in told if importlib.util.find_spec(name) is None] == []


def test_the_procfile_starts_what_the_table_of_commands_has():
    processes = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())

    assert processes.keys() == {"release", "web", "worker"}
    assert all(line.startswith("python -m bot ") for line in processes.values())
    assert _parser().parse_args(shlex.split(processes["web"])[3:]).host == "0.0.0.0"


# --- the two lines


@pytest.mark.parametrize("line", [SANDBOX_LINE, TEST_LINE], ids=["try it", "test it"])
def test_the_lines_that_set_up_and_run_stand_alone(line):
    assert f"\n```sh\n{line}\n```\n" in README.read_text()


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

    assert rows == [
        (
            f"/ots {verb.name} {plain_english(verb.usage) if verb.usage else ''}".rstrip(),
            plain_english(verb.does),
            verb.aliases,
        )
        for verb in Registry().verbs
    ]


@pytest.mark.parametrize("file", [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "manifest.yml"], ids=readme.inside)
def test_no_document_has_a_verb_that_does_not_exist(file):
    said = file.read_text().replace(readme.section("Add a verb"), "")

    verbs = set(re.findall(r"/ots ([a-z]+)", said))

    assert verbs - {word for verb in VERBS.values() for word in (verb.name, *verb.aliases)} - {"and"} == set()


def test_the_changelog_has_every_verb():
    said = (ROOT / "CHANGELOG.md").read_text()

    assert [name for name in VERBS if f"`/ots {name}`" not in said] == []


def test_the_example_of_a_new_verb_is_one():
    (example,) = readme.code("python", readme.section("Add a verb"))[:1]
    scope: dict[str, Any] = {"__name__": "bot.features.example"}

    exec(compile(example, "the example of a new verb", "exec"), scope)

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


@pytest.mark.parametrize(
    "file", [*DOCUMENTS, *sorted(DEPLOY.iterdir()), ROOT / "CHANGELOG.md", ROOT / "manifest.yml"], ids=readme.inside
)
def test_the_settings_that_a_document_names_exist(file):
    known = {name.upper() for name in Settings.model_fields}

    assert readme.settings(file.read_text()) - OLD_SETTINGS - known == set()


# --- the documents


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= MOST_README


@pytest.mark.parametrize("document", DOCUMENTS, ids=readme.inside)
def test_every_link_leads_somewhere(document):
    def leads_somewhere(target):
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        return file.exists() and (not anchor or anchor in readme.anchors(file))

    assert [target for target in readme.links(document) if not leads_somewhere(target)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=readme.inside)
def test_a_document_has_no_heading_twice(document):
    anchors = readme.anchors(document)

    assert len(anchors) == len(set(anchors))


def test_every_document_is_linked_from_the_readme():
    linked = {target.partition("#")[0] for target in readme.links(README)}

    assert {readme.inside(document) for document in DOCUMENTS} - {"README.md"} - linked == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=readme.inside)
def test_the_files_and_folders_that_a_document_names_exist(document):
    named = readme.paths(document.read_text()) - EXAMPLES - COPIES

    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_files_that_an_example_makes_are_not_there():
    assert [path for path in EXAMPLES if (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=readme.inside)
def test_the_requirements_that_a_document_installs_exist(document):
    assert [file for file in re.findall(r"-r (\S+)", document.read_text()) if not (ROOT / file).is_file()] == []


def test_other_files_name_documents_and_headings_that_exist():
    named = [
        (path, found[0], found[1])
        for path, lines in _texts()
        if path.suffix != ".md" or path.name == "CHANGELOG.md"
        for found in re.findall(r"((?:docs/)?[\w/]+\.md)(?:, “([^”]+)”)?", " ".join(lines))
    ]

    missing = [(path, file) for path, file, _ in named if not (ROOT / file).is_file()]
    untitled = [
        (path, title) for path, file, title in named if title and f"# {title}\n" not in (ROOT / file).read_text()
    ]
    assert (missing, untitled) == ([], [])


def test_the_table_of_places_has_exactly_what_is_in_the_package():
    told = [readme.quoted(where)[0] for where, _ in readme.rows(readme.section("What is where"))]
    there = [path for path in (ROOT / "bot").iterdir() if not _is_ignored(path.relative_to(ROOT))]
    names = {f"{readme.inside(path)}/" if path.is_dir() else readme.inside(path) for path in there}

    assert {name for name in told if name.startswith("bot/")} == names - {"bot/__init__.py"}


def test_the_table_of_tests_has_every_folder_of_tests():
    told = {readme.quoted(where)[0] for where, _ in readme.rows(readme.section("Tests"))}
    folders = {readme.inside(path) for path in (ROOT / "tests").iterdir() if path.is_dir()}

    assert told == {folder for folder in folders if not _is_ignored(Path(folder))}


def test_the_servers_that_are_supported_are_those_of_the_sandbox_and_the_recordings():
    versions = next(one.choices for one in COMMANDS["sandbox"]._actions if "--server" in one.option_strings)
    recorded = {path.name.removeprefix("v").rsplit(".", 2)[0] for path in (ROOT / "tests/contract/recorded").iterdir()}

    assert f"**{versions[0]} to {versions[-1]}**" in readme.section("Servers of Onetime Secret")
    assert f"versions {versions[0]} to {versions[-1]}:" in README.read_text()
    assert all(f"{version}`" in readme.TOUR.read_text() for version in versions)
    assert recorded == set(versions)


# --- the files that operators copy


def _unit():
    unit = configparser.ConfigParser(interpolation=None, strict=False)  # systemd adds lines of one name up
    unit.read(DEPLOY / "ots-bot.service")
    return unit


def _env_file(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return read_settings(DEPLOY / "bot.env")


def test_every_file_to_copy_is_linked_from_where_it_is_needed():
    linked = {target for document in DOCUMENTS for target in readme.links(document)}

    assert [file.name for file in DEPLOY.iterdir() if f"deploy/{file.name}" not in linked] == []


def test_the_settings_file_to_copy_is_one(monkeypatch):
    settings = _env_file(monkeypatch)

    assert settings.slack_bot_token.reveal() == "xoxb-…"
    assert find_lookalikes(DEPLOY / "bot.env") == []


def test_the_unit_starts_the_bot_from_the_folders_that_it_names():
    service = _unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])

    assert program == f"{service['WorkingDirectory']}/.venv/bin/python"
    assert arguments[:2] == ["-m", "bot"]
    assert service["RestartPreventExitStatus"] == str(EXIT_CONFIG)


def _deployed(settings):
    """The paths of the unit and of its settings file: where on the server what is."""
    service = _unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    given = _parser().parse_args(arguments[2:])
    return {
        f"{UNIT_FOLDER}/ots-bot.service",
        program,
        str(given.env_file),
        str(settings.encryption_keys_file),
        str(locate(settings.database_url).path),
    }


def test_the_paths_on_a_server_are_those_of_the_unit_and_its_settings(monkeypatch):
    service, settings = _unit()["Service"], _env_file(monkeypatch)
    deployed = _deployed(settings)
    told = set(re.findall(r"(?<![\w.])/(?:opt|etc|var)/[\w./-]*[\w-]", readme.text()))

    assert locate(settings.database_url).path.parent == Path("/var/lib") / service["StateDirectory"]
    assert {service["WorkingDirectory"], f"/var/lib/{service['StateDirectory']}"} <= told
    assert [path for path in told if not any(one == path or one.startswith(f"{path}/") for one in deployed)] == []


def test_the_key_file_and_the_database_are_in_two_folders(monkeypatch):
    settings = _env_file(monkeypatch)

    assert settings.encryption_keys_file.parent != locate(settings.database_url).path.parent


def test_the_user_of_the_unit_is_the_one_that_the_documents_make():
    user = _unit()["Service"]["User"]

    assert re.findall(
        r"^useradd .* (\S+)$",
        "".join(readme.code("sh", readme.section("On a small server with systemd"))),
        re.MULTILINE,
    ) == [user]
    assert set(re.findall(r"(?:-o|sudo -u) (\S+)", readme.section("On a small server with systemd"))) == {user}


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
