"""People of whom something is stored, over all tables: who they are, and erasing what belongs to one of them."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Table, and_, delete, select, union, update

from bot.person import Person
from bot.storage.audit.store import AuditStore
from bot.storage.engine.database import Database, now
from bot.storage.tables import (
    OWNER,
    accounts,
    audit_keys,
    button_contexts,
    following_messages,
    homes,
    ignored,
    languages,
    limit_uses,
    link_warnings,
    message_failures,
    notifications,
    outdated_messages,
    owned_by,
    person_in,
    preferences,
    reveals,
    share_choices,
    shares,
    tracked,
    watches,
)

# What belongs to a person alone. What they shared stays, since it belongs to its recipients too.
_OWN = (
    notifications, tracked, watches, button_contexts, accounts, reveals, following_messages, ignored, preferences,
    languages, share_choices, limit_uses, message_failures, outdated_messages, homes, link_warnings,
)  # fmt: skip


class PeopleRows:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, audit: AuditStore | None = None) -> None:
        self._db = db
        self._audit = audit

    async def not_known_to_have_left(self) -> list[Person]:
        """Everybody who has an account or a watch, or shared something, and is not known to have left."""
        owners = union(
            *(select(*(table.c[name] for name in OWNER)) for table in (accounts, watches)),
            select(*(shares.c[name] for name in OWNER)).where(shares.c.sender_left_at.is_(None)),
        )
        async with self._db.reading() as connection:
            return [person_in(row) for row in (await connection.execute(owners)).all()]

    async def erase(self, person: Person, *, has_left: bool = False) -> int:
        """Delete what belongs to this person, and destroy the key of what the audit says of them.

        What they shared can still be opened by its recipients, and burned by the admins if the person has left. Returns
        the number of rows that were deleted, without those that went with them.
        """
        return await self._erase(lambda table: owned_by(table, person), has_left=has_left)

    async def erase_user(self, user_id: str, team_id: str | None = None, *, has_left: bool = False) -> int:
        """As `erase`, for everybody with this user id: in one workspace, or in all."""

        def theirs(table: Table) -> ColumnElement[bool]:
            is_user: ColumnElement[bool] = table.c.user_id == user_id
            return is_user if team_id is None else and_(is_user, table.c.team_id == team_id)

        return await self._erase(theirs, has_left=has_left)

    async def _erase(self, theirs: Callable[[Table], ColumnElement[bool]], *, has_left: bool) -> int:
        count = 0
        async with self._db.writing() as connection:
            if has_left:
                await connection.execute(update(shares).where(theirs(shares)).values(sender_left_at=now))
            for table in _OWN:
                count += (await connection.execute(delete(table).where(theirs(table)))).rowcount
            if self._audit is not None:
                people = await connection.execute(
                    select(*(audit_keys.c[name] for name in OWNER)).where(theirs(audit_keys))
                )
                for row in people.all():
                    await self._audit.forget_person(connection, person_in(row))
        await self._db.checkpoint()
        return count
