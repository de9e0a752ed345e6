"""The page's server on loopback: static files, the stream of changes, the actions of people, the controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from bot.sandbox.page.actions import PersonAction, PersonActions
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.controls import Control, Controls, PartStates
from bot.sandbox.page.feed import Feed
from bot.sandbox.page.guard import add_headers, guard
from bot.sandbox.page.settings import PageSettings, RoundStep
from bot.sandbox.world import World

STATIC = Path(__file__).parent / "static"
RECONNECT_AFTER = 1000  # milliseconds until a page that lost its connection reconnects
MAX_REQUEST_BYTES = 256 * 1024


class Page:
    """The page for a world. It shows `accounts`, user name -> API token, with which people can connect.

    `first_round` leads a newcomer through the app.
    """

    def __init__(
        self, world: World, manifest: AppManifest, accounts: dict[str, str], first_round: Sequence[RoundStep] = ()
    ) -> None:
        parts, settings = PartStates(world, accounts), PageSettings(first_round)
        self._feed = Feed(world, manifest, parts, settings)
        self._actions = PersonActions(world.workspace, manifest)
        self.controls = Controls(world, parts, settings, self._feed.secrets_changed)
        self._action_decoder = msgspec.json.Decoder(PersonAction)
        self._control_decoder = msgspec.json.Decoder(Control)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (port 0: any free port). Returns the page's URL. Raises `OSError`."""
        app = web.Application(middlewares=[guard], client_max_size=MAX_REQUEST_BYTES)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/feed", self._stream)
        app.router.add_get("/calls/{number:[0-9]+}", self._call)
        app.router.add_post("/people/{person}", self._do_action)
        app.router.add_post("/controls", self._do_control)
        app.router.add_static("/static", STATIC)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._feed.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        await self.controls.stop()
        await self._feed.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- routes

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        page = self._feed.join()
        await response.write(f"retry: {RECONNECT_AFTER}\n\n".encode())
        try:
            while (event := await page.get()) is not None:
                await response.write(event.encode())
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._feed.leave(page)
        return response

    async def _call(self, request: web.Request) -> web.StreamResponse:
        detail = self._feed.timeline.detail(int(request.match_info["number"]))
        if detail is None:
            raise web.HTTPNotFound
        return web.json_response(detail)

    async def _do_action(self, request: web.Request) -> web.StreamResponse:
        action = await _read(request, self._action_decoder)
        try:
            return web.json_response(await self._actions.do(request.match_info["person"], action))
        except KeyError:
            raise web.HTTPNotFound(text="There is nobody of that name here.") from None

    async def _do_control(self, request: web.Request) -> web.StreamResponse:
        control = await _read(request, self._control_decoder)
        try:
            return web.json_response(await self.controls.do(control))
        except KeyError:
            raise web.HTTPNotFound(text="There is no such secret or person here.") from None


async def _read(request: web.Request, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(await request.read())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # The text of the library's error names the field, never its value.
        raise web.HTTPBadRequest(text=str(error)) from None
