"""Settings: a wrong one stops the start with its name and the fix, and never shows its value."""

import pytest

from bot.errors import CannotStart
from bot.settings import Settings, lookalikes, read_settings

CANARY = "canary-77aa"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_are_those_of_the_readme(monkeypatch):
    settings = read_settings()

    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.onetime_default_host == "https://eu.onetimesecret.com"
    assert (settings.host, settings.port, settings.watch_every) == ("127.0.0.1", 3000, 20)
    assert (settings.log_level, settings.reveal_escrow) == ("info", "on")
    assert (settings.shares_per_hour, settings.opens_per_hour) == (30, 30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", CANARY),
        ("PORT", "70000"),
        ("WATCH_EVERY", "1"),
        ("LOG_LEVEL", CANARY),
        ("LOG_FORMAT", CANARY),
        ("REVEAL_ESCROW", "True"),
        ("SHARES_PER_HOUR", "0"),
        ("SHARES_PER_HOUR", "-3"),
        ("OPENS_PER_HOUR", "0"),
        ("OPENS_PER_HOUR", CANARY),
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


def test_secrets_are_wrapped_and_lists_are_split(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", CANARY)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:{CANARY}@db/ots")
    monkeypatch.setenv("ONETIME_HOSTS", "https://a.example, https://b.example")

    settings = read_settings()

    assert CANARY not in repr(settings)
    assert settings.onetime_hosts == ("https://a.example", "https://b.example")


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
        read_settings().needs_slack()


def test_socket_mode_needs_no_signing_secret(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")

    read_settings().needs_slack()


def test_a_typo_is_pointed_out(monkeypatch, tmp_path):
    monkeypatch.setenv("SLACK_SINGING_SECRET", CANARY)
    file = tmp_path / "settings.env"
    file.write_text("ONETIME_HOST=https://a.example\n")

    said = " ".join(lookalikes(file))

    assert "SLACK_SINGING_SECRET is not a setting. Did you mean SLACK_SIGNING_SECRET?" in said
    assert "Did you mean ONETIME_HOSTS?" in said
    assert CANARY not in said
