"""The sender's side of shares. A share is made by one submit and has a delivery for each recipient."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.storage import requests
from bot.storage.engine.database import Database, now
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueOpener
from bot.storage.shares.openings import opener_is
from bot.storage.shares.rows import (
    CAN_BE_OPENED,
    NOT_GIVEN,
    Delivery,
    DeliveryState,
    NewShare,
    Recipient,
    Share,
    columns_of,
    decrypt_delivery,
    decrypt_or_empty,
    decrypt_share,
    encrypt_share,
    is_in,
)
from bot.storage.tables import OWNER, deliveries, own_row, owned_by, owner, person_in, shares

_NO_CARD = MessageRef("", "", "")  # stored in place of a card: a later try has it, or the sender can never be notified
_UNKNOWN: Final[DeliveryState] = "unknown_outcome"
_LATER = shares.alias()
MAX_SENT: Final = 1000  # deliveries in one answer: each is decrypted


class Waiting(NamedTuple):
    """What was sent to a person and is not opened yet."""

    deliveries: tuple[tuple[Share, Delivery], ...]
    total: int


class LeftBehind(NamedTuple):
    """Secrets of somebody who has left the workspace that can still be opened."""

    person: Person
    number: int


class Shares:
    """All methods raise `StorageUnavailable`; nothing is changed then. Methods that take a person raise `NotYours`."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def begin(
        self, person: Person, new: NewShare, to: Sequence[Recipient], *, answers: str | None = None
    ) -> tuple[Share, list[Delivery], bool]:
        """Begin a share. Returns the share, its deliveries in the order of `to`, and whether the share is new.

        A second call with the same `idempotency_key` returns the same share. `answers` is the id of a request, which
        becomes answered. Raises `RequestOver` if that request cannot be answered any more, and `NotYours` if the key
        belongs to another person; nothing is begun then.

        The share replaces the earlier one that `new` names, if that came to nothing and no other share replaces it.
        """
        async with self._db.writing() as connection:
            share, rows = encrypt_share(person, new, to, await self._keys.sealer_for(connection, person))
            await self._db.advisory_lock(connection, "shares", new.idempotency_key)
            before = (
                await connection.execute(select(shares).where(shares.c.idempotency_key == new.idempotency_key))
            ).one_or_none()
            if before is None:
                if new.earlier_id is not None:
                    share |= await self._replacing(connection, person, new.earlier_id)
                row = (await connection.execute(insert(shares).values(share).returning(shares))).one()
                if rows:
                    await connection.execute(insert(deliveries).values(created_at=now, changed_at=now), rows)
                if answers is not None:
                    await requests.answer(connection, answers, row.id)
            elif person_in(before) != person:
                raise NotYours
            there = before or row
            opener = await self._keys.opener(connection, [there])
        return decrypt_share(there, opener), await self.deliveries_of(there.id), before is None

    async def _replacing(self, connection: AsyncConnection, person: Person, earlier_id: str) -> dict[str, Any]:
        """The columns of a share that replaces this earlier one. Empty if it replaces none."""
        await self._db.advisory_lock(connection, "shares", earlier_id)
        of_earlier = deliveries.c.share_id == shares.c.id
        is_given = exists().where(of_earlier, deliveries.c.state.not_in(NOT_GIVEN))
        is_unknown = exists().where(of_earlier, deliveries.c.state == _UNKNOWN).label("is_unknown")
        is_replaced = exists().where(_LATER.c.earlier_id == shares.c.id)
        free = select(shares.c.id, shares.c.unknown_tries, is_unknown).where(
            own_row(shares, person, earlier_id), ~is_given, ~is_replaced
        )
        row = (await connection.execute(free)).one_or_none()
        return {} if row is None else {"earlier_id": row.id, "unknown_tries": row.unknown_tries + row.is_unknown}

    async def find_by_key(self, person: Person, idempotency_key: str) -> Share | None:
        """The share that was begun with this key, or None."""
        return await self._share(owned_by(shares, person), shares.c.idempotency_key == idempotency_key)

    async def delete(self, id: str) -> bool:
        """Delete a share if all its deliveries failed. Its `idempotency_key` can then begin another share.

        The request that the share answered is open again. False if a delivery did not fail.
        """
        something = exists().where(deliveries.c.share_id == shares.c.id, deliveries.c.state != "failed")
        empty = (shares.c.id == id, ~something)
        async with self._db.writing() as connection:
            await requests.reopen(connection, *empty)
            return bool((await connection.execute(delete(shares).where(*empty))).rowcount)

    async def find(self, person: Person, id: object) -> Share:
        share = await self._share(own_row(shares, person, id))
        if share is None:
            raise NotYours
        return share

    async def deliveries_of(self, share_id: str) -> list[Delivery]:
        """The deliveries, in the order of their recipients. Keys that cannot be decrypted any more are empty."""
        query = select(deliveries).where(deliveries.c.share_id == share_id).order_by(deliveries.c.position)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [decrypt_or_empty(row, opener) for row in rows]

    async def own_delivery(self, person: Person, id: object) -> Delivery:
        """A delivery that this person sent. Raises `NotYours`, `Unsealable`."""
        row, opener = await self._delivery_row(own_row(deliveries, person, id))
        if row is None:
            raise NotYours
        return decrypt_delivery(row, opener)

    async def of_tracked(self, tracked_id: str) -> tuple[Share, Delivery] | None:
        """The delivery that the watcher follows by this tracked row, with its share; None if there is none."""
        return await self._with_share(deliveries.c.tracked_id == tracked_id)

    async def find_delivery(self, id: str) -> tuple[Share, Delivery] | None:
        """A delivery with its share; None if it was deleted."""
        return await self._with_share(deliveries.c.id == id)

    async def sent_by(self, person: Person, host: str | None = None) -> list[tuple[Share, Delivery]]:
        """The person's deliveries, on one host or on all: the newest MAX_SENT of them, newest first."""
        mine = and_(owned_by(deliveries, person), deliveries.c.metadata_key.is_not(None))
        if host is not None:
            mine = and_(mine, deliveries.c.host == host)
        query = select(deliveries).where(mine).order_by(deliveries.c.created_at.desc()).limit(MAX_SENT)
        theirs = select(shares).where(shares.c.id.in_(select(deliveries.c.share_id).where(mine)))
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            found = (await connection.execute(theirs)).all() if rows else ()
            opener = await self._keys.opener(connection, [*rows, *found])
        by_id = {row.id: decrypt_share(row, opener) for row in found}
        pairs = [(by_id.get(row.share_id), decrypt_or_empty(row, opener)) for row in rows]
        return [(share, delivery) for share, delivery in pairs if share is not None]

    async def left_behind(self, person: Person, limit: int) -> list[LeftBehind]:
        """Who of this person's workspace has left it, and how many of their secrets can be opened; the most first."""
        here = and_(*(shares.c[name] == owner(person)[name] for name in ("enterprise_id", "team_id")))
        in_time = or_(deliveries.c.expires_at.is_(None), deliveries.c.expires_at > now)
        number = func.count().label("number")
        query: Select[Any] = (
            select(*(shares.c[name] for name in OWNER), number)
            .join(deliveries, deliveries.c.share_id == shares.c.id)
            .where(here, shares.c.sender_left_at.is_not(None), is_in(*CAN_BE_OPENED), in_time)
            .group_by(*(shares.c[name] for name in OWNER))
            .order_by(number.desc(), shares.c.user_id)
            .limit(limit)
        )
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [LeftBehind(person_in(row), row.number) for row in rows]

    async def recipients_of(self, person: Person, tracked_ids: Sequence[str]) -> dict[str, Recipient]:
        """For whom these tracked secrets were shared here, by the id of the tracked row."""
        query = select(deliveries).where(owned_by(deliveries, person), deliveries.c.tracked_id.in_(tracked_ids))
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all() if tracked_ids else ()
            opener = await self._keys.opener(connection, rows)
        return {row.tracked_id: decrypt_or_empty(row, opener).recipient for row in rows}

    async def waiting_for(self, person: Person, limit: int) -> Waiting:
        """What was sent to this person and can be opened, the newest first. What cannot be decrypted is left out."""
        named = and_(*(deliveries.c[name] == value for name, value in columns_of("recipient_", person).items()))
        can_open = or_(is_in("sent"), and_(is_in("link_shown"), opener_is(person)))
        waits = and_(named, can_open, deliveries.c.over_at.is_(None), deliveries.c.message_ts.is_not(None))
        in_time = or_(deliveries.c.expires_at.is_(None), deliveries.c.expires_at > now)
        query = select(deliveries, func.count().over().label("total")).where(waits, in_time)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(deliveries.c.created_at.desc()).limit(limit))).all()
            theirs = select(shares).where(shares.c.id.in_({row.share_id for row in rows}))
            found = (await connection.execute(theirs)).all() if rows else ()
            opener = await self._keys.opener(connection, [*rows, *found])
        by_id = {row.id: decrypt_share(row, opener) for row in found}
        return Waiting(tuple(_readable(rows, by_id, opener)), rows[0].total if rows else 0)

    async def share_of(self, delivery: Delivery) -> Share:
        share = await self._share(shares.c.id == delivery.share_id)
        if share is None:
            raise NotYours
        return share

    async def find_earlier_card(self, share: Share) -> MessageRef | None:
        """The card of the earlier try that this share replaces, until `set_card`; None if there is none."""
        earlier = await self._share(shares.c.id == share.earlier_id) if share.earlier_id else None
        return earlier.card if earlier else None

    async def set_card(self, share_id: str, card: MessageRef) -> None:
        """Remember the message that shows the share to its sender. An earlier try that it replaces has no card then."""
        earlier = select(_LATER.c.earlier_id).where(_LATER.c.id == share_id).scalar_subquery()
        async with self._db.writing() as connection:
            for row, message in ((shares.c.id == share_id, card), (shares.c.id == earlier, _NO_CARD)):
                values = {"card_channel": message.channel, "card_ts": message.ts}
                await connection.execute(update(shares).where(row).values(values))

    async def mark_card_undeliverable(self, share_id: str) -> None:
        """Record that Slack never takes a message to the sender, so that recovery stops trying."""
        await self.set_card(share_id, _NO_CARD)

    # --- rows

    async def _with_share(self, condition: ColumnElement[bool]) -> tuple[Share, Delivery] | None:
        row, opener = await self._delivery_row(condition)
        if row is None:
            return None
        return await self.share_of(delivery := decrypt_or_empty(row, opener)), delivery

    async def _share(self, *conditions: Any) -> Share | None:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(shares).where(*conditions))).one_or_none()
            opener = await self._keys.opener(connection, [row])
        return decrypt_share(row, opener) if row else None

    async def _delivery_row(self, *conditions: Any) -> tuple[Row[Any] | None, ValueOpener]:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(deliveries).where(*conditions))).one_or_none()
            return row, await self._keys.opener(connection, [row])


def _readable(
    rows: Sequence[Row[Any]], by_id: dict[str, Share], opener: ValueOpener
) -> Iterator[tuple[Share, Delivery]]:
    for row in rows:
        with suppress(Unsealable):
            if row.share_id in by_id:
                yield by_id[row.share_id], decrypt_delivery(row, opener)
