"""One look at one account: what its host says, compared with what we knew.

The list of an account's recent secrets has no side effects and answers for all of them in one call. What it does
not name is asked for by key. A 404 never means “received”; only the state itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import HostTrouble, SecretGone
from bot.onetime.client import Caller, Onetime
from bot.onetime.wire import Metadata, State
from bot.secret import MetadataKey
from bot.storage.looks import Change
from bot.storage.tracked import NewTracked, Tracked
from bot.watch.schedule import remind_at

NEWS = {State.RECEIVED: "received", State.BURNED: "burned", State.EXPIRED: "expired", State.ORPHANED: "orphaned"}


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: what changed, and what else the account has that can still be opened."""

    changes: Sequence[Change]
    others: Sequence[NewTracked] = ()


async def look(onetime: Onetime, caller: Caller, tracked: Sequence[Tracked], now: datetime) -> Looked:
    """Ask the host about these. Raises `NotAuthorized`, `RateLimited`, `HostTrouble`; nothing is decided then."""
    listed: dict[MetadataKey, Metadata] = {}
    if caller.username is not None:
        listed = {one.key: one for one in await onetime.recent(caller)}
    changes = []
    for one in tracked:
        found = listed.get(one.key)
        if found is None or _may_live_on(found, now):
            found = await _ask(onetime, caller, one) or found
        change = decide(one, found, now)
        if change is not None:
            changes.append(change)
    known = {one.key for one in tracked}
    others = [_new(one) for one in listed.values() if one.key not in known and one.state_at(now).is_open]
    return Looked(changes, [one for one in others if one is not None])


def _may_live_on(listed: Metadata, now: datetime) -> bool:
    """Whether only the clock says that it is over. 0.25 prolongs what somebody looked at, and no list says that."""
    return listed.state.is_open and listed.state_at(now).is_over


async def _ask(onetime: Onetime, caller: Caller, tracked: Tracked) -> Metadata | None:
    """By key; None when the host does not know it (any more)."""
    try:
        found = await onetime.metadata(caller, tracked.key)
    except SecretGone:
        return None
    if found.key != tracked.key:
        raise HostTrouble("an answer about another secret")
    return found


def decide(tracked: Tracked, found: Metadata | None, now: datetime) -> Change | None:
    """What changed, if anything. Final states are final; what is not understood changes nothing."""
    if tracked.is_over:
        return None
    if found is None:
        # A host keeps what became of a secret for twice its life. Before its end an absence may pass; after it,
        # whether it was opened or not was to be read while nobody looked, and nothing is claimed.
        if tracked.expires_at is None or now < tracked.expires_at:
            return None
        return Change(tracked.id, "unknown", notice="unknown")
    state = found.state_at(now)
    if state in NEWS:
        return Change(tracked.id, NEWS[state], received_at=found.received, notice=NEWS[state])
    return _reminder(tracked, now) if state.is_open else None


def _reminder(tracked: Tracked, now: datetime) -> Change | None:
    if tracked.made_at is None or tracked.expires_at is None:
        return None
    if remind_at(tracked.made_at, tracked.expires_at) <= now < tracked.expires_at:
        return Change(tracked.id, None, notice="reminder")
    return None


def _new(found: Metadata) -> NewTracked | None:
    if found.created is None:
        return None
    return NewTracked(found.key, found.created, found.expires_at, passphrase_required=found.passphrase_required)
