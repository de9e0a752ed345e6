"""Notifications: written together with the change, claimed with a lease, and marked behind a fence.

    due ──claim──► leased ──mark_posted──► posted ──mark_sent──► sent
     ▲               ├──dead_letter──► dead letter ──bot/storage/dead_letters.py──► due
     └──reschedule───┴──the lease runs out

A notification is sent at least once. Its sender may die between Slack's answer and `mark_posted`; the next sender then
sends it again. A posted notification is not sent again: only what follows the message is left to do.

Several notifications of one person may share one message, a digest. They are marked as posted in one statement, so a
crash lets all of them come again or none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.logs import Log
from bot.person import Person
from bot.storage.engine.database import Database, clock, now
from bot.storage.leases import FREE
from bot.storage.message_slots import FLOOD, FLOOD_TIME, SLOT
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueOpener
from bot.storage.tables import OWNER, limit_uses, new_id, notifications, owned_by, person_in, tracked
from bot.storage.tracking.changes import IS_WAITING
from bot.storage.tracking.rows import CARD, RECONNECT, NotificationKind, Tracked, decrypt

UNREADABLE: Final = "unreadable"  # dead letter: the tracked secret cannot be decrypted
REMINDER: Final[NotificationKind] = "reminder"
ALONE: Final = ""  # the digest of a notification that shares no message
MAX_CODE = 80  # characters
MAX_DIGEST = 46  # notifications in one message, which has room for 50 blocks
GATHER_TIME = 2 * FLOOD_TIME  # seconds; so that what had to wait for FLOOD_TIME to pass is gathered, too
# Tries of a notification that hold back the later ones of its person, about eight minutes. Then these overtake it.
HOLDING_TRIES = 8

log = Log("notifications")


@dataclass(frozen=True, slots=True)
class Notification:
    id: str
    person: Person
    kind: NotificationKind
    idempotency_key: str  # unique; all tries of one notification have the same key
    tries: int  # including the current one
    tracked: Tracked | None  # None: the notification is about an account
    host: str  #: canonical base URL
    lease: str
    created_at: float  # when the change was found, in seconds since the epoch
    digest: str = ALONE  # notifications of one claim with the same digest go out as one message
    is_posted: bool = False  # Slack has the message; only what follows it is left to do
    refusals: int = 0  # answers of Slack with a code that the bot does not know, before this try


class Notifications:
    """All methods raise `StorageUnavailable`.

    Methods that take a `Notification` change nothing and return False unless its lease is still the one from `claim`.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def claim(
        self, limit: int, lease_seconds: float = 30, *, team: str | None = None, without: Collection[str] = ()
    ) -> list[Notification]:
        """Notifications that are due and that nobody is sending, for up to `limit` messages, at most one to a person.

        `team`: only of this workspace; `without`: of no workspace among these.

        A person gets notifications in order: a notification that waits, is being sent or is rescheduled delays later
        ones, for about eight minutes. Only a reminder, and one whose message was posted, delays no other. What is about
        a secret that cannot be decrypted becomes a dead letter.

        What the watcher found by itself is gathered in one message, a digest, and so is what would be more than FLOOD
        messages to a person within FLOOD_TIME. After so many messages the next one waits until that time is over.
        """
        async with self._db.writing() as connection:
            moment = await clock(connection)
            heads = (await connection.execute(_due(moment, limit, team, without))).all()
            if not heads:
                return []
            lately = await _posted_lately(connection, heads, moment)
            rows: list[Row[Any]] = []
            for head in heads:
                queue = (await connection.execute(_queue(head, moment))).all()
                together, wait_until = _gather(head, queue, lately.get(person_in(head), set()), moment)
                ids = [row.id for row in together]
                if wait_until is not None:
                    later = update(notifications).where(notifications.c.id.in_(ids))
                    await connection.execute(later.values(due_at=wait_until))
                else:
                    rows += await _take(connection, ids, moment, lease_seconds)
            about = select(tracked).where(tracked.c.id.in_([row.tracked_id for row in rows if row.tracked_id]))
            secrets = {row.id: row for row in (await connection.execute(about)).all()}
            opener = await self._keys.opener(connection, secrets.values())
        claimed = [await self._decrypt_or_dead_letter(row, secrets.get(row.tracked_id), opener) for row in rows]
        return [notification for notification in claimed if notification is not None]

    async def still_held(self, *claimed: Notification) -> list[Notification]:
        """Those that still exist, are unsent, and whose lease is ours. Called right before they are sent."""
        query = select(notifications.c.id).where(_all_held(claimed), notifications.c.lease_until > now)
        async with self._db.reading() as connection:
            held = set((await connection.execute(query)).scalars())
        return [notification for notification in claimed if notification.id in held]

    async def renew(self, held: Sequence[Notification], lease_seconds: float) -> None:
        """Extend the leases to `lease_seconds` from now. A lease that is not ours any more stays as it is."""
        async with self._db.writing() as connection:
            statement = update(notifications).where(_all_held(held)).values(lease_until=now + lease_seconds)
            await connection.execute(statement)

    async def release(self, *held: Notification) -> int:
        """Give back leases of notifications that were not sent: another process may claim them. Returns how many."""
        async with self._db.writing() as connection:
            return (await connection.execute(update(notifications).where(_all_held(held)).values(FREE))).rowcount

    async def mark_posted(self, *held: Notification) -> bool:
        """Record, in one statement, that Slack has the message of these notifications. The leases stay."""
        async with self._db.writing() as connection:
            moment = await clock(connection)  # one value for all: it counts as one message
            posted = update(notifications).where(_all_held(held), notifications.c.posted_at.is_(None))
            return bool((await connection.execute(posted.values(posted_at=moment))).rowcount)

    async def mark_sent(self, notification: Notification) -> bool:
        """Record that the notification was sent, and that nothing is left to do."""
        posted_at = func.coalesce(notifications.c.posted_at, now)
        return await self._release_lease(notification.id, notification.lease, sent_at=now, posted_at=posted_at)

    async def reschedule(
        self, notification: Notification, in_seconds: float, *, counts: bool = True, refused: bool = False
    ) -> bool:
        """Try again in `in_seconds`: the notification was not sent, or nobody knows whether it was.

        `counts` False: the try is not counted, since nothing was wrong with this notification. `refused`: Slack
        refused it with a code that the bot does not know.
        """
        tries = notifications.c.tries - (0 if counts else 1)
        refusals = notifications.c.refusals + int(refused)
        return await self._release_lease(
            notification.id, notification.lease, due_at=now + in_seconds, tries=tries, refusals=refusals
        )

    async def send_alone(self, notification: Notification) -> bool:
        """Try again at once, in a message of its own: Slack did not take the message that it shared."""
        return await self._release_lease(notification.id, notification.lease, due_at=now, digest=ALONE)

    async def dead_letter(self, notification: Notification, code: str) -> bool:
        """Record that it can never be sent, for the reason `code`. Later notifications do not wait for it."""
        return await self._release_lease(notification.id, notification.lease, dead_letter=code[:MAX_CODE])

    async def dead_count(self) -> int:
        return await self._count(notifications.c.dead_letter.is_not(None))

    async def waiting_count(self) -> int:
        """How many notifications still have to be sent, now or later."""
        return await self._count(IS_WAITING)

    async def _decrypt_or_dead_letter(
        self, row: Row[Any], about: Row[Any] | None, opener: ValueOpener
    ) -> Notification | None:
        try:
            secret = None if about is None else decrypt(about, opener)
        except Unsealable:
            await self._release_lease(row.id, row.lease, dead_letter=UNREADABLE)
            log.warning("notification_dead_lettered", error=UNREADABLE, ref=row.id, count=await self.dead_count())
            return None
        return Notification(
            id=row.id,
            person=person_in(row),
            kind=row.kind,
            idempotency_key=row.idempotency_key,
            tries=row.tries,
            tracked=secret,
            host=row.host,
            lease=row.lease,
            created_at=row.created_at,
            digest=row.digest or ALONE,
            is_posted=row.posted_at is not None,
            refusals=row.refusals,
        )

    async def _release_lease(self, row_id: str, lease: str, **values: Any) -> bool:
        statement = update(notifications).where(_held(row_id, lease)).values(**FREE, **values)
        async with self._db.writing() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def _count(self, condition: ColumnElement[bool]) -> int:
        async with self._db.reading() as connection:
            return await connection.scalar(select(func.count()).select_from(notifications).where(condition)) or 0


