"""What became of a tracked secret, by what its host says. A 404 never means “received”; only the state itself does."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.onetime.wire import Metadata, SecretState
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import KnownEnd

NEWS: dict[SecretState, KnownEnd] = {
    SecretState.RECEIVED: "received",
    SecretState.BURNED: "burned",
    SecretState.EXPIRED: "expired",
    SecretState.ORPHANED: "orphaned",
}


class KnownSecret(Protocol):
    """What we know of it so far."""

    @property
    def id(self) -> str: ...

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def is_over(self) -> bool: ...


def find_change(tracked: KnownSecret, found: Metadata | None, now: datetime) -> Change | None:
    """What changed, if anything. Final states are final; what is not understood changes nothing.

    `found` is None when the host does not know it (any more).
    """
    if tracked.is_over:
        return None
    if found is None:
        # A host keeps what became of a secret for twice its life. Before its end an absence may pass; after it,
        # whether it was opened or not was to be read while nobody looked, and nothing is claimed.
        if tracked.expires_at is None or now < tracked.expires_at:
            return None
        return Change(tracked.id, "unknown", notification="unknown")
    state = found.state_at(now)
    if state in NEWS:
        return Change(tracked.id, NEWS[state], received_at=found.received, notification=NEWS[state])
    return None
