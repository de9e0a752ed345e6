"""The key of each person, which seals what they did. When it is destroyed, nobody can open their entries."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.person import Person
from bot.storage.audit.chain import AuditWorkspace
from bot.storage.audit.entry import AuditEntry
from bot.storage.engine.database import now
from bot.storage.sealing import bound_names
from bot.storage.sealing.keyring import KEY_BYTES
from bot.storage.sealing.sealer import NOBODY, Binding, RootKey, Sealer, header_of
from bot.storage.tables import audit_keys, new_id, owned_by, owner, person_in

MAX_KEYS = 10_000  # opened keys that are held in memory
_HEADER = header_of("person")  # every such key has this name in the blobs that it seals


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The key of one person, open. `id` is in each entry in the place of who it is about."""

    id: str
    root: RootKey

    def seal(self, sequence: int, entry: AuditEntry) -> bytes:
        return self.root.seal("audit_entry", _entry_binding(entry.workspace, self.id, sequence), entry.encode())

    def open(self, workspace: AuditWorkspace, sequence: int, at: float, sealed: bytes) -> AuditEntry:
        """Raises `Unsealable`."""
        plain = self.root.open("audit_entry", _entry_binding(workspace, self.id, sequence), sealed)
        return AuditEntry.decode(workspace, at, plain)


class AuditKeys:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._open: LRUCache[str, AuditKey] = LRUCache(MAX_KEYS)  # by id

    async def find(self, connection: AsyncConnection, person: Person) -> AuditKey | None:
        """The key of this person; None if there is none. Raises `Unsealable`."""
        row = (await connection.execute(select(audit_keys).where(owned_by(audit_keys, person)))).one_or_none()
        return None if row is None else self._opened(row)

    async def find_ids(self, connection: AsyncConnection, ids: Iterable[str]) -> dict[str, AuditKey]:
        """Those of these keys that are there and can be opened."""
        found = {}
        for row in await connection.execute(select(audit_keys).where(audit_keys.c.id.in_(set(ids)))):
            try:
                found[row.id] = self._opened(row)
            except Unsealable:
                continue
        return found

    async def find_or_make(self, connection: AsyncConnection, people: Iterable[Person]) -> dict[Person, AuditKey]:
        """The keys of people of one workspace, whose head is locked. A key that cannot be opened is left out."""
        wanted = set(people)
        one = next(iter(wanted))
        team = (audit_keys.c.enterprise_id == owner(one)["enterprise_id"], audit_keys.c.team_id == one.team_id)
        theirs = audit_keys.c.user_id.in_({person.user_id for person in wanted})
        found: dict[Person, AuditKey] = {}
        for row in await connection.execute(select(audit_keys).where(*team, theirs)):
            wanted.discard(person := person_in(row))
            try:
                found[person] = self._opened(row)
            except Unsealable:
                continue
        if wanted:
            rows = {person: self._made(person) for person in wanted}
            await connection.execute(insert(audit_keys).values(created_at=now), [row for row, _ in rows.values()])
            found |= {person: key for person, (_, key) in rows.items()}
        return found

    async def destroy(self, connection: AsyncConnection, person: Person) -> str | None:
        """Delete the key of this person. Returns its id; None if there was none."""
        gone = delete(audit_keys).where(owned_by(audit_keys, person)).returning(audit_keys.c.id)
        key_id: str | None = (await connection.execute(gone)).scalar()
        if key_id is not None:
            self._open.pop(key_id, None)
        return key_id

    def _made(self, person: Person) -> tuple[dict[str, Any], AuditKey]:
        key_id, root = new_id(), os.urandom(KEY_BYTES)
        sealed = self._sealer.seal("audit_key", _key_binding(person, key_id), root)
        return {"id": key_id, **owner(person), "key": sealed}, AuditKey(key_id, RootKey(_HEADER, root))

    def _opened(self, row: Row[Any]) -> AuditKey:
        """Raises `Unsealable`."""
        known = self._open.get(row.id)
        if known is None:
            root = self._sealer.open("audit_key", _key_binding(person_in(row), row.id), row.key)
            known = self._open[row.id] = AuditKey(row.id, RootKey(_HEADER, root))
        return known


def _key_binding(person: Person, key_id: str) -> Binding:
    return Binding.of(bound_names.AUDIT_KEYS, "key", person, NOBODY, key_id)


def _entry_binding(workspace: AuditWorkspace, key_id: str, sequence: int) -> Binding:
    return Binding(bound_names.AUDIT_ENTRIES, "sealed", *workspace, NOBODY, NOBODY, f"{key_id}:{sequence}")
