"""Takes entries of the audit from everywhere, and appends them in batches: nothing that is done waits for it.

    note ──► waiting ──WRITE_DELAY, or MAX_BATCH entries──► one transaction
                ▲                                               │
                └── the database did not take them: again ◄─────┘

At a shutdown what waits is written at once. A process that is killed loses what it noted in its last second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot import clock
from bot.errors import BotError
from bot.logs import CountedWarning, Log
from bot.person import Person
from bot.secret import Secret
from bot.storage.audit.entry import AuditEntry, of_workspace
from bot.storage.audit.store import AuditStore
from bot.storage.sealing.sealer import Sealer

WRITE_DELAY = 1.0  # seconds that the first entry of a batch waits for others
MAX_BATCH = 100  # entries
MAX_WAITING = 10_000  # entries, while the database takes none; what comes then is lost
FLUSH_TIME = 1.0  # seconds at shutdown
MAX_ID = 32  # characters of an id of Slack's that is stored

log = Log("audit")


class Audit:
    """One in each process. Without a `store` nothing is noted (AUDIT_RETENTION_DAYS=0)."""

    def __init__(self, store: AuditStore | None, sealer: Sealer) -> None:
        self.store = store
        self._sealer = sealer
        self._waiting: list[AuditEntry] = []
        self._changed = asyncio.Event()  # something waits
        self._writing = asyncio.Lock()
        self._full = asyncio.Event()  # a whole batch waits
        self._stopping = asyncio.Event()
        self._lost = CountedWarning(log, "audit_entries_lost", "the database takes none")

    def note(
        self,
        person: Person,
        act: str,
        outcome: str,
        *,
        name: str | None = None,
        surface: str = "app",
        place: str | None = None,
        ref: str | None = None,
        secret: str | None = None,
        rule: str | None = None,
    ) -> None:
        """Note what happened just now. Returns at once, and raises nothing.

        `person` is who acted, in the workspace whose chain it belongs to. `act` has at most 32 characters, and is
        never made of what somebody typed. `secret` is what `hash_secret` returns.
        """
        if self.store is None or not person.team_id or not _fits(person):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._lost.add()
            return
        actor = person if person.user_id else of_workspace(person)
        self._waiting.append(
            AuditEntry(
                person=actor, act=act, outcome=outcome, at=round(clock.now().timestamp(), 3), name=name,
                surface=surface, place=place, ref=ref, secret=secret, rule=rule,
            )
        )  # fmt: skip
        self._changed.set()
        if len(self._waiting) >= MAX_BATCH:
            self._full.set()

    def hash_secret(self, person: Person, host: str, key: Secret) -> str:
        """What names a secret in the audit: equal for one key in one workspace, and of no use without our key.

        It has the name of the encryption key before it, since another key makes another hash.
        """
        kid = self._sealer.keyring.primary
        workspace = AuditEntry(person=person, act="", outcome="", at=0).workspace
        return f"{kid}:{self._sealer.mac(kid, 'audit_secret', *workspace, host, key)[:16].hex()}"

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Writes what is noted while the block runs, and what is left at its end."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping.set()
            self._changed.set()
            self._full.set()
            done, _ = await asyncio.wait({task}, timeout=FLUSH_TIME)  # not cancelled: it may be committing
            if not done:
                task.cancel()
                await asyncio.wait({task})
            if self._waiting:
                log.warning("audit_entries_lost", reason="the process ends", count=len(self._waiting))

    async def flush(self) -> None:
        """Write all that waits. Raises `StorageUnavailable`; what was not written still waits then."""
        async with self._writing:  # two at once would write the same entries
            while self.store is not None and self._waiting:
                batch = self._waiting[:MAX_BATCH]
                await self.store.write(batch)
                del self._waiting[: len(batch)]
            self._full.clear()
            self._changed.clear()

    async def _run(self) -> None:
        """Write batches until the end, and what is left then."""
        while not self._stopping.is_set():
            await self._changed.wait()
            await _wait(self._full, WRITE_DELAY)
            if not await self._flush_guarded():
                await _wait(self._stopping, WRITE_DELAY)
        await self._flush_guarded()

    async def _flush_guarded(self) -> bool:
        """Whether all that waited is written."""
        try:
            await self.flush()
        except BotError as error:
            log.warning("audit_not_written", error=str(error), count=len(self._waiting))
        except Exception as error:  # noqa: BLE001 - the next try may work
            log.error("audit_not_written", cause=error, count=len(self._waiting))
        return not self._waiting


def _fits(person: Person) -> bool:
    """Whether these ids have room in their columns, as all of Slack's have: a batch is written as a whole or not."""
    return all(len(one or "") <= MAX_ID for one in (person.enterprise_id, person.team_id, person.user_id))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event, but not longer."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
