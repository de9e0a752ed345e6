"""What this process counts and times, for `GET /metrics` on ADMIN_PORT. Prometheus reads it.

Every label has a fixed list of values, and anything else is counted as "other". So no label can hold the id of a
person, a workspace or a secret, and the number of series is bounded. Names of encryption keys are the operator's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from bot.policy.rules import RULES

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
OTHER: Final = "other"

KINDS: Final = frozenset({
    "command", "action", "form", "closed", "shortcut", "message_shortcut", "event", "options", "function",
})  # fmt: skip
OUTCOMES: Final = frozenset({
    "shown", "done", "partly_done", "opened", "refused", "nothing_sent", "unknown", "window_closed", "unavailable",
    "crashed",
})  # fmt: skip
SLACK_METHODS: Final = frozenset({
    "auth.test", "bots.info", "apps.connections.open", "apps.uninstall", "oauth.v2.access", "views.open", "views.push",
    "views.update", "views.publish", "conversations.open", "chat.postMessage", "chat.update", "chat.unfurl",
    "chat.delete", "chat.getPermalink", "functions.completeSuccess", "functions.completeError", "users.info",
    "response_url",
})  # fmt: skip
SLACK_OUTCOMES: Final = frozenset({
    "ok", "recipient", "message", "workspace", "now", "unknown", "window_closed", "view_changed", "ratelimited",
})  # fmt: skip
ONETIME_OPERATIONS: Final = frozenset({
    "reveal", "metadata", "secret_status", "recent", "burn", "share", "generate", "authcheck", "status",
})  # fmt: skip
ONETIME_OUTCOMES: Final = frozenset({
    "ok", "gone", "not_authorized", "rate_limited", "refused", "nothing_sent", "unavailable",
})  # fmt: skip
DENIALS: Final = frozenset({"not_a_member", "not_theirs", "limit", "host", *RULES})

_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)  # seconds: Slack gives 3
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)  # seconds


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """What only the database knows, at one moment."""

    notifications_due: int
    notifications_dead: int
    watch_lag: float  # seconds that the poll which is most overdue is late
    key_rows: Mapping[str, int] = field(default_factory=dict)  # sealed values by the encryption key that they need


ReadFigures = Callable[[], Awaitable[StoredFigures | None]]  # None: the database did not answer in time


class Metrics:
    """The counters of one process. Nothing here raises, waits or keeps a value that it was not given."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series: twice as many
        self._registry = CollectorRegistry(auto_describe=True)
        self._acks = self._histogram("acks", "Time from a payload to its acknowledgement.", ("kind",), _QUICK)
        self._acts = self._counter("acts", "What people did, and its outcome.", ("kind", "outcome"))
        self._slack = self._histogram("slack_calls", "Calls to Slack.", ("method", "outcome"), _SLOW)
        self._onetime = self._histogram("onetime_calls", "Calls to Onetime Secret.", ("operation", "outcome"), _SLOW)
        self._notifications = self._counter("notifications", "Notifications that were sent or given up.", ("outcome",))
        self._reveals = self._counter("reveals", "Tries to open a secret here, and their outcome.", ("outcome",))
        self._lost = self._counter("reveal_lost_reported", "Secrets that may be lost, which was said to their person.")
        self._denials = self._counter("denials", "What was refused to a person, by the rule.", ("rule",))
        self._cards_dropped = self._counter("cards_dropped", "Cards under links that waited for too long.")
        self._due = self._gauge("notifications_due", "Notifications that are due and not sent.")
        self._dead = self._gauge("notifications_dead", "Notifications that were given up.")
        self._lag = self._gauge("watch_lag_seconds", "How late the poll is that is most overdue.")
        self._key_rows = self._gauge("key_rows", "Values that need each encryption key.", ("key",))
        self._database_up = self._gauge("database_up", "1 if the database answered this scrape, 0 if not.")

    def _counter(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"ots_bot_{name}", says, labels, registry=self._registry)

    def _gauge(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"ots_bot_{name}", says, labels, registry=self._registry)

    def _histogram(self, name: str, says: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"ots_bot_{name}_seconds", says, labels, buckets=buckets, registry=self._registry)

    # --- what is counted

    def ack(self, kind: str, seconds: float) -> None:
        """A payload was acknowledged."""
        self._acks.labels(_known(kind, KINDS)).observe(seconds)

    def act(self, kind: str, outcome: str) -> None:
        """Something that a person did has ended."""
        self._acts.labels(_known(kind, KINDS), _known(outcome, OUTCOMES)).inc()

    def slack_call(self, method: str, outcome: str, seconds: float) -> None:
        self._slack.labels(_known(method, SLACK_METHODS), _known(outcome, SLACK_OUTCOMES)).observe(seconds)

    def onetime_call(self, operation: str, outcome: str, seconds: float) -> None:
        """A call with all its tries."""
        labels = (_known(operation, ONETIME_OPERATIONS), _known(outcome, ONETIME_OUTCOMES))
        self._onetime.labels(*labels).observe(seconds)

    def notification(self, outcome: str) -> None:
        """`outcome` is sent or dead."""
        self._notifications.labels(_known(outcome, frozenset({"sent", "dead"}))).inc()

    def reveal(self, outcome: str) -> None:
        self._reveals.labels(_known(outcome, OUTCOMES)).inc()

    def reveal_lost(self) -> None:
        self._lost.inc()

    def denial(self, rule: str) -> None:
        self._denials.labels(_known(rule, DENIALS)).inc()

    def card_dropped(self) -> None:
        self._cards_dropped.inc()

    # --- what is shown

    def expose(self, figures: StoredFigures | None) -> bytes:
        """All of it in Prometheus' text format. Without `figures` what the database knows is left as it was."""
        self._database_up.set(0 if figures is None else 1)
        if figures is not None:
            self._due.set(figures.notifications_due)
            self._dead.set(figures.notifications_dead)
            self._lag.set(figures.watch_lag)
            self._key_rows.clear()
            for key, rows in figures.key_rows.items():
                self._key_rows.labels(key).set(rows)
        return generate_latest(self._registry)


def _known(value: str, values: frozenset[str]) -> str:
    return value if value in values else OTHER
