"""People in the emulated workspace, and a small app on the other side of signed HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from slack_sdk.signature import Clock as VerifierClock
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import (
    CannotDo,
    SlackFault,
    SlackMessage,
    SlackView,
    SlackWorkspace,
    WorkspaceChange,
    WorkspaceMember,
)
from bot.sandbox.slack.changes import DEFAULT_TIMEOUT, Changes

Json = dict[str, Any]


class Clock(VerifierClock):
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def now(self) -> float:
        return self.at

    __call__ = now


class App:
    """Answers with `answer` (None: empty) or what `handler(payload)` returns; keeps what it got."""

    def __init__(self, verifier: SignatureVerifier) -> None:
        self.verifier = verifier
        self.requests: list[tuple[Json, bytes]] = []
        self.payloads: list[Json] = []
        self.refused = 0
        self.answer: object = None
        self.status = 200
        self.handler: Callable[[Json], Awaitable[Any]] | None = None

    async def serve(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), dict(request.headers)
        self.requests.append((headers, body))
        if not self.verifier.is_valid_request(body, headers):
            self.refused += 1
            return web.Response(status=401)
        if request.content_type == "application/json":
            payload = json.loads(body)
        else:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            payload = json.loads(form["payload"]) if "payload" in form else form
        self.payloads.append(payload)
        answer = await self.handler(payload) if self.handler else self.answer
        if isinstance(answer, dict):
            return web.json_response(answer, status=self.status)
        return web.Response(text=str(answer or ""), status=self.status, headers={"Location": "/fine"})

    async def fine(self, _request: web.Request) -> web.Response:
        return web.Response()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def workspace(clock: Clock) -> AsyncIterator[SlackWorkspace]:
    workspace = SlackWorkspace(clock=clock)
    await workspace.start()
    yield workspace
    await workspace.stop()


@pytest.fixture
async def app(workspace: SlackWorkspace, clock: Clock) -> AsyncIterator[App]:
    app = App(SignatureVerifier(workspace.signing_secret, clock))
    server = web.Application()
    server.router.add_post("/slack/events", app.serve)
    server.router.add_get("/fine", app.fine)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.connect_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield app
    await runner.cleanup()


@pytest.fixture
async def client(workspace: SlackWorkspace) -> AsyncWebClient:
    return AsyncWebClient(workspace.bot_token, workspace.api_url, retry_handlers=[])


@pytest.fixture
def ada(workspace: SlackWorkspace) -> WorkspaceMember:
    return workspace.person("U0ADA", "ada")


@pytest.fixture
def ben(workspace: SlackWorkspace) -> WorkspaceMember:
    return workspace.person("U0BEN", "ben")


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def button(action: str = "go", **more: object) -> Json:
    return {"type": "button", "action_id": action, "text": plain("Go"), **more}


def modal(*blocks: Json, **more: object) -> Json:
    default = [{"type": "section", "block_id": "s", "text": plain("Hello")}]
    return {"type": "modal", "callback_id": "form", "title": plain("Title"), "blocks": list(blocks) or default} | more


def field(name: str, kind: str = "plain_text_input", **more: object) -> Json:
    optional = more.pop("optional", False)
    element = {"type": kind, "action_id": "v", **more}
    return {"type": "input", "block_id": name, "label": plain(name.title()), "element": element, "optional": optional}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")}


async def post(client: AsyncWebClient, workspace: SlackWorkspace, *elements: Json, user: str = "U0ADA") -> SlackMessage:
    blocks = [{"type": "actions", "block_id": "acts", "elements": list(elements) or [button(value="7")]}]
    await client.chat_postMessage(channel=user, text="Press", blocks=blocks)
    return workspace.messages[-1]


def open_modal(workspace: SlackWorkspace, *blocks: Json, user: str = "U0ADA", **more: object) -> SlackView:
    return workspace.state.open_view(workspace.state.new_trigger(user), modal(*blocks, **more))


# --- slash commands


async def test_a_command_arrives_signed_with_the_fields_of_a_real_one(app: App, ada: Any) -> None:
    delivery = await ada.command("/ots", "burn a&b")

    sent = app.payloads[0]
    assert delivery.ok
    assert app.refused == 0
    assert sent["command"] == "/ots"
    assert sent["text"] == "burn a&b"
    assert sent["user_id"] == "U0ADA"
    assert sent["team_id"] == "T0SANDBOX0"
    assert sent["channel_name"] == "directmessage"
    assert sent["is_enterprise_install"] == "false"
    assert "enterprise_id" not in sent


@pytest.mark.parametrize("answer", ["Hi", {"text": "Hi"}], ids=["as text", "as json"])
async def test_the_answer_to_a_command_is_seen_by_nobody_else(
    app: App, workspace: SlackWorkspace, ada: Any, ben: Any, answer: Any
) -> None:
    channel = workspace.channel("C0ALL", "all", [ada, ben])
    app.answer = answer

    delivery = await ada.command("/ots", channel=channel)

    assert delivery.shown == "Hi"
    assert [one.text for one in ada.ephemerals] == ["Hi"]
    assert "Hi" not in ben.sees()


async def test_an_in_channel_answer_is_seen_by_all(app: App, workspace: SlackWorkspace, ada: Any, ben: Any) -> None:
    channel = workspace.channel("C0ALL", "all", [ada, ben])
    app.answer = {"text": "Hi", "response_type": "in_channel"}

    await ada.command("/ots", channel=channel)

    assert "Hi" in ben.sees()


async def test_an_answer_after_the_time_is_an_operation_timeout(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    late = asyncio.Event()
    app.handler = lambda _payload: late.wait()
    workspace.ack_within = 0.05

    delivery = await ada.command("/ots")
    late.set()

    assert delivery.error == "operation_timeout"
    assert 0.05 <= delivery.seconds < DEFAULT_TIMEOUT
    assert delivery.shown == '/ots failed with the error "operation_timeout"'
    assert delivery.shown in ada.sees()


@pytest.mark.usefixtures("slacks_own_times")
def test_the_time_for_an_answer_is_three_seconds() -> None:
    assert SlackWorkspace().ack_within == 3.0


@pytest.mark.parametrize(
    ("status", "error"), [(500, "http_service_error"), (401, "http_client_error"), (302, "http_client_error")]
)
async def test_only_a_200_is_an_ack(app: App, ada: Any, status: int, error: str) -> None:
    app.status = status

    assert (await ada.command("/ots")).error == error


async def test_an_app_that_is_not_there_is_a_failed_dispatch(workspace: SlackWorkspace, ada: Any) -> None:
    workspace.connect_http("http://127.0.0.1:9/slack/events")

    assert (await ada.command("/ots")).error == "dispatch_failed"


async def test_an_answer_that_slack_does_not_take_is_not_shown(app: App, ada: Any) -> None:
    app.answer = {"text": "x", "blocks": [{"type": "nonsense"}]}

    delivery = await ada.command("/ots")

    assert delivery.error == "invalid_command_response"
    assert ada.ephemerals == []


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "https://example.com/x"])
def test_it_delivers_to_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        SlackWorkspace().connect_http(url)


# --- signatures


async def test_a_changed_body_does_not_pass_the_apps_check(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    delivery = await ada.command("/ots", "one")
    stolen = {name: delivery.headers[name] for name in ("X-Slack-Signature", "X-Slack-Request-Timestamp")}

    forged = await workspace.deliver("slash_commands", {**delivery.payload, "text": "two"}, stolen)

    assert forged.status == 401
    assert app.refused == 1


async def test_an_unsigned_delivery_has_no_signature(app: App, workspace: SlackWorkspace) -> None:
    await workspace.deliver("interactive", {"type": "block_actions"}, sign=False)

    assert "X-Slack-Signature" not in app.requests[0][0]
    assert app.refused == 1


async def test_a_replay_is_the_same_request_to_the_byte(app: App, ada: Any, clock: Clock) -> None:
    first = await ada.command("/ots", "x")
    clock.at += 10

    again = await ada.replay(first)

    (headers, body), (headers_again, body_again) = app.requests
    assert body == body_again
    assert headers["X-Slack-Signature"] == headers_again["X-Slack-Signature"]
    assert again.ok


async def test_a_replay_after_five_minutes_does_not_pass_the_apps_check(app: App, ada: Any, clock: Clock) -> None:
    first = await ada.command("/ots")
    clock.at += 301

    assert (await ada.replay(first)).status == 401


async def test_a_retry_of_an_event_is_signed_anew_and_numbered(
    app: App, workspace: SlackWorkspace, clock: Clock
) -> None:
    first = await workspace.emit({"type": "app_uninstalled"})
    clock.at += 60

    await workspace.retry(first, 2, "http_timeout")

    headers, _ = app.requests[1]
    assert app.refused == 0
    assert headers["X-Slack-Retry-Num"] == "2"
    assert headers["X-Slack-Retry-Reason"] == "http_timeout"
    assert app.payloads[0]["event_id"] == app.payloads[1]["event_id"]


# --- clicks


async def test_a_click_on_a_message_says_where_and_what(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    message = await post(client, workspace, button("go", value="7"), button("stop"))

    await ada.click(message, action_id="go")

    sent = app.payloads[0]
    assert sent["type"] == "block_actions"
    assert sent["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": False,
    }
    assert sent["message"]["ts"] == message.ts
    assert sent["actions"][0]["value"] == "7"
    assert sent["actions"][0]["block_id"] == "acts"
    assert sent["user"]["team_id"] == sent["team"]["id"] == "T0SANDBOX0"
    assert sent["response_url"].startswith("http://127.0.0.1")


async def test_an_ephemeral_message_is_not_repeated_in_the_click(
    app: App, client: AsyncWebClient, ada: Any, workspace: SlackWorkspace
) -> None:
    dm = workspace.state.open_dm("U0ADA")
    blocks = [{"type": "actions", "elements": [button()]}]
    await client.chat_postEphemeral(channel=dm.id, user="U0ADA", text="x", blocks=blocks)

    await ada.click(ada.ephemerals[0], label="Go")

    assert app.payloads[0]["container"]["is_ephemeral"] is True
    assert "message" not in app.payloads[0]


async def test_what_is_not_there_cannot_be_clicked(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any, ben: Any
) -> None:
    message = await post(client, workspace, button("go"), button("stop"))

    with pytest.raises(CannotDo, match="go, stop"):
        await ada.click(message, action_id="fly")
    with pytest.raises(CannotDo, match="2 elements"):
        await ada.click(message, label="Go")
    with pytest.raises(CannotDo, match="in sight"):
        await ben.click(message, action_id="go")
    await client.chat_update(channel=message.channel, ts=message.ts, text="done")
    with pytest.raises(CannotDo):
        await ada.click(message, action_id="go")
    assert app.payloads == []


async def test_a_confirm_dialog_must_be_answered(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    message = await post(client, workspace, button("burn", confirm=CONFIRM))

    with pytest.raises(CannotDo, match="confirm"):
        await ada.click(message, action_id="burn", confirm=None)
    await ada.click(message, action_id="burn", confirm=False)
    assert app.payloads == []
    await ada.click(message, action_id="burn")
    assert len(app.payloads) == 1


async def test_a_menu_in_a_message_sends_the_option(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    options = [{"text": plain("Burn"), "value": "b"}, {"text": plain("Keep"), "value": "k"}]
    message = await post(client, workspace, {"type": "overflow", "action_id": "more", "options": options})

    await ada.click(message, action_id="more", option="Burn")

    assert app.payloads[0]["actions"][0]["selected_option"]["value"] == "b"


# --- forms


async def test_a_submission_carries_what_was_entered(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    options = [{"text": plain("One day"), "value": "1"}, {"text": plain("Two days"), "value": "2"}]
    view = open_modal(
        workspace,
        field("text"),
        field("life", "static_select", options=options, initial_option=options[0]),
        field("who", "multi_users_select", optional=True),
        submit=plain("Send"),
        private_metadata="abc",
    )

    await ada.fill(view, {"text": "s3cret", "Life": "Two days"})
    await ada.submit()

    sent = app.payloads[0]
    assert sent["type"] == "view_submission"
    assert sent["view"]["hash"] == view.hash
    assert sent["view"]["private_metadata"] == "abc"
    values = sent["view"]["state"]["values"]
    assert values["text"]["v"] == {"type": "plain_text_input", "value": "s3cret"}
    assert values["life"]["v"]["selected_option"]["value"] == "2"
    assert values["who"]["v"] == {"type": "multi_users_select", "selected_users": []}


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (field("f"), ""),
        (field("f", max_length=3), "four"),
        (field("f", min_length=3), "no"),
        (field("f", "email_text_input"), "not an address"),
        (field("f", "url_text_input"), "nowhere"),
        (field("f", "number_input", is_decimal_allowed=False), "1.5"),
        (field("f", "number_input", is_decimal_allowed=False, max_value="9"), "10"),
    ],
    ids=["required", "too long", "too short", "email", "url", "whole number", "too large"],
)
async def test_slack_does_not_send_a_form_that_breaks_its_own_rules(
    app: App, workspace: SlackWorkspace, ada: Any, form: Json, value: str
) -> None:
    open_modal(workspace, form, submit=plain("Send"))

    with pytest.raises(CannotDo):
        await ada.submit(fields={"f": value})

    assert app.payloads == []
    assert list(ada.view.errors) == ["f"]


async def test_an_empty_answer_closes_the_view_and_shows_the_one_below(
    app: App, workspace: SlackWorkspace, ada: Any
) -> None:
    below = open_modal(workspace, submit=plain("Send"))
    workspace.state.push_over("U0ADA", modal(submit=plain("Send")))

    await ada.submit()

    assert ada.view is below


async def test_errors_are_shown_at_their_fields(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    open_modal(workspace, field("token"), submit=plain("Send"))
    app.answer = {"response_action": "errors", "errors": {"token": "That token is wrong."}}

    delivery = await ada.submit(fields={"token": "x"})

    assert delivery.ok
    assert delivery.shown == "That token is wrong."
    assert "That token is wrong." in ada.sees()


async def test_errors_at_a_field_that_is_not_there_are_not_shown(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    open_modal(workspace, field("token"), submit=plain("Send"))
    app.answer = {"response_action": "errors", "errors": {"other": "Wrong."}}

    assert (await ada.submit(fields={"token": "x"})).error == "invalid_errors"
    assert ada.view.errors == {}


async def test_update_push_and_clear_do_what_they_say(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    view = open_modal(workspace, submit=plain("Send"))
    before = view.hash
    app.answer = {"response_action": "update", "view": modal(title=plain("Second"), submit=plain("Send"))}
    await ada.submit()
    assert (ada.view.id, ada.view.title) == (view.id, "Second")
    assert ada.view.hash != before

    app.answer = {"response_action": "push", "view": modal(title=plain("Third"), submit=plain("Send"))}
    await ada.submit()
    assert [one.title for one in ada.views] == ["Second", "Third"]
    assert ada.view.root_id == view.id

    app.answer = {"response_action": "clear"}
    await ada.submit()
    assert ada.view is None


async def test_a_view_in_the_answer_is_checked_as_any_other(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    open_modal(workspace, submit=plain("Send"))
    app.answer = {"response_action": "update", "view": modal(title=plain("x" * 25))}

    delivery = await ada.submit()

    assert delivery.error == "invalid_arguments"
    assert delivery.shown == "We had some trouble connecting. Try again?"
    assert ada.view.title == "Title"


async def test_twenty_submissions_can_be_under_way_at_once(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    view = open_modal(workspace, submit=plain("Send"))

    done = await asyncio.gather(*(ada.submit(view) for _ in range(20)))

    assert all(one.ok for one in done)
    assert len(app.payloads) == 20
    assert ada.view is None


async def test_a_closed_view_is_told_only_if_the_app_asked(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    open_modal(workspace)
    await ada.close()
    assert app.payloads == []

    open_modal(workspace, notify_on_close=True)
    await ada.close()
    assert app.payloads[0]["type"] == "view_closed"
    assert app.payloads[0]["is_cleared"] is False
    assert ada.view is None


async def test_the_x_closes_all_and_names_the_root(app: App, workspace: SlackWorkspace, ada: Any) -> None:
    root = open_modal(workspace, notify_on_close=True)
    workspace.state.push_over("U0ADA", modal(notify_on_close=True))

    await ada.close(all_of_them=True)

    assert ada.views == []
    assert app.payloads[0]["view"]["id"] == root.id
    assert app.payloads[0]["is_cleared"] is True


async def test_a_click_in_a_modal_hands_out_a_trigger_that_pushes(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    view = open_modal(workspace, {"type": "actions", "elements": [button()]}, field("name"), submit=plain("Send"))
    await ada.fill(view, {"name": "typed so far"})
    await ada.click(view, action_id="go")

    await client.views_push(trigger_id=app.payloads[0]["trigger_id"], view=modal())

    assert len(ada.views) == 2
    assert app.payloads[0]["view"]["state"]["values"]["name"]["v"]["value"] == "typed so far"
    assert "response_url" not in app.payloads[0]


# --- shortcuts, home


async def test_shortcuts_carry_their_callback_and_a_trigger(
    app: App, ada: Any, client: AsyncWebClient, workspace: SlackWorkspace
) -> None:
    message = ada.say("a link")

    await ada.shortcut("share")
    await ada.message_shortcut("check", message)

    shortcut, action = app.payloads
    assert (shortcut["type"], shortcut["callback_id"]) == ("shortcut", "share")
    assert (action["type"], action["callback_id"]) == ("message_action", "check")
    assert action["message"]["text"] == "a link"
    await client.views_open(trigger_id=shortcut["trigger_id"], view=modal())
    assert ada.view.title == "Title"


async def test_opening_the_home_tab_is_an_event(app: App, ada: Any) -> None:
    await ada.open_home()

    event = app.payloads[0]
    assert event["type"] == "event_callback"
    assert event["event"]["type"] == "app_home_opened"
    assert event["event"]["user"] == "U0ADA"
    assert event["authorizations"][0]["is_bot"] is True


# --- enterprise grid and people from elsewhere


async def test_on_a_grid_payloads_name_the_enterprise(clock: Clock) -> None:
    workspace = SlackWorkspace(enterprise_id="E0GRID", clock=clock)
    ada = workspace.person("W0ADA", "ada")

    command = await ada.command("/ots")
    shortcut = await ada.shortcut("x")

    assert command.payload["enterprise_id"] == "E0GRID"
    assert shortcut.payload["enterprise"]["id"] == "E0GRID"
    assert shortcut.payload["team"]["enterprise_id"] == "E0GRID"
    assert shortcut.payload["is_enterprise_install"] is False


async def test_installed_on_the_organisation_the_team_is_null(clock: Clock) -> None:
    workspace = SlackWorkspace(enterprise_id="E0GRID", clock=clock)
    workspace.state.org_install = True
    ada = workspace.person("W0ADA", "ada")

    shortcut = await ada.shortcut("x")

    assert shortcut.payload["team"] is None
    assert shortcut.payload["is_enterprise_install"] is True
    assert shortcut.payload["user"]["team_id"] == "T0SANDBOX0"


async def test_a_stranger_acts_from_another_team(app: App, workspace: SlackWorkspace, client: AsyncWebClient) -> None:
    sam = workspace.person("U0SAM", "sam", stranger=True)
    message = await post(client, workspace, user="U0SAM")

    await sam.click(message, action_id="go")

    assert app.payloads[0]["user"]["team_id"] == "T0ELSEWHERE"
    assert app.payloads[0]["team"]["id"] == "T0SANDBOX0"


# --- what people see, and what is kept


async def test_sees_is_what_a_person_reads(workspace: SlackWorkspace, client: AsyncWebClient, ada: Any) -> None:
    text = "Hi <@U0ADA>, <https://x.example/a|the page> &lt;b&gt; &amp;lt; <!date^1^{date}|soon>"
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
    await client.chat_postMessage(channel="U0ADA", text="fallback", blocks=blocks)

    assert ada.sees() == "Hi @U0ADA, the page <b> &lt; soon"


def test_secret_text_is_the_preformatted_text_to_the_byte(workspace: SlackWorkspace, ada: Any) -> None:
    def shown(*texts: str) -> Json:
        spans = [{"type": "text", "text": text} for text in texts]
        return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": spans}]}

    view = open_modal(workspace, shown(" a\r\n", "`*b*` "), {"type": "section", "text": plain("no")}, shown("\tc"))

    assert view.secret_text() == " a\r\n`*b*` \tc"


async def test_until_wakes_on_a_change_and_gives_up_in_time(
    workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    waiting = asyncio.create_task(ada.until(lambda: ada.dm))
    await client.chat_postMessage(channel="U0ADA", text="hello")

    assert (await waiting)[0].text == "hello"
    with pytest.raises(TimeoutError):
        await ada.until(lambda: len(ada.dm) == 2, timeout=0.01)


async def test_whoever_waits_without_saying_how_long_has_the_same_patience(
    workspace: SlackWorkspace, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Changes, "patience", 0.01)
    began = time.monotonic()

    for waiting in (ada.until(lambda: ada.dm), workspace.wait_for_call("chat.postMessage")):
        with pytest.raises(TimeoutError):
            await waiting

    assert time.monotonic() - began < DEFAULT_TIMEOUT


async def test_every_payload_is_kept_with_its_verdict_and_without_the_token(
    app: App, workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    app.answer = {"text": "canary-1"}
    await ada.command("/ots", "canary-0")
    await client.chat_postMessage(channel="U0ADA", text="canary-2")
    with pytest.raises(Exception, match="channel_not_found"):
        await client.chat_postMessage(channel="C0NO", text="canary-3")

    kept = [(one.method, one.payload["text"], one.verdict) for one in workspace.export()]
    assert kept == [
        ("ack /ots", "canary-1", "ok"),
        ("chat.postMessage", "canary-2", "ok"),
        ("chat.postMessage", "canary-3", "channel_not_found"),
    ]
    assert "canary" not in repr(workspace.export()) + repr(workspace.deliveries) + repr(workspace.messages)


async def test_subscribers_hear_of_every_change_until_they_stop(
    workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    heard: list[WorkspaceChange] = []
    stop = workspace.subscribe(heard.append)

    await client.chat_postMessage(channel="U0ADA", text="one")
    stop()
    await client.chat_postMessage(channel="U0ADA", text="two")

    assert [one.what for one in heard if one.what in ("message", "call")] == ["message", "call"]
    assert "one" not in repr(heard)


async def test_a_modal_can_be_closed_while_a_call_is_on_its_way(
    workspace: SlackWorkspace, client: AsyncWebClient, ada: Any
) -> None:
    view = open_modal(workspace)
    workspace.plan("views.update", SlackFault.meanwhile(ada.close))

    with pytest.raises(Exception, match="not_found"):
        await client.views_update(view_id=view.id, view=modal())

    assert ada.view is None


# --- what the page needs besides


def two_rows() -> list[Json]:
    return [
        {"type": "actions", "block_id": f"row{number}", "elements": [
            {"type": "button", "action_id": "take", "text": plain("Take"), "value": "the same"},
            {"type": "checkboxes", "action_id": "tick", "options": [
                {"text": plain(value), "value": value} for value in ("red", "green", "blue")
            ]},
        ]}
        for number in (1, 2)
    ]  # fmt: skip


async def test_a_block_id_tells_apart_what_looks_the_same(
    workspace: SlackWorkspace, app: App, ada: WorkspaceMember
) -> None:
    message = workspace.state.post(workspace.state.open_dm(ada.id), {"text": "x", "blocks": two_rows()})
    with pytest.raises(CannotDo):
        await ada.click(message, action_id="take", value="the same")

    await ada.click(message, action_id="take", block_id="row2")

    assert [one["block_id"] for one in app.payloads[-1]["actions"]] == ["row2"]


async def test_several_options_are_chosen_with_a_list(
    workspace: SlackWorkspace, app: App, ada: WorkspaceMember
) -> None:
    message = workspace.state.post(workspace.state.open_dm(ada.id), {"text": "x", "blocks": two_rows()})

    await ada.click(message, action_id="tick", block_id="row1", option=["red", "blue"])
    await ada.click(message, action_id="tick", block_id="row1", option=[])

    chosen = [[one["value"] for one in payload["actions"][0]["selected_options"]] for payload in app.payloads]
    assert chosen == [["red", "blue"], []]


async def test_what_is_entered_is_in_the_form_and_tells_nobody(
    workspace: SlackWorkspace, app: App, ada: WorkspaceMember
) -> None:
    typed = {"type": "plain_text_input", "action_id": "it"}
    block = {"type": "input", "block_id": "name", "label": plain("Name"), "element": typed, "dispatch_action": True}
    view = {"type": "modal", "title": plain("A"), "submit": plain("Go"), "blocks": [block, *two_rows()]}
    form = workspace.state.open_view(workspace.state.new_trigger(ada.id), view)

    ada.enter(form, {"name": {"it": "typed"}, "row2": {"tick": ["green"]}, "gone": {"it": "nowhere"}})

    assert app.payloads == []
    assert form.values["name"]["it"]["value"] == "typed"
    assert form.values["row2"]["tick"]["selected_options"][0]["value"] == "green"
    assert form.values["row1"]["tick"]["selected_options"] == []
    with pytest.raises(CannotDo):
        ada.enter(form, {"row1": {"tick": ["pink"]}})


async def test_a_forgotten_workspace_is_new_for_the_same_app(
    workspace: SlackWorkspace, app: App, ada: WorkspaceMember
) -> None:
    workspace.channel("C1", "team", [ada])
    await ada.command("/hello")
    ada.say("something")

    workspace.forget()

    assert (workspace.people, workspace.channels, workspace.messages, workspace.deliveries) == ([], [], [], [])
    again = workspace.person("U0ADA", "ada")
    assert (await again.command("/hello")).ok
    assert len(app.payloads) == 2


async def test_what_the_app_sent_goes_to_a_file_if_one_is_named(
    client: AsyncWebClient,
    workspace: SlackWorkspace,
    ada: WorkspaceMember,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SANDBOX_PAYLOADS", str(tmp_path / "payloads"))
    await client.chat_postMessage(channel=ada.id, text="first")
    workspace.forget()
    workspace.person("U0BEN", "ben")
    await client.chat_postMessage(channel="U0BEN", text="second")

    await workspace.stop()

    lines = [json.loads(line) for line in (tmp_path / "payloads").read_text().splitlines()]
    assert [(one["method"], one["payload"]["text"], one["verdict"]) for one in lines] == [
        ("chat.postMessage", "first", "ok"),
        ("chat.postMessage", "second", "ok"),
    ]
