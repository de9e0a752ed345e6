"""Sends the changes of the sandbox to all open pages, as server-sent events.

A page gets the whole state when it connects, and only changes after that. So a page that lost its connection is up to
date again once it reconnects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal
from uuid import uuid4

from bot.sandbox.onetime import RequestRecord
from bot.sandbox.page import serializers
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.controls import PartStates
from bot.sandbox.page.serializers import Json
from bot.sandbox.page.settings import PageSettings
from bot.sandbox.page.timeline import Timeline
from bot.sandbox.slack import SlackMessage, SlackView, WorkspaceChange
from bot.sandbox.slack.pickers import is_shared
from bot.sandbox.world import World

BATCH_WINDOW = 0.02  # seconds in which changes are collected into one event
MAX_QUEUED_EVENTS = 500  # for one page; a page that does not read them is disconnected
MAX_MESSAGES = 400  # in the whole state that a page gets when it connects
EXPIRY_CHECK_INTERVAL = 1.0  # seconds; nothing else reports that a secret has expired


Topic = Literal["messages", "stacks", "homes", "places", "calls", "secrets", "parts", "settings"]


class Feed:
    """Collects changes of the world from `start` on. Each page has a queue of events; None ends its stream."""

    def __init__(self, world: World, manifest: AppManifest, parts: PartStates, settings: PageSettings) -> None:
        self._run = uuid4().hex  # tells a page that reconnects whether the sandbox was restarted
        self._world = world
        self._manifest = manifest
        self._parts = parts
        self._settings = settings
        self.timeline = Timeline(self._name_of)
        self._pages: set[asyncio.Queue[str | None]] = set()
        self._changed: dict[Topic, list[Any]] = {}
        self._new_calls: set[int] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._expiry_check: asyncio.Task[None] | None = None
        self._secrets_before: list[Json] = []

    def start(self) -> None:
        self._unsubscribe = [
            self._world.workspace.subscribe(self._on_change),
            self._world.onetime.subscribe(self._on_request),
        ]
        self._parts.on_change = lambda: self._mark("parts")
        self._settings.on_change = lambda: self._mark("settings")
        self._expiry_check = asyncio.create_task(self._check_for_expired_secrets())

    async def stop(self) -> None:
        for end in self._unsubscribe:
            end()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        if self._expiry_check is not None:
            self._expiry_check.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiry_check
        for page in self._pages:
            _put(page, None)

    # --- pages

    def join(self) -> asyncio.Queue[str | None]:
        """A new queue of events for one page. Its first event is the whole state."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush()  # the waiting changes are part of the whole state, so the new page must not get them again
        page: asyncio.Queue[str | None] = asyncio.Queue(MAX_QUEUED_EVENTS)
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
            "messages": [serializers.message(one) for one in self._world.workspace.messages[-MAX_MESSAGES:]],
            "stacks": {user: [serializers.view(one) for one in stack] for user, stack in state.stacks.items()},
            "homes": {user: serializers.view(one) for user, one in state.homes.items()},
            "calls": self.timeline.shown(),
            "secrets": self._secrets(),
            "parts": self._parts.serialize(),
            "settings": self._settings.serialize(),
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
                self._add_call(self._world.workspace.records.sent[-1])
            case "delivery", delivery:
                self._add_call(delivery)
            case _:
                pass

    def _on_request(self, record: RequestRecord) -> None:
        self._add_call(record)
        self._mark("secrets")

    def _add_call(self, about: Any) -> None:
        self._new_calls.add(self.timeline.add(about))
        self._mark("calls")

    def secrets_changed(self) -> None:
        self._mark("secrets")

    def _mark(self, what: Topic, about: Any = None) -> None:
        self._changed.setdefault(what, []).append(about)
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(BATCH_WINDOW, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        changed, self._changed = self._changed, {}
        changes: Json = {}
        for what, about in changed.items():
            changes |= self._read_topic(what, about)
        event = _event("changes", changes)
        for page in list(self._pages):
            if not _put(page, event):
                self.leave(page)

    def _read_topic(self, what: Topic, about: list[Any]) -> Json:
        """The current values of a topic: topic -> value. `about` holds the objects that changed."""
        state = self._world.workspace.state
        changes: Json = {}
        match what:
            case "messages":
                latest = {serializers.message_key(one): one for one in about}
                changes[what] = {key: None if one.deleted else serializers.message(one) for key, one in latest.items()}
            case "stacks":
                changes[what] = {user: [serializers.view(one) for one in state.stack(user)] for user in about}
            case "homes":
                changes[what] = {user: serializers.view(state.homes[user]) for user in about}
            case "places":
                changes |= self._places()
            case "calls":
                numbers, self._new_calls = self._new_calls, set()
                changes[what] = self.timeline.shown(numbers)
            case "secrets":
                changes[what] = self._secrets_before = self._secrets()
            case "settings":
                changes[what] = self._settings.serialize()
            case _:
                changes[what] = self._parts.serialize()
        return changes

    def _places(self) -> Json:
        workspace = self._world.workspace
        return {
            "people": [serializers.person(one.person) for one in workspace.people],
            "channels": [
                serializers.channel(one, is_shared=is_shared(workspace.state, one)) for one in workspace.channels
            ],
        }

    def _secrets(self) -> list[Json]:
        onetime = self._world.onetime
        return [serializers.secret(secret, onetime.now) for secret in onetime.everything()]

    async def _check_for_expired_secrets(self) -> None:
        """Report secrets that expired without a call."""
        while True:
            await asyncio.sleep(EXPIRY_CHECK_INTERVAL)
            if self._pages and _without_time_left(self._secrets()) != _without_time_left(self._secrets_before):
                self._mark("secrets")


def _without_time_left(secrets: list[Json]) -> list[Json]:
    return [{name: value for name, value in one.items() if name != "left"} for one in secrets]


def _event(name: str, changes: Json) -> str:
    return f"event: {name}\ndata: {json.dumps(changes, separators=(',', ':'))}\n\n"


def _put(page: asyncio.Queue[str | None], event: str | None) -> bool:
    """Queue an event. Returns False and ends the stream if the queue is full; a page that is alive reconnects."""
    if not page.full():
        page.put_nowait(event)
        return True
    while not page.empty():
        page.get_nowait()
    page.put_nowait(None)
    return False
