"""Planned faults of the emulated Web API, and Socket Mode with Slack's own client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackFault, SlackWorkspace

Json = dict[str, Any]


@pytest.fixture
async def workspace() -> AsyncIterator[SlackWorkspace]:
    workspace = SlackWorkspace()
    workspace.person("U0ADA", "ada")
    await workspace.start()
    yield workspace
    await workspace.stop()


async def post(client: AsyncWebClient) -> object:
    return await client.chat_postMessage(channel="U0ADA", text="Hello")


# --- faults


async def test_an_error_has_no_effect_and_comes_as_often_as_planned(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.plan("chat.postMessage", SlackFault.error("fatal_error"), times=2)

    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await post(client)
    assert ada.dm == []
    await post(client)

    assert len(ada.dm) == 1
    assert [call.error for call in workspace.calls] == ["fatal_error", "fatal_error", None]


async def test_faults_of_one_method_leave_others_alone(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.plan("views.open", SlackFault.error("fatal_error"), times=None)

    await post(client)


async def test_only_a_call_in_which_that_stands_meets_it(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.plan("chat.postMessage", SlackFault.error("fatal_error"), about="the one")
    await post(client)

    with pytest.raises(SlackApiError, match="fatal_error"):
        await client.chat_postMessage(channel=ada.id, text="this is the one")


async def test_a_star_meets_every_method_for_ever(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.plan("*", SlackFault.error("token_revoked"), times=None)

    for call in (post(client), client.auth_test(), post(client)):
        with pytest.raises(SlackApiError, match="token_revoked"):
            await call
    workspace.clear_faults()
    await post(client)


@pytest.mark.parametrize(("after", "header"), [(7, "7"), (None, None), ("soon", "soon")])
async def test_a_rate_limit_is_a_429(
    client: AsyncWebClient, workspace: SlackWorkspace, after: Any, header: str | None
) -> None:
    workspace.plan("chat.postMessage", SlackFault.rate_limited(after))

    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        await post(client)

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers.get("Retry-After") == header


async def test_a_502_is_html(workspace: SlackWorkspace) -> None:
    workspace.plan("auth.test", SlackFault.http(502, "<html>Bad gateway</html>"))

    async with aiohttp.ClientSession() as session, session.post(workspace.api_url + "auth.test") as got:
        assert (got.status, got.content_type) == (502, "text/html")


async def test_a_connection_can_break_before_the_effect(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.plan("chat.postMessage", SlackFault.drop())

    with pytest.raises(aiohttp.ClientConnectionError):
        await post(client)

    assert ada.dm == []
    assert workspace.export()[0].verdict == "dropped"


async def test_a_connection_can_break_after_the_effect(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.plan("chat.postMessage", SlackFault.drop_after())

    with pytest.raises(aiohttp.ClientConnectionError):
        await post(client)

    assert len(ada.dm) == 1


async def test_a_delay_comes_before_the_effect_or_after(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.plan("chat.postMessage", SlackFault.delay(0.02))
    workspace.plan("chat.postMessage", SlackFault.hang(after=True))

    await post(client)
    hanging = asyncio.create_task(post(client))
    await ada.until(lambda: len(ada.dm) == 2)
    for _ in range(3):
        await client.auth_test()
    assert not hanging.done()
    workspace.clear_faults()
    await hanging


async def test_a_call_hangs_until_it_is_released(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    fault = workspace.plan("chat.postMessage", SlackFault.hang())
    hanging = asyncio.create_task(post(client))

    await workspace.wait_for_call("chat.postMessage")
    assert ada.dm == []
    fault.release()
    await hanging

    assert len(ada.dm) == 1


async def test_stopping_lets_go_of_what_hangs(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.plan("chat.postMessage", SlackFault.hang())
    hanging = asyncio.create_task(post(client))
    await workspace.wait_for_call("chat.postMessage")

    await workspace.stop()

    assert await asyncio.gather(hanging, return_exceptions=True)


async def test_a_response_url_can_fail_too(workspace: SlackWorkspace) -> None:
    workspace.plan("response_url", SlackFault.http(500))
    url = workspace.response_url("commands", "U0ADA", workspace.state.open_dm("U0ADA").id)

    async with aiohttp.ClientSession() as session, session.post(url, json={"text": "x"}) as got:
        assert got.status == 500


# --- Socket Mode


class SocketApp:
    """Slack's own Socket Mode client. Acknowledges with `answer`, or not at all."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        web_client = AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
        logger = logging.getLogger("socket-mode-under-test")
        self.client: Any = SocketModeClient(workspace.app_token, logger, web_client, ping_interval=0.05)
        self.client.socket_mode_request_listeners.append(self.listen)
        self.requests: list[SocketModeRequest] = []
        self.answer: Json | None = None
        self.is_silent = False
        self.has_received = asyncio.Event()

    async def listen(self, client: object, request: SocketModeRequest) -> None:
        del client
        self.requests.append(request)
        self.has_received.set()
        if not self.is_silent:
            response = SocketModeResponse(request.envelope_id, self.answer)
            await self.client.send_socket_mode_response(response)


