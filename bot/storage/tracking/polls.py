"""Polls of watches: the watcher claims watches that are due, with a lease, and records what each poll found.

A watch is all secrets of one person on one host, because one call answers for all of them. While a watch is leased,
its `next_poll_at` is the end of the lease. Another value means that the watch was woken during the poll: a secret was
tracked that this poll does not know, so the next poll follows at once. All times are by the database's clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Double,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret
from bot.storage.engine.database import CLOCK_TOLERANCE, Database, clock, now
from bot.storage.leases import FREE
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueSealer
from bot.storage.shares.rows import DeliveryState
from bot.storage.tables import NO_ID, OWNER, deliveries, ignored, notifications, owned_by, tracked, watches
from bot.storage.tables import new_id as new_lease
from bot.storage.tracking.changes import IS_WAITING, Change, apply_changes, new_notification, notification_of_tracked
from bot.storage.tracking.key_calls import KeyCalls
from bot.storage.tracking.rows import (
    CARD,
    IS_OPEN,
    RECONNECT,
    SILENT_LIFE,
    NewTracked,
    NotificationKind,
    OpenRow,
    TrackedRows,
    Watch,
    decrypt_key,
    is_held,
    lock_person,
    watch_of,
)

BATCH = 500  # values in a list of one statement; databases have a limit
WATCHES_BATCH = 4  # watches whose rows one statement reads: each may have hundreds

WEEK = 7 * 86_400.0  # seconds that a row stays after the secret is over
REPORT_LIFE = 30 * 86_400.0  # seconds that a row stays while a notification about the secret is unsent
PURGE_BATCH = 200  # rows in one transaction, so that others can write in between

_HAS_UNSENT = exists().where(notifications.c.tracked_id == tracked.c.id, IS_WAITING)
_UNANSWERED: Final[tuple[DeliveryState, ...]] = ("asking", "unknown_outcome")
_WOKEN = watches.c.next_poll_at != watches.c.lease_until
_WELL: dict[str, Any] = {"refused": 0, "refused_since": null()}


class Polls:
    """All methods raise `StorageUnavailable`; nothing is changed then.

    Methods that take a `Watch` change nothing unless its lease is still the one from `claim`. This is a fence: a
    worker that was suspended for too long cannot undo what another worker did since.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = TrackedRows(sealer)
        self._keys = DataKeys(db, sealer)
        self.key_calls = KeyCalls(db)

    # --- leases

    async def due_hosts(self) -> list[str]:
        """The base URLs of the hosts with a watch that `claim` would return."""
        query = select(watches.c.host).where(watches.c.next_poll_at <= now, _is_free(now)).distinct()
        async with self._db.reading() as connection:
            return list((await connection.execute(query)).scalars())

    async def claim(self, limit: int, lease_seconds: float, host: str | None = None) -> list[Watch]:
        """Up to `limit` watches that are due and not leased, those first that are due longest. Each goes to one caller.

        `host` None: watches on all hosts.
        """
        async with self._db.writing() as connection:
            moment = await clock(connection)
            due = select(watches.c.id).where(watches.c.next_poll_at <= moment, _is_free(moment))
            if host is not None:
                due = due.where(watches.c.host == host)
            due = due.order_by(watches.c.next_poll_at).limit(limit).with_for_update(skip_locked=True)
            ids = (await connection.execute(due)).scalars().all()
            if not ids:
                return []
            until = moment + lease_seconds
            taken = update(watches).where(watches.c.id.in_(ids)).returning(watches)
            taken = taken.values(lease=new_lease(), lease_until=until, next_poll_at=until)
            rows = (await connection.execute(taken)).all()
        return sorted(map(watch_of, rows), key=lambda watch: ids.index(watch.id))

    async def renew(self, held: Sequence[Watch], lease_seconds: float) -> None:
        """Extend the leases to `lease_seconds` from now. A lease that is not ours any more stays as it is."""
        async with self._db.writing() as connection:
            until = literal(await clock(connection) + lease_seconds, Double)
            woken = case((_WOKEN, watches.c.next_poll_at), else_=until)
            statement = update(watches).where(_all_held(held)).values(lease_until=until, next_poll_at=woken)
            await connection.execute(statement)

    async def release(self, *held: Watch) -> int:
        """Give back leases of watches that were not polled: they are due at once. Returns how many leases were ours."""
        async with self._db.writing() as connection:
            statement = update(watches).where(_all_held(held)).values(**FREE, next_poll_at=now)
            return (await connection.execute(statement)).rowcount

    # --- what to poll

    async def open_rows(self, claimed: Sequence[Watch]) -> dict[str, list[OpenRow]]:
        """The secrets that can still change, by the id of the watch. Nothing is decrypted."""
        query = select(
            tracked.c.watch_id,
            tracked.c.id,
            tracked.c.blind_index,
            tracked.c.made_at,
            tracked.c.expires_at,
            tracked.c.reminded_at.is_not(None),
        ).where(IS_OPEN)
        found: dict[str, list[OpenRow]] = {watch.id: [] for watch in claimed}
        if not claimed:
            return found
        async with self._db.reading() as connection:
            for some in _in_batches([*found], WATCHES_BATCH):
                for watch_id, *row in await connection.execute(query.where(tracked.c.watch_id.in_(some))):
                    found[watch_id].append(OpenRow._make(row))
        return found

    async def keys_of(self, watch: Watch, ids: Sequence[str]) -> dict[str, MetadataKey]:
        """The keys of rows of this watch, by the id of the row. A key that cannot be decrypted is left out."""
        columns = ("id", *OWNER, "host", "key")
        query = select(*(tracked.c[name] for name in columns)).where(tracked.c.watch_id == watch.id)
        found = {}
        async with self._db.reading() as connection:
            for some in _in_batches(ids):
                rows = (await connection.execute(query.where(tracked.c.id.in_(some)))).all()
                opener = await self._keys.opener(connection, rows)
                for row in rows:
                    try:
                        found[row.id] = decrypt_key(row, opener)
                    except Unsealable:
                        continue
        return found

    def indexers(self, host: str) -> list[Callable[[Secret], bytes]]:
        """Functions from a key to `OpenRow.blind_index`, one for each encryption key, the primary one first."""
        return self._rows.indexers(host)

    async def untracked(self, watch: Watch, keys: Iterable[MetadataKey]) -> list[MetadataKey]:
        """The keys of secrets that the person does not track (open or over) and did not stop tracking."""
        blinds = {key: self._rows.blind_indexes(watch.host, key) for key in keys}
        every = [blind for some in blinds.values() for blind in some]
        async with self._db.reading() as connection:
            known = await _known(connection, watch.person, every)
        return [key for key, some in blinds.items() if known.isdisjoint(some)]

    # --- what the poll found

    async def record_unchanged(self, polls: Sequence[tuple[Watch, float | None]]) -> None:
        """Record polls that found nothing new, in one transaction: set the next polls and give back the leases.

        Each poll is a watch and the seconds until its next poll; None waits until the watch is woken. A poll whose
        lease is not ours any more changes nothing.
        """
        following = bindparam("following", type_=Double)
        ours = and_(watches.c.id == bindparam("watch"), watches.c.lease == bindparam("held"))
        async with self._db.writing() as connection:
            moment = await clock(connection)
            next_poll_at = case((_WOKEN, watches.c.next_poll_at), else_=following)
            statement = update(watches).where(ours).values(**FREE, **_WELL, next_poll_at=next_poll_at)
            # In the order of the ids, so that two transactions never lock two watches in opposite orders.
            values = [
                {"watch": watch.id, "held": watch.lease or NO_ID, "following": None if soon is None else moment + soon}
                for watch, soon in sorted(polls, key=lambda one: one[0].id)
            ]
            await connection.execute(statement, values)

    async def record_poll(
        self, watch: Watch, changes: Sequence[Change], *, next_poll_in: float | None, new: Sequence[NewTracked] = ()
    ) -> bool:
        """Record all that a poll found and give back the lease, in one transaction. False if the lease is not ours.

        A final state never changes: a change of such a secret is left out, with its notification. One notification is
        written for each secret and kind. `new` secrets are tracked only while the watch still has `everything` on, and
        only if the person does not track them and did not stop tracking them; those made after `everything` was
        switched on get a card. `next_poll_in` is in seconds; None waits until the watch is woken.
        """
        async with self._db.writing() as connection:
            if new:
                sealer = await self._keys.sealer_for(connection, watch.person)
                await lock_person(self._db, connection, watch.person)
            moment = await clock(connection)
            following = null() if next_poll_in is None else literal(moment + next_poll_in)
            next_poll_at = case((_WOKEN, watches.c.next_poll_at), else_=following)
            version = watches.c.version + (1 if new else 0)
            row = await _release_lease(connection, watch, next_poll_at=next_poll_at, version=version, **_WELL)
            if row is None:
                return False
            if row.everything and new:
                await self._track(connection, watch, new, row.everything_since, moment, sealer)
            await apply_changes(connection, watch.ref, changes, moment)
        return True

    async def record_refusal(self, watch: Watch, within: float = 600, most: int = 3) -> bool:
        """Record that the host answered "Not authorized". True if the watch is paused now.

        If `most` such answers come within `within` seconds, the watch is paused and one notification is written. Until
        then the next poll comes soon enough for `most` polls to fit into that time.
        """
        async with self._db.writing() as connection:
            moment = await clock(connection)
            counted = select(watches.c.refused, watches.c.refused_since).where(is_held(watch)).with_for_update()
            row = (await connection.execute(counted)).one_or_none()
            if row is None:
                return False
            fresh = row.refused_since is None or row.refused_since < moment - within
            since, times = (moment, 1) if fresh else (row.refused_since, row.refused + 1)
            if times < most:
                again = moment + within / (most + 1)
                await _release_lease(connection, watch, refused=times, refused_since=since, next_poll_at=again)
                return False
            await _release_lease(
                connection, watch, refused=times, refused_since=since, next_poll_at=null(), paused=RECONNECT
            )
            idempotency_key = f"{watch.id}:{RECONNECT}:{round(since * 1000)}"
            await connection.execute(
                insert(notifications).values(new_notification(watch.ref, RECONNECT, idempotency_key, moment))
            )
        return True

    async def record_failure(self, watch: Watch, retry_in: float) -> bool:
        """Record a poll that found out nothing: poll again in `retry_in` seconds. False if the lease is not ours."""
        async with self._db.writing() as connection:
            return await _release_lease(connection, watch, next_poll_at=now + retry_in) is not None

    async def purge(self) -> int:
        """Delete secrets that ended a week ago or whose end the host never reports, and old notifications.

        A secret with an unsent notification stays up to 30 days. Returns how many rows were deleted.
        """
        week_ago, long_ago, silent = now - WEEK, now - REPORT_LIFE, now - SILENT_LIFE
        over = and_(tracked.c.over_at <= week_ago, or_(~_HAS_UNSENT, tracked.c.over_at <= long_ago))
        never = and_(IS_OPEN, tracked.c.made_at <= silent, func.coalesce(tracked.c.expires_at, 0) <= silent)
        account = and_(notifications.c.tracked_id.is_(None), ~IS_WAITING, notifications.c.created_at <= week_ago)
        gone = await self._delete(tracked, over) + await self._delete(tracked, never)
        gone += await self._delete(notifications, account)
        async with self._db.writing() as connection:
            await connection.execute(delete(ignored).where(ignored.c.until <= now))
        await self._db.checkpoint()
        return gone

    async def _delete(self, table: Any, condition: ColumnElement[bool]) -> int:
        some = select(table.c.id).where(condition).limit(PURGE_BATCH)
        gone = 0
        while True:
            async with self._db.writing() as connection:
                done = (await connection.execute(delete(table).where(table.c.id.in_(some)))).rowcount
            gone += done
            if done < PURGE_BATCH:
                return gone

    async def _track(
        self,
        connection: AsyncConnection,
        watch: Watch,
        new: Sequence[NewTracked],
        since: float | None,
        moment: float,
        sealer: ValueSealer,
    ) -> None:
        blinds = {one.key: self._rows.blind_indexes(watch.host, one.key) for one in new}
        known = await _known(connection, watch.person, [blind for some in blinds.values() for blind in some])
        wanted = list({one.key: one for one in new if known.isdisjoint(blinds[one.key])}.values())
        if not wanted:
            return
        rows = []
        for one in wanted:
            of_secret = await self._rows.index_of_secret(self._db, connection, watch.host, one.secret_key)
            values = self._rows.encrypt(watch.person, watch.host, watch.id, one, of_secret, moment, sealer=sealer)
            rows.append(values | {"found": True})
        await connection.execute(insert(tracked), rows)
        # Servers round the time of creation down to whole seconds.
        fresh = [row for row in rows if since is not None and row["made_at"] >= math.floor(since)]
        fresh = [row for row in fresh if not await _is_of_share(connection, watch, row)]
        if fresh:
            # Of a secret that is over, its end is told in the place of a card.
            kinds: list[tuple[NotificationKind, str]] = [
                (CARD if row["over_at"] is None else row["state"], row["id"]) for row in fresh
            ]
            cards = [notification_of_tracked(watch.ref, kind, moment, row_id) for kind, row_id in kinds]
            await connection.execute(insert(notifications), cards)


