"""The least that Bolt can do: one listener that acknowledges with a word, on aiohttp's server.

`python -m tests.benchmarks.bare process_before_response` or `... default`. Settings come from the environment, by
the bot's own names.
"""

import asyncio
import json
import os
import sys

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


def make(*, process_before_response: bool) -> AsyncApp:
    app = AsyncApp(
        client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        process_before_response=process_before_response,
    )

    @app.command("/ots")
    async def acknowledge(ack: AsyncAck) -> None:
        await ack("ok")

    return app


async def serve(app: AsyncApp) -> None:
    runner = web.AppRunner(app.web_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"event": "ready", "port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(make(process_before_response=sys.argv[1] == "process_before_response")))
