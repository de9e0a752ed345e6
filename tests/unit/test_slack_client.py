"""The calls to Slack's Web API."""

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from bot.errors import SlackError
from bot.secret import Secret
from bot.slack.web import SlackClient
from tests.readme import ROOT
from tests.support.rows import each_row

SCRIPT = """
import asyncio
from aiohttp import web
from bot.secret import Secret
from bot.slack.web import SlackClient

async def main():
    bodies = []

    async def take(request):
        bodies.append(await request.json())
        return web.Response()

    server = web.Application()
    server.router.add_post("/answer", take)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    slack = SlackClient(Secret("xoxb-none"), url + "api/")
    await slack.respond(Secret(url + "answer"), {"text": "said"})
    await slack.close()
    await runner.cleanup()
    print(__debug__, bodies[0]["text"])

asyncio.run(main())
"""


def test_the_first_call_may_be_to_a_response_url_under_any_optimization():
    """`python -O` leaves out assertions, so no assertion may do something."""
    for options, expected in (([], "True said"), (["-O"], "False said")):
        done = subprocess.run(
            [sys.executable, *options, "-c", SCRIPT],
            cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert (done.stdout.strip(), done.stderr) == (expected, "")


@each_row(
    ("api", "response_url", "is_slacks"),
    [
        ("https://slack.com/api/", "https://hooks.slack.com/commands/T1/2/3", True),
        ("https://slack.com/api/", "https://hooks.slack-gov.com/commands/T1/2/3", False),
        ("https://slack-gov.com/api/", "https://hooks.slack-gov.com/actions/T1/2/3", True),
        ("https://www.slack-gov.com/api/", "https://hooks.slack-gov.com/actions/T1/2/3", True),
        ("https://slack-gov.com/api/", "https://hooks.slack.com/actions/T1/2/3", False),
        ("https://gateway.example/slack/api/", "https://hooks.slack.com/actions/T1/2/3", True),
        ("https://gateway.example/slack/api/", "https://gateway.example/actions/T1/2/3", True),
        ("https://slack.com/api/", "http://hooks.slack.com/commands/T1/2/3", False),
        ("https://slack.com/api/", "https://hooks.slack.com.evil.example/commands/T1/2/3", False),
        ("https://slack-gov.com/api/", "https://hooks.notslack-gov.com/commands/T1/2/3", False),
        ("https://notslack-gov.com/api/", "https://hooks.slack-gov.com/commands/T1/2/3", False),
    ],
)
def test_the_hosts_of_response_urls_follow_the_apis_domain(api, response_url, is_slacks):
    slack = SlackClient(Secret("xoxb-1"), api)

    with nullcontext() if is_slacks else pytest.raises(SlackError, match="foreign_url"):
        slack._read_response_url(Secret(response_url))
