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
from bot.storage.engine.database import Database, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.sealer import Binding, Sealer
from bot.storage.tables import button_contexts, new_id, own_row, owner, person_of

DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class NewButtonContext:
    """What a button is to point at. `data` are small words, kept sealed like the key."""

    kind: str
    host: str  #: canonical base URL
    account_id: str | None = None  # when this account goes, the handle goes with it
    key: Secret | None = None
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ButtonContext:
    """A stored `NewButtonContext`."""

    id: str
    person: Person
    kind: str
    host: str  #: canonical base URL
    account_id: str | None
    key: Secret | None
    data: Mapping[str, str]
    expires_at: datetime  #: UTC


class ButtonContexts:
    """Every look-up names the person. All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer, ttl: float = DAY) -> None:
        self._db = db
        self._sealer = sealer
        self._ttl = ttl  # seconds

    async def keep(self, person: Person, *new: NewButtonContext) -> list[str]:
        """Store them all or none; their ids, in order.

        An account that is gone meanwhile is `StorageUnavailable`: nothing points at what does not exist.
        """
        rows = [self._sealed(person, context) for context in new]
        if rows:
            async with self._db.writing() as connection:
                statement = insert(button_contexts).values(created_at=now, expires_at=now + self._ttl)
                await connection.execute(statement, rows)
        return [row["id"] for row in rows]

    async def find(self, person: Person, kind: str | None, id: object) -> ButtonContext:  # noqa: A002 - the column's name
        """The person's own, of this kind (None: any), not expired.

        Raises `NotYours` for everything else, whatever `id` is, by the same single query. Raises `Unsealable`.
        """
        query = select(button_contexts).where(own_row(button_contexts, person, id), button_contexts.c.expires_at > now)
        if kind is not None:
            query = query.where(button_contexts.c.kind == kind)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotYours
        return self._opened(row)

    async def purge(self) -> int:
        """Delete what has expired; how many."""
        async with self._db.writing() as connection:
            gone = (
                await connection.execute(delete(button_contexts).where(button_contexts.c.expires_at <= now))
            ).rowcount
        await self._db.checkpoint()
        return gone

    def _sealed(self, person: Person, new: NewButtonContext) -> dict[str, Any]:
        row_id = new_id()
        key = data = None
        if new.key is not None:
            key = self._sealer.seal_text("metadata_key", _binding("key", person, new.host, row_id), new.key)
        if new.data:
            plain = json.dumps(dict(new.data)).encode()
            data = self._sealer.seal(
                "metadata_key", _binding(bound_names.BUTTON_CONTEXT_DATA, person, new.host, row_id), plain
            )
        return {
            "id": row_id,
            **owner(person),
            "kind": new.kind,
            "host": new.host,
            "account_id": new.account_id,
            "key": key,
            "data": data,
        }

    def _opened(self, row: Row[Any]) -> ButtonContext:
        person = person_of(row.enterprise_id, row.team_id, row.user_id)
        key: Secret | None = None
        data: dict[str, str] = {}
        if row.key is not None:
            key = self._sealer.open_text("metadata_key", _binding("key", person, row.host, row.id), row.key)
        if row.data is not None:
            plain = self._sealer.open(
                "metadata_key", _binding(bound_names.BUTTON_CONTEXT_DATA, person, row.host, row.id), row.data
            )
            data = _decode_data(plain)
        expires_at = datetime.fromtimestamp(row.expires_at, UTC)
        return ButtonContext(row.id, person, row.kind, row.host, row.account_id, key, data, expires_at)


def _decode_data(plain: bytes) -> dict[str, str]:
    try:
        data: dict[str, str] = json.loads(plain)
    except ValueError:
        raise Unsealable from None  # its text would be part of the original error
    return data


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.BUTTON_CONTEXTS, column, person, host, row_id)
