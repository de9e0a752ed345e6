"""All rows of a workspace or an organisation, over all tables: erasing them when it has removed the app."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, delete, exists, or_, select

from bot.message_ref import ORGANISATION
from bot.storage.engine.database import Database
from bot.storage.tables import AUDIT, data_keys, installations, metadata, organisation_workspaces


class WorkspaceRows:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def erase(self, install_team: str, *, unless_installed_after: float | None = None) -> int | None:
        """Delete everything of this workspace or organisation but the audit: accounts, shares, the token, all.

        Its data key goes first: then nobody else seals anything under it, and what other transactions had sealed
        before that is there to be deleted.

        `unless_installed_after` is a time in seconds since 1970: somebody who installed the app again after it keeps
        everything. So does a workspace whose organisation has the app; only its own installation is deleted then.
        Returns the number of rows that were deleted, without those that went with them; None if all was kept.
        """
        mine = installations.c.install_team == install_team
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "installations", install_team)
            if unless_installed_after is not None:
                later = exists().where(mine, installations.c.installed_at > unless_installed_after)
                if await connection.scalar(select(later)):
                    return None
            if await connection.scalar(select(_serves_as_part_of_organisation(install_team))):
                return (await connection.execute(delete(installations).where(mine))).rowcount
            count = 0
            for table in (data_keys, *reversed(metadata.sorted_tables)):
                if table not in AUDIT and (of_it := _belongs(table, install_team)) is not None:
                    count += (await connection.execute(delete(table).where(of_it))).rowcount
        await self._db.checkpoint()
        return count


def _serves_as_part_of_organisation(team_id: str) -> ColumnElement[bool]:
    """The condition that the workspace's organisation has the app as a whole."""
    return exists().where(
        organisation_workspaces.c.team_id == team_id,
        organisation_workspaces.c.enterprise_id == installations.c.install_team,
        installations.c.revoked_at.is_(None),
    )


def _belongs(table: Table, install_team: str) -> ColumnElement[bool] | None:
    """The condition that a row of the table is of this workspace or organisation; None for a table without owners.

    Workspaces of an organisation that installed the app for themselves are none of the organisation's.
    """
    columns = table.c
    if not install_team.startswith(ORGANISATION):
        named = [
            columns[name] == install_team for name in ("team_id", "message_team", "install_team") if name in columns
        ]
        return or_(*named) if named else None
    if table is installations:
        return installations.c.install_team == install_team
    if "enterprise_id" not in columns:
        return None
    apart = select(installations.c.team_id).where(installations.c.install_team == installations.c.team_id)
    return and_(columns.enterprise_id == install_team, columns.team_id.not_in(apart))
