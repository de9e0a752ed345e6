"""What metrics ask the database at a scrape."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from sqlalchemy import func, select

from bot.errors import StorageUnavailable
from bot.metrics import StoredFigures
from bot.storage.engine.database import Database, now
from bot.storage.sealing.key_checks import count_by_kid
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import notifications, watches

ANSWER_WITHIN: Final = 2.0  # seconds: a scrape waits for no more
COUNTED_FOR: Final = 300.0  # seconds until the values of each key are counted again: that reads every table


class Figures:
    def __init__(self, db: Database, sealer: Sealer, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock
        self._key_rows: Counter[str] = Counter()
        self._counted_at: float | None = None

    async def read(self) -> StoredFigures | None:
        """None if the database does not answer in time."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._read()
        except (StorageUnavailable, TimeoutError):
            return None

    async def _read(self) -> StoredFigures:
        waiting = (notifications.c.sent_at.is_(None), notifications.c.dead_letter.is_(None))
        due = select(func.count()).select_from(notifications).where(*waiting, notifications.c.due_at <= now)
        dead = select(func.count()).select_from(notifications)
        dead = dead.where(notifications.c.dead_letter.is_not(None), notifications.c.sent_at.is_(None))
        late = select(func.max(now - watches.c.next_poll_at)).where(watches.c.paused.is_(None))
        async with self._db.snapshot() as connection:
            figures = (
                await connection.scalar(due) or 0,
                await connection.scalar(dead) or 0,
                max(0.0, await connection.scalar(late) or 0.0),
            )
            if self._counted_at is None or self._clock() - self._counted_at >= COUNTED_FOR:
                self._key_rows = await count_by_kid(connection, self._sealer.keyring.kids)
                self._counted_at = self._clock()
        return StoredFigures(*figures, dict(self._key_rows))
