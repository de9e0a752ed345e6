"""The rules that the admins of each workspace have set. A workspace without a row has none."""

from __future__ import annotations

import json

from sqlalchemy import delete, insert, select

from bot.errors import Unsealable
from bot.person import Person
from bot.policy.rules import Policy, RuleError
from bot.storage.engine.database import Database
from bot.storage.tables import workspace_policies, workspace_values


class StoredPolicies:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, person: Person) -> Policy:
        """The rules of this person's workspace. Raises `Unsealable` for a row that cannot be read."""
        mine = [workspace_policies.c[name] == value for name, value in workspace_values(person).items()]
        async with self._db.reading() as connection:
            rules = await connection.scalar(select(workspace_policies.c.rules).where(*mine))
        try:
            return Policy.of(json.loads(rules)) if rules else Policy()
        except (ValueError, RuleError):
            raise Unsealable from None

    async def set(self, person: Person, policy: Policy) -> None:
        """Replace the rules of this person's workspace."""
        mine = [workspace_policies.c[name] == value for name, value in workspace_values(person).items()]
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "policies", *workspace_values(person).values())
            await connection.execute(delete(workspace_policies).where(*mine))
            if values := policy.as_values():
                await connection.execute(
                    insert(workspace_policies).values(**workspace_values(person), rules=json.dumps(values))
                )