async def _take(
    connection: AsyncConnection, ids: Sequence[str], moment: float, lease_seconds: float
) -> Sequence[Row[Any]]:
    """Lease the notifications of one message. Several of them get a digest, which they keep."""
    taken = update(notifications).where(notifications.c.id.in_(ids), _is_free(moment)).returning(notifications)
    # From now, not from `moment`: the queries before may have taken a while.
    values: dict[str, Any] = {
        "lease": new_id(), "lease_until": now + lease_seconds, "tries": notifications.c.tries + 1,
    }  # fmt: skip
    if len(ids) > 1:
        values["digest"] = func.coalesce(notifications.c.digest, new_id())
    rows = (await connection.execute(taken.values(values))).all()
    return sorted(rows, key=lambda row: (row.created_at, row.id))


async def _posted_lately(
    connection: AsyncConnection, heads: Sequence[Row[Any]], moment: float
) -> Mapping[Person, set[float]]:
    """When messages to the persons of `heads` were posted within GATHER_TIME, here or directly (see message_slots.py).

    One message has one time.
    """
    users = {head.user_id for head in heads}
    columns = [notifications.c[name] for name in (*OWNER, "posted_at")]
    posted = select(*columns).where(
        notifications.c.posted_at.between(moment - GATHER_TIME, moment), notifications.c.user_id.in_(users)
    )
    uses = [limit_uses.c[name] for name in OWNER]
    directly = select(*uses, limit_uses.c.at).where(
        limit_uses.c.at.between(moment - GATHER_TIME, moment),
        limit_uses.c.user_id.in_(users),
        limit_uses.c.kind == SLOT,
    )
    rows: Sequence[Row[Any]] = (await connection.execute(union_all(posted, directly))).all()
    found: dict[Person, set[float]] = {}
    for row in rows:
        found.setdefault(person_in(row), set()).add(row.posted_at)
    return found


