"""The windows, messages and Home tabs that the bot sent, from dumps of payloads: each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Payload = dict[str, Any]
ScreenKind = Literal["modal", "home", "message"]

_UNSEEN = {"block_id", "action_id", "value", "private_metadata", "callback_id", "metadata", "external_id"}
_POSTS = ("drawn message", "chat.postMessage", "chat.postEphemeral", "chat.update", "response_url", "ack /")
_KNOWN_PEOPLE = ("U0ADA", "U0BEN", "U0CLEO")


@dataclass(frozen=True)
class Screen:
    """A view, or the text and blocks of a message."""

    kind: ScreenKind
    payload: Payload = field(repr=False)
    language: str = "en"

    @property
    def looks(self) -> str:
        """What a person sees of the screen, without what differs from run to run: equal for screens that look alike."""
        return f"{self.kind} {json.dumps(_visible(self.payload), sort_keys=True)}"


def read_screens(lines: Iterable[Payload]) -> list[Screen]:
    """The screens among sent payloads, as the sandbox or drawn_screens.py writes them. Of those alike, the first."""
    found: dict[str, Screen] = {}
    for line in lines:
        if line["verdict"] == "ok" and (screen := _read(line["method"], line["payload"], line.get("language", "en"))):
            found.setdefault(screen.looks, screen)
    return list(found.values())


def _read(method: str, payload: Any, language: str) -> Screen | None:
    if not isinstance(payload, dict):
        return None
    view = _decoded(payload.get("view"))
    if isinstance(view, dict) and "blocks" in view:
        return Screen("home" if view.get("type") == "home" else "modal", _with_known_people(view), language)
    blocks = _decoded(payload.get("blocks")) or []
    if method.startswith(_POSTS) and (blocks or payload.get("text")):
        shown = {"text": payload.get("text", ""), "blocks": blocks}
        return Screen("message", _with_known_people(shown), language)
    return None


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _with_known_people(payload: Payload) -> Payload:
    """The payload with people and channels that exist where it is shown."""

    def known(found: re.Match[str]) -> str:
        return next((one for one in _KNOWN_PEOPLE if found[0].startswith(one)), _KNOWN_PEOPLE[-1])

    text = re.sub(r"\bU0[A-Z0-9]{2,}\b", known, json.dumps(payload))
    result: Payload = json.loads(re.sub(r"\bC0[A-Z0-9]{2,}\b", "C0TEAM", text))
    return result


def _visible(value: Any) -> Any:
    match value:
        case dict():
            return {name: _visible(inner) for name, inner in value.items() if name not in _UNSEEN}
        case list():
            return [_visible(inner) for inner in value]
        case str():
            return re.sub(r"\d+", "0", re.sub(r"\b[0-9a-z]{12,}\b", "key", value))
        case _:
            return value
