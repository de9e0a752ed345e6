"""Cards under one-time links that people post: which message has a card for which link, and what it says.

    keep ──► kept ──mark_posted──► open ──mark──► opened, burned ──close──► the link is wiped
              │
              └── Slack never takes the card ──► forget

A link is sealed, and bound to the message that it was posted in. A row stays for `LIFE` at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, delete, exists, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import Database, is_older, now
from bot.storage.sealing.blind_indexes import NamedIndex, index_of_secret, read_name
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import NOBODY, Sealer, ValueOpener, ValueSealer
from bot.storage.tables import LINK_CARD, NO_ID, is_id, link_cards, new_id, owner, person_in, reveals, tracked

LIFE: Final = 30 * 86_400.0  # seconds
POST_WITHIN: Final = 120.0  # seconds; the queue of the cards gives up after 60

CardState = Literal["open", "opened", "burned"]
CardEnd = Literal["opened", "burned"]

_OPEN: Final[CardState] = "open"


class PostedLink(NamedTuple):
    """A one-time link that somebody posted."""

    link: Secret  # exactly as Slack wrote it
    host: str  #: canonical base URL
    key: SecretKey


@dataclass(frozen=True, slots=True)
class LinkCard:
    """One card. `link` is empty when the card has changed for the last time."""

    id: str
    poster: Person  # who posted the link; the card is in this person's language
    message: MessageRef
    host: str  #: canonical base URL
    link: Secret
    state: CardState


class LinkCards:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._keys = DataKeys(db, sealer)

    async def keep(self, poster: Person, message: MessageRef, links: Sequence[PostedLink]) -> list[LinkCard]:
        """A row for each link of this message. Returns those whose card Slack has not taken yet, new or not.

        So a repeated event, or another process with the same event, makes no second card.
        """
        here = and_(
            link_cards.c.message_team == message.team_id,
            link_cards.c.channel == message.channel,
            link_cards.c.ts == message.ts,
        )
        waiting: list[LinkCard] = []
        async with self._db.writing() as connection:
            workspace = LINK_CARD.workspace({**owner(poster), "message_team": message.team_id})
            sealer = await self._keys.sealer_for(connection, workspace)
            await self._db.advisory_lock(connection, "link_cards", *message)
            for one in links:
                same = link_cards.c.blind_index.in_(self._sealer.blind_indexes(one.host, one.key))
                row = (await connection.execute(select(link_cards).where(here, same))).one_or_none()
                if row is None:
                    index = await index_of_secret(self._db, connection, self._sealer, one.host, one.key)
                    values = _encrypt(poster, message, one, index, sealer)
                    row = (await connection.execute(insert(link_cards).values(values).returning(link_cards))).one()
                if row.posted_at is None:
                    waiting += await self._decrypt_readable(connection, [row])
        return waiting

    async def mark_posted(self, cards: Sequence[LinkCard]) -> list[LinkCard]:
        """Slack has taken these cards. Returns, as they are now, those whose secret was over before that."""
        taken = update(link_cards).where(link_cards.c.id.in_([card.id for card in cards])).values(posted_at=now)
        async with self._db.writing() as connection:
            rows = (await connection.execute(taken.returning(link_cards.c.id, link_cards.c.state))).all()
        states: dict[str, CardState] = {row.id: row.state for row in rows}
        now_over = [replace(card, state=states.get(card.id, card.state)) for card in cards]
        return [card for card in now_over if card.state != _OPEN]

    async def forget(self, cards: Sequence[LinkCard]) -> None:
        """Slack never takes these cards."""
        async with self._db.writing() as connection:
            await connection.execute(delete(link_cards).where(link_cards.c.id.in_([card.id for card in cards])))
        await self._db.checkpoint()

    async def find(self, person: Person, ref: object) -> LinkCard:
        """A card in this person's workspace. Raises `NotYours` for everything else, and `Unsealable`.

        `ref` may be any value: every value costs the same one query.
        """
        this = link_cards.c.id == (ref if is_id(ref) else NO_ID)
        query = select(link_cards).where(this, _is_in_workspace_of(person), link_cards.c.expires_at > now)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise NotYours
        return _decrypt(row, opener)

    async def mark(self, person: Person, host: str, key: SecretKey, state: CardEnd) -> list[LinkCard]:
        """Open → `state`, for all cards of this secret in this person's workspace. Returns those that changed."""
        same = link_cards.c.blind_index.in_(self._sealer.blind_indexes(host, key))
        return await self._mark(_is_in_workspace_of(person), same, state)

    async def mark_named(self, person: Person, names: Sequence[str], state: CardEnd) -> list[LinkCard]:
        """`mark`, where of the secret key only the names are known that `Guesses.names_of` gives."""
        same = link_cards.c.blind_index.in_([read_name(name).index for name in names])
        return await self._mark(_is_in_workspace_of(person), same, state)

    async def mark_tracked(self, person: Person, tracked_id: str, state: CardEnd) -> list[LinkCard]:
        """`mark` for the secret of a tracked row. Returns nothing if the row does not know the secret key."""
        index = select(tracked.c.secret_blind_index).where(tracked.c.id == tracked_id).scalar_subquery()
        return await self._mark(_is_in_workspace_of(person), link_cards.c.blind_index == index, state)

    async def mark_opened_before_a_crash(self) -> None:
        """Open → opened, where somebody in the card's workspace has opened the secret here, and no `mark` followed."""
        is_here = or_(reveals.c.enterprise_id != NOBODY, reveals.c.team_id == link_cards.c.message_team)
        same = (
            reveals.c.blind_index == link_cards.c.blind_index,
            reveals.c.enterprise_id == link_cards.c.enterprise_id,
        )
        was_opened = exists().where(*same, is_here, reveals.c.state.in_(("escrowed", "shown")))
        forgotten = and_(link_cards.c.state == _OPEN, was_opened)
        async with self._db.reading() as connection:  # nearly always there are none: that must not lock anything
            ids = (await connection.execute(select(link_cards.c.id).where(forgotten))).scalars().all()
        if ids:
            async with self._db.writing() as connection:
                this = and_(link_cards.c.id.in_(ids), link_cards.c.state == _OPEN)
                await connection.execute(update(link_cards).where(this).values(state="opened"))

    async def _mark(self, here: ColumnElement[bool], same: ColumnElement[bool], state: CardEnd) -> list[LinkCard]:
        is_open = link_cards.c.state == _OPEN
        async with self._db.writing() as connection:
            changed = update(link_cards).where(here, same, is_open).values(state=state).returning(link_cards)
            return await self._decrypt_readable(connection, (await connection.execute(changed)).all())

    async def close(self, id: str) -> None:  # noqa: A002 - a row's id is called id
        """The card has changed for the last time, or never can: wipe its link."""
        async with self._db.writing() as connection:
            await connection.execute(update(link_cards).where(link_cards.c.id == id).values(link=null()))
        await self._db.checkpoint()

    async def unposted(self) -> list[LinkCard]:
        """Cards that Slack has not taken yet."""
        return await self._all(link_cards.c.posted_at.is_(None))

    async def undrawn(self) -> list[LinkCard]:
        """Cards that may still say “open”, although their secret is over."""
        over = and_(link_cards.c.state != _OPEN, link_cards.c.link.is_not(None))
        return await self._all(and_(over, link_cards.c.posted_at.is_not(None)))

    async def _all(self, condition: ColumnElement[bool]) -> list[LinkCard]:
        query = select(link_cards).where(condition).order_by(link_cards.c.created_at)
        async with self._db.reading() as connection:
            return await self._decrypt_readable(connection, (await connection.execute(query)).all())

    async def purge(self) -> int:
        """Delete cards after `LIFE`, and cards that Slack did not take within `POST_WITHIN`. Returns how many."""
        unposted = and_(link_cards.c.posted_at.is_(None), is_older(link_cards.c.created_at, POST_WITHIN))
        old = delete(link_cards).where(or_(link_cards.c.expires_at <= now, unposted))
        async with self._db.writing() as connection:
            gone = (await connection.execute(old)).rowcount
        await self._db.checkpoint()
        return gone

    async def _decrypt_readable(self, connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[LinkCard]:
        opener = await self._keys.opener(connection, rows)
        cards: list[LinkCard] = []
        for row in rows:
            try:
                cards.append(_decrypt(row, opener))
            except Unsealable:  # its encryption key is gone, so nobody can change the card any more
                continue
        return cards


def _encrypt(
    poster: Person, message: MessageRef, posted: PostedLink, index: NamedIndex, sealer: ValueSealer
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": new_id(),
        **owner(poster),
        "message_team": message.team_id,
        "channel": message.channel,
        "ts": message.ts,
        "host": posted.host,
        **index.values(),
        "state": _OPEN,
    }
    link = sealer.seal_text(LINK_CARD.purpose, LINK_CARD.binding(values), posted.link)
    return values | {"link": link, "created_at": now, "expires_at": now + LIFE}


def _decrypt(row: Row[Any], opener: ValueOpener) -> LinkCard:
    """Raises `Unsealable`, also if somebody changed in the row which message it belongs to."""
    link = Secret("")
    if row.link is not None:
        link = opener.open_text(LINK_CARD.purpose, LINK_CARD.binding(row._asdict()), row.link)
    message = MessageRef(row.message_team, row.channel, row.ts)
    return LinkCard(row.id, person_in(row), message, row.host, link, row.state)


def _is_in_workspace_of(person: Person) -> ColumnElement[bool]:
    """The condition that a card is in this person's workspace, or in their organisation."""
    enterprise_id = owner(person)["enterprise_id"]
    same = link_cards.c.enterprise_id == enterprise_id
    return and_(same, link_cards.c.message_team == person.team_id) if enterprise_id == NOBODY else same