async def _is_of_share(connection: AsyncConnection, watch: Watch, row: dict[str, Any]) -> bool:
    """Whether the secret is most likely one whose making got no answer. Its share then follows it, and has a card."""
    made_at = row["made_at"]
    unanswered = and_(
        owned_by(deliveries, watch.person),
        deliveries.c.host == watch.host,
        deliveries.c.state.in_(_UNANSWERED),
        deliveries.c.tracked_id.is_(None),
        deliveries.c.created_at - CLOCK_TOLERANCE <= made_at,
        deliveries.c.changed_at + CLOCK_TOLERANCE >= made_at,
    )
    first = select(deliveries.c.id).where(unanswered).order_by(deliveries.c.created_at, deliveries.c.id).limit(1)
    tie = update(deliveries).where(deliveries.c.id == first.scalar_subquery()).values(tracked_id=row["id"])
    return bool((await connection.execute(tie)).rowcount)


async def _known(connection: AsyncConnection, person: Person, blinds: Sequence[bytes]) -> set[bytes]:
    """The blind indexes of secrets that the person tracks or has stopped tracking."""
    known: set[bytes] = set()
    for table in (tracked, ignored):
        for some in _in_batches(blinds):
            query = select(table.c.blind_index).where(owned_by(table, person), table.c.blind_index.in_(some))
            known.update((await connection.execute(query)).scalars())
    return known


def _in_batches(values: Sequence[Any], size: int = BATCH) -> Iterable[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _is_free(moment: ColumnElement[float] | float) -> ColumnElement[bool]:
    """The condition that nobody has a lease on a watch at this moment."""
    return or_(watches.c.lease_until.is_(None), watches.c.lease_until <= moment)


def _all_held(held: Sequence[Watch]) -> ColumnElement[bool]:
    """The condition that a watch still has the lease of its claim. One claim gives all its watches one lease."""
    leases = {watch.lease or NO_ID for watch in held}
    return and_(watches.c.id.in_([watch.id for watch in held]), watches.c.lease.in_(leases))


async def _release_lease(connection: AsyncConnection, watch: Watch, **values: Any) -> Row[Any] | None:
    """Give back the lease. Returns the row after that, or None if the lease is not ours."""
    statement = update(watches).where(is_held(watch)).values(**FREE, **values).returning(watches)
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row
