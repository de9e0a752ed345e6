"""Slack: the tokens, the workspace, the scopes against the manifest, and the clock against Slack's."""

from __future__ import annotations

from collections.abc import Iterable

from bot import app_manifest
from bot.doctor.finding import Finding, failed, failed_by, not_checkable, ok, warning
from bot.doctor.remedies import remedy_for
from bot.proxy import ProxyRule
from bot.secret import Secret
from bot.settings import Settings
from bot.slack import diagnosis
from bot.slack.diagnosis import HttpFailure, SlackAnswer
from bot.slack.token_facts import SlackTokenKind, find_kind
from bot.slack_codes import advise

TOKEN, SCOPES, CLOCK, SOCKET, SECRET, APP = (
    "Slack token", "Slack scopes", "clock", "Socket Mode", "signing secret", "Slack app",
)  # fmt: skip
SLOW_CLOCK = 60.0  # seconds
WRONG_CLOCK = 240.0  # seconds; Slack's signatures are refused at 300
SCOPES_OF_OTHERS = frozenset({"identify"})  # Slack lists it, and no manifest can ask for it
REINSTALL = "then choose “Reinstall to Workspace” under “Install App”."

_KINDS: dict[SlackTokenKind, str] = {
    "bot": "a bot token",
    "user": "a person's token",
    "app-level": "an app-level token",
    "configuration": "a token for the app's configuration",
    "refresh": "a refresh token",
    "session": "the token of a browser's session",
    "example": "the text of the example",
}
_PLACES = {
    "bot": "SLACK_BOT_TOKEN: it is the “Bot User OAuth Token” (xoxb-…) under “OAuth & Permissions”",
    "app-level": "SLACK_APP_TOKEN: it is an “App-Level Token” (xapp-…) under “Basic Information”",
}


def check_tokens_given(settings: Settings) -> list[Finding]:
    """Whether there are tokens of the right kinds. Slack is not asked."""
    findings = [
        failed_by(SECRET if sentence.startswith("SLACK_SIGNING_SECRET") else TOKEN, sentence)
        for sentence in settings.find_missing_for_slack()
    ]
    findings += _judge_kind(TOKEN, "SLACK_BOT_TOKEN", settings.slack_bot_token, "bot")
    findings += _judge_kind(SOCKET, "SLACK_APP_TOKEN", settings.slack_app_token, "app-level")
    secret = settings.slack_signing_secret
    if secret is not None and (kind := find_kind(secret)):
        what = _KINDS[kind]
        remedy = "Copy the “Signing Secret” from “Basic Information” into SLACK_SIGNING_SECRET."
        findings = [one for one in findings if one.check != SECRET]
        findings.append(failed(SECRET, f"SLACK_SIGNING_SECRET is {what}", remedy))
    return findings


def _judge_kind(check: str, setting: str, token: Secret | None, wanted: str) -> list[Finding]:
    if token is None or (kind := find_kind(token)) == wanted:
        return []
    what = _KINDS[kind] if kind else "no token of Slack's"
    return [failed(check, f"{setting} is {what}", f"Put the right one into {_PLACES[wanted]}.")]


async def check_token(settings: Settings, proxy: ProxyRule) -> list[Finding]:
    """Ask Slack whose the bot token is. Without a usable one, Slack is asked only for the time.

    Where workspaces install the app, Slack is asked whether it takes the credentials of the app.
    """
    if settings.serves_many:
        return await _check_credentials(settings, proxy)
    usable = not any(one.check == TOKEN for one in check_tokens_given(settings))
    token = settings.slack_bot_token if usable else None
    answer = await diagnosis.ask(settings.slack_api_url, "auth.test", token, proxy)
    if isinstance(answer, HttpFailure):
        says = f"Slack could not be reached at SLACK_API_URL: {answer.why}"
        return [failed(TOKEN, says, remedy_for(answer.why, "SLACK_API_URL"))]
    findings = [] if token is None else _judge_token(settings, answer)
    if answer.code is None or answer.code == "unknown_method":
        return findings or [_not_slack(answer)]
    if not answer.code and token is not None:
        findings += judge_scopes(answer.scopes, wanted_scopes(settings))
    return findings + judge_clock(answer.clock_ahead)


async def _check_credentials(settings: Settings, proxy: ProxyRule) -> list[Finding]:
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        return []  # `check_tokens_given` says so
    app = diagnosis.AppCredentials(settings.slack_client_id, settings.slack_client_secret)
    answer = await diagnosis.try_credentials(settings.slack_api_url, app, proxy)
    if isinstance(answer, HttpFailure):
        says = f"Slack could not be reached at SLACK_API_URL: {answer.why}"
        return [failed(TOKEN, says, remedy_for(answer.why, "SLACK_API_URL"))]
    if answer.code is None or answer.code == "unknown_method":
        return [_not_slack(answer)]
    if answer.code != "invalid_code":
        remedy = "Copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from “Basic Information”."
        return [failed(TOKEN, f"Slack refuses the credentials of the app ({answer.code})", remedy)]
    emulated = " by an emulated Slack" if diagnosis.is_emulated(settings.slack_api_url) else ""
    says = f"the credentials of the app are accepted{emulated}; each workspace that installs it has a token of its own"
    return [ok(TOKEN, says), *judge_clock(answer.clock_ahead)]


