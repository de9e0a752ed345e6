"""Settings: a wrong one stops the start with its name and the fix, and never shows its value."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import CannotStart
from bot.onetime.links import Hosts
from bot.secret import Secret
from bot.settings import MAX_SECRET_BYTES, RENAMED, SECRETS, Settings, find_lookalikes, read_settings, withdraw_secrets
from bot.storage.sealing.keyring import generate_line
from bot.wiring import _sizes
from tests.support.rows import each_row

CANARY = "canary-77aa"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [*map(str.upper, Settings.model_fields), *RENAMED]:
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_those_of_the_readme(monkeypatch):
    settings = read_settings()

    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.onetime_default_host == "https://eu.onetimesecret.com"
    assert (settings.host, settings.port, settings.watch_every) == ("127.0.0.1", 3000, 20)
    assert (settings.log_level, settings.reveal_escrow) == ("info", "on")
    assert (settings.shares_per_hour, settings.opens_per_hour) == (30, 30)
    assert settings.onetime_max_secret_bytes == (10_000, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", CANARY),
        ("PORT", "70000"),
        ("WATCH_EVERY", "1"),
        ("LOG_LEVEL", CANARY),
        ("LOG_FORMAT", CANARY),
        ("REVEAL_ESCROW", "True"),
        ("SHARE_LIVES", CANARY),
        ("SHARE_LIVES", "0d"),
        ("SHARE_LIVES", "-1d"),
        ("SHARE_LIVES", "60"),
        ("SHARE_LIVES", "1y"),
        ("SHARE_LIVES", "3651d"),
        ("SHARES_PER_HOUR", "0"),
        ("SHARES_PER_HOUR", "-3"),
        ("OPENS_PER_HOUR", "0"),
        ("OPENS_PER_HOUR", CANARY),
        ("ONETIME_MAX_SECRET_BYTES", CANARY),
        ("ONETIME_MAX_SECRET_BYTES", "0, https://a.example=1"),
        ("ONETIME_MAX_SECRET_BYTES", str(MAX_SECRET_BYTES + 1)),
        ("ONETIME_MAX_SECRET_BYTES", "20_000"),
        ("ONETIME_MAX_SECRET_BYTES", "5000,6000"),
        ("ONETIME_MAX_SECRET_BYTES", "1,000,000"),
        ("ONETIME_MAX_SECRET_BYTES", f"https://{CANARY}.example"),
        ("ONETIME_MAX_SECRET_BYTES", f"https://{CANARY}.example=much"),
        ("ONETIME_MAX_SECRET_BYTES", "=20000"),
        ("SLACK_API_URL", f"ftp://{CANARY}/"),
        ("SLACK_API_URL", "https://slack.com/api"),
        ("ALLOW_SHARED_KEY_FILE", "perhaps"),
    ],
)
def test_a_malformed_setting_stops_the_start_by_name_and_without_its_value(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(CannotStart, match=name) as caught:
        read_settings()

    assert value not in str(caught.value)
    assert "\n" not in str(caught.value)


QUOTED = {
    "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "ENCRYPTION_KEYS": "k1:AQIDBA",
    "ENCRYPTION_KEYS_FILE": "/etc/ots/keys",
    "DATABASE_URL": "postgresql://u:p'w@db/ots",
    "SLACK_API_URL": "https://slack.example/api/",
    "ONETIME_HOSTS": "https://a.example, https://b.example",
    "ONETIME_MAX_SECRET_BYTES": "20000",
    "PORT": "8000",
    "HOST": "::1",
    "LOG_LEVEL": "debug",
    "ALLOW_SHARED_KEY_FILE": "true",
}


def values_of(monkeypatch, dressed):
    for name, value in QUOTED.items():
        monkeypatch.setenv(name, dressed(value))
    found = {name: getattr(read_settings(), name.lower()) for name in QUOTED}
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in found.items()}


@each_row("around", ['"{}"', "'{}'", "“{}”", "`{}`", ' "{}" ', '" {} "', "„{}“"])
def test_quotation_marks_around_a_setting_are_taken_off(monkeypatch, around):
    assert values_of(monkeypatch, around.format) == values_of(monkeypatch, str)


@each_row("name", QUOTED)
@each_row("around", ['"{}', '{}"', "'{}", "{}'", "\"{}'", "“{}", '""{}""'])
def test_half_a_pair_of_quotation_marks_stops_the_start(monkeypatch, name, around):
    with monkeypatch.context() as changed:
        changed.setenv(name, around.format(QUOTED[name]))

        with pytest.raises(CannotStart) as stopped:
            read_settings()

    assert str(stopped.value).startswith(f"{name} is not usable")
    assert "quotation mark" in str(stopped.value)
    assert QUOTED[name] not in str(stopped.value)


def test_secrets_are_wrapped_and_lists_are_split(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", CANARY)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:{CANARY}@db/ots")
    monkeypatch.setenv("ONETIME_HOSTS", "https://a.example, https://b.example")

    settings = read_settings()

    assert CANARY not in repr(settings)
    assert settings.onetime_hosts == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("value", "usual", "of"),
    [
        ("20000", 20_000, {}),
        ("https://a.example=20000, 5000", 5_000, {"https://a.example": 20_000}),
        ("HTTPS://A.example:443/=1 b.example/ots=100000", 10_000,
         {"https://a.example": 1, "https://b.example/ots": 100_000}),
        ("eu=2000,us.onetimesecret.com=3000", 10_000,
         {"https://eu.onetimesecret.com": 2_000, "https://us.onetimesecret.com": 3_000}),
    ],
    ids=["one number for all", "one host, and the others", "hosts as people write them", "regions"],
)  # fmt: skip
def test_sizes_are_for_all_hosts_or_for_single_ones(monkeypatch, value, usual, of):
    monkeypatch.setenv("ONETIME_MAX_SECRET_BYTES", value)
    hosts = Hosts(["https://a.example", "https://b.example/ots"])

    settings = read_settings()

    assert settings.onetime_max_secret_bytes.default == usual
    assert _sizes(hosts, settings) == of


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://a.example=1,https://c.example=2", "c.example is not one of the hosts used here"),
        ("https://a.example=1,a.example=2", "two sizes for one host"),
    ],
    ids=["a host that is not used here", "twice"],
)
def test_a_size_for_no_host_or_a_second_one_stops_the_start(monkeypatch, value, said):
    monkeypatch.setenv("ONETIME_MAX_SECRET_BYTES", value)

    with pytest.raises(CannotStart, match="ONETIME_MAX_SECRET_BYTES") as caught:
        _sizes(Hosts(["https://a.example"]), read_settings())

    assert said in str(caught.value)


def test_a_file_fills_in_where_the_environment_is_silent(monkeypatch, tmp_path):
    file = tmp_path / "settings.env"
    file.write_text("PORT=4000\nLOG_LEVEL=debug\n")
    monkeypatch.setenv("PORT", "5000")

    settings = read_settings(file)

    assert (settings.port, settings.log_level) == (5000, "debug")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CannotStart, match=r"nowhere\.env"):
        read_settings(tmp_path / "nowhere.env")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "changeme"}, "SLACK_SIGNING_SECRET"),
    ],
)
def test_http_mode_refuses_to_start_without_what_it_needs(monkeypatch, given, missing):
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CannotStart, match=missing):
        read_settings().require_slack()


def test_socket_mode_needs_no_signing_secret(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")

    read_settings().require_slack()


RENAMED_LINE = (
    "ots-bot cannot start: ONETIME_MOST_BYTES is now called ONETIME_MAX_SECRET_BYTES: rename it. "
    "Its values stay as they are.\n"
)


@pytest.mark.parametrize("place", ["environment", "file"])
@pytest.mark.parametrize("spelling", [str.upper, str.lower], ids=["in capitals", "in small letters"])
def test_the_old_name_of_a_setting_stops_the_start_with_a_line_that_names_the_new_one(tmp_path, place, spelling):
    name = spelling("ONETIME_MOST_BYTES")
    file = tmp_path / "settings.env"
    file.write_text(f"{name}=20000\n" if place == "file" else "")
    complete = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db",
    }
    environment = os.environ | complete | ({name: "20000"} if place == "environment" else {})

    ended = subprocess.run(
        [sys.executable, "-m", "bot", "--env-file", str(file), "run"],
        cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout, ended.stderr) == (78, "", RENAMED_LINE)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.env"]


def test_a_typo_is_pointed_out(monkeypatch, tmp_path):
    monkeypatch.setenv("SLACK_SINGING_SECRET", CANARY)
    file = tmp_path / "settings.env"
    file.write_text("ONETIME_HOST=https://a.example\n")

    said = " ".join(find_lookalikes(file))

    assert "SLACK_SINGING_SECRET is not a setting. Did you mean SLACK_SIGNING_SECRET?" in said
    assert "Did you mean ONETIME_HOSTS?" in said
    assert CANARY not in said


NOT_FILES = {
    "UTF-16": ("SLACK_BOT_TOKEN=xoxb-1\n".encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ("SLACK_BOT_TOKEN=xoxb-1\n".encode("utf-16-le"), "UTF-16"),
    "UTF-32": ("PORT=1\n".encode("utf-32"), "UTF-16"),
    "a byte of Latin-1": (f"PORT=1\n# caf\xe9 {CANARY}\n".encode("latin-1"), "line 2, is not UTF-8"),
    "a binary file": (b"\x7fELF\x02\x01\x01\0\0", "no text"),
    "no assignment": (f"PORT=1\n\n\n  {CANARY} {CANARY}\n".encode(), "line 4, is not NAME=value"),
    "a quote that does not end": (f"PORT=1\nSLACK_BOT_TOKEN='{CANARY}\n".encode(), "line 2, is not NAME=value"),
}


@each_row(("content", "said"), NOT_FILES.values(), ids=NOT_FILES)
def test_a_file_that_cannot_be_understood_is_named_with_its_line_and_without_its_content(tmp_path, content, said):
    file = tmp_path / "settings.env"
    file.write_bytes(content)

    with pytest.raises(CannotStart) as caught:
        read_settings(file)

    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_from_windows_is_read(tmp_path):
    file = tmp_path / "settings.env"
    file.write_bytes(b"\xef\xbb\xbfPORT=4000\r\nHOST=127.0.0.2\r\n")

    settings = read_settings(file)

    assert (settings.port, settings.host) == (4000, "127.0.0.2")


def test_a_directory_in_place_of_the_file_and_a_file_out_of_reach_are_named(tmp_path, monkeypatch):
    with pytest.raises(CannotStart, match=rf"{tmp_path} is not a file"):
        read_settings(tmp_path)
    file = tmp_path / "settings.env"
    file.write_text("")

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CannotStart, match=r"settings\.env cannot be read \(Permission denied\)"):
        read_settings(file)


@each_row(
    ("name", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-\udce9", "is not UTF-8"),
        ("DATABASE_URL", "sqlite:///caf\udce9.db", "is not UTF-8"),
        ("SLACK_APP_TOKEN", f"xapp-1\n{CANARY}", "a line break"),
        ("SLACK_SIGNING_SECRET", f"{CANARY}\x1b[0m", "control character"),
        ("HOST", "127.0.0.1\t::1", "control character"),
    ],
)
def test_a_setting_with_characters_that_no_value_has_stops_the_start(monkeypatch, name, value, said):
    with monkeypatch.context() as patch:
        patch.setenv(name, value)
        with pytest.raises(CannotStart, match=f"{name} .*{said}") as caught:
            read_settings()

    assert CANARY not in str(caught.value)


def test_white_space_around_a_setting_is_no_part_of_it(monkeypatch):
    monkeypatch.setenv("HOST", " ::1\r\n")
    monkeypatch.setenv("ONETIME_HOSTS", "https://a.example\n\thttps://b.example\r\n")

    settings = read_settings()

    assert settings.host == "::1"
    assert settings.onetime_hosts == ("https://a.example", "https://b.example")


def test_a_command_keeps_its_quotation_marks(monkeypatch):
    command = """'/opt/my vault' read "a key\""""
    monkeypatch.setenv("ENCRYPTION_KEYS_COMMAND", command)

    assert read_settings().encryption_keys_command == Secret(command)
    assert command not in repr(read_settings())


