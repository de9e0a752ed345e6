"""An emulated Slack workspace on loopback: people, channels, the Web API, deliveries to the app.

    workspace = Workspace()
    await workspace.start()
    workspace.connect_http("http://127.0.0.1:3000/slack/events")
    ada = workspace.person("U0ADA", "ada")
    await ada.command("/hello", "world")

The workspace knows nothing about the app. It enforces what Slack enforces: tokens, scopes, signatures, triggers,
views, Block Kit, response_urls, rate limits. Nothing is printed; all payloads are kept in `records`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.slack import workflows
from bot.sandbox.slack.app_connection import AppConnection
from bot.sandbox.slack.changes import Subscriber
from bot.sandbox.slack.deliver import Deliverer
from bot.sandbox.slack.faults import SlackFault, SlackFaults
from bot.sandbox.slack.member import WorkspaceMember
from bot.sandbox.slack.model import Payload, ResponseUrlKind, SlackChannel, SlackMessage, SlackUser
from bot.sandbox.slack.records import AppDelivery, CallRecord, DeliveryKind, SentPayload, WorkspaceRecords
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.state import WorkspaceState
from bot.sandbox.slack.unfurls import MAX_DOMAINS
from bot.sandbox.slack.web_api import Tokens, WebApi
from bot.sandbox.slack.workflows import StepExecution

BOT_TOKEN = "xoxb-sandbox-bot-token"
APP_TOKEN = "xapp-sandbox-app-token"
SIGNING_SECRET = "sandbox-signing-secret"
SCOPES = frozenset({"commands", "chat:write", "im:write", "users:read"})


class SlackWorkspace:
    """One workspace with one app. `clock` gives seconds since 1970; all times and lifetimes follow it."""

    def __init__(
        self,
        *,
        team_id: str = "T0SANDBOX0",
        enterprise_id: str | None = None,
        app_id: str = "A0SANDBOX0",
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        clock: Callable[[], float] = time.time,
        scopes: frozenset[str] = SCOPES,
    ) -> None:
        self.state = WorkspaceState(team_id=team_id, enterprise_id=enterprise_id, app_id=app_id, clock=clock)
        self.records = WorkspaceRecords()
        self.faults = SlackFaults(self.state.changes)
        self.sockets = Sockets(app_id, self.state.changes)
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._scopes = set(scopes)
        self.bot_tokens = {bot_token}  #: that calls may use
        self._members: dict[str, WorkspaceMember] = {}
        self._deliverer = Deliverer(
            secret=signing_secret,
            clock=clock,
            sockets=self.sockets,
            records=self.records,
            changes=self.state.changes,
        )
        self._app = AppConnection(self.state, self._deliverer, self.records)
        self._web_api = WebApi(
            self.state, Tokens(self.bot_tokens, app_token, self._scopes), self.sockets, self.faults, self.records
        )
        self._base_url = ""
        self._hooks_port = 0  # any at the first start, the same at every later one
        self._runners: list[web.AppRunner] = []

    def __repr__(self) -> str:
        return f"SlackWorkspace({self.state.team_id})"

    # --- running

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (port 0: any free port). Returns the base URL; the Web API is at /api/ below it.

        response_urls are on another port, because Slack has them on another host.
        """
        self._base_url = await self._listen(self._web_api.app(), port)
        self._app.hooks_url = await self._listen(self._web_api.hooks_app(), self._hooks_port)
        self._hooks_port = int(self._app.hooks_url.rpartition(":")[2])
        await self._deliverer.start()
        return self._base_url

    async def _listen(self, app: web.Application, port: int) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close all connections, also those of calls that hang."""
        self.faults.clear()
        await self.sockets.stop()
        await self._deliverer.stop()
        running, self._runners = self._runners, []
        for runner in running:
            await runner.cleanup()
        if running:
            self.records.write()

    @property
    def api_url(self) -> str:
        return f"{self._base_url}/api/"

    def connect_http(self, request_url: str) -> None:
        """Set the URL for commands, interactions and events, which is used while Socket Mode is not connected.

        Raises `ValueError` for anything that is not on this machine.
        """
        self._deliverer.connect(request_url)

    async def serve_api(self, request: web.Request) -> web.StreamResponse:
        """Answer a call to the Web API that arrived elsewhere."""
        return await self._web_api.serve(request)

    async def serve_socket(self, request: web.Request) -> web.StreamResponse:
        """Open a connection of Socket Mode that was asked for elsewhere."""
        return await self.sockets.serve(request)

    @property
    def ack_within(self) -> float:
        """Seconds that the app has to answer a delivery. Slack's limit is 3."""
        return self._deliverer.ack_within

    @ack_within.setter
    def ack_within(self, seconds: float) -> None:
        self._deliverer.ack_within = seconds

    @property
    def rate_limits(self) -> bool:
        """Whether calls beyond Slack's rate limits are answered with 429."""
        return self._web_api.rate_limits.are_on

    @rate_limits.setter
    def rate_limits(self, are_on: bool) -> None:
        self._web_api.rate_limits.are_on = are_on

    def allow_unfurls(self, *domains: str) -> None:
        """Give the app the scopes for links, and these domains, as a manifest does that has them.

        Raises `ValueError` for more domains than a manifest takes, or for one with a port or a path.
        """
        if len(domains) > MAX_DOMAINS or any(set(":/") & set(one) for one in domains):
            raise ValueError("a manifest takes at most five domains, without ports and paths")
        self._scopes |= {"links:read", "links:write"}
        self.state.unfurl_domains = frozenset(domains)

    def allow_steps(self, functions: Mapping[str, Payload]) -> None:
        """Give the app these workflow steps, by callback id, as the manifest of an organisation's app declares them."""
        self.state.functions = dict(functions)

    async def run_step(
        self, callback_id: str, runner: WorkspaceMember | None, **inputs: Any
    ) -> tuple[StepExecution, AppDelivery]:
        """A workflow that `runner` started comes to a step of the app. Raises `WorkflowBroken` for wrong inputs.

        The token in the event is revoked when the app has answered.
        """
        execution, event = workflows.run(self.state, callback_id, runner.id if runner else None, inputs)
        delivery = await self._app.emit(event)
        workflows.revoke_token(self.state, execution)
        return execution, delivery

    # --- people and channels

    def person(
        self,
        id: str,  # noqa: A002  Slack's name
        name: str,
        *,
        guest: bool = False,
        admin: bool = False,
        ultra_guest: bool = False,
        stranger: bool = False,
        deleted: bool = False,
        team_id: str | None = None,
        tz: str = "Europe/Berlin",
        locale: str = "en-GB",
    ) -> WorkspaceMember:
        """Add a person. A stranger is from another team, by default T0ELSEWHERE."""
        team = team_id or ("T0ELSEWHERE" if stranger else self.state.team_id)
        person = SlackUser(
            id, name, team, guest, ultra_guest=ultra_guest, stranger=stranger, deleted=deleted, tz=tz, locale=locale,
            admin=admin,
        )  # fmt: skip
        self.state.people[id] = person
        self._members[id] = WorkspaceMember(self.state, person, self._app)
        self.state.changes.publish("person", person)
        return self._members[id]

    def set_locale(self, id: str, locale: str) -> None:  # noqa: A002  Slack's name
        """Let a person read Slack in another language, for example "de-DE". Raises `KeyError` for nobody."""
        person = self.state.people[id]
        person.locale = locale
        self.state.changes.publish("person", person)

    @property
    def people(self) -> list[WorkspaceMember]:
        return list(self._members.values())

    def channel(
        self,
        id: str,  # noqa: A002  Slack's name
        name: str,
        members: Iterable[WorkspaceMember | str] = (),
        *,
        private: bool = False,
        shared: bool = False,
    ) -> SlackChannel:
        """Add a channel with these members. The bot is a member only if `bot_user_id` is among them.

        A `shared` channel is one of another workspace too (Slack Connect).
        """
        ids = {one if isinstance(one, str) else one.id for one in members}
        self.state.channels[id] = SlackChannel(id, name, ids, private=private, shared=shared)
        self.state.changes.publish("channel", self.state.channels[id])
        return self.state.channels[id]

    @property
    def channels(self) -> list[SlackChannel]:
        return list(self.state.channels.values())

    @property
    def bot_user_id(self) -> str:
        return self.state.bot.id

    @property
    def honours_client_msg_id(self) -> bool:
        """Whether a post with a client_msg_id that was used before returns the earlier message and adds none."""
        return self.state.honours_client_msg_id

    @honours_client_msg_id.setter
    def honours_client_msg_id(self, honours: bool) -> None:
        self.state.honours_client_msg_id = honours

    @property
    def messages(self) -> list[SlackMessage]:
        """All messages, oldest first, ephemeral ones included and deleted ones not."""
        return [one for one in self.state.messages if not one.deleted]

    def forget(self) -> None:
        """Reset the workspace for the same app: no people, no channels, no messages, no records, no faults."""
        self.clear_faults()
        self._web_api.rate_limits.forget()
        self.state.forget()
        self._members.clear()
        self.records.forget()

    # --- records

    def export(self) -> list[SentPayload]:
        """All payloads that the app sent, accepted or refused, in order, without tokens."""
        return list(self.records.sent)

    @property
    def deliveries(self) -> list[AppDelivery]:
        """All payloads that were sent to the app, in order."""
        return list(self.records.deliveries)

    @property
    def calls(self) -> list[CallRecord]:
        return list(self.records.calls)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call `callback` with every later `WorkspaceChange`. Returns a function that ends the subscription."""
        return self.state.changes.subscribe(callback)

    # --- faults

    def plan(self, method: str, fault: SlackFault, times: int | None = 1, about: str = "") -> SlackFault:
        """Let the next `times` calls (None: all) of a method, of "response_url", or of "*" (any method) meet `fault`.

        Only calls with `about` in their arguments count. For example, `about` is the id of one person.
        """
        return self.faults.plan(method, fault, times, about)

    def clear_faults(self) -> None:
        self.faults.clear()

    async def wait_for_call(self, method: str, times: int = 1, timeout: float | None = None) -> None:  # noqa: ASYNC109  callers choose the timeout
        """Wait until `method` was called `times` times since its last `plan`, or since the start."""
        await self.faults.wait_for_call(method, times, timeout)

    # --- deliveries

    async def deliver(
        self,
        payload_kind: DeliveryKind,
        payload: Payload,
        headers_override: Mapping[str, str] | None = None,
        *,
        sign: bool = True,
    ) -> AppDelivery:
        """See `AppConnection.deliver`."""
        return await self._app.deliver(payload_kind, payload, headers_override, sign=sign)

    async def retry(self, delivery: AppDelivery, number: int = 1, reason: str = "http_timeout") -> AppDelivery:
        """See `AppConnection.retry`."""
        return await self._app.retry(delivery, number, reason)

    async def emit(self, event: Payload) -> AppDelivery:
        """See `AppConnection.emit`."""
        return await self._app.emit(event)

    def response_url(self, kind: ResponseUrlKind, user: str, channel: str, message: SlackMessage | None = None) -> str:
        """See `AppConnection.response_url`."""
        return self._app.response_url(kind, user, channel, message)
