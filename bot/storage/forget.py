"""`python -m bot forget workspace ID` and `forget person ID`: erases what the database holds, by hand."""

from __future__ import annotations

import re

from bot.errors import CannotStart
from bot.message_ref import INSTALL_ID
from bot.secret import Secret
from bot.storage.audit.store import AuditStore
from bot.storage.engine.commands import existing_database
from bot.storage.people import PeopleRows
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.workspace_rows import WorkspaceRows

_PERSON = re.compile(r"[UW][0-9A-Z]{1,31}")


async def forget_workspace(database_url: Secret | str, install_team: str | None) -> str:
    """Erase everything of a workspace or an organisation. Returns what to print. Raises `CannotStart`."""
    if install_team is None or not re.fullmatch(INSTALL_ID, install_team):
        raise CannotStart(
            "Say which: `forget workspace ID`. A workspace has an id such as T0123456, an organisation E0123456."
        )
    async with existing_database(database_url) as db:
        count = await WorkspaceRows(db).erase(install_team)
    return f"{install_team}: {count or 0} rows erased."


async def forget_person(database_url: Secret | str, ring: KeyRing, user_id: str | None, team_id: str | None) -> str:
    """Erase what belongs to a person: in one workspace, or wherever they have this id. As `forget_workspace`.

    What they shared can still be opened by its recipients until it expires.
    """
    if user_id is None or not _PERSON.fullmatch(user_id):
        raise CannotStart(
            "Say whom: `forget person ID`. A person has an id such as U0123456, in their profile in Slack."
        )
    async with existing_database(database_url) as db:
        count = await PeopleRows(db, AuditStore(db, Sealer(ring))).erase_user(user_id, team_id)
    return f"{user_id}: {count} rows erased."
