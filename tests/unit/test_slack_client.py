"""The calls to Slack's Web API."""

import os
import subprocess
import sys

from tests.readme import ROOT

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
