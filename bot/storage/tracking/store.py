"""The secrets that people track: each is one row until a week after the secret is over."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, insert, null, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.leases import FREE
from bot.storage.sealing.blind_indexes import NamedIndex
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueOpener, ValueSealer
from bot.storage.tables import deliveries, ignored, new_id, notifications, own_row, owned_by, owner, tracked, watches
from bot.storage.tracking.changes import Change, apply_changes, cancel_reminder
from bot.storage.tracking.rows import (
    IS_OPEN,
    OVER,
    RECONNECT,
    SILENT_LIFE,
    FinalState,
    NewTracked,
    Tracked,
    TrackedPage,
    TrackedRows,
    TrackedState,
    Unnotified,
    Watch,
    WatchRef,
    decrypt,
    decrypt_or_flag,
    encrypt_label,
    lock_person,
    watch_of,
)

MAX_VALUES: Final = 500  # in one statement: databases limit how many there may be
_LISTED: Final = (case((IS_OPEN, 0), else_=1), tracked.c.made_at.desc(), tracked.c.id)  # the order of lists


class Tracking:
    """Each method takes the owner of the secrets. All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = TrackedRows(sealer)
        self._keys = DataKeys(db, sealer)

    async def track(
        self,
        person: Person,
        host: str,
        key: MetadataKey,
        *,
        label: str | None = None,
        made_at: datetime,
        expires_at: datetime | None,
        passphrase_required: bool | None = None,
        state: TrackedState = "new",
        secret_key: SecretKey | None = None,
        zone: str | None = None,
    ) -> tuple[Tracked, bool]:
        """Start tracking a secret, and wake its watch. Returns the row, and whether it is new.

        A secret that is tracked already keeps its row: a label or secret key that is given replaces the old one, and
        nothing else changes. `zone` is the person's time zone, an IANA name; None leaves the known one as it is.
        """
        new = NewTracked(key, made_at, expires_at, label, passphrase_required, state, secret_key)
        same = self._rows.is_of(person, host, key)
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, person)
            await lock_person(self._db, connection, person)
            # The watch is locked before the tracked row, in the order of `Polls.record_poll`.
            there = (await connection.execute(select(tracked).where(same))).one_or_none()
            state_now = state if there is None else there.state
            watch_id = await _watch(connection, person, host, wake=state_now not in OVER, zone=zone)
            await self._unignore(connection, person, host, key)
            row = await self._update_row(connection, person, there, new, sealer)
            made = row is None
            if row is None:
                of_secret = await self._rows.index_of_secret(self._db, connection, host, secret_key)
                values = self._rows.encrypt(person, host, watch_id, new, of_secret, sealer=sealer)
                row = (await connection.execute(insert(tracked).values(values).returning(tracked))).one()
            opener = await self._keys.opener(connection, [row])
        return decrypt_or_flag(row, opener), made

    async def list_of(self, person: Person) -> list[Tracked]:
        """Secrets that can still change first, then the newest first. Unreadable ones have `is_readable` False."""
        query = select(tracked).where(owned_by(tracked, person)).order_by(*_LISTED)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_flag(row, opener) for row in rows]

    async def page_of(self, person: Person, page: int, size: int) -> TrackedPage:
        """One page of `list_of`, counted from 0; the first one if that page is not there any more."""
        mine = owned_by(tracked, person)
        count = select(func.count()).select_from(tracked).where(mine).scalar_subquery().label("total")
        query = select(tracked, count).where(mine).order_by(*_LISTED).limit(size).offset(page * size)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        if not rows and page:
            return await self.page_of(person, 0, size)
        secrets = tuple(decrypt_or_flag(row, opener) for row in rows)
        return TrackedPage(secrets, page, rows[0].total if rows else 0)

    async def unnotified_of(self, person: Person) -> Unnotified:
        """What this person should have been told of, and Slack took no message."""
        dead = and_(notifications.c.dead_letter.is_not(None), notifications.c.sent_at.is_(None))
        query = select(notifications.c.tracked_id, notifications.c.host).where(owned_by(notifications, person), dead)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return Unnotified(
            frozenset(row.tracked_id for row in rows if row.tracked_id),
            frozenset(row.host for row in rows if not row.tracked_id),
        )

    async def find(self, person: Person, id: object) -> Tracked:
        """Raises `NotYours`, `Unsealable`."""
        row, opener = await self._row(own_row(tracked, person, id))
        if row is None:
            raise NotYours
        return decrypt(row, opener)

    async def find_key(self, person: Person, host: str, key: MetadataKey) -> Tracked | None:
        row, opener = await self._row(self._rows.is_of(person, host, key))
        return decrypt_or_flag(row, opener) if row else None

    async def with_known_secret_key(
        self, person: Person, host: str, keys: Collection[MetadataKey]
    ) -> frozenset[MetadataKey]:
        """Those of the keys whose secret the person tracks and whose secret key is known too."""
        blinds = {blind: key for key in keys for blind in self._rows.blind_indexes(host, key)}
        query = select(tracked.c.blind_index).where(
            owned_by(tracked, person), tracked.c.secret_blind_index.is_not(None), tracked.c.blind_index.in_(blinds)
        )
        async with self._db.reading() as connection:
            return frozenset(blinds[blind] for blind in (await connection.execute(query)).scalars())

    async def find_keys(self, person: Person, host: str, keys: Collection[MetadataKey]) -> dict[MetadataKey, Tracked]:
        """Those of these secrets that the person tracks and that can be decrypted."""
        found: dict[MetadataKey, Tracked] = {}
        indexes = [index(key) for index in self._rows.indexers(host) for key in keys]
        async with self._db.reading() as connection:
            for some in range(0, len(indexes), MAX_VALUES):
                of_keys = tracked.c.blind_index.in_(indexes[some : some + MAX_VALUES])
                query = select(tracked).where(owned_by(tracked, person), tracked.c.host == host, of_keys)
                rows = (await connection.execute(query)).all()
                opener = await self._keys.opener(connection, rows)
                for row in rows:
                    one = decrypt_or_flag(row, opener)
                    if one.is_readable:
                        found[one.key] = one
        return found

    async def find_metadata_key(self, person: Person, host: str, key: SecretKey) -> MetadataKey | None:
        """The metadata key of a secret that anybody in this person's workspace tracks; None if nobody does."""
        return next((one.key for one in await self.find_by_secret_key(person, host, key)), None)

    async def find_by_secret_key(self, person: Person, host: str, key: SecretKey) -> list[Tracked]:
        """The readable rows of this secret that people in this person's workspace have, the oldest first."""
        here = and_(tracked.c.enterprise_id == owner(person)["enterprise_id"], tracked.c.team_id == person.team_id)
        opens = and_(tracked.c.host == host, tracked.c.secret_blind_index.in_(self._rows.blind_indexes(host, key)))
        async with self._db.reading() as connection:
            rows = (await connection.execute(select(tracked).where(here, opens).order_by(tracked.c.tracked_at))).all()
            opener = await self._keys.opener(connection, rows)
        return [one for row in rows if (one := decrypt_or_flag(row, opener)).is_readable]

    async def stop(self, person: Person, id: object) -> Tracked:
        """Delete a tracked secret and its notifications. Returns it as it was. Raises `NotYours`.

        `watch_everything` ignores the secret from now on, until the person tracks it by hand.
        """
        async with self._db.writing() as connection:
            await lock_person(self._db, connection, person)
            # The watch is locked before the tracked row, in the order of `Polls.record_poll`.
            mine = own_row(tracked, person, id)
            its_watch = watches.c.id.in_(select(tracked.c.watch_id).where(mine))
            await connection.execute(update(watches).where(its_watch).values(version=watches.c.version + 1))
            gone = delete(tracked).where(mine).returning(tracked)
            row = (await connection.execute(gone)).one_or_none()
            if row is None:
                raise NotYours
            await _ignore(
                connection, person, row.host, NamedIndex(row.blind_index_kid, row.blind_index), row.expires_at
            )
            opener = await self._keys.opener(connection, [row])
        await self._db.checkpoint()
        return decrypt_or_flag(row, opener)

    async def set_card(self, id: str, card: MessageRef) -> None:
        """Remember the message that shows the secret. `id` is of a row that was found before."""
        async with self._db.writing() as connection:
            values = {"card_channel": card.channel, "card_ts": card.ts}
            await connection.execute(update(tracked).where(tracked.c.id == id).values(values))

    async def settle(self, person: Person, host: str, key: MetadataKey, state: FinalState) -> Tracked | None:
        """Record what the person did through the bot. No notification is sent. None if the secret is not tracked.

        If a poll saw the change before, its unsent notification is deleted. A final state never changes. A secret that
        is not tracked is ignored from now on, so that `watch_everything` does not tell the person what they did.
        """
        settled = await self._settle(self._rows.is_of(person, host, key), state)
        if settled is None:
            everything = and_(owned_by(watches, person), watches.c.host == host, watches.c.everything)
            async with self._db.writing() as connection:
                if await connection.scalar(select(watches.c.id).where(everything)) is not None:
                    await self._unignore(connection, person, host, key)  # by another encryption key
                    await _ignore(connection, person, host, self._rows.primary_index(host, key), None)
        return settled

    async def _settle(self, mine: ColumnElement[bool], state: FinalState) -> Tracked | None:
        received_at = now if state == "received" else null()
        values = {"state": state, "over_at": now, "received_at": received_at}
        async with self._db.writing() as connection:
            changed = update(tracked).where(mine, IS_OPEN).values(values).returning(tracked)
            row = (await connection.execute(changed)).one_or_none()
            if row is None:
                row = (await connection.execute(select(tracked).where(mine))).one_or_none()
            if row is not None:
                await cancel_reminder(connection, row.id, state)
            opener = await self._keys.opener(connection, [row])
        return decrypt_or_flag(row, opener) if row else None

    async def mark_opened(self, person: Person, host: str, key: SecretKey) -> Tracked | None:
        """Record that the person opened this secret through the bot. None if the person does not track it.

        No notification is sent to the person. The watches of other people who track the secret are polled at once, so
        that they learn from the host what became of it.
        """
        opens = and_(tracked.c.host == host, tracked.c.secret_blind_index.in_(self._rows.blind_indexes(host, key)))
        settled = await self._settle(and_(owned_by(tracked, person), opens), "received")
        others = select(tracked.c.watch_id).where(opens, IS_OPEN, ~owned_by(tracked, person))
        wake = update(watches).where(watches.c.id.in_(others), watches.c.paused.is_(None))
        async with self._db.writing() as connection:
            await connection.execute(wake.values(next_poll_at=now, version=watches.c.version + 1))
        return settled

    async def record_change(self, known: Tracked, change: Change) -> Tracked | None:
        """Record a change that a click found, with its notification. None if the secret is not tracked any more."""
        mine = and_(watches.c.id == known.watch_id, owned_by(watches, known.person))
        whose = WatchRef(known.watch_id, known.person, known.host)
        async with self._db.writing() as connection:
            locked = select(watches.c.id, now).where(mine).with_for_update()
            row = (await connection.execute(locked)).one_or_none()
            if row is None:
                return None
            await apply_changes(connection, whose, [change], row[1])
            after = (await connection.execute(select(tracked).where(tracked.c.id == known.id))).one_or_none()
            opener = await self._keys.opener(connection, [after])
        return decrypt_or_flag(after, opener) if after else None

    async def forget_host(self, person: Person, host: str) -> None:
        """Delete the tracked secrets on this host and their notifications. A poll that is under way has no effect.

        Secrets that the person shared here and that can still change stay: they are polled by key, without an account.
        """
        is_shared = exists().where(deliveries.c.tracked_id == tracked.c.id, deliveries.c.over_at.is_(None))
        mine = and_(owned_by(watches, person), watches.c.host == host)
        is_empty = ~exists().where(tracked.c.watch_id == watches.c.id)
        anonymous = {
            **FREE,
            "everything": False,
            "everything_since": null(),
            "paused": null(),
            "refused": 0,
            "refused_since": null(),
            "version": watches.c.version + 1,
            "next_poll_at": now,
        }
        async with self._db.writing() as connection:
            await lock_person(self._db, connection, person)
            # The watch is changed before the tracked rows, in the order of `Polls.record_poll`.
            await connection.execute(update(watches).where(mine).values(anonymous))
            for table, condition in (
                (tracked, or_(~is_shared, ~IS_OPEN)),
                (notifications, notifications.c.tracked_id.is_(None)),  # about the account itself
                (ignored, true()),
            ):
                theirs = and_(owned_by(table, person), table.c.host == host, condition)
                await connection.execute(delete(table).where(theirs))
            await connection.execute(delete(watches).where(mine, is_empty))
        await self._db.checkpoint()

    async def watch_everything(
        self,
        person: Person,
        host: str,
        on: bool,  # noqa: FBT001 - what it says
        zone: str | None = None,
    ) -> None:
        """Switch on or off that all secrets of the account are tracked. `zone`: an IANA name; None changes nothing."""
        async with self._db.writing() as connection:
            await lock_person(self._db, connection, person)
            await _watch(connection, person, host, wake=on, everything=on, zone=zone)

    async def watches_of(self, person: Person) -> list[Watch]:
        """The person's watches, ordered by host."""
        query = select(watches).where(owned_by(watches, person)).order_by(watches.c.host)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [watch_of(row) for row in rows]

    async def resume(self, person: Person, host: str) -> None:
        """The person has connected again: poll at once, and delete the unsent notification to reconnect."""
        mine = and_(owned_by(watches, person), watches.c.host == host)
        useful = or_(watches.c.everything, exists().where(tracked.c.watch_id == watches.c.id, IS_OPEN))
        values = {
            "paused": null(),
            "refused": 0,
            "refused_since": null(),
            "next_poll_at": case((useful, now), else_=null()),
        }
        notified = and_(
            owned_by(notifications, person), notifications.c.host == host, notifications.c.kind == RECONNECT
        )
        async with self._db.writing() as connection:
            await lock_person(self._db, connection, person)
            await connection.execute(update(watches).where(mine).values(values))
            await connection.execute(delete(notifications).where(notified, notifications.c.sent_at.is_(None)))

    async def _unignore(self, connection: AsyncConnection, person: Person, host: str, key: MetadataKey) -> None:
        """Ignore the secret no more, whichever encryption key made the index of its row."""
        mine = and_(owned_by(ignored, person), ignored.c.blind_index.in_(self._rows.blind_indexes(host, key)))
        await connection.execute(delete(ignored).where(mine))

    async def _update_row(
        self,
        connection: AsyncConnection,
        person: Person,
        row: Row[Any] | None,
        given: NewTracked,
        sealer: ValueSealer,
    ) -> Row[Any] | None:
        values: dict[str, Any] = {}
        if row is not None and given.label is not None:
            values["label"] = encrypt_label(person, row.host, row.id, given.label, sealer)
        if row is not None and row.found:
            values["found"] = None  # from now on the person tracks it by hand
        if row is not None and given.secret_key is not None:
            values |= await self._rows.index_of_secret(self._db, connection, row.host, given.secret_key)
        if row is None or not values:
            return row
        changed = update(tracked).where(tracked.c.id == row.id).values(values).returning(tracked)
        after: Row[Any] | None = (await connection.execute(changed)).one_or_none()
        return after

    async def _row(self, condition: ColumnElement[bool]) -> tuple[Row[Any] | None, ValueOpener]:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(tracked).where(condition))).one_or_none()
            return row, await self._keys.opener(connection, [row])


