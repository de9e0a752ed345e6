"""Finds out what changed about a tracked secret. A 404 never means “received”: only a state that says so does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bot.onetime.wire import Metadata, SecretState
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import KnownEnd

KNOWN_ENDS: Mapping[SecretState, KnownEnd] = {
    SecretState.RECEIVED: "received",
    SecretState.BURNED: "burned",
    SecretState.EXPIRED: "expired",
    SecretState.ORPHANED: "orphaned",
}


class KnownSecret(Protocol):
    """What we know of a tracked secret so far."""

    @property
    def id(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def is_over(self) -> bool: ...


def find_change(tracked: KnownSecret, found: Metadata | None, now: datetime) -> Change | None:
    """The change from what we know to what the host says at `now` (UTC); None if nothing changed.

    A final state never changes, and an unknown word for a state changes nothing. `found` is None if the host does not
    know the secret, or not any more.
    """
    if tracked.is_over:
        return None
    if found is None:
        # A host keeps the metadata for twice the secret's life. Missing metadata before the end of that life may be
        # temporary. After the end, nobody polled while the host still knew the outcome, so the outcome is unknown.
        if tracked.expires_at is None or now < tracked.expires_at:
            return None
        return Change(tracked.id, "unknown", notification="unknown")
    end = KNOWN_ENDS.get(found.state_at(now))
    return None if end is None else Change(tracked.id, end, received_at=found.received, notification=end)
