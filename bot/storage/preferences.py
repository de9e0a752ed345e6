"""What a person wants to be told. Who never said anything is told everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select

from bot.person import Person
from bot.storage.engine.database import Database
from bot.storage.tables import owned_by, owner, preferences

KINDS: Final = (
    "received",
    "burned",
    "expired",
    "orphaned",
)  # kinds of notifications that can be switched off one by one


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    notifications: frozenset[str] = frozenset(KINDS)
    reminders: bool = True

    def wants(self, kind: str) -> bool:
        """Whether a notification of this kind is wanted. One that asks to reconnect always is.

        That a host has forgotten what became of a secret is news for whoever wants any news of secrets.
        """
        match kind:
            case "reminder":
                return self.reminders
            case "unknown":
                return bool(self.notifications)
            case _:
                return kind in self.notifications or kind not in KINDS


class Preferences:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, person: Person) -> NotificationPreferences:
        query = select(preferences.c.notifications, preferences.c.reminders).where(owned_by(preferences, person))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return (
            NotificationPreferences(frozenset(filter(None, row.notifications.split(","))), row.reminders)
            if row
            else NotificationPreferences()
        )

    async def set(self, person: Person, prefs: NotificationPreferences) -> None:
        """What is not among `NEWS` is left out."""
        notifications = ",".join(kind for kind in KINDS if kind in prefs.notifications)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "preferences", *owner(person).values())
            await connection.execute(delete(preferences).where(owned_by(preferences, person)))
            await connection.execute(
                insert(preferences).values(**owner(person), notifications=notifications, reminders=prefs.reminders)
            )
