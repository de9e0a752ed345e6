"""Requests of Slack whose connection ends before their body was read, or before they were answered."""

import time
from unittest.mock import AsyncMock, Mock

import pytest
from aiohttp import ClientConnectionResetError, StreamReader
from aiohttp.test_utils import make_mocked_request
from slack_bolt import BoltResponse

from bot.sandbox.slack.deliver import sign
from bot.secret import Secret
from bot.slack.http import SlackRequests
from bot.slack.signature import SIGNATURE, STAMP, SignatureChecker


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 400, id="without a signature"),
        pytest.param({STAMP: "1700000000", SIGNATURE: f"v0={'0' * 64}"}, 400, id="with a signature"),
    ],
)
async def test_a_connection_that_ended_before_the_body_was_read_is_no_error(headers, status):
    body = StreamReader(Mock(connected=False), 2**16)
    request = make_mocked_request("POST", "/slack/events", {"Content-Length": "100", **headers}, payload=body)
    requests = SlackRequests(Mock(), SignatureChecker(Secret("signing secret")))

    answer = await requests.answer(request)

    assert answer.status == status


async def test_a_connection_that_ends_before_the_answer_is_no_error_and_the_work_goes_on():
    raw, stamp = b"command=%2Fots&text=help", str(int(time.time()))
    headers = {"Content-Length": str(len(raw)), STAMP: stamp, SIGNATURE: sign("signing secret", stamp, raw)}
    body = StreamReader(Mock(connected=True), 2**16)
    body.feed_data(raw)
    body.feed_eof()
    gone = AsyncMock(side_effect=ClientConnectionResetError("Cannot write to closing transport"))
    writer = Mock(write_headers=gone, write_eof=gone, write=gone, drain=gone)
    request = make_mocked_request("POST", "/slack/events", headers, payload=body, writer=writer)
    app = Mock(async_dispatch=AsyncMock(return_value=BoltResponse(status=200, body="")))

    answer = await SlackRequests(app, SignatureChecker(Secret("signing secret"))).answer(request)

    assert answer.status == 200
    (dispatched,) = app.async_dispatch.call_args.args
    assert dispatched.context["delivered"].is_set()
