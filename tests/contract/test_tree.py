"""What must not be in any file: credentials of real services. And what tests must not do: reach out."""

import socket
import subprocess

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.readme import ROOT
from tests.support.credentials import EXAMPLE, found_in


def test_no_file_of_the_project_has_a_credential_in_it():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]

    assert len(files) > 300
    found = {
        str(path.relative_to(ROOT)): what
        for path in files
        if path.is_file() and (what := found_in(path.read_bytes().decode("utf-8", "replace")))
    }
    assert found == {}


def test_a_credential_would_be_found():
    assert found_in(f"SLACK_BOT_TOKEN={EXAMPLE}") == {"a Slack bot or user token"}
    assert found_in("-----BEGIN " + "PRIVATE KEY-----") == {"a private key"}


def test_no_test_can_reach_another_machine():
    other = socket.socket()

    with pytest.warns(UserWarning, match=r"192\.0\.2\.1"), pytest.raises(SocketConnectBlockedError):
        other.connect(("192.0.2.1", 443))

    other.close()


def test_tests_run_in_a_random_order(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("randomly")
    assert pytestconfig.getoption("randomly_reorganize")
