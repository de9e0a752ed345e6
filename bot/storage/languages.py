"""Which language a person reads: what Slack says of them, and what they chose in the settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, insert, select, update

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

    async def set_locale(self, person: Person, locale: str | None) -> LanguageChoice:
        """Slack has said this locale. Returns it with what the person has chosen."""
        return await self._set(person, locale=locale[:MAX_LOCALE] if locale else None)

    async def set_chosen(self, person: Person, chosen: Language | None) -> LanguageChoice:
        """The person has chosen this language, or Slack's. Returns it with the locale that is known."""
        return await self._set(person, chosen=chosen)

    async def _set(self, person: Person, **values: str | None) -> LanguageChoice:
        own = owned_by(languages, person)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "languages", *owner(person).values())
            changed = await connection.execute(update(languages).where(own).values(**values))
            if changed.rowcount == 0:
                await connection.execute(insert(languages).values(**owner(person), **values))
            return _read((await connection.execute(select(languages).where(own))).one())


def _read(row: Row[tuple[str, ...]]) -> LanguageChoice:
    return LanguageChoice(row.locale, read_language(row.chosen))
