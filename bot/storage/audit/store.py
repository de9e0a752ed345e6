"""The audit in the database: entries are appended, erased with their person or workspace, and deleted when old."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import clock
from bot.logs import Log
from bot.person import Person
from bot.storage.audit.chain import AuditWorkspace, ChainHead, commit, link
from bot.storage.audit.entry import ERASED, MAX_ACT, MAX_OUTCOME, AuditEntry, of_workspace
from bot.storage.audit.heads import ChainHeads, in_workspace
from bot.storage.audit.keys import AuditKeys
from bot.storage.engine.database import Database
from bot.storage.sealing.sealer import NOBODY, Sealer
from bot.storage.tables import audit_chains, audit_counts, audit_entries, audit_keys

DAY = 86_400  # seconds
COUNTED = 30  # days that an admin sees counts of
MAX_DELETED = 5_000  # entries that one transaction deletes: more would keep the chain locked for too long

log = Log("audit")


class AuditStore:
    """Methods that take a connection are part of its transaction. All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self.heads = ChainHeads(db, sealer)
        self.keys = AuditKeys(sealer)

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """Append the entries in a transaction of their own: all of them or none."""
        async with self._db.writing() as connection:
            await self.append(connection, entries)

    async def append(self, connection: AsyncConnection, entries: Sequence[AuditEntry]) -> None:
        """Append the entries to the chains of their workspaces.

        Chains are locked in one order, so that two batches never wait for each other.
        """
        by_workspace: dict[AuditWorkspace, list[AuditEntry]] = defaultdict(list)
        for entry in entries:
            by_workspace[entry.workspace].append(entry)
        for workspace, theirs in sorted(by_workspace.items()):
            await self._append_to(connection, await self.heads.lock_or_begin(connection, workspace), theirs)

    async def _append_to(self, connection: AsyncConnection, head: ChainHead, entries: Sequence[AuditEntry]) -> None:
        keys = await self.keys.find_or_make(connection, [entry.person for entry in entries])
        known = [entry for entry in entries if entry.person in keys]
        if len(known) < len(entries):
            log.error("audit_key_unreadable", count=len(entries) - len(known))
        rows: list[dict[str, Any]] = []
        sequence, previous = head.sequence, head.hash
        for entry in known:
            key, sequence = keys[entry.person], sequence + 1
            sealed = key.seal(sequence, entry)
            commitment = commit(head.workspace, entry.at, key.id, sealed)
            previous = link(previous, sequence, commitment)
            rows.append({
                "enterprise_id": head.workspace[0], "team_id": head.workspace[1], "sequence": sequence, "at": entry.at,
                "key_id": key.id, "sealed": sealed, "commitment": commitment, "hash": previous,
            })  # fmt: skip
        if rows:
            await connection.execute(insert(audit_entries), rows)
            await self.heads.move(connection, head, replace(head, sequence=sequence, hash=previous))
            await _count(connection, head.workspace, known)

    # --- erasing

    async def forget_person(self, connection: AsyncConnection, person: Person) -> None:
        """Destroy the key of this person: nobody can open their entries any more, and the chain stays as it is.

        The chain has an entry that says which key was destroyed, without whose it was.
        """
        nobody = of_workspace(person)
        entry = AuditEntry(person=nobody, act=ERASED, outcome="done", at=clock.now().timestamp())
        if await self.heads.lock(connection, entry.workspace) is None:
            return
        key_id = await self.keys.destroy(connection, person)
        if key_id is not None:
            await self.append(connection, [replace(entry, ref=key_id)])

    async def forget_workspace(self, connection: AsyncConnection, enterprise_id: str | None, team_id: str) -> None:
        """Delete the chain of a workspace, its keys and its counts. Without this, retention deletes them in time."""
        workspace = (NOBODY if enterprise_id is None else enterprise_id, team_id)
        await self.heads.lock(connection, workspace)
        for table in (audit_entries, audit_keys, audit_counts, audit_chains):
            await connection.execute(delete(table).where(in_workspace(table, workspace)))

    # --- retention

    async def purge(self, days: int) -> int:
        """Delete entries that are older than so many days, from the front of each chain. Returns how many.

        What is left begins at a signed anchor. A chain without entries is deleted with its keys.
        """
        before = clock.now().timestamp() - days * DAY
        async with self._db.reading() as connection:
            query = select(audit_chains.c.enterprise_id, audit_chains.c.team_id)
            workspaces = [(row.enterprise_id, row.team_id) for row in await connection.execute(query)]
        deleted = 0
        for workspace in workspaces:
            while count := await self._purge_chain(workspace, before):
                deleted += count
        async with self._db.writing() as connection:
            oldest = int(clock.now().timestamp()) // DAY - COUNTED
            await connection.execute(delete(audit_counts).where(audit_counts.c.day < oldest))
        await self._db.checkpoint()
        return deleted

    async def _purge_chain(self, workspace: AuditWorkspace, before: float) -> int:
        ours = in_workspace(audit_entries, workspace)
        async with self._db.writing() as connection:
            head = await self.heads.lock(connection, workspace)
            if head is None:
                return 0
            young = select(func.min(audit_entries.c.sequence)).where(ours, audit_entries.c.at >= before)
            first = await connection.scalar(young)
            last = min(head.sequence if first is None else first - 1, head.anchor_sequence + MAX_DELETED)
            if last <= head.anchor_sequence:
                return 0
            own = select(audit_entries.c.hash).where(ours, audit_entries.c.sequence == last)
            anchor = await connection.scalar(own)
            if anchor is None:  # somebody removed it: what is left is for `verify` to find
                return 0
            gone = await connection.execute(delete(audit_entries).where(ours, audit_entries.c.sequence <= last))
            if last == head.sequence:
                await self.forget_workspace(connection, workspace[0], workspace[1])
            else:
                after = replace(head, anchor_sequence=last, anchor_hash=anchor)
                await self.heads.move(connection, head, after)
                await _delete_unused_keys(connection, workspace, before)
        return gone.rowcount

    # --- reading

    async def latest_of(self, person: Person, offset: int, limit: int) -> tuple[list[AuditEntry], int]:
        """What this person did, newest first, and how much there is. Raises `Unsealable`."""
        async with self._db.reading() as connection:
            key = await self.keys.find(connection, person)
            if key is None:
                return [], 0
            theirs = audit_entries.c.key_id == key.id
            total = await connection.scalar(select(func.count()).select_from(audit_entries).where(theirs))
            page = select(audit_entries).where(theirs).order_by(audit_entries.c.sequence.desc())
            rows = (await connection.execute(page.offset(offset).limit(limit))).all()
        found = [key.open((row.enterprise_id, row.team_id), row.sequence, row.at, row.sealed) for row in rows]
        return found, total or 0

    async def counts_in(self, person: Person) -> Mapping[tuple[str, str], int]:
        """How often each act had each outcome in this person's workspace, in the last 30 days."""
        oldest = int(clock.now().timestamp()) // DAY - COUNTED
        workspace = AuditEntry(person=person, act="", outcome="", at=0).workspace
        counts = audit_counts.c
        query = select(counts.act, counts.outcome, func.sum(counts.count).label("total"))
        query = query.where(in_workspace(audit_counts, workspace), counts.day >= oldest)
        async with self._db.reading() as connection:
            rows = await connection.execute(query.group_by(counts.act, counts.outcome))
            return {(row.act, row.outcome): int(row.total) for row in rows}


async def _count(connection: AsyncConnection, workspace: AuditWorkspace, entries: Sequence[AuditEntry]) -> None:
    """Count the entries by day, act and outcome. The head is locked, so nobody else counts in this workspace."""
    sums = Counter((int(one.at) // DAY, one.act[:MAX_ACT], one.outcome[:MAX_OUTCOME]) for one in entries)
    for (day, act, outcome), number in sums.items():
        key = {"day": day, "act": act, "outcome": outcome}
        own = (in_workspace(audit_counts, workspace), *(audit_counts.c[name] == value for name, value in key.items()))
        more = update(audit_counts).where(*own).values(count=audit_counts.c.count + number)
        if not (await connection.execute(more)).rowcount:
            team = {"enterprise_id": workspace[0], "team_id": workspace[1]}
            await connection.execute(insert(audit_counts).values(**team, **key, count=number))


async def _delete_unused_keys(connection: AsyncConnection, workspace: AuditWorkspace, before: float) -> None:
    """Delete the keys of people all of whose entries are gone."""
    used = exists().where(audit_entries.c.key_id == audit_keys.c.id)
    old = (in_workspace(audit_keys, workspace), audit_keys.c.created_at < before, ~used)
    await connection.execute(delete(audit_keys).where(*old))
