"""The states of installations that somebody has begun in a browser: each can be used once, within minutes."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from sqlalchemy import delete, func, insert, select

from bot.errors import LimitReached
from bot.storage.engine.database import Database, now
from bot.storage.tables import oauth_states

LIVES: Final = 600.0  # seconds
MAX_STATES: Final = 10_000  # at one time: anybody can begin an installation
RETRY: Final = 60.0  # seconds


class OAuthStates:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def issue(self) -> str:
        """A new state. Raises `LimitReached` while too many are waiting."""
        state = secrets.token_urlsafe(32)
        async with self._db.writing() as connection:
            await connection.execute(delete(oauth_states).where(oauth_states.c.expires_at <= now))
            if (await connection.scalar(select(func.count()).select_from(oauth_states)) or 0) >= MAX_STATES:
                raise LimitReached("installation", RETRY)
            await connection.execute(insert(oauth_states).values(digest=_digest(state), expires_at=now + LIVES))
        return state

    async def consume(self, state: str) -> bool:
        """Whether the state was issued, within `LIVES`, and not used before. It cannot be used again."""
        waiting = (oauth_states.c.digest == _digest(state), oauth_states.c.expires_at > now)
        async with self._db.writing() as connection:
            return bool((await connection.execute(delete(oauth_states).where(*waiting))).rowcount)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()
