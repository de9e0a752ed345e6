"""manifest.yml asks Slack for what the code uses, no more and no less, and so does each manifest that is printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot import app_manifest
from bot.__main__ import EXIT_CONFIG, main
from bot.app_manifest import EXAMPLE_ADDRESS, PARTS, ManifestPart, fit, read_address, read_parts, read_plain
from bot.errors import CannotStart
from bot.features import Registry
from bot.interaction.feature import Kind
from bot.slack.http import REQUEST_URL
from bot.workflow_step import (
    ASKED,
    DEFAULT_WAIT,
    OPENERS,
    PERMALINK,
    PURPOSE,
    REQUEST_STEP,
    RUNNER,
    STATE,
    WAIT,
    WAITS,
    WORKFLOW,
)
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
    "chat.unfurl": {"links:write"},
    "conversations.open": {"im:write"},
    "users.info": {"users:read"},
    "chat.getPermalink": set(),
    "functions.completeSuccess": set(),
    "functions.completeError": set(),
}


def test_the_scopes_are_those_of_the_methods_that_are_called():
    called = set(re.findall(r'self\._call(?:_within_limits)?\(\s*"([^"]+)"', WEB))

    assert called <= NEEDS.keys()
    of_parts = {scope for part in PARTS.values() for scope in part.scopes} - {"links:read"}  # that one is of an event
    assert {"commands"}.union(*(NEEDS[method] for method in called)) == SCOPES | of_parts


def test_no_method_is_called_past_the_list():
    """`_call` names the method that its second argument calls, and nothing else calls any with the bot token."""
    calls = r'self\._call(?:_within_limits)?\(\s*"([^"]+)", (?:lambda: )?self\.client\.(\w+)\('
    named = dict(re.findall(calls, WEB))
    everywhere = "".join(path.read_text() for path in (ROOT / "bot/slack").glob("*.py"))
    called = set(re.findall(r"client\.(api_call|[a-z]+_\w+)\(", everywhere)) - {"client_without_token"}

    assert [method for method, name in named.items() if method.replace(".", "_") != name] == []
    # Socket Mode's, with the app token; what is asked once at the start, where a missing scope is no trouble; and what
    # needs no scope: installing, and removing the app again (apps.uninstall).
    assert called - set(named.values()) == {"apps_connections_open", "bots_info", "oauth_v2_access", "api_call"}


def test_there_is_one_command_and_its_hint_has_verbs_that_exist():
    (command,) = FEATURES["slash_commands"]
    hinted = [part.split()[0] for part in command["usage_hint"].split("|")]

    assert command["command"] == "/ots"
    assert set(hinted) <= {verb.name for verb in Registry().verbs}
    assert command["should_escape"] is True


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


# --- what each printed manifest declares, and what the registry handles

ADDRESS = "https://ots.example.org/slack-bot"
PRINTED = {
    "HTTP": fit(read_plain(), ADDRESS),
    "Socket Mode": fit(read_plain(), None),
    "everything": fit(read_plain(), ADDRESS, PARTS.values()),
    **{f"HTTP with {name}": fit(read_plain(), ADDRESS, [part]) for name, part in PARTS.items()},
}
SHORTCUT_KINDS = {"global": Kind.SHORTCUT, "message": Kind.MESSAGE_SHORTCUT}


def declared(manifest):
    """What Slack sends to an app with this manifest: pairs of a kind and the name of a handler."""
    features, settings = manifest["features"], manifest["settings"]
    events = settings.get("event_subscriptions", {}).get("bot_events", [])
    return {
        *((SHORTCUT_KINDS[one["type"]], one["callback_id"]) for one in features.get("shortcuts", [])),
        *((Kind.EVENT, name) for name in events if name != "function_executed"),  # of the functions below
        *((Kind.FUNCTION, name) for name in manifest.get("functions", {})),
    }


@pytest.mark.parametrize("name", PRINTED)
def test_what_a_printed_manifest_declares_is_handled(name):
    manifest, registry = PRINTED[name], Registry()

    assert [one["command"] for one in manifest["features"]["slash_commands"]] == ["/ots"]  # the dispatcher's own
    assert sorted(one for one in declared(manifest) if registry.find(*one) is None) == []
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_what_is_handled_is_declared_where_everything_is_switched_on():
    """Buttons and windows need interactivity alone."""
    handled = {key for key in Registry().handlers if key[0] not in (Kind.COMMAND, Kind.ACTION, Kind.FORM, Kind.CLOSED)}

    assert {one for one in handled if one[0] is not Kind.OPTIONS} == declared(PRINTED["everything"])
    assert [
        one for one in handled if one[0] is Kind.OPTIONS and "message_menu_options_url" not in SETTINGS["interactivity"]
    ] == []


def test_an_undeclared_and_an_unhandled_name_would_be_found():
    planted = fit(read_plain(), ADDRESS, [ManifestPart(events=("planted",))])

    assert declared(planted) - declared(PRINTED["HTTP"]) == {(Kind.EVENT, "planted")}
    assert Registry().find(Kind.EVENT, "planted") is None


# --- the workflow step


@pytest.mark.parametrize("name", ["HTTP", "Socket Mode", "HTTP with unfurl", "HTTP with oauth", "HTTP with org"])
def test_nothing_of_the_workflow_step_is_in_a_manifest_without_its_part(name):
    text = json.dumps(PRINTED[name])

    assert not any(word in text for word in ("functions", "function_executed", "function_runtime"))


def test_the_part_makes_an_app_of_an_organisation_with_the_step_and_no_scope_more():
    fitted = PRINTED["HTTP with workflow"]

    assert fitted["settings"]["org_deploy_enabled"] is True
    assert fitted["settings"]["function_runtime"] == "remote"
    assert "function_executed" in fitted["settings"]["event_subscriptions"]["bot_events"]
    assert fitted["oauth_config"] == MANIFEST["oauth_config"]
    assert [*fitted["functions"]] == [REQUEST_STEP]


def test_the_step_declares_exactly_what_the_bot_reads_and_gives():
    """The shape is that of manifests of major version 2: properties, and the names of those that are required."""
    step = PRINTED["HTTP with workflow"]["functions"][REQUEST_STEP]
    taken, given = step["input_parameters"], step["output_parameters"]

    assert MANIFEST["_metadata"]["major_version"] == 2
    assert set(taken["properties"]) == {ASKED, OPENERS, PURPOSE, WAIT, WORKFLOW, RUNNER}
    assert set(taken["required"]) == {ASKED, PURPOSE, WORKFLOW, RUNNER}
    assert taken["properties"][RUNNER]["type"] == "slack#/types/user_context"  # which nobody can choose
    assert set(given["properties"]) == {STATE, PERMALINK}
    assert given["required"] == [STATE]


def test_the_step_waits_no_longer_than_slacks_own_step_for_waiting():
    """Source: docs.slack.dev, the Slack function Delay: 10,080 minutes at most."""
    offered = PRINTED["HTTP with workflow"]["functions"][REQUEST_STEP]["input_parameters"]["properties"][WAIT]

    assert offered["enum"] == [one["value"] for one in offered["choices"]] == [*WAITS]
    assert max(WAITS.values()) == WAITS[DEFAULT_WAIT] == 10_080 * 60


# --- the manifests that `python -m bot manifest` prints


def printed(capsys, *arguments):
    assert main(["manifest", *arguments]) == 0
    return capsys.readouterr().out


def test_the_manifest_for_the_example_address_is_the_plain_file(capsys):
    assert yaml.safe_load(printed(capsys, "--url", EXAMPLE_ADDRESS)) == MANIFEST


def test_a_manifest_for_an_address_has_it_in_every_url(capsys):
    text = printed(capsys, "--url", ADDRESS)

    manifest = yaml.safe_load(text)
    urls = re.findall(r"https://\S+", text)
    assert set(urls) == {ADDRESS + REQUEST_URL}
    assert len(urls) == (ROOT / "manifest.yml").read_text().count(EXAMPLE_ADDRESS)
    assert manifest["settings"]["socket_mode_enabled"] is False


def test_a_manifest_for_socket_mode_has_no_url(capsys):
    text = printed(capsys, "--socket-mode")

    assert "://" not in text
    assert yaml.safe_load(text)["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("behind", ["", "/", REQUEST_URL, f"{REQUEST_URL}/"])
def test_the_address_may_be_copied_with_the_path_behind_it(behind):
    assert fit(read_plain(), read_address(ADDRESS + behind)) == PRINTED["HTTP"]


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.org", "bot.example.org", "https://", "https://a@bot.example.org", "https://bot.example.org?a",
        "https://bot.example.org#a", "https://bot .example.org", "https://[", "https://bot.example.org:0", "",
    ],
)  # fmt: skip
def test_an_address_that_slack_cannot_call_is_refused(url):
    with pytest.raises(CannotStart, match=r"--url has to be"):
        read_address(url)


def test_without_a_way_to_meet_slack_both_are_named(capsys):
    assert main(["manifest"]) == EXIT_CONFIG

    said = capsys.readouterr()
    assert said.out == ""
    assert "--url" in said.err
    assert "--socket-mode" in said.err


def test_a_part_that_does_not_exist_is_refused_by_its_name(capsys):
    assert main(["manifest", "--socket-mode", "--with", "attic"]) == EXIT_CONFIG
    assert "No part is called attic." in capsys.readouterr().err


def test_a_part_adds_what_it_needs_and_each_thing_once(monkeypatch):
    part = ManifestPart(scopes=("links:read", "commands"), events=("link_shared",), unfurl_domains=("example.com",))
    monkeypatch.setattr(app_manifest, "PARTS", {"planted": part})
    plain = read_plain()

    fitted = fit(plain, ADDRESS, read_parts("planted, planted"))

    assert fitted["oauth_config"]["scopes"]["bot"] == [*plain["oauth_config"]["scopes"]["bot"], "links:read"]
    assert "link_shared" in fitted["settings"]["event_subscriptions"]["bot_events"]
    assert fitted["settings"]["event_subscriptions"]["request_url"] == ADDRESS + REQUEST_URL
    assert fitted["features"]["unfurl_domains"] == ["example.com"]
    assert fitted["display_information"] == plain["display_information"]
    assert plain == MANIFEST  # and the plain one is left as it is


def test_an_installation_without_the_file_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(app_manifest, "_PLACES", (tmp_path / "manifest.yml",))

    with pytest.raises(CannotStart, match=r"manifest\.yml is missing"):
        read_plain()


# --- Slack's command-line tool
#
# It reads .slack/hooks.json, joins the words of a hook's command with blanks and gives the line to the shell. In the
# protocol "default" the answer is JSON on standard output. Source: slackapi/slack-cli, internal/hooks.

HOOKS = json.loads((ROOT / ".slack/hooks.json").read_text())


def run_hook(name, **environment):
    """Run a hook as Slack's tool does, from the folder of the project. `python3` is the one of this test."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = " ".join(HOOKS["hooks"][name].split())
    return subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env={**os.environ, **environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_hook_for_the_manifest_answers_with_json_alone():
    done = run_hook("get-manifest")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == PRINTED["Socket Mode"]


def test_the_hook_that_starts_the_bot_takes_the_tokens_of_slacks_tool(tmp_path):
    """The key file does not exist, so the start ends there: after the tokens were read and accepted."""
    done = run_hook(
        "start",
        SLACK_CLI_XOXB="xoxb-of-the-tool",
        SLACK_CLI_XAPP="xapp-of-the-tool",
        ENCRYPTION_KEYS_FILE=str(tmp_path / "none.keys"),
    )

    assert done.returncode == EXIT_CONFIG
    assert str(tmp_path / "none.keys") in done.stderr
    assert "of-the-tool" not in done.stdout + done.stderr


def test_without_the_tokens_of_slacks_tool_the_start_names_what_is_missing():
    done = run_hook("start", SLACK_CLI_XOXB="", SLACK_CLI_XAPP="")

    assert done.returncode == EXIT_CONFIG
    assert "SLACK_BOT_TOKEN" in done.stderr


def test_slacks_tool_finds_hooks_that_it_knows_and_the_protocol_that_they_answer():
    assert HOOKS["hooks"].keys() <= {
        "build", "check-update", "deploy", "doctor", "get-hooks", "get-manifest", "get-trigger", "install-update", "start",
    }  # fmt: skip
    assert HOOKS["config"]["protocol-version"] == ["default"]
    assert re.search(HOOKS["config"]["watch"]["filter-regex"], "manifest.yml")