def _judge_token(settings: Settings, answer: SlackAnswer) -> list[Finding]:
    if answer.code is None or answer.code == "unknown_method":
        return [_not_slack(answer)]
    if answer.code:
        return [failed(TOKEN, f"Slack refuses SLACK_BOT_TOKEN ({answer.code})", _sentence(advise(answer.code)))]
    if "bot_id" not in answer.fields:
        remedy = f"Put the right one into {_PLACES['bot']}."
        return [failed(TOKEN, "SLACK_BOT_TOKEN is the token of a person, not of a bot", remedy)]
    where = "organisation" if answer.fields.get("is_enterprise_install") is True else "workspace"
    emulated = ", which is emulated here" if diagnosis.is_emulated(settings.slack_api_url) else ""
    name, team, team_id = answer.name("user"), answer.name("team"), answer.name("team_id")
    return [ok(TOKEN, f"accepted for @{name} in the {where} {team} ({team_id}){emulated}")]


def _not_slack(answer: SlackAnswer) -> Finding:
    if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 - HTTP
        return failed(TOKEN, f"Slack, or a proxy before it, answers {answer.status}", "Try again in a few minutes.")
    return failed(
        TOKEN,
        f"SLACK_API_URL is not the address of Slack's Web API: another server answers there ({answer.status})",
        "Take SLACK_API_URL out: Slack's own address is the default.",
    )


def wanted_scopes(settings: Settings) -> frozenset[str]:
    """The scopes that the manifest asks for, with what is switched on here. Raises `CannotStart`."""
    return frozenset(app_manifest.bot_scopes(unfurl=settings.unfurl_links == "on"))


def judge_scopes(granted: frozenset[str] | None, wanted: frozenset[str]) -> list[Finding]:
    """`granted` is None if Slack did not say."""
    if granted is None:
        return [not_checkable(SCOPES, "Slack did not name the token's scopes", f"Compare them with {_list(wanted)}.")]
    findings = []
    if missing := wanted - granted:
        remedy = f"Add {_them(missing)} under “OAuth & Permissions”, {REINSTALL}"
        findings.append(failed(SCOPES, f"missing: {_list(missing)}", remedy))
    if more := granted - wanted - SCOPES_OF_OTHERS:
        remedy = f"Take {_them(more)} out under “OAuth & Permissions”, {REINSTALL}"
        findings.append(warning(SCOPES, f"not needed: {_list(more)}", remedy))
    return findings or [ok(SCOPES, f"as the manifest asks: {_list(granted)}")]


def judge_clock(ahead: float | None) -> list[Finding]:
    """`ahead` is in seconds; None if Slack did not say its time."""
    if ahead is None:
        return [not_checkable(CLOCK, "Slack did not say its time")]
    says = f"this machine's clock is {abs(round(ahead))} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    remedy = "Set the clock, and keep it right with NTP (`timedatectl set-ntp true`)."
    if abs(ahead) > WRONG_CLOCK:
        return [failed(CLOCK, f"{says}: requests from Slack are refused when it is 300 s", remedy)]
    if abs(ahead) > SLOW_CLOCK:
        return [warning(CLOCK, says, remedy)]
    return [ok(CLOCK, "agrees with Slack's")]


async def check_app_token(settings: Settings, proxy: ProxyRule) -> list[Finding]:
    """For Socket Mode: whether Slack gives a connection for the app token."""
    if settings.slack_app_token is None:
        return []
    if any(one.check == SOCKET for one in check_tokens_given(settings)):
        return []
    answer = await diagnosis.ask(settings.slack_api_url, "apps.connections.open", settings.slack_app_token, proxy)
    if isinstance(answer, HttpFailure):
        says = f"no answer for SLACK_APP_TOKEN: {answer.why}"
        return [failed(SOCKET, says, remedy_for(answer.why, "SLACK_API_URL"))]
    if answer.code == "":
        return [ok(SOCKET, "Slack gives connections for SLACK_APP_TOKEN")]
    if answer.code is None:
        return [failed(SOCKET, f"not Slack's answer ({answer.status})", remedy_for("", "SLACK_API_URL"))]
    if answer.code == "missing_scope":
        remedy = "Make a new app-level token with the scope connections:write under “Basic Information”."
    else:
        remedy = (
            "Switch Socket Mode on in the app's settings, and copy the app-level token again (“Basic Information”)."
        )
    return [failed(SOCKET, f"Slack refuses SLACK_APP_TOKEN ({answer.code})", remedy)]


def name_what_no_token_shows(settings: Settings, url: str | None) -> list[Finding]:
    """What only the app's settings at Slack show."""
    is_socket = settings.slack_app_token is not None
    reached = "--socket-mode" if is_socket else f"--url {url or app_manifest.EXAMPLE_ADDRESS}"
    names = [*(["oauth"] if settings.serves_many else []), *(["unfurl"] if settings.unfurl_links == "on" else [])]
    parts = f" --with {','.join(names)}" if names else ""
    return [
        not_checkable(
            APP,
            "a token does not show the command /ots, shortcuts, events, the Home tab and where Slack sends them",
            f"Compare “App Manifest” at api.slack.com/apps with `python -m bot manifest {reached}{parts}`.",
        )
    ]


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _them(names: Iterable[str]) -> str:
    return "it" if len(list(names)) == 1 else "them"


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."
