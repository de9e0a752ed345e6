"""Who has the app's Home tab, what each one shows, and since when: Slack tells no app whether it is still open."""

# ruff: noqa: A002 - Slack's word for it is hash
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, and_, delete, insert, select, update

from bot.person import Person
from bot.storage.engine.database import Database, is_older, is_within, now
from bot.storage.tables import homes, owned_by, owner, person_in

WATCHED: Final = 3_600.0  # seconds after it was opened or used in which a Home is kept up to date
PAUSE: Final = 3.0  # seconds between two publications of one Home
KEPT: Final = 86_400.0  # seconds
MAX_HASH: Final = 64  # characters

_IS_OPEN = is_within(homes.c.opened_at, WATCHED)
_IS_RECENT = is_within(homes.c.published_at, PAUSE)


@dataclass(frozen=True, slots=True)
class Home:
    """The Home tab of one person. Pages count from 0."""

    person: Person
    install_team: str | None  # the workspace or organisation that the app is installed in
    hash: str | None  # Slack's, of what it shows; None: not known
    tracked_page: int
    recent_page: int
    recent_filter: str


class Homes:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open(self, person: Person, install_team: str | None) -> None:
        """The person has opened their Home: it shows the first pages."""
        first = {"tracked_page": 0, "recent_page": 0, "recent_filter": "all", "install_team": install_team}
        again = update(homes).where(owned_by(homes, person)).values(opened_at=now, **first)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "homes", *owner(person).values())
            if not (await connection.execute(again)).rowcount:
                await connection.execute(insert(homes).values(**owner(person), opened_at=now, **first))

    async def touch(self, person: Person) -> None:
        """The person has used their Home: it is kept up to date for `WATCHED` from now on."""
        await self.show(person)

    async def show(
        self,
        person: Person,
        *,
        tracked_page: int | None = None,
        recent_page: int | None = None,
        recent_filter: str | None = None,
    ) -> None:
        """Show other pages from now on. None leaves a page or the filter as it is."""
        given = {"tracked_page": tracked_page, "recent_page": recent_page, "recent_filter": recent_filter}
        values = {name: value for name, value in given.items() if value is not None}
        async with self._db.writing() as connection:
            await connection.execute(update(homes).where(owned_by(homes, person)).values(opened_at=now, **values))

    async def claim(self, person: Person) -> Home | float | None:
        """The person's Home for whoever may publish it now: one caller in `PAUSE` seconds.

        For everybody else the seconds to wait. None if the person has not had it open within `WATCHED`.
        """
        is_open = and_(owned_by(homes, person), _IS_OPEN)
        query = select(_IS_RECENT.label("is_recent"), (homes.c.published_at + PAUSE - now).label("wait"))
        async with self._db.reading() as connection:  # most people have none open: that must not lock anything
            known = (await connection.execute(query.where(is_open))).one_or_none()
        if known is None:
            return None
        if known.is_recent:
            return min(PAUSE, max(0.0, float(known.wait)))
        claimed = update(homes).where(is_open, homes.c.published_at.is_(None) | ~_IS_RECENT)
        async with self._db.writing() as connection:
            row = (await connection.execute(claimed.values(published_at=now).returning(homes))).one_or_none()
        return PAUSE if row is None else _home(row)

    async def mark_published(self, person: Person, hash: str | None) -> None:
        """Slack shows it since now, with this hash. A hash that is longer than any of Slack's counts as not known."""
        known = hash if hash is not None and len(hash) <= MAX_HASH else None
        async with self._db.writing() as connection:
            await connection.execute(update(homes).where(owned_by(homes, person)).values(published_at=now, hash=known))

    async def of(self, person: Person) -> Home | None:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(homes).where(owned_by(homes, person)))).one_or_none()
        return None if row is None else _home(row)

    async def all_open(self) -> list[Person]:
        """Everybody who has had their Home open within `WATCHED`."""
        async with self._db.reading() as connection:
            return [person_in(row) for row in (await connection.execute(select(homes).where(_IS_OPEN))).all()]

    async def purge(self) -> int:
        """Delete what was not opened for `KEPT`. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(homes).where(is_older(homes.c.opened_at, KEPT)))).rowcount


def _home(row: Row[Any]) -> Home:
    return Home(person_in(row), row.install_team, row.hash, row.tracked_page, row.recent_page, row.recent_filter)
