"""The calls to Slack as they go out and come back: what is sent where, what is returned, what an error says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from bot.errors import SlackError, WindowClosed
from bot.secret import Secret
from bot.slack.web import SlackClient
from tests.support.rows import each_row

CANARY = "canary-in-the-call"
VIEW = {"type": "modal", "title": CANARY}
MESSAGE = {"text": CANARY, "blocks": [], "unfurl_links": False, "unfurl_media": False}


@dataclass
class Call:
    path: str
    token: str
    body: dict[str, Any]


@dataclass
class Slack:
    """Answers every call with `answer`, and keeps it."""

    answer: dict[str, Any] = field(default_factory=lambda: {"ok": True})
    raw: bytes | None = None
    status: int = 200
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        self.client = SlackClient(Secret("xoxb-the-token"), f"{self.url}api/")

    async def stop(self) -> None:
        await self.client.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            body = await request.json()
        else:
            given = {**request.query, **await request.post()}
            body = {name: _decoded(str(value)) for name, value in given.items()}
        self.calls.append(Call(request.path, request.headers.get("Authorization", ""), body))
        content = json.dumps(self.answer).encode() if self.raw is None else self.raw
        return web.Response(status=self.status, body=content, headers=self.headers, content_type=self.type)


def _decoded(text: str) -> Any:
    """slack_sdk sends structures as JSON within a form, and booleans as 0 and 1."""
    return json.loads(text) if text.startswith(("{", "[")) else text


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    started = Slack()
    await started.start()
    yield started
    await started.stop()


@dataclass(frozen=True)
class Case:
    method: str
    call: Callable[[SlackClient], Awaitable[Any]]
    sent: dict[str, Any]
    answer: dict[str, Any]
    returned: Any


CASES = (
    Case(
        "auth.test", lambda client: client.who_am_i(), {},
        {"team_id": "T1", "enterprise_id": None, "bot_id": "B1", "user_id": "U1", "is_enterprise_install": False, "url": "x"},
        {"team_id": "T1", "enterprise_id": None, "bot_id": "B1", "user_id": "U1", "is_enterprise_install": False},
    ),
    Case(
        "views.open", lambda client: client.open_view("1.2.trigger", VIEW), {"trigger_id": "1.2.trigger", "view": VIEW},
        {"view": {"id": "V1"}}, "V1",
    ),
    Case(
        "views.push", lambda client: client.push_view("1.2.trigger", VIEW), {"trigger_id": "1.2.trigger", "view": VIEW},
        {"view": {"id": "V2"}}, "V2",
    ),
    Case("views.update", lambda client: client.update_view("V1", VIEW), {"view_id": "V1", "view": VIEW}, {}, None),
    Case("conversations.open", lambda client: client.open_dm("U7"), {"users": "U7"}, {"channel": {"id": "D7"}}, "D7"),
    Case(
        "chat.postMessage", lambda client: client.post("D7", MESSAGE, client_msg_id="id-1"),
        {"channel": "D7", "client_msg_id": "id-1", **MESSAGE}, {"ts": "1.5"}, "1.5",
    ),
    Case(
        "chat.update", lambda client: client.update("D7", "1.5", MESSAGE),
        {"channel": "D7", "ts": "1.5", "text": CANARY, "blocks": []}, {"ts": "1.5"}, None,
    ),
    Case("users.info", lambda client: client.user("U7"), {"user": "U7"}, {"user": {"id": "U7"}}, {"id": "U7"}),
)  # fmt: skip


@each_row("case", CASES, ids=lambda case: case.method)
async def test_each_call_sends_what_it_was_given_with_the_token_and_returns_what_slack_says(slack: Slack, case: Case):
    slack.answer = {"ok": True, **case.answer}

    returned = await case.call(slack.client)

    call = slack.calls.pop()
    assert (returned, call.path, call.token) == (case.returned, f"/api/{case.method}", "Bearer xoxb-the-token")
    assert {name: value for name, value in call.body.items() if name in case.sent} == {
        name: value if not isinstance(value, bool) else call.body[name] for name, value in case.sent.items()
    }
    assert not [name for name in ("unfurl_links", "unfurl_media") if call.body.get(name) in (True, "1", "true")]
    assert call.body.keys() <= case.sent.keys() | {"include_locale"}


@each_row("case", CASES, ids=lambda case: case.method)
async def test_an_error_names_the_method_and_the_code_and_nothing_else(slack: Slack, case: Case):
    for answer, code in (
        ({"ok": False, "error": "channel_not_found", "detail": CANARY}, "channel_not_found"),
        ({"ok": False, "error": f"{CANARY} é"}, "http_200"),
        ({"ok": False, "error": "x" * 81}, "http_200"),
        ({"ok": False, "error": {"code": CANARY}}, "http_200"),
    ):
        slack.answer = answer

        with pytest.raises(SlackError) as failed:
            await case.call(slack.client)

        assert (failed.value.method, failed.value.code, failed.value.retry_after) == (case.method, code, None)
        assert CANARY not in f"{failed.value} {failed.value!r} {failed.value.args}"
        assert failed.value.__cause__ is None
        assert failed.value.__suppress_context__


@each_row("case", CASES, ids=lambda case: case.method)
async def test_what_is_no_answer_of_slack_is_an_error_too(slack: Slack, case: Case):
    for raw in (b"<html>Bad gateway", b"[]", b"null", b'{"ok": true'):
        slack.raw, slack.status = raw, 502

        with pytest.raises(SlackError) as failed:
            await case.call(slack.client)

        assert failed.value.method == case.method


@each_row("answer", [
    {}, {"view": "V1", "channel": "D7", "user": "U7", "ts": 15}, {"view": [], "channel": None, "user": [], "ts": None},
    {"view": {}, "channel": {}, "user": None, "ts": ""}, {"view": {"id": 7}, "channel": {"id": []}, "ts": {}},
])  # fmt: skip
async def test_an_answer_that_is_ok_and_of_another_shape_is_an_error_too(slack: Slack, answer: dict[str, Any]):
    for case in CASES:
        if case.returned and case.method != "auth.test":
            slack.answer = {"ok": True, **answer}

            with pytest.raises(SlackError) as failed:
                await case.call(slack.client)

            assert (failed.value.method, failed.value.code) == (case.method, "unreadable")


@each_row("raw", [b"[]", b"null", b'"ok"', b"5", b"", b"<html>ok", b"\x1f\x8b"])
async def test_what_is_no_object_of_json_is_no_answer_of_slack_although_its_status_is_200(slack: Slack, raw: bytes):
    for slack.type in ("application/json", "text/html", "application/gzip"):
        for case in CASES:
            slack.raw = raw

            with pytest.raises(SlackError) as failed:
                await case.call(slack.client)

            assert failed.value.method == case.method
            assert not failed.value.is_permanent


@each_row("code", ["not_found", "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired"])
async def test_a_window_that_is_gone_is_told_apart(slack: Slack, code: str):
    slack.answer = {"ok": False, "error": code}

    with pytest.raises(WindowClosed):
        await slack.client.open_view("1.2.trigger", VIEW)


async def test_the_address_of_a_socket_is_asked_for_with_the_token_of_the_app(slack: Slack):
    slack.answer = {"ok": True, "url": "wss://ticket"}

    assert (await slack.client.open_socket(Secret("xapp-the-token"))).reveal() == "wss://ticket"
    assert (slack.calls[0].path, slack.calls[0].token) == ("/api/apps.connections.open", "Bearer xapp-the-token")

    slack.answer = {"ok": False, "error": "invalid_auth"}
    with pytest.raises(SlackError) as refused:
        await slack.client.open_socket(Secret("xapp-the-token"))
    assert refused.value.method == "apps.connections.open"
    assert slack.client.health.refused is None  # this was another token


@pytest.mark.parametrize(
    ("answer", "found"),
    [({"bot": {"app_id": "A1"}}, "A1"), ({"bot": {"app_id": ""}}, None), ({"bot": {"app_id": 7}}, None),
     ({"bot": []}, None), ({}, None)],
)  # fmt: skip
async def test_the_app_of_a_bot_is_what_slack_says_or_unknown(slack: Slack, answer: dict[str, Any], found: str | None):
    slack.answer = {"ok": True, **answer}

    assert await slack.client.find_app_id("B1") == found


async def test_a_window_is_changed_only_as_it_was_with_that_hash(slack: Slack):
    slack.answer = {"ok": True, "view": {"id": "V1", "hash": "1.b"}}

    assert await slack.client.update_view("V1", VIEW, if_hash="1.a") == "1.b"
    assert slack.calls[0].body == {"view_id": "V1", "view": VIEW, "hash": "1.a"}


@pytest.mark.parametrize("view", [[], {}, {"hash": ""}, {"hash": 7}])
async def test_a_window_without_a_hash_has_none(slack: Slack, view: Any):
    slack.answer = {"ok": True, "view": view}

    assert await slack.client.update_view("V1", VIEW) is None


async def test_a_token_that_slack_refused_for_one_method_is_well_again_when_that_method_works(slack: Slack):
    slack.answer = {"ok": False, "error": "missing_scope"}
    with pytest.raises(SlackError):
        await slack.client.open_dm("U1")
    assert slack.client.health.refused == "missing_scope"

    slack.answer = {"ok": True, "ts": "1.5", "channel": {"id": "D1"}}
    await slack.client.post("D1", MESSAGE)
    assert slack.client.health.refused == "missing_scope"
    await slack.client.open_dm("U1")
    assert slack.client.health.refused is None


async def test_a_recipient_who_is_refused_shows_that_the_token_is_taken(slack: Slack):
    slack.answer = {"ok": False, "error": "token_revoked"}
    with pytest.raises(SlackError):
        await slack.client.post("D1", MESSAGE)

    slack.answer = {"ok": False, "error": "channel_not_found"}
    with pytest.raises(SlackError):
        await slack.client.post("D1", MESSAGE)

    assert slack.client.health.refused is None


async def test_a_call_that_nobody_answers_is_an_error_without_an_address():
    client = SlackClient(Secret("xoxb-the-token"), "http://127.0.0.1:9/api/")

    with pytest.raises(SlackError) as failed:
        await client.open_dm("U1")
    await client.close()

    assert (failed.value.method, failed.value.code) == ("conversations.open", "connection")
    assert "127.0.0.1" not in f"{failed.value} {failed.value.args}"


async def test_no_call_waits_for_slack_longer_than_ten_seconds(slack: Slack):
    assert slack.client.session.timeout.total == 10
    assert slack.client.client.timeout == 10
    assert slack.client.client_without_token().timeout == 10
    assert slack.client.client_without_token().token is None
    assert slack.client.client.retry_handlers == slack.client.client_without_token().retry_handlers == []


# --- rate limits

WAITS: dict[str, tuple[dict[str, str], float]] = {
    "without a word": ({}, 30.0),
    "an empty header": ({"Retry-After": ""}, 30.0),
    "a word": ({"Retry-After": "soon"}, 30.0),
    "a date": ({"Retry-After": "Thu, 26 Nov 2026 20:00:00 GMT"}, 30.0),
    "not a number": ({"Retry-After": "nan"}, 30.0),
    "seconds": ({"Retry-After": "7"}, 7.0),
    "seconds under a name in small letters": ({"retry-after": "7"}, 7.0),
    "the longest": ({"Retry-After": "300"}, 300.0),
    "a second more": ({"Retry-After": "301"}, 300.0),
    "thirty years": ({"Retry-After": "1000000000"}, 300.0),
    "for ever": ({"Retry-After": "inf"}, 300.0),
    "no time at all": ({"Retry-After": "0"}, 1.0),
    "a time that is over": ({"Retry-After": "-5"}, 1.0),
}


async def wait_after(call: Awaitable[Any]) -> float | None:
    with pytest.raises(SlackError) as refused:
        await call
    return refused.value.retry_after


@each_row(("headers", "seconds"), WAITS.values(), ids=WAITS)
async def test_a_429_is_waited_out_for_a_sane_time(slack: Slack, headers: dict[str, str], seconds: float):
    slack.answer, slack.status, slack.headers = {"ok": False, "error": "ratelimited"}, 429, headers

    assert await wait_after(slack.client.open_view("1.2.trigger", VIEW)) == seconds
    assert await wait_after(slack.client.respond(Secret(f"{slack.url}commands/x"), MESSAGE)) == seconds


@each_row("body", [b"", b"<html>slow down", b'{"ok": true}', b'{"ok": false, "error": "fatal_error"}', b"[]"])
async def test_a_429_is_a_rate_limit_whatever_its_body_is(slack: Slack, body: bytes):
    slack.raw, slack.status, slack.headers = body, 429, {"Retry-After": "9"}

    assert await wait_after(slack.client.open_view("1.2.trigger", VIEW)) == 9.0


# --- response_urls


@pytest.mark.parametrize("replace", [False, True])
async def test_an_answer_goes_to_the_response_url_without_the_token_for_one_person_alone(slack: Slack, replace: bool):
    await slack.client.respond(Secret(f"{slack.url}commands/x"), MESSAGE, replace=replace)

    (call,) = slack.calls
    assert (call.path, call.token) == ("/commands/x", "")
    assert call.body == {**MESSAGE, "replace_original": replace, "response_type": "ephemeral"}


FOREIGN = (
    "https://evil.example/commands/x",
    "http://hooks.slack.com/commands/x",
    "https://hooks.slack.com.evil.example/commands/x",
    "https://hooks.slack.com:444/commands/x",
    "https://evil.example@127.0.0.1:1/commands/x",
)


@each_row("url", FOREIGN)
async def test_nothing_is_sent_to_a_response_url_elsewhere(slack: Slack, url: str):
    with pytest.raises(SlackError) as refused:
        await slack.client.respond(Secret(url), MESSAGE)

    assert refused.value.code == "foreign_url"
    assert "evil" not in str(refused.value)


async def test_no_redirect_is_followed(slack: Slack):
    slack.status, slack.headers = 307, {"Location": f"{slack.url}elsewhere"}

    for call in (
        slack.client.respond(Secret(f"{slack.url}commands/x"), MESSAGE),
        slack.client.post("D1", MESSAGE),
        slack.client.open_view("1.2.trigger", VIEW),
    ):
        with pytest.raises(SlackError):
            await call

    assert [call.path for call in slack.calls] == ["/commands/x", "/api/chat.postMessage", "/api/views.open"]


async def test_slacks_own_host_takes_answers():
    client, url = SlackClient(Secret("xoxb-none"), "https://slack.com/api/"), "https://hooks.slack.com/commands/T1/2/x"

    assert client._read_response_url(Secret(url)) == URL(url)