EXITS = """
import contextlib, io, json, os, sys
from bot import logs
from bot.__main__ import main

logs.set_up = lambda *_: None
folder, cases = sys.argv[1], json.loads(sys.argv[2])
said = {}
for name, (environment, arguments) in cases.items():
    os.environ.clear()
    os.environ.update(environment)
    error = io.StringIO()
    with contextlib.redirect_stderr(error):
        code = main(arguments)
    said[name] = (code, error.getvalue())
print(json.dumps(said))
"""


def test_every_bad_configuration_ends_the_process_with_one_line_and_exit_code_78(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "utf16.env").write_bytes("PORT=1\n".encode("utf-16"))
    (tmp_path / "latin1.env").write_bytes(b"LOG_LEVEL=\xe9\n")
    (tmp_path / "keys").write_bytes("k1:é".encode("utf-16"))
    (tmp_path / "keys").chmod(0o600)
    complete = {
        "PATH": os.environ["PATH"], "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": "http://127.0.0.1:1/api/", "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db",
        "ENCRYPTION_KEYS": generate_line().reveal(),
    }  # fmt: skip
    without_keys = {name: value for name, value in complete.items() if name != "ENCRYPTION_KEYS"}
    cases = {
        "--env-file": (complete, ["--env-file", f"{tmp_path}/utf16.env", "run"]),
        "line 1": (complete, ["--env-file", f"{tmp_path}/latin1.env", "web"]),
        "no such file": (complete, ["--env-file", f"{tmp_path}/none.env", "worker"]),
        "is not a file": (complete, ["--env-file", str(tmp_path), "migrate"]),
        "PORT is not usable": (complete, ["run", "--port", "99999"]),
        "PORT is not usable ": (complete, ["web", "--port", "-1"]),
        "WATCH_EVERY": (complete | {"WATCH_EVERY": "inf"}, ["run"]),
        "SHARES_PER_HOUR": (complete | {"SHARES_PER_HOUR": "9" * 30}, ["run"]),
        "SLACK_API_URL": (complete | {"SLACK_API_URL": "http://slack.com:99999/api/"}, ["run"]),
        "SLACK_API_URL ": (complete | {"SLACK_API_URL": "https://[::1/"}, ["run"]),
        "DATABASE_URL": (complete | {"DATABASE_URL": f"sqlite:///{tmp_path}/{'a' * 300}.db"}, ["run"]),
        "DATABASE_URL ": (complete | {"DATABASE_URL": f"sqlite:///{tmp_path}/loop/bot.db"}, ["migrate"]),
        "ONETIME_HOSTS": (complete | {"ONETIME_HOSTS": "https://[fe80::1%eth0]"}, ["run"]),
        "key file": (without_keys | {"ENCRYPTION_KEYS_FILE": f"{tmp_path}/keys"}, ["run"]),
        "cannot be": (without_keys | {"HOME": "/dev/null"}, ["keys", "generate"]),
        "does not exist": (without_keys, ["keys", "generate", "/dev/null/keys"]),
        "Keep one of them": (complete | {"ENCRYPTION_KEYS_FILE": f"{tmp_path}/keys"}, ["run"]),
        "failed with exit code 1": (without_keys | {"ENCRYPTION_KEYS_COMMAND": "false"}, ["run"]),
        "program was not found": (without_keys | {"ENCRYPTION_KEYS_COMMAND": "no-such-program"}, ["keys", "list"]),
        "There is no key k9": (complete, ["keys", "promote", "k9"]),
        "--batch": (complete, ["keys", "rotate", "--batch", "0"]),
    }

    ended = subprocess.run(
        [sys.executable, "-c", EXITS, str(tmp_path), json.dumps(cases)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (0, "")
    for said, (code, line) in json.loads(ended.stdout).items():
        assert code == 78, (said, line)
        assert said.strip() in line
        assert line.startswith("ots-bot cannot start: ")
        assert line.count("\n") == 1


def test_every_setting_with_a_secret_is_withdrawn_from_the_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), CANARY)
    monkeypatch.setenv("https_proxy", CANARY)

    withdraw_secrets()

    hidden = {name.upper() for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    assert hidden - {"ONETIME_MAX_SECRET_BYTES"} == SECRETS
    assert {name for name in os.environ if name.upper() in SECRETS} == set()
    assert os.environ["PORT"] == CANARY
