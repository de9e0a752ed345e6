"""Which notifications a person wants. Without a row the person wants all of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import delete, insert, select

from bot.errors import StorageUnavailable
from bot.person import Person
from bot.storage.engine.database import Database
from bot.storage.tables import owned_by, owner, preferences
from bot.storage.tracking.rows import KnownEnd, NotificationKind

# The kinds of notifications that can be switched off one by one.
KINDS: Final[tuple[KnownEnd, ...]] = ("received", "burned", "expired", "orphaned")


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    notifications: frozenset[KnownEnd] = frozenset(KINDS)
    reminders: bool = True
    names: bool = True  # push notifications name the secret

    @classmethod
    def of(cls, notifications: Collection[str], *, reminders: bool, names: bool = True) -> Self:
        """The kinds by their names. A name that is not in `KINDS` is left out."""
        return cls(frozenset(kind for kind in KINDS if kind in notifications), reminders, names)

    def wants(self, kind: NotificationKind) -> bool:
        """Whether the person wants a notification of this kind. `reconnect` and `card` are always wanted.

        `unknown` (the host has forgotten what became of a secret) is wanted if the person wants any kind in `KINDS`.
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
        query = select(preferences).where(owned_by(preferences, person))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return (
            NotificationPreferences.of(row.notifications.split(","), reminders=row.reminders, names=row.names)
            if row
            else NotificationPreferences()
        )

    async def set(self, person: Person, prefs: NotificationPreferences) -> None:
        """Replaces what the person chose before."""
        notifications = ",".join(kind for kind in KINDS if kind in prefs.notifications)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "preferences", *owner(person).values())
            await connection.execute(delete(preferences).where(owned_by(preferences, person)))
            await connection.execute(
                insert(preferences).values(
                    **owner(person), notifications=notifications, reminders=prefs.reminders, names=prefs.names
                )
            )

    async def hides_names(self, person: Person) -> bool:
        """Whether push notifications to the person name no secret. Raises nothing: not known means that they do not."""
        try:
            return not (await self.of(person)).names
        except StorageUnavailable:
            return True
