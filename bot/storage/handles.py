"""What buttons and windows point at: rows that live for a day and hold the key that a button must not carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.database import Database, now
from bot.storage.seal import Binding, Sealer
from bot.storage.tables import handles, new_id, own_row, owner, person_of

DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class NewHandle:
    """What a button is to point at. `facts` are small words, kept sealed like the key."""

    kind: str
    host: str  #: canonical base URL
    account_id: str | None = None  # when this account goes, the handle goes with it
    key: Secret | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handle:
    """A stored `NewHandle`."""

    id: str
    person: Person
    kind: str
    host: str  #: canonical base URL
    account_id: str | None
    key: Secret | None
    facts: Mapping[str, str]
    expires_at: datetime  #: UTC


class Handles:
    """Every look-up names the person. All methods raise `StorageTrouble`."""

    def __init__(self, db: Database, sealer: Sealer, ttl: float = DAY) -> None:
        self._db = db
        self._sealer = sealer
        self._ttl = ttl  # seconds

    async def keep(self, person: Person, *new: NewHandle) -> list[str]:
        """Store them all or none; their ids, in order.

        An account that is gone meanwhile is `StorageTrouble`: nothing points at what does not exist.
        """
        rows = [self._sealed(person, handle) for handle in new]
        if rows:
            async with self._db.writing() as connection:
                statement = insert(handles).values(created_at=now, expires_at=now + self._ttl)
                await connection.execute(statement, rows)
        return [row["id"] for row in rows]

    async def find(self, person: Person, kind: str | None, id: object) -> Handle:  # noqa: A002 - the column's name
        """The person's own, of this kind (None: any), not expired.

        Raises `NotYours` for everything else, whatever `id` is, by the same single query. Raises `Unsealable`.
        """
        query = select(handles).where(own_row(handles, person, id), handles.c.expires_at > now)
        if kind is not None:
            query = query.where(handles.c.kind == kind)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotYours
        return self._opened(row)

    async def purge(self) -> int:
        """Delete what has expired; how many."""
        async with self._db.writing() as connection:
            gone = (await connection.execute(delete(handles).where(handles.c.expires_at <= now))).rowcount
        await self._db.scrub()
        return gone

    def _sealed(self, person: Person, new: NewHandle) -> dict[str, Any]:
        row_id = new_id()
        key = facts = None
        if new.key is not None:
            key = self._sealer.seal_text("metadata_key", _binding("key", person, new.host, row_id), new.key)
        if new.facts:
            plain = json.dumps(dict(new.facts)).encode()
            facts = self._sealer.seal("metadata_key", _binding("facts", person, new.host, row_id), plain)
        return {
            "id": row_id,
            **owner(person),
            "kind": new.kind,
            "host": new.host,
            "account_id": new.account_id,
            "key": key,
            "facts": facts,
        }

    def _opened(self, row: Row[Any]) -> Handle:
        person = person_of(row.enterprise_id, row.team_id, row.user_id)
        key: Secret | None = None
        facts: dict[str, str] = {}
        if row.key is not None:
            key = self._sealer.open_text("metadata_key", _binding("key", person, row.host, row.id), row.key)
        if row.facts is not None:
            plain = self._sealer.open("metadata_key", _binding("facts", person, row.host, row.id), row.facts)
            facts = _facts(plain)
        expires_at = datetime.fromtimestamp(row.expires_at, UTC)
        return Handle(row.id, person, row.kind, row.host, row.account_id, key, facts, expires_at)


def _facts(plain: bytes) -> dict[str, str]:
    try:
        facts: dict[str, str] = json.loads(plain)
    except ValueError:
        raise Unsealable from None  # its text would be part of the original error
    return facts


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of("handles", column, person, host, row_id)
