"""The life of one delivery: one secret on Onetime Secret for one recipient, as a row that survives a crash.

    waiting ──ask──► asking ──made──► made ──sent──► sent ──claim──► opening ──opened──► opened
       │               │               │              ▲ └──handed──► handed │
       └────failed─────┴──► doubtful   └─► refused    └──────release────────┘

`asking` is on disk before the one request that makes the secret, and nothing is asked twice: what was `asking` when
a process died may exist, and nobody has its link. From `made` on the keys are here, sealed, until it is over. Every
move is a compare-and-set, so that of many clicks and processes one wins.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, null, or_, select, true

from bot.errors import NotYours, StorageUnavailable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares import openings
from bot.storage.shares.openings import opener_is, opener_values
from bot.storage.shares.rows import WIPE, Delivery, DeliveryRows, DeliveryState, change, columns_of
from bot.storage.tables import NO_ID, deliveries, is_id, shares

REMINDER_INTERVAL = 3_600.0  # seconds
MAX_REASON = 80  # characters


class Deliveries:
    """All methods raise `StorageUnavailable`; the row is then as it was before.

    Methods that take a bare id are for a row that was given to its sender or recipient before.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._rows = DeliveryRows(sealer)

    # --- making it

    async def begin_request(self, id: str) -> bool:
        """Waiting → asking, on disk when this returns. True for exactly one caller."""
        return await self._change(id, _is("waiting"), state="asking") is not None

    async def mark_made(
        self,
        delivery: Delivery,
        *,
        secret_key: SecretKey,
        metadata_key: MetadataKey,
        passphrase: Secret | None,
        passphrase_required: bool | None,
        expires_at: datetime | None,
    ) -> Delivery:
        """Asking → made: the keys, sealed. Also from doubtful, should somebody have given it up meanwhile.

        `passphrase` is given where it waits to be sent or shown. Raises `StorageUnavailable` if the row cannot take
        it: the keys are then only in memory.
        """
        values = {
            "secret_key": self._rows.encrypt(delivery, "secret_key", secret_key),
            "metadata_key": self._rows.encrypt(delivery, "metadata_key", metadata_key),
            "passphrase": None if passphrase is None else self._rows.encrypt(delivery, "passphrase", passphrase),
            "passphrase_required": passphrase_required,
            "expires_at": None if expires_at is None else expires_at.timestamp(),
        }
        row = await self._change(delivery.id, _is("asking", "unknown_outcome"), state="made", over_at=null(), **values)
        if row is None:
            raise StorageUnavailable("the parcel is not being made any more")
        return self._rows.decrypt(row)

    async def mark_failed(self, id: str, why: str) -> bool:
        """Waiting or asking → failed: there is no secret, and this is why (a code)."""
        return await self._end(id, _is("waiting", "asking"), "failed", reason=why[:MAX_REASON])

    async def mark_outcome_unknown(self, id: str) -> bool:
        """Asking → doubtful: there may be a secret, and nobody has its link."""
        return await self._end(id, _is("asking"), "unknown_outcome")

    async def set_tracked(self, id: str, tracked_id: str) -> None:
        """The row by which the watcher follows it."""
        await self._change(id, true(), tracked_id=tracked_id)

    async def mark_sent(self, id: str, message: MessageRef) -> bool:
        """Made → sent: its message is there. A passphrase that nobody waits for is wiped."""
        waits = exists().where(shares.c.id == deliveries.c.share_id, shares.c.passphrase_to != "nobody")
        values = {
            "message_channel": message.channel,
            "message_ts": message.ts,
            "passphrase": case((waits, deliveries.c.passphrase)),
        }
        row = await self._change(id, _is("made"), state="sent", **values)
        await self._db.checkpoint()
        return row is not None

    async def mark_undeliverable(self, id: str, why: str) -> bool:
        """Made → refused: Slack does not take the recipient, so nobody can open it here any more.

        It is not over before `over(id, "undeliverable")` says that the secret is burned (or has to be left to expire).
        """
        wiped = {"state": "undeliverable", "reason": why[:MAX_REASON], "secret_key": null()}
        return await self._change(id, _is("made"), **wiped) is not None

    async def wipe_passphrase(self, id: str) -> None:
        """It was sent, or shown: wiped."""
        await self._change(id, true(), passphrase=null())
        await self._db.checkpoint()

    async def claim_reminder(self, id: str) -> bool:
        """Whether its recipient may be reminded now: unopened, and not reminded in the last hour. Counts as done."""
        free = or_(deliveries.c.reminded_at.is_(None), deliveries.c.reminded_at <= now - REMINDER_INTERVAL)
        return await self._change(id, and_(_is("sent"), free), reminded_at=now) is not None

    # --- opening it

    async def find_for_recipient(self, person: Person, id: object) -> Delivery:
        """One that this person may try to open: theirs, or of a channel in their workspace. Whatever its state.

        Raises `NotYours` for everything else, whatever `id` is, by the same single query; `Unsealable`.
        """
        row = await self._one(deliveries.c.id == (id if is_id(id) else NO_ID), _is_for(person))
        if row is None:
            raise NotYours
        return self._rows.decrypt(row)

    async def claim(self, id: str, person: Person) -> Delivery | None:
        """Sent → opening, by this person; also from handed, by whom the link was shown to. One winner."""
        async with self._db.writing() as connection:
            row = await openings.reserve(connection, id, person)
        return self._rows.decrypt(row) if row else None

    async def release(self, id: str, person: Person) -> bool:
        """Opening → as it was before this person claimed it: it was not opened."""
        async with self._db.writing() as connection:
            return await openings.release(connection, id, person) is not None

    async def mark_opened(self, id: str, person: Person) -> Delivery:
        """It was opened by this person, and what opens it is wiped. The row as it is now; the first opener stays."""
        async with self._db.writing() as connection:
            await openings.mark_opened(connection, id, person)
        await self._db.checkpoint()
        return await self._by_id(id)

    async def mark_announced(self, id: str) -> None:
        """Everybody whom it concerns knows that it was opened, or can never be told."""
        await self._change(id, true(), unannounced_since=null())

    async def mark_link_shown(self, id: str, person: Person) -> bool:
        """The link was shown to this person. False if somebody else is at it, or it is over."""
        free = or_(_is("made", "sent"), and_(_is("opening", "link_shown"), opener_is(person)))
        return await self._change(id, free, state="link_shown", link_shown_at=now, **opener_values(person)) is not None

    async def close(self, id: str, state: DeliveryState, at: datetime | None = None) -> bool:
        """Nothing more can come of it: what opens it is wiped. False if that was known already.

        `at` is when it was opened, where the host says so.
        """
        opened = {} if at is None else {"opened_at": at.timestamp()}
        return await self._end(id, deliveries.c.over_at.is_(None), state, **opened)

    # --- rows

    async def _end(self, row_id: str, condition: ColumnElement[bool], state: DeliveryState, **values: Any) -> bool:
        row = await self._change(row_id, condition, state=state, over_at=now, **WIPE, **values)
        if row is not None:
            await self._db.checkpoint()
        return row is not None

    async def _change(self, row_id: str, condition: ColumnElement[bool], **values: Any) -> Row[Any] | None:
        """Compare-and-set: the row after the change, or None if it was not as expected."""
        async with self._db.writing() as connection:
            return await change(connection, row_id, condition, **values)

    async def _one(self, *conditions: ColumnElement[bool]) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(deliveries).where(*conditions))).one_or_none()

    async def _by_id(self, row_id: str) -> Delivery:
        row = await self._one(deliveries.c.id == row_id)
        if row is None:
            raise NotYours
        return self._rows.decrypt_or_empty(row)


def _is(*states: DeliveryState) -> ColumnElement[bool]:
    return deliveries.c.state.in_(states)


def _is_for(person: Person) -> ColumnElement[bool]:
    """Addressed to exactly this person, or to a channel of the workspace that is theirs."""
    named = and_(*(deliveries.c[name] == value for name, value in columns_of("recipient_", person).items()))
    place = columns_of("", person)
    there = and_(*(deliveries.c[name] == place[name] for name in ("enterprise_id", "team_id")))
    return or_(named, and_(deliveries.c.recipient_channel.is_not(None), there))
