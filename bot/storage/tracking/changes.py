"""Changes of tracked secrets: the new state and its notification are written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import new_id, notifications, owner, tracked
from bot.storage.tracking.rows import IS_OPEN, OVER, NotificationKind, TrackedState, WatchRef

IS_WAITING = and_(notifications.c.sent_at.is_(None), notifications.c.dead_letter.is_(None))  # it still has to be sent


@dataclass(frozen=True, slots=True)
class Change:
    """What a poll found out about one secret. `state` None leaves the state as it is, for a reminder."""

    tracked_id: str
    state: TrackedState | None
    received_at: datetime | None = None  # with a time zone
    notification: NotificationKind | None = None  # None: the person is not notified


async def apply_changes(connection: AsyncConnection, whose: WatchRef, changes: Sequence[Change], moment: float) -> None:
    """Write the changes and their notifications.

    The caller has locked the row of the watch, so nobody else writes notifications about its secrets.
    """
    rows = [
        notification_of_tracked(whose, change.notification, moment, change.tracked_id)
        for change in changes
        if await _change_row(connection, whose, change, moment) and change.notification
    ]
    if rows:
        asked = select(notifications.c.idempotency_key).where(
            notifications.c.idempotency_key.in_([row["idempotency_key"] for row in rows])
        )
        there = set((await connection.execute(asked)).scalars())
        if rows := list({row["idempotency_key"]: row for row in rows if row["idempotency_key"] not in there}.values()):
            await connection.execute(insert(notifications), rows)


async def _change_row(connection: AsyncConnection, whose: WatchRef, change: Change, moment: float) -> bool:
    """Whether the row was still open. The row is locked from here on, even if its state stays the same."""
    over = change.state in OVER
    values = {
        "state": tracked.c.state if change.state is None else change.state,
        "received_at": None if change.received_at is None else change.received_at.timestamp(),
        "over_at": moment if over else None,
        "reminded_at": moment if change.notification == "reminder" else tracked.c.reminded_at,
    }
    open_row = and_(tracked.c.id == change.tracked_id, tracked.c.watch_id == whose.watch_id, IS_OPEN)
    if not (await connection.execute(update(tracked).where(open_row).values(values))).rowcount:
        return False
    if over:
        await cancel_reminder(connection, change.tracked_id)
    return True


async def cancel_reminder(connection: AsyncConnection, tracked_id: str, *kinds: NotificationKind) -> None:
    """Delete the reminder that was not sent, and unsent notifications of these kinds, because the secret is over."""
    waits = and_(notifications.c.tracked_id == tracked_id, notifications.c.sent_at.is_(None))
    await connection.execute(delete(notifications).where(waits, notifications.c.kind.in_(("reminder", *kinds))))


def notification_of_tracked(whose: WatchRef, kind: NotificationKind, moment: float, tracked_id: str) -> dict[str, Any]:
    """A row of a notification about one secret. Its idempotency key allows one for each secret and kind."""
    return new_notification(whose, kind, f"{tracked_id}:{kind}", moment, tracked_id)


def new_notification(
    whose: WatchRef, kind: NotificationKind, idempotency_key: str, moment: float, tracked_id: str | None = None
) -> dict[str, Any]:
    """A row of a notification that is due at `moment`, in seconds since the epoch."""
    return {
        "id": new_id(),
        **owner(whose.person),
        "tracked_id": tracked_id,
        "host": whose.host,
        "kind": kind,
        "idempotency_key": idempotency_key,
        "created_at": moment,
        "due_at": moment,
        "tries": 0,
    }
