"""The page's own server, on loopback: static files, a stream of what happens, and what people and controls do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from bot.sandbox.page.actions import PersonAction, PersonActions
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.controls import Control, Controls, PartStates
from bot.sandbox.page.feed import Feed
from bot.sandbox.page.guard import add_headers, guard
from bot.sandbox.world import World

STATIC = Path(__file__).parent / "static"
AGAIN = 1000  # milliseconds until a page that lost its connection tries it again
MOST_BYTES = 256 * 1024  # of what the page sends


class Page:
    """The page for a world. `accounts` (user name -> token) are those that people may connect with."""

    def __init__(self, world: World, manifest: AppManifest, accounts: dict[str, str]) -> None:
        parts = PartStates(world, accounts)
        self._feed = Feed(world, manifest, parts)
        self._acts = PersonActions(world.workspace, manifest)
        self.controls = Controls(world, parts, self._feed.secrets_changed)
        self._act = msgspec.json.Decoder(PersonAction)
        self._control = msgspec.json.Decoder(Control)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> str:
        """Listens on 127.0.0.1 (port 0: any) and answers the page's address. Raises `OSError`."""
        app = web.Application(middlewares=[guard], client_max_size=MOST_BYTES)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/feed", self._stream)
        app.router.add_get("/calls/{number:[0-9]+}", self._call)
        app.router.add_post("/people/{person}", self._do_act)
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

    # --- what the page asks for

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        page = self._feed.join()
        await response.write(f"retry: {AGAIN}\n\n".encode())
        try:
            while (event := await page.get()) is not None:
                await response.write(event.encode())
        except ConnectionError:
            pass  # the page is gone
        finally:
            self._feed.leave(page)
        return response

    async def _call(self, request: web.Request) -> web.StreamResponse:
        detail = self._feed.timeline.detail(int(request.match_info["number"]))
        if detail is None:
            raise web.HTTPNotFound
        return web.json_response(detail)

    async def _do_act(self, request: web.Request) -> web.StreamResponse:
        act = await _read(request, self._act)
        try:
            return web.json_response(await self._acts.do(request.match_info["person"], act))
        except KeyError:
            raise web.HTTPNotFound(text="There is nobody of that name here.") from None

    async def _do_control(self, request: web.Request) -> web.StreamResponse:
        control = await _read(request, self._control)
        try:
            return web.json_response(await self.controls.do(control))
        except KeyError:
            raise web.HTTPNotFound(text="There is no such secret here.") from None


async def _read(request: web.Request, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(await request.read())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # The library's words name the field, never its value.
        raise web.HTTPBadRequest(text=str(error)) from None
