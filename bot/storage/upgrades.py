"""Upgrades while processes of the version before still run.

`python -m bot migrate` writes down from which schema it came, and until when processes of that schema may go on: for an
hour. That time is sealed: who can write to the database, but has no key, cannot begin another hour. On SQLite only one
process works, so nothing is written down.

- A process of the schema before stays ready in that hour (`readiness.py`).
- Before schema 0010 the sealed values of a delivery were not bound to who it is for, and code of that time opens no
  others. So in the hour after an upgrade from there, new deliveries are sealed without that; when the hour is over,
  recovery binds them (`InterruptedShares.bind_recipients`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.secret import Secret
from bot.storage.engine.database import HEAD, Database, clock, moment, now
from bot.storage.engine.migrate import migrating, upgrade, version_of
from bot.storage.sealing import bound_names
from bot.storage.sealing.sealer import NOBODY, Binding, Sealer
from bot.storage.tables import upgrades

OLDER_MAY_RUN: Final = 3_600.0  # seconds after an upgrade
FIRST: Final = "0007"  # older code runs on no newer schema
UNBOUND: Final = ("0007", "0008", "0009")  # schemas of code that opens only what is not bound to a recipient

_WITH_KEY = (
    "Processes of the version before may go on until {until:%H:%M} UTC. Restart them all before that: "
    "docs/operations.md, “Upgrades”."
)
_WITHOUT_KEY = (
    "There is no usable encryption key here, so processes of the version before cannot open what new ones share. "
    "Nothing is lost. Restart them all now: docs/operations.md, “Upgrades”."
)


@dataclass(frozen=True, slots=True)
class OlderProcesses:
    """Until when processes may run that open only what is not bound to a recipient."""

    until: float  #: by `time.monotonic`

    @property
    def may_run(self) -> bool:
        return time.monotonic() < self.until


NO_OLDER_PROCESSES: Final = OlderProcesses(0.0)


def migrate_beside(url: Secret | str, sealer: Sealer | None) -> str | None:
    """`migrate`, with time for processes of the version before. Returns what the operator should know, if anything.

    `sealer` is None without a usable key. Raises `CannotStart` as `migrate` does.
    """
    with migrating(url) as connection:
        before = version_of(connection)
        upgrade(connection)
        if connection.dialect.name == "sqlite" or before is None or not FIRST <= before < HEAD:
            return None
        if sealer is None:
            return _WITHOUT_KEY
        return _WITH_KEY.format(until=moment(_let_older_run(connection, sealer, before)))


def _let_older_run(connection: Connection, sealer: Sealer, revision: str) -> float:
    until = connection.execute(select(now)).scalar_one() + OLDER_MAY_RUN
    sealed = sealer.seal("upgrade", _binding(revision), str(until).encode())
    connection.execute(insert(upgrades).values(revision=revision, sealed=sealed, created_at=now))
    return until


async def find_older_processes(db: Database, sealer: Sealer) -> OlderProcesses:
    """Reads once, at the start, what `migrate_beside` wrote. Raises `StorageUnavailable`."""
    async with db.reading() as connection:
        left = await _seconds_left(connection, sealer, *UNBOUND)
    return OlderProcesses(time.monotonic() + left)


async def may_run_on(db: Database, sealer: Sealer) -> bool:
    """Whether the tables are those of a newer version, and this process may go on. Raises `StorageUnavailable`."""
    async with db.reading() as connection:
        is_newer = (await connection.run_sync(version_of) or "") > HEAD
        return is_newer and await _seconds_left(connection, sealer, HEAD) > 0


async def _seconds_left(connection: AsyncConnection, sealer: Sealer, *revisions: str) -> float:
    """For how long processes of one of these schemas may go on: 0 to `OLDER_MAY_RUN`."""
    query = select(upgrades.c.revision, upgrades.c.sealed).where(upgrades.c.revision.in_(revisions))
    rows = (await connection.execute(query)).all()
    if not rows:
        return 0.0
    at = await clock(connection)
    left = max(_until(sealer, row.revision, row.sealed) - at for row in rows)
    return min(max(left, 0.0), OLDER_MAY_RUN)


def _until(sealer: Sealer, revision: str, sealed: bytes) -> float:
    try:
        return float(sealer.open("upgrade", _binding(revision), sealed))
    except Unsealable:
        return 0.0


def _binding(revision: str) -> Binding:
    return Binding(bound_names.UPGRADES, "sealed", NOBODY, NOBODY, NOBODY, NOBODY, revision)
