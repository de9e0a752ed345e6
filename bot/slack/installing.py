"""The pages by which somebody installs the app: Bolt's own OAuth flow, over our tables and our calls to Slack.

    /slack/install ──state, cookie──► Slack asks the person ──code, state──► /slack/oauth_redirect ──► installed

The state is random, lives ten minutes, works once, and only in the browser that began: Bolt puts it into a cookie and
compares. Codes, states and tokens are in no log.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from yarl import URL

from bot.errors import LimitReached, SlackError, StorageUnavailable
from bot.logs import Log
from bot.message_ref import INSTALL_ID
from bot.secret import Secret
from bot.slack.http import InstallPage
from bot.slack.many_workspaces import ManyWorkspaces
from bot.slack.web import AppCredentials, SlackClient, find_domain, is_loopback, quiet_logger
from bot.storage.installations import Installations, NewInstallation
from bot.storage.oauth_states import OAuthStates

INSTALL_PATH: Final = "/slack/install"
REDIRECT_PATH: Final = "/slack/oauth_redirect"
MAX_QUERY: Final = 4096  # characters; a code and a state have about 100

# The address holds the code, so no other site is told of it; nothing may be loaded, framed or stored.
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

_USED_CODES = frozenset({"invalid_code", "code_already_used", "code_expired"})

log = Log("installing")


class InstallRefused(Exception):
    """The app is not installed. `title` and `text` tell the person why; `reason` is for the log."""

    def __init__(self, title: str, text: str, reason: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        super().__init__(reason)
        self.title = title
        self.text = text
        self.reason = reason
        self.status = status


# What Slack, or Bolt, says when there is no installation: title, text, status.
_AGAIN = "Please start again at the address where you began."
_REFUSALS: Mapping[str, tuple[str, str, HTTPStatus]] = {
    "access_denied": ("Not installed", "You did not allow the app. Nothing was changed.", HTTPStatus.OK),
    "invalid_browser": (
        "Not installed",
        f"This installation was begun in another browser, or more than ten minutes ago. {_AGAIN}",
        HTTPStatus.BAD_REQUEST,
    ),
    "invalid_state": ("Not installed", f"This link was used before, or is too old. {_AGAIN}", HTTPStatus.UNAUTHORIZED),
    "missing_code": ("Not installed", f"Slack sent no code. {_AGAIN}", HTTPStatus.BAD_REQUEST),
    "invalid_code": ("Not installed", f"Slack did not accept the code. {_AGAIN}", HTTPStatus.UNAUTHORIZED),
}
_UNKNOWN_REFUSAL = ("Not installed", f"Slack did not install the app. {_AGAIN}", HTTPStatus.OK)
_AWAY = InstallRefused(
    "Not installed", f"The app's database did not answer. {_AGAIN}", "database", HTTPStatus.SERVICE_UNAVAILABLE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """`scopes` are what the app asks for. `allowed` are the ids that may install it; empty: all."""

    app: AppCredentials
    scopes: tuple[str, ...]
    allowed: frozenset[str] = frozenset()


class Installing:
    """Answers /slack/install and /slack/oauth_redirect."""

    def __init__(
        self,
        options: InstallOptions,
        slack: SlackClient,
        api_url: str,
        installations: Installations,
        states: OAuthStates,
        workspaces: ManyWorkspaces,
    ) -> None:
        settings = AsyncOAuthSettings(
            client_id=options.app.client_id,
            client_secret=options.app.client_secret.reveal(),
            scopes=options.scopes,
            authorization_url=authorize_url(api_url),
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            install_page_rendering_enabled=False,
            callback_options=AsyncCallbackOptions(success=_show_success, failure=_raise_refusal),
            installation_store=_InstallationStore(installations, workspaces),
            state_store=_StateStore(states),
            logger=quiet_logger(),
        )
        self._flow = _Flow(options, slack, settings)

    @property
    def pages(self) -> Mapping[str, InstallPage]:
        return {INSTALL_PATH: self._begin, REDIRECT_PATH: self._finish}

    async def _begin(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(self._flow.handle_installation, request)

    async def _finish(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(self._flow.handle_callback, request)

    async def _answer(
        self, handle: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]], request: web.BaseRequest
    ) -> web.StreamResponse:
        if len(request.query_string) > MAX_QUERY:
            return web.Response(status=HTTPStatus.REQUEST_URI_TOO_LONG)
        asked = AsyncBoltRequest(
            body="", query=request.query_string, headers={"cookie": list(request.headers.getall("Cookie", ()))}
        )
        try:
            return _as_response(await handle(asked))
        except InstallRefused as refused:
            return _refuse(refused)
        except StorageUnavailable:
            return _refuse(_AWAY)
        except LimitReached:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "60"})


class _Flow(AsyncOAuthFlow):
    """Bolt's flow. The code is exchanged by our client, so that no error of slack_sdk's can quote it."""

    def __init__(self, options: InstallOptions, slack: SlackClient, settings: AsyncOAuthSettings) -> None:
        super().__init__(client=slack.client_without_token(), logger=quiet_logger(), settings=settings)
        self._options = options
        self._slack = slack

    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """Where Slack asks the person. Anybody may write what they like behind `team`, so only an id goes on."""
        named = (request.query.get("team") or [""])[0]
        team = named if re.fullmatch(INSTALL_ID, named) else None
        return self.settings.authorize_url_generator.generate(state=state, team=team)

    async def run_installation(self, code: str) -> SlackInstallation | None:
        """Exchange the code. Raises `InstallRefused`."""
        try:
            answer = await self._slack.exchange_code(self._options.app, Secret(code))
            installation = _read_answer(answer)
            if installation is None:
                return None
            who = await self._slack.with_token(Secret(installation.bot_token or "")).who_am_i()
        except SlackError as error:
            log.warning("not_installed", error=str(error))
            if error.code in _USED_CODES:
                return None
            raise InstallRefused(
                "Not installed", f"Slack could not be asked. {_AGAIN}", error.code, HTTPStatus.BAD_GATEWAY
            ) from None
        installation.bot_id = who.get("bot_id")
        await self._require_allowed(installation)
        return installation

    async def _require_allowed(self, installation: SlackInstallation) -> None:
        """Remove the app again where it may not be installed. Raises `InstallRefused`."""
        allowed = self._options.allowed
        if not allowed or not allowed.isdisjoint({installation.team_id, installation.enterprise_id}):
            return
        try:
            await self._slack.with_token(Secret(installation.bot_token or "")).uninstall(self._options.app)
        except SlackError as error:
            log.warning("not_uninstalled", error=str(error))
        raise InstallRefused(
            "Not installed",
            "Whoever runs this app does not allow your workspace to install it. Ask them to add its id to "
            f"INSTALL_ALLOWED: {installation.team_id or installation.enterprise_id}.",
            "not allowed",
            HTTPStatus.FORBIDDEN,
        )


class _InstallationStore(AsyncInstallationStore):
    """Bolt's protocol over our table. The bot finds its tokens itself, so Bolt only saves here."""

    def __init__(self, installations: Installations, workspaces: ManyWorkspaces) -> None:
        self._installations = installations
        self._workspaces = workspaces

    async def async_save(self, installation: SlackInstallation) -> None:
        """Raises `StorageUnavailable`."""
        new = NewInstallation(
            enterprise_id=installation.enterprise_id,
            team_id=None if installation.is_enterprise_install else installation.team_id,
            installed_by=installation.user_id or None,
            app_id=installation.app_id,
            bot_id=installation.bot_id,
            bot_user_id=installation.bot_user_id,
            scopes=tuple(installation.bot_scopes or ()),
            token=Secret(installation.bot_token or ""),
            refresh_token=Secret(installation.bot_refresh_token) if installation.bot_refresh_token else None,
            token_lives=_seconds(installation.custom_values.get("expires_in")),
        )
        await self._installations.save(new)
        self._workspaces.forget(new.install_team)
        log.info("installed", reason="organisation" if new.team_id is None else "workspace")


