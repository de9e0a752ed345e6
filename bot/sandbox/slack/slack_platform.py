"""An emulated Slack with several workspaces: one Web API for all, and the app is installed by OAuth.

    platform = SlackPlatform([SlackWorkspace(team_id="T1"), SlackWorkspace(team_id="T2")])
    await platform.start()
    back = platform.allow(authorize_url, workspace)  # what the person's browser is sent to

A workspace with `state.org_install` stands for its whole organisation.
Source: docs.slack.dev, installing with OAuth, and token rotation.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from bot.sandbox.slack.model import Payload
from bot.sandbox.slack.state import Refusal
from bot.sandbox.slack.web_api import OPEN_CONNECTION, read_token
from bot.sandbox.slack.workspace import SlackWorkspace

CLIENT_ID = "1111111111.2222222222"
CLIENT_SECRET = "sandbox-client-secret"
CODE_LIVES = 600.0  # seconds
TOKEN_LIVES = 43_200  # seconds, with token rotation
ACCESS, UNINSTALL = "oauth.v2.access", "apps.uninstall"


@dataclass(slots=True)
class _Code:
    workspace: SlackWorkspace
    user: str
    scopes: str
    made_at: float
    used: bool = False


class SlackPlatform:
    """`redirect_url` is where the app's settings send browsers back to. With `rotation` tokens end after 12 hours."""

    def __init__(
        self, workspaces: Sequence[SlackWorkspace], clock: Callable[[], float], *, rotation: bool = False
    ) -> None:
        self.workspaces = list(workspaces)
        self.rotation = rotation
        self.token_lives = TOKEN_LIVES
        self.redirect_url = ""
        self.renewals = 0  #: how often a refresh token was exchanged
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, SlackWorkspace] = {}
        self._ended: set[str] = set()  # tokens that were good once
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> str:
        """Start all workspaces, and the Web API at /api/ below the URL that is returned."""
        for workspace in self.workspaces:
            await workspace.start()
            workspace.bot_tokens.clear()  # nothing is installed yet
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_get("/link/", self.workspaces[0].serve_socket)  # Socket Mode, for the first workspace alone
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        for workspace in self.workspaces:
            await workspace.stop()

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def allow(self, authorize_url: str, workspace: SlackWorkspace, user: str) -> str:
        """Somebody allows the app in this workspace. Returns the address that the browser is sent back to.

        Raises `Refusal` for a request that Slack would not show.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()}
        if not authorize_url.startswith(f"{self.url}/oauth/v2/authorize?"):
            raise Refusal("not_found")
        if asked.get("client_id") != CLIENT_ID:
            raise Refusal("invalid_client_id")
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(workspace, user, asked.get("scope", ""), self._clock())
        return f"{self.redirect_url}?{urlencode({'code': code, 'state': asked.get('state', '')})}"

    def deny(self, authorize_url: str) -> str:
        """Somebody cancels. Returns the address that the browser is sent back to."""
        state = parse_qs(urlsplit(authorize_url).query)["state"][0]
        return f"{self.redirect_url}?{urlencode({'error': 'access_denied', 'state': state})}"

    async def uninstall(self, workspace: SlackWorkspace) -> None:
        """An admin removes the app: its tokens end, and both events are sent."""
        self.end_tokens(workspace)
        await workspace.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [workspace.bot_user_id]}})
        await workspace.emit({"type": "app_uninstalled"})

    async def revoke(self, workspace: SlackWorkspace) -> None:
        """The app's token is revoked, and the app stays installed."""
        self.end_tokens(workspace)
        await workspace.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [workspace.bot_user_id]}})

    def end_tokens(self, workspace: SlackWorkspace) -> None:
        """No call is taken any more by a token of this workspace."""
        self._ended |= workspace.bot_tokens
        workspace.bot_tokens.clear()
        self._refresh = {token: one for token, one in self._refresh.items() if one is not workspace}

    def expire(self, workspace: SlackWorkspace, token: str) -> None:
        """The twelve hours of this token are over."""
        workspace.bot_tokens.discard(token)
        self._ended.add(token)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        if method == ACCESS:
            return self._answer(lambda: self._access(request, form))
        if method == OPEN_CONNECTION:
            return await self.workspaces[0].serve_api(request)
        token = read_token(request, form)
        workspace = next((one for one in self.workspaces if token in one.bot_tokens), None)
        if workspace is None:
            return self._answer(lambda: self._refuse(token))
        if method == UNINSTALL:
            return self._answer(lambda: self._uninstall(workspace, form))
        return await workspace.serve_api(request)

    def _answer(self, work: Callable[[], Payload]) -> web.Response:
        try:
            return web.json_response({"ok": True, **work()})
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": refusal.code})

    def _refuse(self, token: str) -> Payload:
        raise Refusal("token_revoked" if token in self._ended else "invalid_auth" if token else "not_authed")

    def _uninstall(self, workspace: SlackWorkspace, form: Payload) -> Payload:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Refusal("bad_client_secret")
        self.end_tokens(workspace)
        return {}

    def _access(self, request: web.Request, form: Payload) -> Payload:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        given = base64.b64decode(encoded).decode() if scheme == "Basic" else ""
        if given != f"{CLIENT_ID}:{CLIENT_SECRET}":
            raise Refusal("bad_client_secret")
        if form.get("grant_type") == "refresh_token":
            return self._renew(str(form.get("refresh_token", "")))
        code = self._codes.get(str(form.get("code", "")))
        if code is None or self._clock() - code.made_at > CODE_LIVES:
            raise Refusal("invalid_code")
        if code.used:
            raise Refusal("code_already_used")
        code.used = True
        state = code.workspace.state
        enterprise = {"id": state.enterprise_id, "name": "Grid"} if state.enterprise_id else None
        return {
            "app_id": state.app_id,
            "authed_user": {"id": code.user},
            "bot_user_id": state.bot.id,
            "scope": code.scopes,
            "token_type": "bot",
            "team": None if state.org_install else {"id": state.team_id, "name": "Sandbox"},
            "enterprise": enterprise,
            "is_enterprise_install": state.org_install,
            **self._new_tokens(code.workspace),
        }

    def _renew(self, refresh_token: str) -> Payload:
        workspace = self._refresh.pop(refresh_token, None)
        if workspace is None:
            raise Refusal("invalid_refresh_token")
        self.renewals += 1
        return {"token_type": "bot", **self._new_tokens(workspace)}

    def _new_tokens(self, workspace: SlackWorkspace) -> Payload:
        token = f"{'xoxe.' if self.rotation else ''}xoxb-{secrets.token_hex(12)}"
        workspace.bot_tokens.add(token)
        workspace.bot_token = token
        if not self.rotation:
            return {"access_token": token}
        refresh = f"xoxe-1-{secrets.token_hex(12)}"
        self._refresh[refresh] = workspace
        return {"access_token": token, "refresh_token": refresh, "expires_in": self.token_lives}
