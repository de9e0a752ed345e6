"""Shares: what one person made in one go, with a delivery for each recipient. The sender's side of it."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, delete, exists, insert, select, update

from bot.errors import NotYours
from bot.message_ref import MessageRef
from bot.person import Person
from bot.storage import requests
from bot.storage.engine.database import Database, now
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import Delivery, DeliveryRows, NewShare, Recipient, Share, ShareRows
from bot.storage.tables import deliveries, own_row, owned_by, person_in, shares

_UNDELIVERABLE = MessageRef("", "", "")  # in place of the card: its sender can never be told


class Shares:
    """All methods raise `StorageUnavailable`; nothing is changed then. Look-ups by a person raise `NotYours`."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = ShareRows(sealer)
        self._deliveries = DeliveryRows(sealer)

    async def begin(
        self, person: Person, new: NewShare, to: Sequence[Recipient], *, answers: str | None = None
    ) -> tuple[Share, list[Delivery], bool]:
        """The share, its deliveries in the order of `to`, and whether it is new: the same `once` is the same share.

        The request that it `answers` is answered from then on. Raises `RequestOver` if it cannot be any more,
        `NotYours` if `once` is another person's; nothing is begun then.
        """
        share, rows = self._rows.encrypt(person, new, to)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "shares", new.idempotency_key)
            before = (
                await connection.execute(select(shares).where(shares.c.idempotency_key == new.idempotency_key))
            ).one_or_none()
            if before is None:
                row = (await connection.execute(insert(shares).values(share).returning(shares))).one()
                if rows:
                    await connection.execute(insert(deliveries).values(created_at=now, changed_at=now), rows)
                if answers is not None:
                    await requests.answer(connection, answers, row.id)
            elif person_in(before) != person:
                raise NotYours
        there = before or row
        return self._rows.decrypt(there), await self.deliveries_of(there.id), before is None

    async def find_by_key(self, person: Person, idempotency_key: str) -> Share | None:
        """The share that this submit made already."""
        row = await self._share_row(and_(owned_by(shares, person), shares.c.idempotency_key == idempotency_key))
        return self._rows.decrypt(row) if row else None

    async def delete(self, id: str) -> bool:
        """Delete a share of which nothing came: all its deliveries failed. What it was `once` for can begin again.

        The request that it answered is open again.
        """
        something = exists().where(deliveries.c.share_id == shares.c.id, deliveries.c.state != "failed")
        empty = (shares.c.id == id, ~something)
        async with self._db.writing() as connection:
            await requests.reopen(connection, *empty)
            return bool((await connection.execute(delete(shares).where(*empty))).rowcount)

    async def find(self, person: Person, id: object) -> Share:
        row = await self._share_row(own_row(shares, person, id))
        if row is None:
            raise NotYours
        return self._rows.decrypt(row)

    async def deliveries_of(self, share_id: str) -> list[Delivery]:
        """In the order of their recipients. Keys that do not open any more are empty."""
        query = select(deliveries).where(deliveries.c.share_id == share_id).order_by(deliveries.c.position)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._deliveries.decrypt_or_empty(row) for row in rows]

    async def own_delivery(self, person: Person, id: object) -> Delivery:
        """The sender's. Raises `NotYours`, `Unsealable`."""
        row = await self._delivery_row(own_row(deliveries, person, id))
        if row is None:
            raise NotYours
        return self._deliveries.decrypt(row)

    async def of_tracked(self, tracked_id: str) -> tuple[Share, Delivery] | None:
        """The delivery that the watcher follows by this row."""
        row = await self._delivery_row(deliveries.c.tracked_id == tracked_id)
        if row is None:
            return None
        return await self.share_of(delivery := self._deliveries.decrypt_or_empty(row)), delivery

    async def share_of(self, delivery: Delivery) -> Share:
        row = await self._share_row(shares.c.id == delivery.share_id)
        if row is None:
            raise NotYours
        return self._rows.decrypt(row)

    async def set_card(self, share_id: str, card: MessageRef) -> None:
        """The message that shows it to its sender from now on."""
        async with self._db.writing() as connection:
            values = {"card_channel": card.channel, "card_ts": card.ts}
            await connection.execute(update(shares).where(shares.c.id == share_id).values(values))

    async def mark_card_undeliverable(self, share_id: str) -> None:
        """Its sender can never be told: Slack says so."""
        await self.set_card(share_id, _UNDELIVERABLE)

    # --- rows

    async def _share_row(self, *conditions: Any) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(shares).where(*conditions))).one_or_none()

    async def _delivery_row(self, *conditions: Any) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(deliveries).where(*conditions))).one_or_none()
