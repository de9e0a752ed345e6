"""Requests of Slack whose connection ends before their body was read."""

from unittest.mock import Mock

import pytest
from aiohttp import StreamReader
from aiohttp.test_utils import make_mocked_request

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
