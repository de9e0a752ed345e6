"""What became of tracked secrets: the new state and the notice that tells it, written together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.person import Person
from bot.storage.tables import new_id, notices, owner, tracked
from bot.storage.tracked import IS_OPEN, OVER

WAITS = and_(notices.c.sent_at.is_(None), notices.c.parked.is_(None))  # to be told


@dataclass(frozen=True, slots=True)
class Change:
    """What a look found out about one secret. `state` None leaves it as it is, for a reminder."""

    tracked_id: str
    state: str | None
    received_at: datetime | None = None  # with a zone
    notice: str | None = None  # the kind, if the person is to be told


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose secrets changed, and where: one watch."""

    watch_id: str
    person: Person
    host: str  #: canonical base URL


async def apply(connection: AsyncConnection, whose: Whose, changes: Sequence[Change], moment: float) -> int:
    """How many rows changed. The row of the watch must be locked: then nobody else writes notices of these rows."""
    rows, changed = [], 0
    for change in changes:
        if not await _changed(connection, whose, change, moment):
            continue
        changed += 1
        if change.notice:
            rows.append(of_tracked(whose, change.notice, moment, change.tracked_id))
    if rows:
        asked = select(notices.c.once).where(notices.c.once.in_([row["once"] for row in rows]))
        there = set((await connection.execute(asked)).scalars())
        if rows := list({row["once"]: row for row in rows if row["once"] not in there}.values()):
            await connection.execute(insert(notices), rows)
    return changed


async def _changed(connection: AsyncConnection, whose: Whose, change: Change, moment: float) -> bool:
    """Whether the row was still open. It is locked from here on, even if its state stays."""
    over = change.state in OVER
    values = {
        "state": tracked.c.state if change.state is None else change.state,
        "received_at": None if change.received_at is None else change.received_at.timestamp(),
        "over_at": moment if over else None,
        "reminded_at": moment if change.notice == "reminder" else tracked.c.reminded_at,
    }
    open_row = and_(tracked.c.id == change.tracked_id, tracked.c.watch_id == whose.watch_id, IS_OPEN)
    if not (await connection.execute(update(tracked).where(open_row).values(values))).rowcount:
        return False
    if over:
        await unremind(connection, change.tracked_id)
    return True


async def unremind(connection: AsyncConnection, tracked_id: str, *kinds: str) -> None:
    """Take back what was not sent: a reminder of what is over would be wrong."""
    waits = and_(notices.c.tracked_id == tracked_id, notices.c.sent_at.is_(None))
    await connection.execute(delete(notices).where(waits, notices.c.kind.in_(("reminder", *kinds))))


def of_tracked(whose: Whose, kind: str, moment: float, tracked_id: str) -> dict[str, Any]:
    """The values of a notice about one secret: one for each secret and kind."""
    return notice(whose, kind, f"{tracked_id}:{kind}", moment, tracked_id)


def notice(whose: Whose, kind: str, once: str, moment: float, tracked_id: str | None = None) -> dict[str, Any]:
    return {
        "id": new_id(),
        **owner(whose.person),
        "tracked_id": tracked_id,
        "host": whose.host,
        "kind": kind,
        "once": once,
        "created_at": moment,
        "due_at": moment,
        "tries": 0,
    }
