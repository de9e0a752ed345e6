"""Calls by key, counted for all processes together: what is left for a watch, and when each secret was asked for.

One row for a watch, not one for each secret: a poll reads and writes it as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update

from bot.storage.engine.database import Database, now
from bot.storage.tables import key_calls, watches
from bot.storage.tracking.rows import Watch, is_held


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """The calls by key of one watch. Times are seconds since the epoch by the database's clock."""

    calls_left: float  # at `counted_at`
    counted_at: float
    watch_version: int = 0
    asked_at: Mapping[str, float] = field(default_factory=dict)  # by the id of the tracked row


class KeyCalls:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, watch: Watch) -> tuple[float, CountedCalls | None]:
        """The database's time, and what was counted; None before the first call."""
        query = select(now.label("now"), key_calls).select_from(
            watches.outerjoin(key_calls, key_calls.c.watch_id == watches.c.id)
        )
        async with self._db.reading() as connection:
            row = (await connection.execute(query.where(watches.c.id == watch.id))).one_or_none()
        if row is None or row.watch_id is None:
            return (0.0 if row is None else row.now), None
        return row.now, CountedCalls(row.calls_left, row.counted_at, row.watch_version, json.loads(row.asked_at))

    async def write(self, watch: Watch, counted: CountedCalls) -> bool:
        """Replace what was counted. False if the lease is not ours: then nothing may be asked for."""
        values = {
            "calls_left": counted.calls_left,
            "counted_at": counted.counted_at,
            "watch_version": counted.watch_version,
            "asked_at": json.dumps({row_id: round(at, 3) for row_id, at in counted.asked_at.items()}),
        }
        async with self._db.writing() as connection:
            ours = await connection.scalar(select(watches.c.id).where(is_held(watch)).with_for_update())
            if ours is None:
                return False
            replaced = update(key_calls).where(key_calls.c.watch_id == watch.id).values(values)
            if not (await connection.execute(replaced)).rowcount:
                await connection.execute(insert(key_calls).values(watch_id=watch.id, **values))
        return True
