"""An app that answers nothing and keeps what it was sent, and a workspace with only that in it: for the page alone."""

import json
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from bot.sandbox.page import Page, read_manifest
from bot.sandbox.world import World

MANIFEST = """
features:
  bot_user: {display_name: Notes}
  app_home: {home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false}
  slash_commands:
    - {command: /note, description: Keeps a note, usage_hint: "add <text> | list | for @person", should_escape: true}
    - {command: /plain, description: Takes all as it is}
  shortcuts:
    - {name: Write a note, type: global, callback_id: write, description: Opens a window}
    - {name: Keep this, type: message, callback_id: keep, description: Makes a note of it}
"""


class App:
    """`answers` are given once each, by the type of what was sent; anything else gets an empty 200."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answers: dict[str, Any] = {}

    async def serve(self, request):
        body = await request.text()
        if request.content_type == "application/json":
            payload = json.loads(body)
        else:
            form = {name: values[0] for name, values in parse_qs(body).items()}
            payload = json.loads(form["payload"]) if "payload" in form else form
        self.got.append(payload)
        kind = payload.get("command") or payload["type"]
        return web.json_response(self.answers.pop(kind)) if kind in self.answers else web.Response()

    def last(self, kind):
        return next(one for one in reversed(self.got) if kind in (one.get("type"), one.get("command")))


@asynccontextmanager
async def started_notes(port=0):
    """The workspace, the app, and the page in front of them (port 0: any)."""
    world, app = World(), App()
    workspace, onetime = world.workspace, world.onetime
    server = web.Application()
    server.router.add_post("/", app.serve)
    runner = web.AppRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await workspace.start()
    await onetime.start()
    workspace.connect_http(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    people = [
        workspace.person("U0ADA", "ada"),
        workspace.person("U0BEN", "ben"),
        workspace.person("U0CLEO", "cleo", guest=True),
    ]
    channel = workspace.channel("C0TEAM", "team", [*people, workspace.bot_user_id])
    for person in people:
        workspace.state.open_dm(person.id)
    page = Page(world, read_manifest(MANIFEST), {})
    await page.start(port)
    try:
        yield SimpleNamespace(workspace=workspace, onetime=onetime, app=app, page=page, channel=channel, ada=people[0])
    finally:
        await page.stop()
        await world.stop()
        await runner.cleanup()