class _StateStore(AsyncOAuthStateStore):
    """Bolt's protocol over our table."""

    def __init__(self, states: OAuthStates) -> None:
        self._states = states

    async def async_issue(self, *_args: Any, **_more: Any) -> str:
        return await self._states.issue()

    async def async_consume(self, state: str) -> bool:
        return await self._states.consume(state)


def authorize_url(api_url: str) -> str:
    """Where Slack asks the person, on the domain of its Web API: also that of governments, or an emulated one."""
    api = URL(api_url)
    origin = api.origin() if is_loopback(api.origin()) else URL(f"https://{find_domain(api.origin())}")
    return str(origin / "oauth/v2/authorize")


def _read_answer(answer: Mapping[str, Any]) -> SlackInstallation | None:
    """What oauth.v2.access says; None if it names no token or no place. Source: docs.slack.dev, oauth.v2.access."""
    team, enterprise, person = (_object(answer, name) for name in ("team", "enterprise", "authed_user"))
    is_organisations = answer.get("is_enterprise_install") is True
    token = _text(answer, "access_token")
    if token is None or (_text(enterprise if is_organisations else team, "id") is None):
        return None
    return SlackInstallation(
        app_id=_text(answer, "app_id"),
        enterprise_id=_text(enterprise, "id"),
        team_id=None if is_organisations else _text(team, "id"),
        bot_token=token,
        bot_user_id=_text(answer, "bot_user_id"),
        bot_scopes=_text(answer, "scope") or "",
        bot_refresh_token=_text(answer, "refresh_token"),
        user_id=_text(person, "id") or "",
        is_enterprise_install=is_organisations,
        custom_values={"expires_in": answer.get("expires_in")},
    )


