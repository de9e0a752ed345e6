"""The life of one delivery: one secret on Onetime Secret for one recipient, as a row that survives a crash.

    waiting ──begin_request──► asking ──mark_made──► made ──mark_sent──► sent ──reserve──► opening ──► opened
       │                         │                     │                   ▲                  │
       ├──────► failed ◄─────────┤                     ▼                   └─────release──────┘
                                 ▼               undeliverable
                          unknown_outcome

    made or sent ──mark_link_shown──► link_shown ──reserve──► opening ──release──► link_shown
    any state that is not over ──close──► opened, undeliverable, burned, expired or gone

`asking` is on disk before the one request that makes the secret, and the request is never repeated: if the process
dies in `asking`, the secret may exist, and nobody has its link. From `made` until the end the row has the encrypted
keys. Every change of state is a compare-and-set, so only one of many clicks and processes wins. `reserve` and
`release` are in `openings`, for the transactions of `Reveals`.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from datetime import datetime
from typing import Any

from cachetools import LRUCache
from sqlalchemy import ColumnElement, Row, and_, case, exists, null, or_, select, true, update

from bot.errors import NotYours, StorageUnavailable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Sealer, ValueOpener
from bot.storage.shares import openings
from bot.storage.shares.openings import opener_is, opener_values
from bot.storage.shares.rows import (
    WIPE,
    Delivery,
    DeliveryEnd,
    DeliveryState,
    change,
    columns_of,
    decrypt_delivery,
    decrypt_or_empty,
    encrypt_text,
    is_in,
)
from bot.storage.tables import NO_ID, deliveries, is_id, shares

MAX_POSTED = 10_000  # messages that are remembered while the database does not take them
MAX_REASON = 80  # characters


class Deliveries:
    """All methods raise `StorageUnavailable`; the row is then as it was before.

    Methods that take an id and no person are for a row that `find_for_recipient` or `Shares` returned before.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)
        self._posted: LRUCache[str, MessageRef] = LRUCache(MAX_POSTED)

    # --- making and sending

    async def begin_request(self, id: str) -> bool:
        """Waiting → asking, on disk when this returns. True for exactly one caller."""
        return await self._change(id, is_in("waiting"), state="asking") is not None

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
        """Asking → made, with the encrypted keys; or unknown_outcome → made, if the answer came after recovery.

        `passphrase` is a passphrase that still has to be sent or shown. Raises `StorageUnavailable` if the row is in
        another state; the keys then exist only in memory.
        """
        asking = is_in("asking", "unknown_outcome")
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, delivery.sender)
            values = {
                "secret_key": encrypt_text(delivery, "secret_key", secret_key, sealer),
                "metadata_key": encrypt_text(delivery, "metadata_key", metadata_key, sealer),
                "passphrase": None if passphrase is None else encrypt_text(delivery, "passphrase", passphrase, sealer),
                "passphrase_required": passphrase_required,
                "expires_at": None if expires_at is None else expires_at.timestamp(),
            }
            row = await change(connection, delivery.id, asking, state="made", over_at=null(), **values)
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise StorageUnavailable("the delivery is not being made any more")
        return decrypt_delivery(row, opener)

    async def mark_failed(self, id: str, why: str) -> bool:
        """Waiting or asking → failed: there is no secret. `why` is a code."""
        return await self._end(id, is_in("waiting", "asking"), "failed", reason=why[:MAX_REASON])

    async def mark_outcome_unknown(self, id: str) -> bool:
        """Asking → unknown_outcome: there may be a secret, and nobody has its link."""
        return await self._end(id, is_in("asking"), "unknown_outcome")

    async def set_tracked(self, id: str, tracked_id: str) -> None:
        """Store the id of the tracked row with which the watcher follows the delivery."""
        await self._change(id, true(), tracked_id=tracked_id)

    async def mark_sent(self, id: str, message: MessageRef) -> bool:
        """Made → sent: `message` has the Open button. A passphrase that nobody waits for is wiped.

        If the database does not take it, `find_posted` knows the message as long as the process lives.
        """
        self._posted[id] = message
        waits = exists().where(shares.c.id == deliveries.c.share_id, shares.c.passphrase_to != "nobody")
        values = {
            "message_channel": message.channel,
            "message_ts": message.ts,
            "passphrase": case((waits, deliveries.c.passphrase)),
        }
        row = await self._change(id, is_in("made"), state="sent", **values)
        self._posted.pop(id, None)
        await self._db.checkpoint()
        return row is not None

    def find_posted(self, id: str) -> MessageRef | None:
        """The message that was posted, if `mark_sent` could not be written: it must not be posted again."""
        return self._posted.get(id)

    async def mark_undeliverable(self, id: str, why: str) -> bool:
        """Made → undeliverable: Slack refuses the recipient, so nobody can open the delivery here. `why` is a code.

        The delivery is over after `close(id, "undeliverable")`, when the secret is burned or can only expire.
        """
        values = {"reason": why[:MAX_REASON], "secret_key": null()}
        return await self._change(id, is_in("made"), "undeliverable", **values) is not None

    async def wipe_passphrase(self, id: str) -> None:
        """Wipe the passphrase after it was sent or shown."""
        await self._change(id, true(), passphrase=null())
        await self._db.checkpoint()

    # --- opening

    async def find_for_recipient(self, person: Person, id: object) -> Delivery:
        """A delivery to this person, or to a channel of this person's workspace, in any state.

        Raises `NotYours` for everything else, and `Unsealable`. `id` may be any value: every value costs the same one
        query.
        """
        row, opener = await self._one(deliveries.c.id == (id if is_id(id) else NO_ID), _is_for(person))
        if row is None:
            raise NotYours
        return decrypt_delivery(row, opener)

    async def mark_opened(self, id: str, person: Person) -> Delivery:
        """Record that this person opened the delivery: wipe its keys. Returns the new row; the first opener stays."""
        async with self._db.writing() as connection:
            await openings.mark_opened(connection, id, person)
        await self._db.checkpoint()
        return await self._by_id(id)

    async def mark_sender_notified(self, *ids: str) -> None:
        """Record, in one statement, that the sender was notified of these openings, or never can be.

        Messages may still be redrawn.
        """
        async with self._db.writing() as connection:
            notified = update(deliveries).where(deliveries.c.id.in_(ids)).values(sender_notified_at=now, changed_at=now)
            await connection.execute(notified)

    async def mark_announced(self, id: str) -> None:
        """Record that the sender was notified of the opening and all messages were updated, or never can be."""
        await self._change(id, true(), unannounced_since=null())

    async def mark_link_shown(self, id: str, person: Person) -> bool:
        """Record that this person was shown the link. False if somebody else is opening the delivery, or it is over."""
        free = or_(is_in("made", "sent"), and_(is_in("opening", "link_shown"), opener_is(person)))
        return await self._change(id, free, state="link_shown", link_shown_at=now, **opener_values(person)) is not None

    async def close(self, id: str, state: DeliveryEnd, at: datetime | None = None) -> bool:
        """Any state that is not over → `state`: wipe the secret key and the passphrase. False if it was over before.

        `at` is the time when the secret was opened, if the host reports it.
        """
        times = {} if at is None else {"opened_at": at.timestamp()}
        return await self._end(id, deliveries.c.over_at.is_(None), state, **times)

    # --- rows

    async def _end(self, row_id: str, condition: ColumnElement[bool], state: DeliveryState, **values: Any) -> bool:
        row = await self._change(row_id, condition, state=state, over_at=now, **WIPE, **values)
        if row is not None:
            await self._db.checkpoint()
        return row is not None

    async def _change(
        self, row_id: str, condition: ColumnElement[bool], state: DeliveryState | None = None, **values: Any
    ) -> Row[Any] | None:
        """Compare-and-set: the row after the change, or None if the row did not meet the condition."""
        async with self._db.writing() as connection:
            return await change(connection, row_id, condition, state=state, **values)

    async def _one(self, *conditions: ColumnElement[bool]) -> tuple[Row[Any] | None, ValueOpener]:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(deliveries).where(*conditions))).one_or_none()
            return row, await self._keys.opener(connection, [row])

    async def _by_id(self, row_id: str) -> Delivery:
        row, opener = await self._one(deliveries.c.id == row_id)
        if row is None:
            raise NotYours
        return decrypt_or_empty(row, opener)


def _is_for(person: Person) -> ColumnElement[bool]:
    """The condition that a delivery is for exactly this person, or for a channel of this person's workspace."""
    named = and_(*(deliveries.c[name] == value for name, value in columns_of("recipient_", person).items()))
    place = columns_of("", person)
    there = and_(*(deliveries.c[name] == place[name] for name in ("enterprise_id", "team_id")))
    return or_(named, and_(deliveries.c.recipient_channel.is_not(None), there))