async def _ignore(
    connection: AsyncConnection, person: Person, host: str, index: NamedIndex, expires_at: float | None
) -> None:
    """Ignore a secret for as long as the account may list it. Servers prolong a secret when its metadata is read."""
    mine = and_(owned_by(ignored, person), ignored.c.blind_index == index.index)
    await connection.execute(delete(ignored).where(mine))
    until = (now if expires_at is None else expires_at) + SILENT_LIFE
    values = {**owner(person), **index.values(), "host": host, "until": until}
    await connection.execute(insert(ignored).values(values))


async def _watch(
    connection: AsyncConnection,
    person: Person,
    host: str,
    *,
    wake: bool,
    everything: bool | None = None,
    zone: str | None = None,
) -> str:
    """The id of the person's watch on the host, made if there is none. A paused watch stays paused."""
    mine = and_(owned_by(watches, person), watches.c.host == host)
    values: dict[str, Any] = {} if zone is None else {"zone": zone}
    if wake:
        values["version"] = watches.c.version + 1
        values["next_poll_at"] = case((watches.c.paused.is_(None), now), else_=null())
    if everything is not None:
        values |= {"everything": everything, "everything_since": _since(everything)}
    if values:
        await connection.execute(update(watches).where(mine).values(values))
    found: str | None = await connection.scalar(select(watches.c.id).where(mine))
    if found is not None:
        return found
    watch_id = new_id()
    made = {
        "id": watch_id,
        **owner(person),
        "host": host,
        "everything": bool(everything),
        "everything_since": now if everything else null(),
        "zone": zone,
        "next_poll_at": now if wake else null(),
        "refused": 0,
        "created_at": now,
    }
    await connection.execute(insert(watches).values(made))
    return watch_id


def _since(everything: bool) -> Any:  # noqa: FBT001 - the column's value
    """The new value of `everything_since`. If `everything` is on already, the old value stays."""
    if not everything:
        return null()
    return case((watches.c.everything, watches.c.everything_since), else_=now)
