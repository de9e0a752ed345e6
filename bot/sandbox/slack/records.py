"""What was called, sent and delivered, kept in order so that it can be searched. Printing one shows no content."""

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
    """One call of the Web API or a response_url. `error` is Slack's code, None if it was `ok`."""

    method: str
    at: float  #: seconds of the workspace's clock
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class SentPayload(NamedTuple):
    """One payload that the app sent to Slack: arguments of a call, or the answer to a delivery (`ack ...`).

    `verdict` is "ok" or the error that Slack answered.
    """

    method: str
    payload: Payload
    verdict: str

    def __repr__(self) -> str:
        return f"Sent({self.method}, {self.verdict})"


@dataclass(slots=True)
class AppDelivery:
    """One thing that Slack sent to the app, and what came of it.

    `kind` is Slack's name for the channel: slash_commands, interactive, events_api; `via` is http, socket,
    or nothing where there was nothing to send. `error` is what Slack makes of the outcome:
    operation_timeout, http_client_error, http_service_error, dispatch_failed, or the reason why the answer
    could not be shown. `shown` is what the person saw at once: the text of the answer, or the error.
    """

    kind: DeliveryKind
    payload: Payload = field(repr=False)
    via: Literal["nothing", "http", "socket"] = "nothing"
    body: bytes = field(default=b"", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None  #: of the HTTP answer; over Socket Mode 200 for an ack
    answer: Any = field(default=None, repr=False)  #: JSON, a string, or None for an empty one
    error: str | None = None
    shown: str | None = field(default=None, repr=False)
    seconds: float = 0.0  #: until the answer, by the wall

    @property
    def what(self) -> str:
        """The command, the type of the interaction, or the type of the event."""
        inner = self.payload.get("event", self.payload)
        return str(self.payload.get("command") or inner.get("type", ""))

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(slots=True)
class WorkspaceRecords:
    """Everything since the start, or since `forget`.

    What the app sent is also added to the file that `SANDBOX_PAYLOADS` names, if it does, one JSON object a line:
    for looking at all payloads of a test run. They hold what the app showed, secrets included.
    """

    calls: list[CallRecord] = field(default_factory=list)
    sent: list[SentPayload] = field(default_factory=list)
    deliveries: list[AppDelivery] = field(default_factory=list)

    def forget(self) -> None:
        self.write()
        for kept in (self.calls, self.sent, self.deliveries):
            kept.clear()

    def write(self) -> None:
        if (file := os.environ.get("SANDBOX_PAYLOADS")) and self.sent:
            with Path(file).open("a", encoding="utf-8") as lines:
                lines.writelines(json.dumps(one._asdict()) + "\n" for one in self.sent)
