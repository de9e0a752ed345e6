"""How long the bot leaves Slack alone after a 429, whatever Slack says about it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.errors import SlackError
from bot.secret import Secret
from bot.slack.web import SlackClient
from tests.support.rows import each_row


class Limiting:
    """A Slack that answers every call with 429, and the client that calls it."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body = '{"ok": false, "error": "ratelimited"}'

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        self.client = SlackClient(Secret("xoxb-none"), f"{self._url}api/")

    async def stop(self) -> None:
        await self.client.close()
        await self._runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        answer = web.Response(status=429, text=self.body, content_type="application/json")
        for name, value in self.headers:
            answer.headers.add(name, value)
        return answer

    async def wait_after_a_call(self) -> float | None:
        with pytest.raises(SlackError) as refused:
            await self.client.post("D1", {"text": "hello"})
        return refused.value.retry_after

    async def wait_after_an_answer(self) -> float | None:
        with pytest.raises(SlackError) as refused:
            await self.client.respond(Secret(f"{self._url}commands/x"), {"text": "hello"})
        return refused.value.retry_after


@pytest.fixture
async def slack() -> AsyncIterator[Limiting]:
    started = Limiting()
    await started.start()
    yield started
    await started.stop()


WAITS: dict[str, tuple[list[tuple[str, str]], float]] = {
    "without a word": ([], 30.0),
    "an empty header": ([("Retry-After", "")], 30.0),
    "a word": ([("Retry-After", "soon")], 30.0),
    "a date": ([("Retry-After", "Thu, 26 Nov 2026 20:00:00 GMT")], 30.0),
    "not a number": ([("Retry-After", "nan")], 30.0),
    "seconds": ([("Retry-After", "7")], 7.0),
    "seconds under a name in small letters": ([("retry-after", "7")], 7.0),
    "the longest": ([("Retry-After", "300")], 300.0),
    "a second more": ([("Retry-After", "301")], 300.0),
    "thirty years": ([("Retry-After", "1000000000")], 300.0),
    "for ever": ([("Retry-After", "inf")], 300.0),
    "no time at all": ([("Retry-After", "0")], 1.0),
    "a time that is over": ([("Retry-After", "-5")], 1.0),
}


@each_row(("headers", "seconds"), WAITS.values(), ids=WAITS)
async def test_a_429_is_waited_out_for_a_sane_time(slack: Limiting, headers: list[tuple[str, str]], seconds: float):
    slack.headers = headers

    assert await slack.wait_after_a_call() == seconds
    assert await slack.wait_after_an_answer() == seconds


@each_row("body", ["", "<html>slow down", '{"ok": true}', '{"ok": false, "error": "fatal_error"}', "[]"])
async def test_a_429_is_a_rate_limit_whatever_its_body_is(slack: Limiting, body: str):
    slack.headers, slack.body = [("Retry-After", "9")], body

    assert await slack.wait_after_a_call() == 9.0
