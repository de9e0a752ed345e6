"""Shares: what one person made in one go, with a delivery for each recipient. The sender's side of it."""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Row, and_, delete, exists, insert, or_, select, update

from bot.errors import NotYours, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.storage import requests
from bot.storage.engine.database import now
from bot.storage.sealing import bound_names
from bot.storage.sealing.sealer import Binding
from bot.storage.shares.deliveries import CAN_BE_OPENED, Deliveries, Delivery, Recipient, recipient_values
from bot.storage.tables import deliveries, new_id, own_row, owned_by, owner, person_of, shares

__all__ = ["Delivery", "NewShare", "PassphraseTo", "Recipient", "Share", "Shares"]

PassphraseTo = Literal["nobody", "sender", "recipient"]

WEEK = 7 * 86_400.0  # seconds that a share stays when all its deliveries are over
LATE = 86_400.0  # seconds after its end in which the watcher should have told what became of a delivery

_UNDELIVERABLE = MessageRef("", "", "")  # in place of the card: its sender can never be told


@dataclass(frozen=True, slots=True)
class NewShare:
    """`once` is the same for a submit that is repeated, and for no other.

    `passphrase_to` says who is to get the passphrase: nobody (there is none, or the sender typed it), the sender
    (who has to see it once), or the recipient (in a message apart).
    """

    idempotency_key: str
    host: str  #: canonical base URL
    account_id: str | None
    quiet: bool  # the sender does not want to be told when it is opened
    note: str | None  # for the recipients; plain text as typed
    label: str | None  # for the sender's own lists; plain text as typed
    passphrase_to: PassphraseTo = "nobody"


@dataclass(frozen=True, slots=True)
class Share:
    """A stored `NewShare`."""

    id: str
    person: Person
    host: str  #: canonical base URL
    account_id: str | None
    quiet: bool
    note: str | None
    card: MessageRef | None  # the sender's message about it
    created_at: datetime  #: UTC
    label: str | None = None
    passphrase_to: PassphraseTo = "nobody"


