"""manifest.yml asks Slack for what the code uses, no more and no less."""

import re

import pytest
import yaml

from bot.features import Registry
from bot.interaction.feature import Kind
from bot.slack.http import REQUEST_URL
from tests import readme
from tests.readme import ROOT

MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())
FEATURES = MANIFEST["features"]
SETTINGS = MANIFEST["settings"]
SCOPES = set(MANIFEST["oauth_config"]["scopes"]["bot"])
WEB = (ROOT / "bot/slack/web.py").read_text()

# What each method needs of a bot token. Source: docs.slack.dev, reference of the methods.
NEEDS = {
    "auth.test": set(),
    "views.open": set(),
    "views.push": set(),
    "views.update": set(),
    "views.publish": set(),
    "response_url": set(),  # the URL itself is the right
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "chat.delete": {"chat:write"},
    "conversations.open": {"im:write"},
    "users.info": {"users:read"},
}


def test_the_scopes_are_those_of_the_methods_that_are_called():
    called = set(re.findall(r'self\._call(?:_within_limits)?\(\s*"([^"]+)"', WEB))

    assert called <= NEEDS.keys()
    assert {"commands"}.union(*(NEEDS[method] for method in called)) == SCOPES


def test_no_method_is_called_past_the_list():
    """`_call` names the method that its second argument calls, and nothing else calls any with the bot token."""
    calls = r'self\._call(?:_within_limits)?\(\s*"([^"]+)", (?:lambda: )?self\.client\.(\w+)\('
    named = dict(re.findall(calls, WEB))
    everywhere = "".join(path.read_text() for path in (ROOT / "bot/slack").glob("*.py"))
    called = set(re.findall(r"client\.(api_call|[a-z]+_\w+)\(", everywhere)) - {"client_without_token"}

    assert [method for method, name in named.items() if method.replace(".", "_") != name] == []
    # Socket Mode's, with the app token; and what is asked once at the start, where a missing scope is no trouble.
    assert called - set(named.values()) == {"apps_connections_open", "bots_info"}


def test_there_is_one_command_and_its_hint_has_verbs_that_exist():
    (command,) = FEATURES["slash_commands"]
    hinted = [part.split()[0] for part in command["usage_hint"].split("|")]

    assert command["command"] == "/ots"
    assert set(hinted) <= {verb.name for verb in Registry().verbs}
    assert command["should_escape"] is True


def test_what_features_handle_is_what_the_manifest_declares():
    """Commands, buttons, windows and events; no shortcuts, menus that load options, or workflow steps."""
    handled = {kind for kind, _ in Registry().handlers}

    assert handled == {Kind.COMMAND, Kind.ACTION, Kind.FORM, Kind.CLOSED, Kind.EVENT}
    assert set(SETTINGS["event_subscriptions"]["bot_events"]) == Registry().names(Kind.EVENT)
    assert FEATURES["app_home"]["home_tab_enabled"] is True
    assert SETTINGS["interactivity"]["is_enabled"] is True
    assert "shortcuts" not in FEATURES
    assert "message_menu_options_url" not in SETTINGS["interactivity"]
    assert "functions" not in MANIFEST


def test_the_urls_are_the_route_that_the_bot_serves():
    (command,) = FEATURES["slash_commands"]
    urls = [SETTINGS[name]["request_url"] for name in ("interactivity", "event_subscriptions")]

    assert {command["url"], *urls} == {f"https://bot.example.com{REQUEST_URL}"}


def test_direct_messages_have_a_place_to_arrive():
    assert "bot_user" in FEATURES
    assert FEATURES["app_home"]["messages_tab_enabled"] is True
    assert FEATURES["app_home"]["messages_tab_read_only_enabled"] is True  # we have no scope to read answers


def test_nothing_is_switched_on_that_the_bot_cannot_do():
    assert not SETTINGS["org_deploy_enabled"]
    assert not SETTINGS["token_rotation_enabled"]
    assert "redirect_urls" not in MANIFEST["oauth_config"]
    assert "user" not in MANIFEST["oauth_config"]["scopes"]


# Source: docs.slack.dev, app manifest reference.
@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        (MANIFEST["display_information"]["name"], 1, 35),
        (MANIFEST["display_information"]["description"], 1, 140),
        (MANIFEST["display_information"]["long_description"], 175, 4000),
        (FEATURES["bot_user"]["display_name"], 1, 80),
        (FEATURES["slash_commands"][0]["command"], 2, 32),
        (FEATURES["slash_commands"][0]["description"], 1, 2000),
        (FEATURES["slash_commands"][0]["usage_hint"], 1, 1000),
    ],
    ids=["name", "description", "long description", "bot's name", "command", "its description", "its hint"],
)
def test_a_text_is_as_long_as_slack_takes_it(text, fewest, most):
    assert fewest <= len(text) <= most


def test_the_documents_explain_each_scope():
    (said,) = re.findall(
        r"The bot asks for four scopes: (.*?)\n\n", readme.section("What the app may do in Slack"), re.DOTALL
    )

    assert set(readme.quoted(said)) - {"/ots"} == SCOPES
