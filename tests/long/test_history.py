"""The scan of the history for credentials, which `python -m tests.long history` makes."""

import subprocess

import pytest

from tests.long.history import Shallow, find
from tests.readme import ROOT
from tests.support.credentials import EXAMPLE
from tests.support.postgres import fail_or_skip


def git(directory, *arguments):
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "notes").write_text("nothing to see\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Begin")
    return tmp_path


@pytest.mark.slow
def test_the_history_has_no_credential_in_it():
    try:
        found = list(find(ROOT))
    except (Shallow, subprocess.CalledProcessError) as error:
        fail_or_skip(f"the whole history is needed: {error}")

    assert found == []


def test_what_was_taken_out_again_is_found_and_not_shown(repository):
    (repository / "settings").write_text(f"token = {EXAMPLE}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "Add settings")
    git(repository, "rm", "-q", "settings")
    git(repository, "commit", "-qm", "Take them out")

    (line,) = find(repository)

    assert line.endswith("settings has a Slack bot or user token in it")
    assert EXAMPLE not in line


def test_a_message_of_a_commit_and_a_name_of_a_file_are_looked_at(repository):
    (repository / "encryption.keys").write_text("k1:\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", f"Use {EXAMPLE}")

    assert [line.partition(" ")[2] for line in find(repository)] == [
        "is a file that should not be in the history",
        "a commit has a Slack bot or user token in it",
    ]


def test_an_innocent_history_has_nothing(repository):
    assert list(find(repository)) == []


def test_a_clone_without_its_history_is_refused(repository, tmp_path_factory):
    (repository / "notes").write_text("more\n")
    git(repository, "commit", "-qam", "Go on")
    shallow = tmp_path_factory.mktemp("shallow")
    git(shallow, "clone", "-q", "--depth", "1", f"file://{repository}", "clone")

    with pytest.raises(Shallow):
        list(find(shallow / "clone"))
