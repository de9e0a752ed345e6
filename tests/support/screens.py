"""The windows, messages and Home tabs that the bot sent, from dumps of payloads: each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Payload = dict[str, Any]
ScreenKind = Literal["modal", "home", "message"]

_UNSEEN = {
    *("block_id", "action_id", "value", "private_metadata", "callback_id", "metadata", "external_id"),
    *("type", "accessibility_label", "initial_value", "initial_date", "initial_time", "initial_date_time"),
}
_DIFFERS = (  # what differs from run to run, or from reader to reader, and a word for it
    (r"<!date\^[^>]*>", "date"),
    (r"<[@#]\w+>", "who"),
    (r"<[^>]*>", "link"),
    (r"“[^”]*”|„[^“]*“|«[^»]*»", "name"),
    (r"`[^`]*`", "code"),
    (r"\b[\w-]+(\.[\w-]+)+(:\d+)?\b", "host"),
    (r"\b(?=[a-z]*\d)[0-9a-z]{6,}\b", "key"),
    (r"\d+", "0"),
)
_POSTS = ("drawn message", "chat.postMessage", "chat.postEphemeral", "chat.update", "response_url", "ack /")
_KNOWN_PEOPLE = ("U0ADA", "U0BEN", "U0CLEO")


@dataclass(frozen=True)
class Screen:
    """A view, or the text and blocks of a message."""

    kind: ScreenKind
    payload: Payload = field(repr=False)
    language: str = "en"


def read_screens(lines: Iterable[Payload]) -> list[Screen]:
    """The screens among sent payloads, as the sandbox or drawn_screens.py writes them. Each has a text that the others
    of its kind and language have not: the largest are taken first.
    """
    sent = {json.dumps([line["payload"], line.get("language")]): line for line in lines if line["verdict"] == "ok"}
    found: list[Screen] = []
    seen: set[tuple[str, ...]] = set()
    for _, line in sorted(sent.items(), key=lambda one: -len(one[0])):
        screen = _read(line["method"], line["payload"], line.get("language", "en"))
        if screen is None:
            continue
        texts = {(screen.kind, screen.language, *one) for one in _texts(line, screen)}
        if not texts <= seen:
            found.append(screen)
            seen |= texts
    return found


def _texts(line: Payload, screen: Screen) -> Iterable[tuple[str, ...]]:
    """The texts of the catalogue, where drawn_screens.py wrote them down; else what a person sees, and where."""
    if "texts" in line:
        return [("", str(context), text) for text, context in line["texts"]]
    return _visible(screen.payload, "")


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


def _visible(value: Any, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            kind = value.get("type", place)
            for name, inner in value.items():
                if name not in _UNSEEN and not (name == "text" and value.get("blocks")):
                    yield from _visible(inner, f"{kind} {name}")
        case list():
            for inner in value:
                yield from _visible(inner, place)
        case str():
            for pattern, word in _DIFFERS:
                value = re.sub(pattern, word, value)
            yield place, value
