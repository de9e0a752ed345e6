"""What a person wants to be told. Who never said anything is told everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select

from bot.person import Person
from bot.storage.database import Database
from bot.storage.tables import owned_by, owner, preferences

NEWS: Final = ("received", "burned", "expired", "orphaned")  # kinds of notices that can be switched off one by one


@dataclass(frozen=True, slots=True)
class Prefs:
    news: frozenset[str] = frozenset(NEWS)
    reminders: bool = True

    def want(self, kind: str) -> bool:
        """Whether a notice of this kind is wanted. One that asks to reconnect always is.

        That a host has forgotten what became of a secret is news for whoever wants any news of secrets.
        """
        match kind:
            case "reminder":
                return self.reminders
            case "unknown":
                return bool(self.news)
            case _:
                return kind in self.news or kind not in NEWS


class Preferences:
    """All methods raise `StorageTrouble`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, person: Person) -> Prefs:
        query = select(preferences.c.news, preferences.c.reminders).where(owned_by(preferences, person))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Prefs(frozenset(filter(None, row.news.split(","))), row.reminders) if row else Prefs()

    async def set(self, person: Person, prefs: Prefs) -> None:
        """What is not among `NEWS` is left out."""
        news = ",".join(kind for kind in NEWS if kind in prefs.news)
        async with self._db.writing() as connection:
            await self._db.one_at_a_time(connection, "preferences", *owner(person).values())
            await connection.execute(delete(preferences).where(owned_by(preferences, person)))
            await connection.execute(insert(preferences).values(**owner(person), news=news, reminders=prefs.reminders))
