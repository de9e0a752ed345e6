"""What must not be in any file: credentials of real services. And what tests must not do: reach out."""

import re
import socket
import subprocess

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.readme import ROOT

# What real credentials look like. The parts of a pattern stand apart, so that it does not find itself.
CREDENTIALS = {
    "a Slack bot or user token": r"xox[abp]" + r"-\d{9,}-\d{9,}-[A-Za-z0-9]{20,}",
    "a Slack app token": r"xapp" + r"-\d-A[A-Z0-9]{8,}-\d{9,}-[a-f0-9]{32,}",
    "a Slack webhook": r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/" + r"[A-Za-z0-9]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE" + r" KEY-----",
    "an AWS key": r"\b(?:AKIA|ASIA)" + r"[A-Z0-9]{16}\b",
    "a GitHub token": r"\bgh[pousr]_" + r"[A-Za-z0-9]{36,}|github_pat_" + r"[A-Za-z0-9_]{60,}",
    "a Google key": r"\bAIza" + r"[A-Za-z0-9_-]{35}\b",
    "a token of a package index": r"pypi-AgEI" + r"[A-Za-z0-9_-]{50,}|npm_" + r"[A-Za-z0-9]{36}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\." + r"[A-Za-z0-9_-]{20,}",
    "a key of a payment service": r"\b[rs]k_live_" + r"[A-Za-z0-9]{20,}",
    "a user and a password in a URL": r"https://[a-z0-9._-]{3,}:[A-Za-z0-9+/=_-]{16,}@" + r"[a-z0-9.-]+\.[a-z]{2,}",
}
EXAMPLE = "xoxb" + "-123456789012-123456789012-" + "a" * 24


def found_in(text):
    return {what for what, pattern in CREDENTIALS.items() if re.search(pattern, text)}


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
