"""Finds out what changed about a tracked secret. A 404 never means “received”: only a state that says so does."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.onetime.wire import Metadata, SecretState
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import KnownEnd

TRACKED_STATES: dict[SecretState, KnownEnd] = {
    SecretState.RECEIVED: "received",
    SecretState.BURNED: "burned",
    SecretState.EXPIRED: "expired",
    SecretState.ORPHANED: "orphaned",
}


class KnownSecret(Protocol):
    """What is stored about a secret."""

    @property
    def id(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def is_over(self) -> bool: ...


def find_change(tracked: KnownSecret, found: Metadata | None, now: datetime) -> Change | None:
    """What changed, if anything. A final state stays, and an unknown state changes nothing.

    `found` is None if the host does not know the secret (any more).
    """
    if tracked.is_over:
        return None
    if found is None:
        # A host keeps the metadata for twice the life of the secret. Before the secret expires, its absence may pass.
        # Afterwards the metadata was there and gone between two polls, so nobody knows whether it was opened.
        if tracked.expires_at is None or now < tracked.expires_at:
            return None
        return Change(tracked.id, "unknown", notification="unknown")
    state = found.state_at(now)
    if state in TRACKED_STATES:
        return Change(tracked.id, TRACKED_STATES[state], received_at=found.received, notification=TRACKED_STATES[state])
    return None
