"""Records of calls, sent payloads and deliveries, in order. The `repr` of a record shows no content."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bot.sandbox.slack.model import Payload

DeliveryKind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of the Web API or of a response_url. `error` is Slack's code, None for `ok`."""

    method: str
    at: float  #: seconds of the workspace's clock
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class SentPayload(NamedTuple):
    """One payload that the app sent to Slack. `method` is a method, or `ack ...` for the answer to a delivery.

    `verdict` is "ok" or the error that Slack answered.
    """

    method: str
    payload: Payload
    verdict: str

    def __repr__(self) -> str:
        return f"Sent({self.method}, {self.verdict})"


@dataclass(slots=True)
class AppDelivery:
    """One payload that Slack sent to the app, with the app's answer.

    `via` is "nothing" if there was nothing to send. `error` is Slack's name for a failure: operation_timeout,
    http_client_error, http_service_error, dispatch_failed, or why the answer could not be shown. `shown` is what the
    person saw at once: the text of the answer, or the error.
    """

    kind: DeliveryKind
    payload: Payload = field(repr=False)
    via: Literal["nothing", "http", "socket"] = "nothing"
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None  #: the HTTP status; 200 for an ack over Socket Mode
    answer: Any = field(default=None, repr=False)  #: JSON, a string, or None for an empty body
    error: str | None = None
    shown: str | None = field(default=None, repr=False)
    seconds: float = 0.0  #: real seconds until the answer

    @property
    def what(self) -> str:
        """The command, the type of the interaction, or the type of the event."""
        event = self.payload.get("event")
        inner = event if isinstance(event, dict) else self.payload
        return str(self.payload.get("command") or inner.get("type", ""))

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(slots=True)
class WorkspaceRecords:
    """All records since the start or the last `forget`.

    With the environment variable `SANDBOX_PAYLOADS`, all payloads that the app sent are appended to the file of that
    name, one JSON object on a line. Use it to look at all payloads of a test run. The file holds secrets.
    """

    calls: list[CallRecord] = field(default_factory=list)
    sent: list[SentPayload] = field(default_factory=list)
    deliveries: list[AppDelivery] = field(default_factory=list)

    def forget(self) -> None:
        self.write()
        for records in (self.calls, self.sent, self.deliveries):
            records.clear()

    def write(self) -> None:
        if (file := os.environ.get("SANDBOX_PAYLOADS")) and self.sent:
            with Path(file).open("a", encoding="utf-8") as lines:
                lines.writelines(json.dumps(one._asdict()) + "\n" for one in self.sent)