class Shares(Deliveries):
    """All methods raise `StorageUnavailable`; nothing is changed then. Look-ups by a person raise `NotYours`."""

    async def begin(
        self, person: Person, new: NewShare, to: Sequence[Recipient], *, answers: str | None = None
    ) -> tuple[Share, list[Delivery], bool]:
        """The share, its deliveries in the order of `to`, and whether it is new: the same `once` is the same share.

        The request that it `answers` is answered from then on. Raises `RequestOver` if it cannot be any more,
        `NotYours` if `once` is another person's; nothing is begun then.
        """
        share, rows = self._new(person, new, to)
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
            elif _person(before) != person:
                raise NotYours
        there = before or row
        return self._share(there), await self.deliveries_of(there.id), before is None

    async def find_by_key(self, person: Person, idempotency_key: str) -> Share | None:
        """The share that this submit made already."""
        row = await self._share_row(and_(owned_by(shares, person), shares.c.idempotency_key == idempotency_key))
        return self._share(row) if row else None

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
        return self._share(row)

    async def deliveries_of(self, share_id: str) -> list[Delivery]:
        """In the order of their recipients. Keys that do not open any more are empty."""
        query = select(deliveries).where(deliveries.c.share_id == share_id).order_by(deliveries.c.position)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._decrypt_or_empty(row) for row in rows]

    async def own_delivery(self, person: Person, id: object) -> Delivery:
        """The sender's. Raises `NotYours`, `Unsealable`."""
        row = await self._one(own_row(deliveries, person, id))
        if row is None:
            raise NotYours
        return self._decrypt(row)

    async def of_tracked(self, tracked_id: str) -> tuple[Share, Delivery] | None:
        """The delivery that the watcher follows by this row."""
        row = await self._one(deliveries.c.tracked_id == tracked_id)
        if row is None:
            return None
        return await self.share_of(delivery := self._decrypt_or_empty(row)), delivery

    async def share_of(self, delivery: Delivery) -> Share:
        row = await self._share_row(shares.c.id == delivery.share_id)
        if row is None:
            raise NotYours
        return self._share(row)

    async def set_card(self, share_id: str, card: MessageRef) -> None:
        """The message that shows it to its sender from now on."""
        async with self._db.writing() as connection:
            values = {"card_channel": card.channel, "card_ts": card.ts}
            await connection.execute(update(shares).where(shares.c.id == share_id).values(values))

    async def mark_card_undeliverable(self, share_id: str) -> None:
        """Its sender can never be told: Slack says so."""
        await self.set_card(share_id, _UNDELIVERABLE)

    # --- what was left undone

    async def unfinished(self, older_than: float) -> list[Delivery]:
        """Those with something left to do, untouched for so many seconds: most likely a process died.

        Waiting, asking, made and not sent, refused and not burned, or with a passphrase that waits for its recipient.
        """
        wanting = exists().where(shares.c.id == deliveries.c.share_id, shares.c.passphrase_to == "recipient")
        unsaid = and_(deliveries.c.passphrase.is_not(None), deliveries.c.state.in_(("sent", "link_shown")), wanting)
        unfollowed = and_(deliveries.c.state == "made", deliveries.c.tracked_id.is_(None))
        unburned = and_(deliveries.c.state == "undeliverable", deliveries.c.over_at.is_(None))
        undone = or_(_BEGUN, _UNSENT, unsaid, unfollowed, unburned)
        query = select(deliveries).where(undone, deliveries.c.changed_at <= now - older_than)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(deliveries.c.created_at, deliveries.c.position))).all()
        return [self._decrypt_or_empty(row) for row in rows]

    async def without_card(self, older_than: float) -> list[Share]:
        """Shares begun so many seconds ago whose sender was not told, and of which no delivery is being made."""
        busy = exists().where(deliveries.c.share_id == shares.c.id, or_(_BEGUN, _UNSENT))
        untold = and_(shares.c.card_channel.is_(None), shares.c.created_at <= now - older_than)
        query = select(shares).where(untold, ~busy).order_by(shares.c.created_at, shares.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._share(row) for row in rows]

    async def purge(self) -> int:
        """Delete shares that have been over for a week; wipe what opens deliveries whose time is up. How many rows."""
        late = and_(deliveries.c.state.in_(CAN_BE_OPENED), deliveries.c.expires_at <= now - LATE)
        wiped = {"state": "expired", "over_at": now, "secret_key": None, "passphrase": None}
        lives = or_(deliveries.c.over_at.is_(None), deliveries.c.over_at > now - WEEK)
        waits = exists().where(deliveries.c.share_id == shares.c.id, lives)
        async with self._db.writing() as connection:
            over = await connection.execute(update(deliveries).where(late).values(wiped))
            gone = await connection.execute(delete(shares).where(shares.c.created_at <= now - WEEK, ~waits))
        await self._db.checkpoint()
        return over.rowcount + gone.rowcount

    # --- rows

    def _new(
        self, person: Person, new: NewShare, to: Sequence[Recipient]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        share_id = new_id()
        share = {
            "id": share_id,
            **owner(person),
            "idempotency_key": new.idempotency_key,
            "host": new.host,
            "account_id": new.account_id,
            "quiet": new.quiet,
            "note": self._sealed_words("note", person, new.host, share_id, new.note),
            "label": self._sealed_words("label", person, new.host, share_id, new.label),
            "passphrase_to": new.passphrase_to,
            "created_at": now,
        }
        common = {"share_id": share_id, **owner(person), "host": new.host, "state": "waiting"}
        empty = dict.fromkeys(("recipient_enterprise_id", "recipient_team_id", "recipient_user_id"))
        rows = [
            {"id": new_id(), "position": place, **common, **empty, **recipient_values(one)}
            for place, one in enumerate(to)
        ]
        return share, rows

    def _sealed_words(self, column: str, person: Person, host: str, row_id: str, words: str | None) -> bytes | None:
        if words is None:
            return None
        plain = words.encode("utf-8", "surrogatepass")
        return self._sealer.seal("metadata_key", Binding.of(bound_names.SHARES, column, person, host, row_id), plain)

    def _words(self, row: Row[Any], column: str) -> str | None:
        blob = getattr(row, column)
        if blob is None:
            return None
        binding = Binding.of(bound_names.SHARES, column, _person(row), row.host, row.id)
        try:
            return self._sealer.open("metadata_key", binding, blob).decode("utf-8", "surrogatepass")
        except Unsealable:
            return None  # what was shared can be followed and burned without it

    def _share(self, row: Row[Any]) -> Share:
        return Share(
            id=row.id,
            person=_person(row),
            host=row.host,
            account_id=row.account_id,
            quiet=row.quiet,
            note=self._words(row, "note"),
            card=MessageRef(row.team_id, row.card_channel, row.card_ts) if row.card_channel else None,
            created_at=datetime.fromtimestamp(row.created_at, UTC),
            label=self._words(row, "label"),
            passphrase_to=row.passphrase_to,
        )

    async def _share_row(self, *conditions: Any) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(shares).where(*conditions))).one_or_none()


_BEGUN = deliveries.c.state.in_(("waiting", "asking"))
_ADDRESSED = or_(deliveries.c.recipient_user_id.is_not(None), deliveries.c.recipient_channel.is_not(None))
_UNSENT = and_(deliveries.c.state == "made", _ADDRESSED)


def _person(row: Row[Any]) -> Person:
    return person_of(row.enterprise_id, row.team_id, row.user_id)
