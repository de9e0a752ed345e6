"""What changed, gathered for a moment and sent to every page that is open.

A page that connects gets everything; after that it gets what changed. So a page that lost its connection is whole
again by connecting, and nothing has to be asked for twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from bot.sandbox.onetime import RequestRecord
from bot.sandbox.page import serializers
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.controls import PartStates
from bot.sandbox.page.serializers import Json
from bot.sandbox.page.timeline import Timeline
from bot.sandbox.slack import SlackMessage, SlackView, WorkspaceChange
from bot.sandbox.world import World

GATHER = 0.02  # seconds
MOST_WAITING = 500  # events for one page; one that reads none of them is let go
MOST_MESSAGES = 400  # that a page gets when it connects
LOOK_AGAIN = 1.0  # seconds; secrets expire without anybody saying so


class Feed:
    """Listens to the world from `start` on. `pages` are the queues of those who listen; None ends one."""

    def __init__(self, world: World, manifest: AppManifest, parts: PartStates) -> None:
        self._run = uuid4().hex  # by which a page knows that it is another sandbox than before
        self._world = world
        self._manifest = manifest
        self._parts = parts
        self.timeline = Timeline(self._name_of)
        self._pages: set[asyncio.Queue[str | None]] = set()
        self._changed: dict[str, Any] = {}
        self._new_calls: set[int] = set()
        self._flushing: asyncio.TimerHandle | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._looking: asyncio.Task[None] | None = None
        self._secrets_before: list[Json] = []

    def start(self) -> None:
        self._unsubscribe = [
            self._world.workspace.subscribe(self._on_change),
            self._world.onetime.subscribe(self._on_seen),
        ]
        self._parts.on_change = lambda: self._mark("parts")
        self._looking = asyncio.create_task(self._look_at_secrets())

    async def stop(self) -> None:
        for end in self._unsubscribe:
            end()
        if self._flushing is not None:
            self._flushing.cancel()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        for page in self._pages:
            _put(page, None)

    # --- pages

    def join(self) -> asyncio.Queue[str | None]:
        """A queue of events for one page, the first of which is everything."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flush()  # what waits is in everything already, and must not come twice
        page: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
        page.put_nowait(_event("everything", self.everything()))
        self._pages.add(page)
        return page

    def leave(self, page: asyncio.Queue[str | None]) -> None:
        self._pages.discard(page)

    def everything(self) -> Json:
        state = self._world.workspace.state
        return {
            "run": self._run,
            "app": serializers.app(self._manifest, self._world.workspace),
            **self._places(),
            "messages": [serializers.message(one) for one in self._world.workspace.messages[-MOST_MESSAGES:]],
            "stacks": {user: [serializers.view(one) for one in stack] for user, stack in state.stacks.items()},
            "homes": {user: serializers.view(one) for user, one in state.homes.items()},
            "calls": self.timeline.shown(),
            "secrets": self._secrets(),
            "parts": self._parts.shown(),
        }

    def _name_of(self, user: str) -> str:
        person = self._world.workspace.state.people.get(user)
        return "" if person is None else person.name

    # --- what changed

    def _on_change(self, change: WorkspaceChange) -> None:
        match change.what, change.about:
            case "message" | "message_changed" | "message_deleted", SlackMessage() as message:
                self._mark("messages", message)
            case "view" | "view_closed", SlackView() as view:
                self._mark("stacks", view.user)
            case "home", SlackView() as view:
                self._mark("homes", view.user)
            case "person" | "channel", _:
                self._mark("places")
            case "call", _:
                self._call(self._world.workspace.records.sent[-1])
            case "delivery", delivery:
                self._call(delivery)
            case _:
                pass

    def _on_seen(self, seen: RequestRecord) -> None:
        self._call(seen)
        self._mark("secrets")

    def _call(self, about: Any) -> None:
        self._new_calls.add(self.timeline.add(about))
        self._mark("calls")

    def secrets_changed(self) -> None:
        self._mark("secrets")

    def _mark(self, what: str, about: Any = None) -> None:
        self._changed.setdefault(what, []).append(about)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHER, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        changed, self._changed = self._changed, {}
        told: Json = {}
        for what, about in changed.items():
            told |= self._told(what, about)
        event = _event("changes", told)
        for page in list(self._pages):
            if not _put(page, event):
                self.leave(page)

    def _told(self, what: str, about: list[Any]) -> Json:
        """What a page is told of it: topic -> how it is now."""
        state = self._world.workspace.state
        told: Json = {}
        match what:
            case "messages":
                latest = {serializers.message_key(one): one for one in about}
                told[what] = {key: None if one.deleted else serializers.message(one) for key, one in latest.items()}
            case "stacks":
                told[what] = {user: [serializers.view(one) for one in state.stack(user)] for user in about}
            case "homes":
                told[what] = {user: serializers.view(state.homes[user]) for user in about}
            case "places":
                told |= self._places()
            case "calls":
                numbers, self._new_calls = self._new_calls, set()
                told[what] = self.timeline.shown(numbers)
            case "secrets":
                told[what] = self._secrets_before = self._secrets()
            case _:
                told[what] = self._parts.shown()
        return told

    def _places(self) -> Json:
        workspace = self._world.workspace
        return {
            "people": [serializers.person(one.person) for one in workspace.people],
            "channels": [serializers.channel(one) for one in workspace.channels],
        }

    def _secrets(self) -> list[Json]:
        onetime = self._world.onetime
        return [serializers.secret(held, onetime.now) for held in onetime.everything()]

    async def _look_at_secrets(self) -> None:
        """Tells of a secret that came to its end while nobody asked."""
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            if self._pages and _without_time(self._secrets()) != _without_time(self._secrets_before):
                self._mark("secrets")


def _without_time(secrets: list[Json]) -> list[Json]:
    return [{name: value for name, value in one.items() if name != "left"} for one in secrets]


def _event(name: str, told: Json) -> str:
    return f"event: {name}\ndata: {json.dumps(told, separators=(',', ':'))}\n\n"


def _put(page: asyncio.Queue[str | None], event: str | None) -> bool:
    """False if the page does not read: its connection ends, and a page that is alive connects again."""
    if not page.full():
        page.put_nowait(event)
        return True
    while not page.empty():
        page.get_nowait()
    page.put_nowait(None)
    return False