@pytest.fixture
async def socket_app(workspace: SlackWorkspace, ada: Any) -> AsyncIterator[SocketApp]:
    app = SocketApp(workspace)
    await app.client.connect()
    await ada.until(lambda: workspace.sockets.connected)
    yield app
    await app.client.close()


async def test_a_command_goes_over_the_socket_and_its_answer_is_shown(socket_app: SocketApp, ada: Any) -> None:
    socket_app.answer = {"text": "Hi"}

    delivery = await ada.command("/ots", "help")

    assert (delivery.via, delivery.shown) == ("socket", "Hi")
    assert socket_app.requests[0].type == "slash_commands"
    assert socket_app.requests[0].accepts_response_payload is True
    assert socket_app.requests[0].payload["text"] == "help"


async def test_interactions_and_events_have_their_envelopes(socket_app: SocketApp, ada: Any) -> None:
    await ada.shortcut("share")
    await ada.open_home()

    shortcut, event = socket_app.requests
    assert (shortcut.type, shortcut.payload["callback_id"]) == ("interactive", "share")
    assert (event.type, event.payload["event"]["type"]) == ("events_api", "app_home_opened")
    assert (event.retry_attempt, event.retry_reason) == (0, "")


async def test_a_retry_over_the_socket_is_numbered(socket_app: SocketApp, workspace: SlackWorkspace) -> None:
    first = await workspace.emit({"type": "app_uninstalled"})

    await workspace.retry(first, 1, "timeout")

    assert (socket_app.requests[1].retry_attempt, socket_app.requests[1].retry_reason) == (1, "timeout")


async def test_without_an_ack_over_the_socket_there_is_a_timeout(
    socket_app: SocketApp, workspace: SlackWorkspace, ada: Any
) -> None:
    socket_app.is_silent = True
    workspace.ack_within = 0.05

    assert (await ada.command("/ots")).error == "operation_timeout"


async def test_a_submission_is_answered_over_the_socket(
    socket_app: SocketApp, workspace: SlackWorkspace, ada: Any
) -> None:
    title = {"type": "plain_text", "text": "T"}
    view = {"type": "modal", "title": title, "submit": title, "blocks": [{"type": "divider"}]}
    workspace.state.open_view(workspace.state.new_trigger("U0ADA"), view)
    socket_app.answer = {"response_action": "clear"}

    await ada.submit()

    assert ada.view is None
    assert workspace.export()[-1].method == "ack view_submission"


@pytest.mark.parametrize("how", ["refresh_requested", "warning", "broken"])
async def test_the_client_comes_back_after_a_disconnect(
    socket_app: SocketApp, workspace: SlackWorkspace, ada: Any, how: Literal["refresh_requested", "warning", "broken"]
) -> None:
    seen: list[int] = []
    workspace.subscribe(lambda change: seen.append(change.about) if change.what == "connection" else None)

    if how == "broken":
        workspace.sockets.break_all()
    else:
        await workspace.sockets.disconnect(how)
    await ada.until(lambda: seen and seen[-1] == 1 and 0 in seen)

    assert (await ada.command("/ots")).ok


async def test_several_connections_take_turns(socket_app: SocketApp, workspace: SlackWorkspace, ada: Any) -> None:
    second = SocketApp(workspace)
    await second.client.connect()
    await ada.until(lambda: workspace.sockets.connected == 2)

    for _ in range(4):
        await ada.command("/ots")
    await second.client.close()

    assert (len(socket_app.requests), len(second.requests)) == (2, 2)


async def test_a_connection_says_hello_and_its_address_works_once(workspace: SlackWorkspace) -> None:
    client = AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]

    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)

    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"]["app_id"] == "A0SANDBOX0"


async def test_ten_connections_are_the_most(workspace: SlackWorkspace) -> None:
    client = AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
    async with aiohttp.ClientSession() as session:

        async def connect() -> Json:
            url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
            connections.append(await session.ws_connect(url))
            return dict(await connections[-1].receive_json())

        connections: list[aiohttp.ClientWebSocketResponse] = []
        greetings = [await connect() for _ in range(11)]

    assert {one["type"] for one in greetings[:10]} == {"hello"}
    assert (greetings[10]["type"], greetings[10]["reason"]) == ("disconnect", "too_many_websockets")


async def test_a_connection_that_breaks_before_the_ack_is_a_failed_dispatch(
    socket_app: SocketApp, workspace: SlackWorkspace, ada: Any
) -> None:
    socket_app.is_silent = True
    command = asyncio.create_task(ada.command("/ots"))
    await socket_app.has_received.wait()

    workspace.sockets.break_all()

    assert (await command).error == "dispatch_failed"
