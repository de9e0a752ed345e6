"""The secrets that people track: each is one row until a week after it is over."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours
from bot.person import Person
from bot.secret import MetadataKey
from bot.storage.database import now
from bot.storage.looks import RECONNECT, Change, Looks, Watch, alone, unremind, watch_of
from bot.storage.tables import new_id, notices, own_row, owned_by, owner, tracked, watches
from bot.storage.tracked import IS_OPEN, OVER, NewTracked, State, Tracked

__all__ = ["Change", "NewTracked", "State", "Tracked", "Tracking", "Watch"]

WEEK = 7 * 86_400.0  # seconds that a row stays after it is over
REPORT_LIFE = 30 * 86_400.0  # seconds that it stays if its person was not told yet
PURGE_BATCH = 200  # rows in one transaction: others write meanwhile

_WAITS = and_(notices.c.sent_at.is_(None), notices.c.parked.is_(None))
_UNTOLD = exists().where(notices.c.tracked_id == tracked.c.id, _WAITS)


class Tracking(Looks):
    """Every look-up names the person. All methods raise `StorageTrouble`; nothing is changed then."""

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
        state: str = "new",
    ) -> tuple[Tracked, bool]:
        """Start tracking, and look soon. The row, and whether it is new.

        The same secret again is the same row: a label given again replaces the earlier one, nothing else changes.
        """
        new = NewTracked(key, made_at, expires_at, label, passphrase_required, state)
        same = self._rows.is_of(person, host, key)
        async with self._db.writing() as connection:
            await alone(self._db, connection, person)
            # The watch before the tracked row, as a look that is being settled locks them.
            there = (await connection.execute(select(tracked).where(same))).one_or_none()
            state_now = state if there is None else there.state
            watch_id = await _watch(connection, person, host, wake=state_now not in OVER)
            row = await self._relabelled(connection, person, there, label)
            made = row is None
            if row is None:
                values = self._rows.sealed(person, host, watch_id, new)
                row = (await connection.execute(insert(tracked).values(values).returning(tracked))).one()
        return self._rows.opened_or_marked(row), made

    async def of(self, person: Person) -> list[Tracked]:
        """Open ones first, then by age, the newest first. Those that cannot be opened are marked, not left out."""
        order = (case((IS_OPEN, 0), else_=1), tracked.c.made_at.desc(), tracked.c.id)
        query = select(tracked).where(owned_by(tracked, person)).order_by(*order)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._rows.opened_or_marked(row) for row in rows]

    async def find(self, person: Person, id: object) -> Tracked:
        """Raises `NotYours`, `Unsealable`."""
        row = await self._row(own_row(tracked, person, id))
        if row is None:
            raise NotYours
        return self._rows.opened(row)

    async def find_key(self, person: Person, host: str, key: MetadataKey) -> Tracked | None:
        row = await self._row(self._rows.is_of(person, host, key))
        return self._rows.opened_or_marked(row) if row else None

    async def stop(self, person: Person, id: object) -> Tracked:
        """Forget it, with what was not sent yet. As it was; raises `NotYours`."""
        async with self._db.writing() as connection:
            await alone(self._db, connection, person)
            gone = delete(tracked).where(own_row(tracked, person, id)).returning(tracked)
            row = (await connection.execute(gone)).one_or_none()
        if row is None:
            raise NotYours
        await self._db.scrub()
        return self._rows.opened_or_marked(row)

    async def set_card(self, id: str, channel: str, ts: str) -> None:
        """The message that shows it from now on. `id` is of a row that was given to its owner before."""
        async with self._db.writing() as connection:
            card = {"card_channel": channel, "card_ts": ts}
            await connection.execute(update(tracked).where(tracked.c.id == id).values(card))

    async def settle(self, person: Person, host: str, key: MetadataKey, state: str) -> Tracked | None:
        """The person did it through the bot: known at once, and not announced. None if it is not tracked.

        Should a look have seen it already, what was not sent of that is taken back. A final state stays.
        """
        mine = self._rows.is_of(person, host, key)
        received_at = now if state == "received" else null()
        values = {"state": state, "over_at": now if state in OVER else null(), "received_at": received_at}
        async with self._db.writing() as connection:
            changed = update(tracked).where(mine, IS_OPEN).values(values).returning(tracked)
            row = (await connection.execute(changed)).one_or_none()
            if row is None:
                row = (await connection.execute(select(tracked).where(mine))).one_or_none()
            if row is not None:
                await unremind(connection, row.id, state)
        return self._rows.opened_or_marked(row) if row else None

    async def forget_host(self, person: Person, host: str) -> None:
        """Nothing there is looked at or told any more: a look that is under way has no effect."""
        async with self._db.writing() as connection:
            await alone(self._db, connection, person)
            for table in (watches, notices):  # notices about the account itself hang on no tracked row
                await connection.execute(delete(table).where(owned_by(table, person), table.c.host == host))
        await self._db.scrub()

    async def watch_everything(self, person: Person, host: str, on: bool) -> None:  # noqa: FBT001 - what it says
        """Whether also what the person did not track by hand is looked at."""
        async with self._db.writing() as connection:
            await alone(self._db, connection, person)
            await _watch(connection, person, host, wake=on, everything=on)

    async def watches_of(self, person: Person) -> list[Watch]:
        """By host."""
        query = select(watches).where(owned_by(watches, person)).order_by(watches.c.host)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [watch_of(row) for row in rows]

    async def resume(self, person: Person, host: str) -> None:
        """The person has connected again: look at once, and forget what they were to be told about it."""
        mine = and_(owned_by(watches, person), watches.c.host == host)
        useful = or_(watches.c.everything, exists().where(tracked.c.watch_id == watches.c.id, IS_OPEN))
        values = {
            "paused": null(),
            "refused": 0,
            "refused_since": null(),
            "next_look_at": case((useful, now), else_=null()),
        }
        told = and_(owned_by(notices, person), notices.c.host == host, notices.c.kind == RECONNECT)
        async with self._db.writing() as connection:
            await alone(self._db, connection, person)
            await connection.execute(update(watches).where(mine).values(values))
            await connection.execute(delete(notices).where(told, notices.c.sent_at.is_(None)))

    async def purge(self) -> int:
        """Delete what has been over for a week, and old notices about accounts; how many rows.

        What its person must still be told stays longer, but not for ever.
        """
        week_ago, long_ago = now - WEEK, now - REPORT_LIFE
        over = and_(tracked.c.over_at <= week_ago, or_(~_UNTOLD, tracked.c.over_at <= long_ago))
        account = and_(
            notices.c.tracked_id.is_(None),
            or_(notices.c.sent_at <= week_ago, and_(~_WAITS, notices.c.created_at <= week_ago)),
        )
        gone = await self._delete(tracked, over) + await self._delete(notices, account)
        await self._db.scrub()
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

    async def _relabelled(
        self, connection: AsyncConnection, person: Person, row: Row[Any] | None, label: str | None
    ) -> Row[Any] | None:
        if row is None or label is None:
            return row
        sealed = self._rows.sealed_label(person, row.host, row.id, label)
        changed = update(tracked).where(tracked.c.id == row.id).values(label=sealed).returning(tracked)
        after: Row[Any] | None = (await connection.execute(changed)).one_or_none()
        return after

    async def _row(self, condition: ColumnElement[bool]) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(tracked).where(condition))).one_or_none()


async def _watch(
    connection: AsyncConnection, person: Person, host: str, *, wake: bool, everything: bool | None = None
) -> str:
    """The id of the person's watch on the host, made if there is none. One that is paused sleeps on."""
    mine = and_(owned_by(watches, person), watches.c.host == host)
    values: dict[str, Any] = {}
    if wake:
        values["next_look_at"] = case((watches.c.paused.is_(None), now), else_=null())
    if everything is not None:
        values["everything"] = everything
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
        "next_look_at": now if wake else null(),
        "refused": 0,
        "created_at": now,
    }
    await connection.execute(insert(watches).values(made))
    return watch_id
