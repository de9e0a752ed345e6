"""The calls between the parts, in the order in which they ended: Slack to the bot, the bot to Slack and Onetime Secret.

What is shown of them is masked; the payloads themselves are kept here only to be masked when somebody looks.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.onetime import RequestRecord
from bot.sandbox.page.masking import masked, masked_text
from bot.sandbox.slack import AppDelivery, SentPayload

MOST = 300  # entries; older ones are forgotten
TITLE_MOST = 80  # characters


@dataclass(slots=True)
class TimelineEntry:
    """One call. `about` is a `AppDelivery`, a `SentPayload` or a `RequestRecord`, read when it is shown, not before."""

    number: int
    at: float  #: epoch seconds, by the wall
    about: AppDelivery | SentPayload | RequestRecord = field(repr=False)


class Timeline:
    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of  #: user id -> name
        self._entries: deque[TimelineEntry] = deque(maxlen=MOST)
        self._count = 0

    def add(self, about: AppDelivery | SentPayload | RequestRecord) -> int:
        """Keeps it; answers its number."""
        self._count += 1
        self._entries.append(TimelineEntry(self._count, time.time(), about))
        return self._count

    def shown(self, numbers: set[int] | None = None) -> list[dict[str, Any]]:
        """Those numbers, or all, oldest first, each in a line's worth."""
        return [self._line(one) for one in self._entries if numbers is None or one.number in numbers]

    def detail(self, number: int) -> dict[str, Any] | None:
        """What was sent and answered, masked; None if it is not kept any more."""
        found = next((one for one in self._entries if one.number == number), None)
        return None if found is None else _detail(found.about)

    def _line(self, entry: TimelineEntry) -> dict[str, Any]:
        match entry.about:
            case AppDelivery() as one:
                line = self._delivery(one)
            case SentPayload() as one:
                line = {"from": "bot", "to": "slack", "title": one.method, "outcome": one.verdict}
                line["ok"] = one.verdict == "ok"
            case RequestRecord() as one:
                line = _seen(one)
        return {"number": entry.number, "at": entry.at, **line}

    def _delivery(self, one: AppDelivery) -> dict[str, Any]:
        user = str(one.payload.get("user_id") or _id_of(one.payload.get("user")) or "")
        return {
            "from": "slack",
            "to": "bot",
            "who": self._name_of(user),
            "title": _title(one),
            "outcome": one.error or str(one.status or ""),
            "ok": one.ok,
            "ms": round(one.seconds * 1000, 1),
        }


def _id_of(user: Any) -> str:
    return str(user.get("id", "")) if isinstance(user, dict) else str(user or "")


def _title(one: AppDelivery) -> str:
    """The command without what may be secret in it, or the interaction and what it was aimed at."""
    payload = one.payload
    if one.kind == "slash_commands":
        return masked_text(f"{one.what} {payload.get('text', '')}".rstrip())[:TITLE_MOST]
    actions = [str(action.get("action_id", "")) for action in payload.get("actions", [])]
    aim = str((payload.get("view") or {}).get("callback_id", "")) or str(payload.get("callback_id", ""))
    return " ".join(part for part in (one.what, *(actions or [aim])) if part)[:TITLE_MOST]


def _seen(one: RequestRecord) -> dict[str, Any]:
    return {
        "from": "bot",
        "to": "onetime",
        "title": f"{one.method} {one.route}",
        "outcome": "no answer" if one.status is None else str(one.status),
        "ok": one.status is not None and one.status < 400,
    }


def _detail(about: AppDelivery | SentPayload | RequestRecord) -> dict[str, Any]:
    match about:
        case AppDelivery() as one:
            return {"sent": masked(one.payload), "answered": masked(_readable(one.answer))}
        case SentPayload() as one:
            return {"sent": masked(one.payload), "answered": one.verdict}
        case RequestRecord() as one:
            told = {"method": one.method, "route": one.route, "as": one.caller, "fault": one.fault}
            return {"sent": {name: value for name, value in told.items() if value}, "answered": one.status}


def _readable(answer: Any) -> Any:
    """JSON in a string as JSON, so that it is masked by its fields."""
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer)
    except ValueError:
        return answer
