"""The doctor's judgements and its output, without a network."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from bot import app_manifest
from bot.doctor import database, examine, onetime, request_url, slack
from bot.doctor.examine import Examination, Loaders, _run
from bot.doctor.finding import Finding, failed, failed_by, not_checkable, ok, warning
from bot.doctor.report import as_json, as_line, as_text, exit_code
from bot.errors import CannotStart
from bot.onetime.links import Hosts
from bot.proxy import ProxyRule
from bot.secret import Secret
from bot.settings import RENAMED, Settings, check_settings
from bot.slack.signature import SignatureChecker, read_signature, sign
from bot.slack.token_facts import find_kind, read_clock, read_scopes
from bot.watch.single_instance import is_locked, single_instance_lock
from tests.support.rows import each_row

CANARY = "canary-31c9"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [*map(str.upper, Settings.model_fields), *RENAMED]:
        monkeypatch.delenv(name, raising=False)


# --- a check that goes wrong


async def test_a_check_that_crashes_is_a_failed_line_without_values():
    async def crash() -> list[Finding]:
        raise RuntimeError(CANARY)

    (found,) = await _run("database", crash)

    assert (found.check, found.result) == ("database", "failed")
    assert found.says.startswith("the check itself failed: RuntimeError at unit/test_doctor.py:")
    assert found.remedy
    assert CANARY not in str(found)


async def test_a_check_that_takes_too_long_is_a_failed_line(monkeypatch):
    monkeypatch.setattr(examine, "DEADLINE", 0.01)

    (found,) = await _run("Slack token", lambda: asyncio.sleep(10))

    assert (found.result, found.says) == ("failed", "no answer within 0.01 s")
    assert found.remedy


def test_a_part_that_crashes_while_it_is_made_is_a_failed_line(monkeypatch, tmp_path):
    def crash(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/bot.db")
    loaders = Loaders(crash, crash, lambda *_: {})  # type: ignore[arg-type]

    found = Examination(check_settings(), None, loaders).examine_files()

    assert {"keys", "proxy"} <= {one.check for one in found if one.says.startswith("the check itself failed")}
    assert CANARY not in str(found)


async def test_what_needs_a_malformed_setting_waits_for_it(monkeypatch, tmp_path):
    for name, value in {"PORT": "x", "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db", "SLACK_API_URL": "x"}.items():
        monkeypatch.setenv(name, value)
    loaders = Loaders(lambda _: None, lambda *_: ProxyRule(), lambda *_: {})
    monkeypatch.setattr(onetime, "named_hosts", lambda _: ())

    found = await Examination(check_settings(), None, loaders).examine(None)

    said = {one.check: one.says for one in found if one.result == "not checkable"}
    assert said["port"] == "waits for PORT to be right"
    assert said["Slack token"] == "waits for SLACK_API_URL to be right"
    assert {one.says for one in found if one.check == "settings"} >= {"PORT is not usable"}


# --- judgements


@each_row(
    ("text", "says", "remedy"),
    [
        ("The key file /k does not exist. Set it. Make one.", "The key file /k does not exist", "Set it. Make one."),
        ("PORT is missing: set it to 3000.", "PORT is missing", "Set it to 3000."),
        ("DATABASE_URL: /x is not a file (No). Choose another.", "DATABASE_URL: /x is not a file (No)", "Choose another."),
        ("Something is wrong", "Something is wrong", "See docs/operations.md."),
    ],
)  # fmt: skip
def test_the_fix_in_an_error_becomes_the_remedy(text, says, remedy):
    assert failed_by("x", text) == Finding("x", "failed", says, remedy)


@each_row(
    ("granted", "results"),
    [
        (None, ["not checkable"]),
        (frozenset("ab"), ["ok"]),
        (frozenset("a"), ["failed"]),
        (frozenset("abc"), ["warning"]),
        (frozenset("ac"), ["failed", "warning"]),
        (frozenset({"a", "b", "identify"}), ["ok"]),
        (frozenset(), ["failed"]),
    ],
)
def test_scopes_are_compared_with_those_of_the_manifest(granted, results):
    assert [one.result for one in slack.judge_scopes(granted, frozenset("ab"))] == results


def test_the_scopes_that_are_wanted_are_those_of_the_manifest_with_what_is_switched_on():
    plain = set(app_manifest.read_plain()["oauth_config"]["scopes"]["bot"])

    assert slack.wanted_scopes(Settings()) == plain
    assert slack.wanted_scopes(Settings(unfurl_links="on")) == plain | {"links:read", "links:write"}


@each_row(
    ("seconds", "result"),
    [(None, "not checkable"), (0.5, "ok"), (-60, "ok"), (61, "warning"), (-240, "warning"), (241, "failed"), (-9e9, "failed")],
)  # fmt: skip
def test_a_clock_is_judged_before_slack_refuses(seconds, result):
    assert [one.result for one in slack.judge_clock(seconds)] == [result]


def test_the_time_and_the_scopes_are_read_from_the_headers():
    headers = {"Date": "Thu, 01 Jan 1970 00:01:40 GMT", "X-OAuth-Scopes": "commands, chat:write,"}

    assert read_clock(headers, 130.0) == 30.0
    assert read_scopes(headers) == frozenset({"commands", "chat:write"})
    assert (read_clock({"date": "yesterday"}, 1.0), read_clock({}, 1.0), read_scopes({})) == (None, None, None)


@each_row(
    ("token", "kind"),
    [
        ("xoxb-1-2-abc", "bot"),
        ("xoxp-1-2-abc", "user"),
        ("xapp-1-A0-2-abc", "app-level"),
        ("xoxe.xoxb-1-abc", "bot"),
        ("xoxe-1-abc", "refresh"),
        ("xoxb-…", "example"),
        ("xoxb-your-token", "example"),
        ("<token>", "example"),
        ("hunter2", None),
    ],
)
def test_a_token_is_known_by_its_beginning(token, kind):
    assert find_kind(Secret(token)) == kind


def test_what_the_doctor_signs_is_what_the_bot_takes():
    secret, body = Secret("0123456789abcdef"), b'{"type":"url_verification"}'
    signature = read_signature(["100"], [sign(secret, "100", body)])
    assert signature is not None
    check = SignatureChecker(secret).begin(signature)
    check.update(body)

    assert check.verdict(100.0) == "right"


@each_row(
    ("text", "url"),
    [
        ("https://bot.example.com", "https://bot.example.com/slack/events"),
        ("https://bot.example.com/", "https://bot.example.com/slack/events"),
        ("https://bot.example.com/below/slack/events", "https://bot.example.com/below/slack/events"),
        ("http://127.0.0.1:3000/slack/events", "http://127.0.0.1:3000/slack/events"),
    ],
)
def test_the_url_may_end_with_the_path_or_not(text, url):
    assert str(request_url.read_url(text)) == url


@each_row(
    "text", ["http://bot.example.com", "bot.example.com", "https://", "ftp://127.0.0.1/", "https://a b/", "http://["]
)
def test_a_url_that_slack_does_not_call_is_refused(text):
    with pytest.raises(CannotStart, match="--url"):
        request_url.read_url(text)


# --- where the database is


@each_row(
    ("mounts", "kind"),
    [
        ("1 0 8:1 / / rw - ext4 /dev/sda1 rw", None),
        ("1 0 8:1 / / rw - nfs4 server:/ rw", "nfs4"),
        ("1 0 8:1 / / rw - nfs server:/ rw\n2 1 8:2 / {folder} rw - ext4 /dev/sdb1 rw", None),
        ("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / {folder} rw shared:1 master:2 - fuse.sshfs x rw", "fuse.sshfs"),
        ("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / {folder}x rw - nfs4 x rw", None),
        ("1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {folder} rw - ext4 b rw\n3 1 0:9 / {folder} rw - cifs c rw", "cifs"),
        ("2 1 8:2 / {folder} rw - ext4 /dev/sdb1 rw\n1 0 8:1 / / rw - nfs server:/ rw", None),
        ("no line of this file\n", None),
        ("", None),
    ],
)
def test_a_network_file_system_is_found_by_the_mount_that_is_nearest(tmp_path, monkeypatch, mounts, kind):
    folder = tmp_path / "a folder"
    folder.mkdir(exist_ok=True)
    file = tmp_path / "mountinfo"
    file.write_text(mounts.replace("{folder}", str(folder).replace(" ", r"\040")))
    monkeypatch.setattr(database, "MOUNTS", file)

    assert database.find_network_filesystem(folder) == kind


def test_where_linux_does_not_say_nothing_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "MOUNTS", tmp_path / "none")

    assert database.find_network_filesystem(tmp_path) is None


def test_the_lock_of_a_bot_is_seen_and_not_made(tmp_path):
    path = tmp_path / "bot.db"
    assert not is_locked(path)
    assert list(tmp_path.iterdir()) == []

    with single_instance_lock(path):
        assert is_locked(path)
    assert not is_locked(path)


# --- hosts and the output


def test_the_hosts_that_are_asked_are_those_that_the_settings_name_and_the_default():
    assert [one.name for one in onetime.named_hosts(Hosts())] == ["eu.onetimesecret.com"]
    own = Hosts(["https://ots.example.com"], "https://us.onetimesecret.com")
    assert [one.name for one in onetime.named_hosts(own)] == ["ots.example.com", "us.onetimesecret.com"]


FINDINGS = [
    ok("settings", "5 set"),
    warning("clock", "off by 90 s", "Set it."),
    failed("database", "away\x1b[31m " + "word " * 40, "Run it."),
    not_checkable("Slack app", "not shown"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_exit_code_is_one_only_if_something_failed():
    assert [exit_code([one]) for one in FINDINGS] == [0, 0, 1, 0]


def test_the_text_is_plain_in_a_file_and_coloured_and_wrapped_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    plain, shown = as_text(FINDINGS, io.StringIO()), as_text(FINDINGS, Terminal())

    assert plain.splitlines()[:3] == [
        "ok             settings   5 set",
        "warning        clock      off by 90 s",
        "                          → Set it.",
    ]
    assert plain.endswith("\n\n1 failed, 1 to look at.")
    assert "\x1b" not in plain
    assert "\x1b[31;1mfailed" in shown
    assert "\x1b[31m " not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80 + len("\x1b[31;1m\x1b[0m")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in as_text(FINDINGS, Terminal())


def test_json_has_every_finding():
    report = json.loads(as_json(FINDINGS))

    assert report["ok"] is False
    assert report["findings"][1] == {"check": "clock", "result": "warning", "says": "off by 90 s", "remedy": "Set it."}
    assert len(report["findings"]) == 4
    assert as_line(FINDINGS[1]) == "off by 90 s. Set it."


def test_what_looks_like_a_credential_is_hidden_even_then():
    assert "xoxb-1" not in as_json([ok("x", "the token xoxb-1-2-3")])
