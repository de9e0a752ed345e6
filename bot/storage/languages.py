"""Which language a person reads: what Slack says of them, and what they chose in the settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, delete, insert, select

from bot.language import Language, read_language
from bot.person import Person
from bot.storage.engine.database import Database
from bot.storage.tables import languages, owned_by, owner, person_in

MAX_LOCALE = 35  # characters, which the longest tag of a locale has


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """The language that a person reads, and why."""

    locale: str | None = None  # as Slack spells it; None if Slack has said none
    chosen: Language | None = None  # in the settings, in place of Slack's

    @property
    def language(self) -> Language:
        return self.chosen or read_language(self.locale) or Language.EN


class StoredLanguages:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, person: Person) -> LanguageChoice | None:
        """None if nothing is known of this person."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(languages).where(owned_by(languages, person)))).one_or_none()
        return _read(row) if row else None

    async def all(self, most: int) -> dict[Person, LanguageChoice]:
        """The languages of so many people."""
        async with self._db.reading() as connection:
            return {person_in(row): _read(row) for row in (await connection.execute(select(languages).limit(most)))}

    async def set(self, person: Person, choice: LanguageChoice) -> None:
        """Replaces what was known."""
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "languages", *owner(person).values())
            await connection.execute(delete(languages).where(owned_by(languages, person)))
            locale = choice.locale[:MAX_LOCALE] if choice.locale else None
            await connection.execute(insert(languages).values(**owner(person), locale=locale, chosen=choice.chosen))


def _read(row: Row[tuple[str, ...]]) -> LanguageChoice:
    return LanguageChoice(row.locale, read_language(row.chosen))
