"""The heads of the chains: one transaction at a time extends a chain, and signs where it ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.logs import Log
from bot.storage.audit.chain import AuditWorkspace, ChainHead
from bot.storage.engine.database import Database
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import audit_chains

log = Log("audit")


def in_workspace(table: Table, workspace: AuditWorkspace) -> ColumnElement[bool]:
    return and_(table.c.enterprise_id == workspace[0], table.c.team_id == workspace[1])


class ChainHeads:
    """A chain that was changed by somebody else is never signed again, so that `verify` goes on finding it."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def lock(self, connection: AsyncConnection, workspace: AuditWorkspace) -> ChainHead | None:
        """The head, which no other transaction changes before this one ends; None if there is no chain."""
        query = select(audit_chains).where(in_workspace(audit_chains, workspace)).with_for_update()
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else head_in(row)

    async def lock_or_begin(self, connection: AsyncConnection, workspace: AuditWorkspace) -> ChainHead:
        """The head of the chain, which begins now if there is none."""
        head = await self.lock(connection, workspace)
        if head is None:
            await self._db.advisory_lock(connection, "audit", *workspace)
            head = await self.lock(connection, workspace)  # another process may have begun the chain
        if head is None:
            head = self._sign(ChainHead.first(workspace))
            key = {"enterprise_id": workspace[0], "team_id": workspace[1]}
            await connection.execute(insert(audit_chains).values(**key, **_row(head)))
        return head

    async def move(self, connection: AsyncConnection, before: ChainHead, after: ChainHead) -> None:
        """Store the head, which is signed if it was intact before."""
        if before.is_intact(self._sealer):
            after = self._sign(after)
        else:
            if before.signature:  # said once: from now on the chain has no signature
                log.error("audit_chain_broken", ref=before.workspace[1])
            after = replace(after, kid=before.kid, signature=b"")
        own = update(audit_chains).where(in_workspace(audit_chains, before.workspace))
        await connection.execute(own.values(**_row(after)))

    async def sign_all(self) -> tuple[int, int]:
        """Sign every head with the primary key. Returns how many are signed by it now, and how many are broken.

        A chain whose signature is wrong stays as it is. Raises `StorageUnavailable`.
        """
        async with self._db.reading() as connection:
            query = select(audit_chains.c.enterprise_id, audit_chains.c.team_id)
            workspaces = [(row.enterprise_id, row.team_id) for row in await connection.execute(query)]
        signed = broken = 0
        for workspace in workspaces:
            async with self._db.writing() as connection:
                head = await self.lock(connection, workspace)
                if head is None:  # the workspace was erased meanwhile
                    continue
                if not head.is_intact(self._sealer):
                    broken += 1
                    continue
                if head.kid != self._sealer.keyring.primary:
                    await self.move(connection, head, head)
                signed += 1
        return signed, broken

    def _sign(self, head: ChainHead) -> ChainHead:
        return replace(head, kid=self._sealer.keyring.primary, signature=head.signed(self._sealer))


async def sign_heads(db: Database, sealer: Sealer) -> tuple[int, int]:
    """Sign the head of every chain with the primary key, as `ChainHeads.sign_all` says. `keys rotate` calls this."""
    return await ChainHeads(db, sealer).sign_all()


async def count_heads(connection: AsyncConnection) -> Counter[str]:
    """How many heads each encryption key has signed: such a key is still needed, to check them."""
    query = select(audit_chains.c.kid, func.count().label("number")).group_by(audit_chains.c.kid)
    return Counter({row.kid: row.number for row in await connection.execute(query)})


def head_in(row: Row[Any]) -> ChainHead:
    return ChainHead(
        (row.enterprise_id, row.team_id),
        row.sequence,
        row.hash,
        row.anchor_sequence,
        row.anchor_hash,
        row.kid,
        row.signature,
    )


def _row(head: ChainHead) -> dict[str, Any]:
    return {**head.values(), "kid": head.kid, "signature": head.signature}
