"""What opening a secret does to its delivery, inside the transaction of the caller.

    sent ──reserve──► opening ──mark_opened──► opened
      ▲                  │
      └─────release──────┘

A delivery whose link was shown to a person goes from `link_shown` to `opening` and back, for that person alone.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, case, null, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.person import Person
from bot.storage.engine.database import now
from bot.storage.shares.rows import WIPE, DeliveryState, change, columns_of, is_in
from bot.storage.tables import OWNER, deliveries, tracked
from bot.storage.tracking.rows import FinalState

_SENT: Final[DeliveryState] = "sent"
_LINK_SHOWN: Final[DeliveryState] = "link_shown"
_RECEIVED: Final[FinalState] = "received"
_OPENER = [f"opener_{name}" for name in OWNER]  # columns


def opener_values(person: Person) -> dict[str, str]:
    """The columns of a delivery's opener: the person who opened it, is opening it, or was shown the link."""
    return columns_of("opener_", person)


def opener_is(person: Person) -> ColumnElement[bool]:
    """The condition that exactly this person is the opener of a delivery."""
    return and_(*(deliveries.c[name] == value for name, value in opener_values(person).items()))


async def reserve(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """Sent → opening, by this person; or link_shown → opening, if the link was shown to this person.

    Of many callers one gets the row, the others get None.
    """
    free = or_(is_in(_SENT), and_(is_in(_LINK_SHOWN), opener_is(person)))
    return await change(connection, delivery_id, free, state="opening", **opener_values(person))


async def release(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """Opening → the state before this person reserved it: the secret was not opened, or nobody knows.

    None if the delivery is not being opened by this person.
    """
    was_shown = deliveries.c.link_shown_at.is_not(None)
    before = {name: case((was_shown, deliveries.c[name]), else_=null()) for name in _OPENER}
    state = case((was_shown, _LINK_SHOWN), else_=_SENT)
    return await change(connection, delivery_id, and_(is_in("opening"), opener_is(person)), state=state, **before)


async def mark_opened(connection: AsyncConnection, delivery_id: str, person: Person) -> Row[Any] | None:
    """Any state → opened, by this person. The secret key and the passphrase are wiped.

    The tracked row of the delivery becomes received in the same transaction, so that the watcher does not poll or
    announce it. None if the delivery was marked as opened before: its first opener stays.
    """
    values = {
        "opened_at": now,
        "over_at": now,
        "unannounced_since": now,
        "link_shown_at": null(),  # opened in Slack, not with the link
        **opener_values(person),
        **WIPE,
    }
    row = await change(connection, delivery_id, ~is_in("opened"), state="opened", **values)
    if row is not None and row.tracked_id is not None:
        is_open = and_(tracked.c.id == row.tracked_id, tracked.c.over_at.is_(None))
        received = {"state": _RECEIVED, "received_at": now, "over_at": now}
        await connection.execute(update(tracked).where(is_open).values(received))
    return row
