"""Messages besides a card that are true only while a secret can be opened: reminders, passphrases, “Try again”.

A row is written when the message was posted, and deleted when the message was changed for the last time, after what it
is about was over. So every row is a message that still has to be changed.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Row, Table, and_, delete, exists, insert, or_, select

from bot.message_ref import MessageRef
from bot.person import Person
from bot.storage.engine.database import Database, is_older, now
from bot.storage.reveals.rows import is_of_same_secret
from bot.storage.tables import deliveries, following_messages, new_id, owner, person_in, reveals, tracked

OfDelivery = Literal["reminder", "passphrase", "expires_soon"]
OfTracked = Literal["tracked_reminder"]
OfReveal = Literal["may_be_opened", "show_again"]
FollowingKind = OfDelivery | OfTracked | OfReveal

_MAY_BE_OPENED: Final[OfReveal] = "may_be_opened"
_OTHERS = reveals.alias()
SETTLED = 60.0  # seconds after the end of a secret, when what was opened has been shown
MAX_AT_ONCE = 200  # messages; the others follow a minute later


@dataclass(frozen=True, slots=True)
class FollowingMessage:
    """`subject_id` is a delivery, a tracked secret or a reveal, by the kind."""

    id: str
    reader: Person
    kind: FollowingKind
    subject_id: str
    message: MessageRef


class FollowingMessages:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._posted: dict[tuple[str, str], MessageRef] = {}  # by kind and subject: posted, and not written

    async def add(self, kind: FollowingKind, subject_id: str, message: MessageRef, reader: Person) -> None:
        """Remember a message that was posted. The same message twice is one row.

        If the database does not take it, `find_posted` knows the message as long as the process lives.
        """
        self._posted[kind, subject_id] = message
        place = (following_messages.c.channel == message.channel, following_messages.c.ts == message.ts)
        values = {"kind": kind, "subject_id": subject_id, "channel": message.channel, "ts": message.ts}
        async with self._db.writing() as connection:
            await connection.execute(delete(following_messages).where(*place))
            await connection.execute(insert(following_messages).values(id=new_id(), **owner(reader), **values))
        self._posted.pop((kind, subject_id), None)

    def find_posted(self, kind: FollowingKind, subject_id: str) -> MessageRef | None:
        """The message that was posted, if it could not be written: it must not be posted again."""
        return self._posted.get((kind, subject_id))

    async def outdated_of_deliveries(self, id: str | None = None) -> list[FollowingMessage]:
        """Messages about deliveries that are over or deleted; only about one of them, if `id` is given."""
        return await self._outdated(get_args(OfDelivery), id, deliveries, deliveries.c.over_at.is_(None))

    async def outdated_of_tracked(self, id: str | None = None) -> list[FollowingMessage]:
        """Messages about tracked secrets that are over or not tracked any more; only about one, if `id` is given."""
        return await self._outdated(get_args(OfTracked), id, tracked, tracked.c.over_at.is_(None))

    async def outdated_of_reveals(self) -> list[FollowingMessage]:
        """Messages about reveals that are over, or whose row cannot be used any more.

        Also “Try again”, if another reveal of the same person and secret has shown the secret, or if the secret was
        shared here and is over. A secret that was opened a moment ago is just being shown, perhaps.
        """
        later_worked = exists().where(is_of_same_secret(_OTHERS, reveals), _OTHERS.c.state == "shown")
        of_reveal = deliveries.c.id == reveals.c.delivery_id
        is_over = exists().where(of_reveal, deliveries.c.over_at.is_not(None), is_older(deliveries.c.over_at, SETTLED))
        is_needed = or_(following_messages.c.kind != _MAY_BE_OPENED, and_(~later_worked, ~is_over))
        is_open = and_(reveals.c.state.not_in(("shown", "over")), reveals.c.expires_at > now, is_needed)
        return await self._outdated(get_args(OfReveal), None, reveals, is_open)

    async def find_unknown_outcome(self, reveal_id: str) -> FollowingMessage | None:
        """The message that says that the secret of this reveal may have been opened. None if its person has none.

        It is about this reveal, or about another one of the same person and secret.
        """
        same = exists().where(is_of_same_secret(_OTHERS, reveals), _OTHERS.c.id == reveal_id)
        query = select(following_messages).join(reveals, reveals.c.id == following_messages.c.subject_id)
        query = query.where(following_messages.c.kind == _MAY_BE_OPENED, same)
        async with self._db.reading() as connection:
            row = (await connection.execute(query.order_by(following_messages.c.ts.desc()).limit(1))).one_or_none()
        return None if row is None else _following(row)

    async def _outdated(
        self, kinds: tuple[str, ...], subject_id: str | None, subjects: Table, is_open: ColumnElement[bool]
    ) -> list[FollowingMessage]:
        of_open = exists().where(subjects.c.id == following_messages.c.subject_id, is_open)
        query = select(following_messages).where(following_messages.c.kind.in_(kinds), ~of_open)
        if subject_id is not None:
            query = query.where(following_messages.c.subject_id == subject_id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(following_messages.c.id).limit(MAX_AT_ONCE))).all()
        return [_following(row) for row in rows]

    async def forget(self, message: FollowingMessage) -> None:
        """The message was changed for the last time, or never can be."""
        async with self._db.writing() as connection:
            await connection.execute(delete(following_messages).where(following_messages.c.id == message.id))


def _following(row: Row[Any]) -> FollowingMessage:
    message = MessageRef(row.team_id, row.channel, row.ts)
    return FollowingMessage(row.id, person_in(row), row.kind, row.subject_id, message)