def _object(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


async def _show_success(args: AsyncSuccessArgs) -> BoltResponse:
    installed = args.installation
    where = "your organisation" if installed.is_enterprise_install else "your workspace"
    text = f"The app is installed in {where}. Type /ots in Slack to begin."
    if installed.is_enterprise_install:
        text += " An organisation's admin still has to add it to its workspaces."
    cookie = args.settings.state_utils.build_set_cookie_for_deletion()
    return BoltResponse(status=200, body=_page("Installed", text), headers={"Set-Cookie": cookie})


async def _raise_refusal(args: AsyncFailureArgs) -> BoltResponse:
    if isinstance(args.error, BoltError):  # Bolt's own word for a store that failed
        raise _AWAY
    title, text, status = _REFUSALS.get(args.reason, _UNKNOWN_REFUSAL)
    raise InstallRefused(title, text, args.reason if args.reason in _REFUSALS else "refused by Slack", status)


def _refuse(refused: InstallRefused) -> web.Response:
    log.info("not_installed", reason=refused.reason)
    return web.Response(status=refused.status, text=_page(refused.title, refused.text), headers=_HEADERS)


def _as_response(said: BoltResponse) -> web.Response:
    answer = web.Response(status=said.status, body=said.body.encode(), headers=_HEADERS)
    for name, values in said.headers.items():
        if name.lower() == "location":
            answer.headers["Location"] = _first(values)
        elif name.lower() == "set-cookie":
            answer.headers["Set-Cookie"] = _first(values) + "; SameSite=Lax"
    return answer


def _first(values: str | Sequence[str]) -> str:
    return values if isinstance(values, str) else values[0]


def _page(title: str, text: str) -> str:
    shown, words = html.escape(title), html.escape(text)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{shown}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;"
        f"padding:0 1rem}}</style><h1>{shown}</h1><p>{words}</p></html>"
    )