def _queue(head: Row[Any], moment: float) -> Any:
    """What may share a message with `head`: notifications of its person that are due and free, in order."""
    found = select(tracked.c.found).where(tracked.c.id == notifications.c.tracked_id).scalar_subquery()
    columns = (notifications.c[name] for name in ("id", "kind", "digest", "posted_at"))
    return (
        select(*columns, found.label("found"))
        .where(owned_by(notifications, person_in(head)), IS_WAITING, notifications.c.due_at <= moment, _is_free(moment))
        .order_by(notifications.c.created_at, notifications.c.id)
        .limit(MAX_DIGEST)
        .with_for_update(skip_locked=True)
    )


def _gather(
    head: Row[Any], queue: Sequence[Row[Any]], lately: Collection[float], moment: float
) -> tuple[Sequence[Row[Any]], float | None]:
    """The notifications that go out as one message with `head`, or the moment until which all of them wait."""
    first = next((row for row in queue if row.id == head.id), None)
    if first is None or first.posted_at is not None or first.kind == RECONNECT or first.digest == ALONE:
        return [head], None
    if first.digest is not None:
        return [row for row in queue if row.digest == first.digest], None
    waiting = list(takewhile(_may_share, queue[queue.index(first) :]))
    just_now = [posted_at for posted_at in lately if posted_at > moment - FLOOD_TIME]
    if len(just_now) >= FLOOD:
        return waiting, sorted(just_now)[-FLOOD] + FLOOD_TIME
    if len(lately) + len(waiting) > FLOOD:
        return waiting, None
    return list(takewhile(_was_found, waiting)) or [first], None


def _may_share(row: Row[Any]) -> bool:
    return row.digest is None and row.posted_at is None and row.kind != RECONNECT


def _was_found(row: Row[Any]) -> bool:
    """Whether it tells what became of a secret that the watcher found by itself."""
    return bool(row.found) and row.kind not in (CARD, REMINDER)


def by_message(claimed: Sequence[Notification]) -> Iterator[list[Notification]]:
    """The notifications of one claim, grouped by the message in which they go out."""
    groups: dict[str, list[Notification]] = {}
    for notification in claimed:
        groups.setdefault(notification.digest or notification.id, []).append(notification)
    yield from groups.values()


def _held(row_id: str, lease: str) -> ColumnElement[bool]:
    """The condition that the notification has this lease. Sent ones and dead letters have none."""
    return and_(notifications.c.id == row_id, notifications.c.lease == lease)


def _all_held(held: Sequence[Notification]) -> ColumnElement[bool]:
    leases = {notification.lease for notification in held}
    return and_(notifications.c.id.in_([notification.id for notification in held]), notifications.c.lease.in_(leases))


def _is_free(moment: float) -> ColumnElement[bool]:
    return or_(notifications.c.lease_until.is_(None), notifications.c.lease_until <= moment)


def _due(moment: float, limit: int, team: str | None = None, without: Collection[str] = ()) -> Any:
    """The notifications to send now: the first of each person, if it is due and nobody has its lease.

    A reminder, and a notification whose message was posted, delays no other. One that failed HOLDING_TRIES times delays
    others only while it is being sent.
    """
    earlier = notifications.alias("earlier")
    before = or_(
        earlier.c.created_at < notifications.c.created_at,
        and_(earlier.c.created_at == notifications.c.created_at, earlier.c.id < notifications.c.id),
    )
    same_person = and_(*(earlier.c[name] == notifications.c[name] for name in OWNER))
    unsent = and_(earlier.c.sent_at.is_(None), earlier.c.dead_letter.is_(None), earlier.c.posted_at.is_(None))
    # The time at which a notification was due stays as it is while the notification is being sent.
    holds = or_(earlier.c.tries < HOLDING_TRIES, earlier.c.due_at <= moment)
    waits = and_(unsent, earlier.c.kind != REMINDER, holds)
    # OFFSET stops PostgreSQL from using a join: its statistics say that the table is nearly empty, so a join would
    # compare all rows with all rows.
    overtakes = select(earlier.c.id).where(same_person, before, waits).limit(1).offset(0).exists()
    where = [IS_WAITING, notifications.c.due_at <= moment, _is_free(moment), ~overtakes]
    if team is not None:
        where.append(notifications.c.team_id == team)
    if without:
        where.append(notifications.c.team_id.not_in(list(without)))
    return (
        select(notifications.c.id, *(notifications.c[name] for name in OWNER))
        .where(*where)
        .order_by(notifications.c.due_at, notifications.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
