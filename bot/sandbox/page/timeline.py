"""The calls between Slack, the bot and Onetime Secret, in the order in which they ended.

Payloads are stored unmasked, and masked when the page asks for them.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.onetime import RequestRecord
from bot.sandbox.page.masking import mask, mask_text
from bot.sandbox.slack import AppDelivery, SentPayload

MAX_ENTRIES = 300  # older entries are dropped
MAX_TITLE = 80  # characters

_MENTION = re.compile(r"<([@#])[^|>]+\|([^>]+)>")


@dataclass(slots=True)
class TimelineEntry:
    """One call. The page shows the state that `about` has when the page asks, because `about` still changes."""

    number: int
    at: float  #: seconds since 1970, by the machine's clock
    about: AppDelivery | SentPayload | RequestRecord = field(repr=False)


class Timeline:
    """The last `MAX_ENTRIES` calls."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of  #: user id -> name
        self._entries: deque[TimelineEntry] = deque(maxlen=MAX_ENTRIES)
        self._count = 0

    def add(self, about: AppDelivery | SentPayload | RequestRecord) -> int:
        """Add a call. Returns its number."""
        self._count += 1
        self._entries.append(TimelineEntry(self._count, time.time(), about))
        return self._count

    def shown(self, numbers: set[int] | None = None) -> list[dict[str, Any]]:
        """The calls with these numbers, or all, oldest first, each as one line of the list."""
        return [self._line(one) for one in self._entries if numbers is None or one.number in numbers]

    def detail(self, number: int) -> dict[str, Any] | None:
        """The masked payloads of a call; None if the call was dropped."""
        found = next((one for one in self._entries if one.number == number), None)
        return None if found is None else _detail(found.about)

    def _line(self, entry: TimelineEntry) -> dict[str, Any]:
        match entry.about:
            case AppDelivery() as one:
                line = self._delivery(one, entry.at)
            case SentPayload() as one:
                line = {"from": "bot", "to": "slack", "title": one.method, "outcome": one.verdict}
                line["ok"] = one.verdict == "ok"
            case RequestRecord() as one:
                line = _request_line(one)
        return {"number": entry.number, "at": entry.at, "began": entry.at, **line}

    def _delivery(self, one: AppDelivery, at: float) -> dict[str, Any]:
        user = str(one.payload.get("user_id") or _user_id(one.payload.get("user")) or "")
        return {
            "from": "slack",
            "to": "bot",
            "began": at - one.seconds,
            "who": self._name_of(user),
            "title": _title(one),
            "outcome": one.error or str(one.status or ""),
            "ok": one.ok,
            "ms": round(one.seconds * 1000, 1),
        }


def _user_id(user: Any) -> str:
    return str(user.get("id", "")) if isinstance(user, dict) else str(user or "")


def _title(one: AppDelivery) -> str:
    """The command with masked text, or the interaction and its action ids or callback id."""
    payload = one.payload
    if one.kind == "slash_commands":
        text = _MENTION.sub(r"\1\2", str(payload.get("text", "")))
        return mask_text(f"{one.what} {text}".rstrip())[:MAX_TITLE]
    actions = [str(action.get("action_id", "")) for action in payload.get("actions", [])]
    aim = str((payload.get("view") or {}).get("callback_id", "")) or str(payload.get("callback_id", ""))
    return " ".join(part for part in (one.what, *(actions or [aim])) if part)[:MAX_TITLE]


def _request_line(one: RequestRecord) -> dict[str, Any]:
    return {
        "from": "bot",
        "to": "onetime",
        "title": f"{one.method} {one.route.removeprefix('/api/')}",
        "outcome": "no answer" if one.status is None else str(one.status),
        "ok": one.status is not None and one.status < 400,
    }


def _detail(about: AppDelivery | SentPayload | RequestRecord) -> dict[str, Any]:
    match about:
        case AppDelivery() as one:
            return {"sent": mask(one.payload), "answered": mask(_parse_json(one.answer))}
        case SentPayload() as one:
            return {"sent": mask(one.payload), "answered": one.verdict}
        case RequestRecord() as one:
            facts = {"method": one.method, "route": one.route, "as": one.caller, "fault": one.fault}
            return {"sent": {name: value for name, value in facts.items() if value}, "answered": one.status}


def _parse_json(answer: Any) -> Any:
    """Parse an answer that is JSON in a string, so that its fields can be masked."""
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer)
    except ValueError:
        return answer
