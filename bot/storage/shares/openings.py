"""What opening does to a delivery, inside the transaction of whoever asks: it is taken, given back, or opened.

sent ──take──► opening ──opened──► opened
  ▲               │
  └───give_back───┘        also from and to `was_shown`, for whom the link was shown to
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, null, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.person import Person
from bot.storage.engine.database import now
from bot.storage.shares.rows import WIPE, change, columns_of
from bot.storage.tables import OWNER, deliveries, tracked

_COLUMNS = [f"opener_{name}" for name in OWNER]


def opener_values(person: Person) -> dict[str, str]:
    """The person as the values of a row: who opened it, is at it, or was shown the link."""
    return columns_of("opener_", person)


def opener_is(person: Person) -> ColumnElement[bool]:
    return and_(*(deliveries.c[name] == value for name, value in opener_values(person).items()))


async def reserve(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """Sent → opening, by this person; also from link_shown, by whom the link was shown to. One winner."""
    free = or_(deliveries.c.state == "sent", and_(deliveries.c.state == "link_shown", opener_is(person)))
    return await change(connection, delivery_id, free, state="opening", **opener_values(person))


async def release(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """Opening → as it was before this person took it: it was not opened, or nobody knows."""
    was_shown = deliveries.c.link_shown_at.is_not(None)
    before = {name: case((was_shown, deliveries.c[name]), else_=null()) for name in _COLUMNS}
    mine = and_(deliveries.c.state == "opening", opener_is(person))
    return await change(connection, delivery_id, mine, state=case((was_shown, "link_shown"), else_="sent"), **before)


async def mark_opened(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """It was opened by this person, whatever was believed of it meanwhile; what opens it is wiped.

    From then on the watcher has nothing to look for or to tell, also after a crash. None if it was known already:
    the first opener stays, and is told about once.
    """
    times = {
        "opened_at": now,
        "over_at": now,
        "unannounced_since": now,
        "link_shown_at": null(),
    }  # not with the link then
    values = {"state": "opened", **times, **opener_values(person), **WIPE}
    row = await change(connection, delivery_id, deliveries.c.state != "opened", **values)
    if row is not None and row.tracked_id is not None:
        watched = and_(tracked.c.id == row.tracked_id, tracked.c.over_at.is_(None))
        known = {"state": "received", "received_at": now, "over_at": now}
        await connection.execute(update(tracked).where(watched).values(known))
    return row
