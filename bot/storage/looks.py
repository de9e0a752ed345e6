"""Whose secrets are looked at next: claimed with a lease on the database's time, and what a look found.

A watch is all secrets of one person on one host, because one call answers for all of them. While it is leased its
`next_look_at` is the end of the lease. Another value means that it was woken meanwhile: what was tracked then is not
part of this look, so another one follows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, case, delete, insert, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.database import Database, now
from bot.storage.preferences import prefs_of
from bot.storage.seal import Sealer
from bot.storage.tables import NO_ID, new_id, notices, owned_by, owner, person_of, tracked, watches
from bot.storage.tracked import IS_OPEN, OVER, NewTracked, Tracked, TrackedRows

RECONNECT: Final = "reconnect"  # why a watch is paused, and the kind of the notice that says so

_FREE: dict[str, Any] = {"lease": null(), "lease_until": null()}


@dataclass(frozen=True, slots=True)
class Watch:
    """All secrets of one person on one host."""

    id: str
    person: Person
    host: str  #: canonical base URL
    everything: bool  # also what the person did not track by hand
    lease: str | None  # None unless it comes from `claim`
    refused: int  # answers "Not authorized" since the last good one
    paused: str | None = None  # why nobody looks: "reconnect"


@dataclass(frozen=True, slots=True)
class Change:
    """What a look found out about one secret. `state` None leaves it as it is, for a reminder."""

    tracked_id: str
    state: str | None
    received_at: datetime | None = None  # with a zone
    notice: str | None = None  # the kind, if the person is to be told


class Looks:
    """All methods raise `StorageTrouble`; nothing is changed then.

    Those that take a `Watch` change nothing unless its lease is still the one that `claim` gave (a fence): a
    worker that slept too long cannot undo what another one did since.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = TrackedRows(sealer)

    async def claim(self, limit: int, lease_seconds: float) -> list[Watch]:
        """Up to `limit` that are due and that nobody looks at, the longest due first. Each goes to one caller."""
        async with self._db.writing() as connection:
            moment = await _moment(connection)
            free = or_(watches.c.lease_until.is_(None), watches.c.lease_until <= moment)
            due = (
                select(watches.c.id)
                .where(watches.c.next_look_at <= moment, free)
                .order_by(watches.c.next_look_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            ids = (await connection.execute(due)).scalars().all()
            if not ids:
                return []
            until = moment + lease_seconds
            taken = update(watches).where(watches.c.id.in_(ids)).returning(watches)
            taken = taken.values(lease=new_id(), lease_until=until, next_look_at=until)
            rows = (await connection.execute(taken)).all()
        return sorted(map(watch_of, rows), key=lambda watch: ids.index(watch.id))

    async def open_of(self, watch: Watch) -> list[Tracked]:
        """What can still change, oldest first. Rows that do not open are left out: nobody can look at them."""
        query = select(tracked).where(tracked.c.watch_id == watch.id, IS_OPEN).order_by(tracked.c.made_at, tracked.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return list(self._readable(rows))

    async def untracked(self, watch: Watch, keys: Iterable[MetadataKey]) -> list[MetadataKey]:
        """Those of the keys that have no row, not even one that is over."""
        blinds = {key: self._rows.blinds(watch.host, key) for key in keys}
        every = [blind for some in blinds.values() for blind in some]
        query = select(tracked.c.blind).where(owned_by(tracked, watch.person), tracked.c.blind.in_(every))
        async with self._db.reading() as connection:
            known = set((await connection.execute(query)).scalars())
        return [key for key, some in blinds.items() if known.isdisjoint(some)]

    async def settle_look(
        self, watch: Watch, changes: Sequence[Change], *, next_look_in: float | None, new: Sequence[NewTracked] = ()
    ) -> bool:
        """All that a look found, in one transaction, and the lease given back. False if it was not ours any more.

        A state that is final stays: a change of such a row is left out, with its notice. A notice is written once
        for each secret and kind, and not if the person does not want it. `new` is taken only while the person
        still wants everything watched, and only what is not tracked yet. `next_look_in` is in seconds; None stops
        looking until the watch is woken.
        """
        async with self._db.writing() as connection:
            if new:
                await alone(self._db, connection, watch.person)
            moment = await _moment(connection)
            following = null() if next_look_in is None else literal(moment + next_look_in)
            woken = watches.c.next_look_at != watches.c.lease_until
            next_look_at = case((woken, watches.c.next_look_at), else_=following)
            row = await _leave(connection, watch, next_look_at=next_look_at, refused=0, refused_since=null())
            if row is None:
                return False
            if row.everything:
                await self._track(connection, watch, new)
            await _apply(connection, watch, changes, moment)
        return True

    async def refused(self, watch: Watch, within: float = 600, most: int = 3) -> bool:
        """The host said "Not authorized". Whether that was the last straw.

        At the third time within ten minutes (seconds, from the first) the watch is paused and the person is to be
        told once. Before that it is looked at again soon enough for three looks to fall into that time.
        """
        async with self._db.writing() as connection:
            moment = await _moment(connection)
            counted = select(watches.c.refused, watches.c.refused_since).where(_held(watch)).with_for_update()
            row = (await connection.execute(counted)).one_or_none()
            if row is None:
                return False
            fresh = row.refused_since is None or row.refused_since < moment - within
            since, times = (moment, 1) if fresh else (row.refused_since, row.refused + 1)
            if times < most:
                again = moment + within / (most + 1)
                await _leave(connection, watch, refused=times, refused_since=since, next_look_at=again)
                return False
            await _leave(connection, watch, refused=times, refused_since=since, next_look_at=null(), paused=RECONNECT)
            once = f"{watch.id}:{RECONNECT}:{round(since * 1000)}"
            await connection.execute(insert(notices).values(_notice(watch, RECONNECT, once, moment)))
        return True

    async def failed(self, watch: Watch, retry_in: float) -> bool:
        """Nothing was learned: look again in so many seconds. False if the lease was not ours any more."""
        return await self._left(watch, next_look_at=now + retry_in)

    async def release(self, watch: Watch) -> bool:
        """Not looked at: another may, at once. False if the lease was not ours any more."""
        return await self._left(watch, next_look_at=now)

    async def _left(self, watch: Watch, **values: Any) -> bool:
        async with self._db.writing() as connection:
            return await _leave(connection, watch, **values) is not None

    async def _track(self, connection: AsyncConnection, watch: Watch, new: Sequence[NewTracked]) -> None:
        for each in new:
            there = select(tracked.c.id).where(self._rows.is_of(watch.person, watch.host, each.key))
            if (await connection.execute(there)).first() is None:
                row = self._rows.sealed(watch.person, watch.host, watch.id, each)
                await connection.execute(insert(tracked).values(row))

    def _readable(self, rows: Iterable[Row[Any]]) -> Iterable[Tracked]:
        for row in rows:
            try:
                yield self._rows.opened(row)
            except Unsealable:
                continue


async def alone(db: Database, connection: AsyncConnection, person: Person) -> None:
    """One watch per host and one row per secret hold only if what makes them comes one after the other.

    Take it first: whoever locked rows before would wait for somebody who waits for them.
    """
    await db.one_at_a_time(connection, "tracking", *owner(person).values())


def watch_of(row: Row[Any]) -> Watch:
    person = person_of(row.enterprise_id, row.team_id, row.user_id)
    return Watch(row.id, person, row.host, row.everything, row.lease, row.refused, row.paused)


async def _moment(connection: AsyncConnection) -> float:
    moment: float | None = await connection.scalar(select(now))
    assert moment is not None
    return moment


def _held(watch: Watch) -> ColumnElement[bool]:
    # A watch that nobody claimed has no lease, and None would find the rows without one.
    return and_(watches.c.id == watch.id, watches.c.lease == (watch.lease or NO_ID))


async def _leave(connection: AsyncConnection, watch: Watch, **values: Any) -> Row[Any] | None:
    """Give the lease back; the row, or None if the lease was not ours any more."""
    statement = update(watches).where(_held(watch)).values(**_FREE, **values).returning(watches)
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


async def _apply(connection: AsyncConnection, watch: Watch, changes: Sequence[Change], moment: float) -> None:
    prefs = await prefs_of(connection, watch.person) if any(change.notice for change in changes) else None
    rows = []
    for change in changes:
        if not await _changed(connection, watch, change, moment):
            continue
        if change.notice and prefs and prefs.want(change.notice):
            once = f"{change.tracked_id}:{change.notice}"
            rows.append(_notice(watch, change.notice, once, moment, change.tracked_id))
    if rows:
        # Only who holds the watch writes these, and its row is locked: nobody can come between the two statements.
        asked = select(notices.c.once).where(notices.c.once.in_([row["once"] for row in rows]))
        there = set((await connection.execute(asked)).scalars())
        if rows := list({row["once"]: row for row in rows if row["once"] not in there}.values()):
            await connection.execute(insert(notices), rows)


async def _changed(connection: AsyncConnection, watch: Watch, change: Change, moment: float) -> bool:
    """Whether the row was still open. It is locked from here on, even if its state stays."""
    over = change.state in OVER
    values = {
        "state": tracked.c.state if change.state is None else change.state,
        "received_at": None if change.received_at is None else change.received_at.timestamp(),
        "over_at": moment if over else None,
    }
    open_row = and_(tracked.c.id == change.tracked_id, tracked.c.watch_id == watch.id, IS_OPEN)
    if not (await connection.execute(update(tracked).where(open_row).values(values))).rowcount:
        return False
    if over:
        await unremind(connection, change.tracked_id)
    return True


async def unremind(connection: AsyncConnection, tracked_id: str, *kinds: str) -> None:
    """Take back what was not sent: a reminder of what is over would be wrong."""
    waits = and_(notices.c.tracked_id == tracked_id, notices.c.sent_at.is_(None))
    await connection.execute(delete(notices).where(waits, notices.c.kind.in_(("reminder", *kinds))))


def _notice(watch: Watch, kind: str, once: str, moment: float, tracked_id: str | None = None) -> dict[str, Any]:
    return {
        "id": new_id(),
        **owner(watch.person),
        "tracked_id": tracked_id,
        "host": watch.host,
        "kind": kind,
        "once": once,
        "created_at": moment,
        "due_at": moment,
        "tries": 0,
    }
