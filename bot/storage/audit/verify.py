"""Checks every chain: commitments, links, the signature of the head, the anchor, and that each missing key was erased.

A chain is read in pages, each in a transaction of its own, while the bot goes on appending to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, and_, exists, func, select

from bot.errors import Unsealable
from bot.storage.audit.chain import AuditWorkspace, ChainHead, commit, link
from bot.storage.audit.entry import ERASED
from bot.storage.audit.heads import head_in, in_workspace
from bot.storage.audit.keys import AuditKey, AuditKeys
from bot.storage.engine.database import Database
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import audit_chains, audit_entries

PAGE: Final = 500  # entries that are read at once
TRIES: Final = 5  # of a chain that changes while it is read


@dataclass(slots=True)
class ChainReport:
    """What was found about one chain. `broken` says which entry broke, and how; None: it is intact."""

    workspace: AuditWorkspace
    entries: int = 0
    erased: int = 0  # entries whose person was erased
    head: ChainHead | None = None
    broken: str | None = None
    keyless: dict[str, int] = field(default_factory=dict)  # id of a missing key -> the first entry with it

    def __str__(self) -> str:
        name = _name(self.workspace)
        if self.broken is not None:
            return f"{name}  BROKEN  {self.broken}"
        assert self.head is not None
        first = self.head.anchor_sequence + 1
        erased = f", {self.erased} of erased people" if self.erased else ""
        return (
            f"{name}  intact  {self.entries} entries from {first}{erased}  "
            f"ends at {self.head.sequence} {self.head.hash.hex()}  signed by {self.head.kid}"
        )


async def verify_chains(db: Database, sealer: Sealer) -> AsyncIterator[ChainReport]:
    """A report for each chain. Raises `StorageUnavailable`."""
    async with db.reading() as connection:
        chains = audit_chains.c
        heads = select(chains.enterprise_id, chains.team_id)
        headed = exists().where(
            and_(chains.enterprise_id == audit_entries.c.enterprise_id, chains.team_id == audit_entries.c.team_id)
        )
        headless = select(audit_entries.c.enterprise_id, audit_entries.c.team_id).where(~headed).distinct()
        workspaces = sorted((row.enterprise_id, row.team_id) for row in await connection.execute(heads))
        beheaded = sorted((row.enterprise_id, row.team_id) for row in await connection.execute(headless))
    for workspace in beheaded:
        yield ChainReport(workspace, broken="there are entries, and no head")
    keys = AuditKeys(sealer)
    for workspace in workspaces:
        report = await _verify_chain(db, sealer, keys, workspace)
        if report.head is not None or report.broken is not None:
            yield report


async def _verify_chain(db: Database, sealer: Sealer, keys: AuditKeys, workspace: AuditWorkspace) -> ChainReport:
    """A report without head and without fault: the chain was deleted meanwhile."""
    for _ in range(TRIES):
        head, last = await _read_head(db, workspace)
        report = ChainReport(workspace, head=head)
        if head is None:
            break
        report.broken = _fault_of_head(head, last, sealer) or await _fault_of_entries(db, keys, head, report)
        if report.broken is None or (await _read_head(db, workspace))[0] == head:
            break
        # Somebody was erased, or old entries were deleted, while the chain was read: it is read again.
    return report


async def _read_head(db: Database, workspace: AuditWorkspace) -> tuple[ChainHead | None, int]:
    """The head, and the highest number of an entry, at one moment."""
    highest = select(func.max(audit_entries.c.sequence)).where(in_workspace(audit_entries, workspace))
    query = select(audit_chains, highest.scalar_subquery().label("highest"))
    async with db.reading() as connection:
        row = (await connection.execute(query.where(in_workspace(audit_chains, workspace)))).one_or_none()
    return (None, 0) if row is None else (head_in(row), row.highest or 0)


def _fault_of_head(head: ChainHead, last: int, sealer: Sealer) -> str | None:
    if not head.signature:
        return "the head: it was not signed, because the chain had been changed before"
    if head.kid not in sealer.keyring.kids:
        return f"the head: the key {head.kid} that signed it is missing"
    if not head.is_intact(sealer):
        return "the head: its signature is wrong, so the head or the anchor was changed"
    if last > head.sequence:
        return f"entry {last}: it was added behind the head, which is entry {head.sequence}"
    if last < head.sequence and head.sequence > head.anchor_sequence:
        return f"entry {head.sequence}: it is missing, and the head says that it was the last one"
    return None


async def _fault_of_entries(db: Database, keys: AuditKeys, head: ChainHead, report: ChainReport) -> str | None:
    expected, previous = head.anchor_sequence + 1, head.anchor_hash
    while expected <= head.sequence:
        async with db.reading() as connection:
            own = (in_workspace(audit_entries, head.workspace), audit_entries.c.sequence >= expected)
            query = select(audit_entries).where(*own, audit_entries.c.sequence <= head.sequence)
            rows = (await connection.execute(query.order_by(audit_entries.c.sequence).limit(PAGE))).all()
            known = await keys.find_ids(connection, {row.key_id for row in rows})
        if not rows:
            return f"entry {expected}: it is missing"
        for row in rows:
            fault = _fault_of_entry(row, expected, previous)
            if fault is None:
                fault = _fault_of_content(row, known, report)
            if fault is not None:
                return fault
            expected, previous = row.sequence + 1, row.hash
            report.entries += 1
    if previous != head.hash:
        return f"entry {head.sequence}: it is not the one that the head ends with"
    if report.keyless:
        return f"entry {min(report.keyless.values())}: its key is gone, though nobody was erased"
    return None


def _fault_of_entry(row: Row[Any], expected: int, previous: bytes) -> str | None:
    if row.sequence != expected:
        return f"entry {expected}: it is missing"
    if commit((row.enterprise_id, row.team_id), row.at, row.key_id, row.sealed) != row.commitment:
        return f"entry {expected}: it was changed"
    if link(previous, expected, row.commitment) != row.hash:
        return f"entry {expected}: it is not linked to the one before it"
    return None


def _fault_of_content(row: Row[Any], known: Mapping[str, AuditKey], report: ChainReport) -> str | None:
    """Whether the entry opens with its key. A key that is gone must have been destroyed by erasing a person later."""
    key = known.get(row.key_id)
    if key is None:
        report.erased += 1
        report.keyless.setdefault(row.key_id, row.sequence)
        return None
    try:
        entry = key.open((row.enterprise_id, row.team_id), row.sequence, row.at, row.sealed)
    except Unsealable:
        return f"entry {row.sequence}: its key does not open it"
    if entry.act == ERASED and entry.ref is not None:
        report.keyless.pop(entry.ref, None)
    return None


def _name(workspace: AuditWorkspace) -> str:
    return workspace[1] if workspace[0] == "-" else f"{workspace[0]}/{workspace[1]}"
