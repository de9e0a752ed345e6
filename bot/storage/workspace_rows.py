"""All rows of a workspace or an organisation, over all tables: erasing them when it has removed the app."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, delete, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.message_ref import ORGANISATION
from bot.storage.engine.database import Database
from bot.storage.installations import INSTALLATIONS_LOCK
from bot.storage.sealing.data_keys import destroy_keys, destroy_unused_keys
from bot.storage.tables import AUDIT, data_keys, installations, metadata, organisation_workspaces


class WorkspaceRows:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def erase(self, install_team: str, *, unless_installed_after: float | None = None) -> int | None:
        """Delete everything of this workspace or organisation but the audit: accounts, shares, the token, all.

        Its data key goes first: then nobody seals anything under it, and what others had sealed before that is there
        to be deleted.

        `unless_installed_after` is a time in seconds since 1970: somebody who installed the app again after it keeps
        everything. So does a workspace whose organisation has the app; only its own installation is deleted then.
        Returns the number of rows that were deleted, without those that went with them; None if all was kept.
        """
        mine = installations.c.install_team == install_team
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, INSTALLATIONS_LOCK)
            if unless_installed_after is not None:
                later = exists().where(mine, installations.c.installed_at > unless_installed_after)
                if await connection.scalar(select(later)):
                    return None
            if await connection.scalar(select(_serves_as_part_of_organisation(install_team))):
                count = (await connection.execute(delete(installations).where(mine))).rowcount
            else:
                count = await self._erase_all(connection, install_team)
        await self._db.checkpoint()
        return count

    async def destroy_unused_keys(self) -> int:
        """Destroy the data keys of workspaces of which nothing else is stored. Returns how many."""
        if count := await destroy_unused_keys(self._db):
            await self._db.checkpoint()
        return count

    async def _erase_all(self, connection: AsyncConnection, install_team: str) -> int:
        count = await destroy_keys(self._db, connection, _belongs(data_keys, install_team))
        for table in reversed(metadata.sorted_tables):
            if table not in AUDIT and table is not data_keys:
                count += (await connection.execute(delete(table).where(_belongs(table, install_team)))).rowcount
        return count


def _serves_as_part_of_organisation(team_id: str) -> ColumnElement[bool]:
    """The condition that the workspace's organisation has the app as a whole."""
    return exists().where(
        organisation_workspaces.c.team_id == team_id,
        organisation_workspaces.c.enterprise_id == installations.c.install_team,
        installations.c.revoked_at.is_(None),
    )


def _belongs(table: Table, install_team: str) -> ColumnElement[bool]:
    """The condition that a row of the table is of this workspace or organisation. A table without owners has none.

    Workspaces of an organisation that installed the app for themselves are none of the organisation's.
    """
    columns = table.c
    names = [name for name in ("team_id", "message_team", "install_team") if name in columns]
    named = [columns[name] == install_team for name in names]
    if install_team.startswith(ORGANISATION) and "enterprise_id" in columns and table is not installations:
        apart = select(installations.c.team_id).where(installations.c.install_team == installations.c.team_id)
        named.append(and_(columns.enterprise_id == install_team, columns.team_id.not_in(apart)))
    return or_(false(), *named)
