"""Requests for a secret: one person asked a colleague of the same workspace for a secret.

    waiting ──mark_asked──► asked ──answer, end or mark_expired──► answered, withdrawn, declined or expired
       │                      ▲                                        │
       ▼                      └────────────────reopen──────────────────┘ (only from answered)
    undeliverable

A waiting request can be withdrawn, and it can expire: the person who asked has a card of it already.

A request is committed before its message is sent, so that recovery sees a crash in between. The request belongs to
the person who asked. The person who was asked can answer or decline it, and do nothing else.

A request becomes answered in the transaction that begins the share, so it cannot be answered twice. If no delivery of
that share arrives, the request becomes asked again. The share's `request_id` names the request.

A request of a workflow was made by its step (executions.py). The workflow's name and who may open the secret are
sealed together with who asked and who is asked, so nobody can change them in the database.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, insert, null, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import JustSent, NotYours, RequestOver, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import Secret
from bot.storage import executions
from bot.storage.engine.database import Database, is_older, moment, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.audience import new_bound_id, open_audience, seal_audience
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import NOBODY, Binding, Sealer, ValueOpener, ValueSealer
from bot.storage.shares.rows import DeliveryState
from bot.storage.tables import REQUEST_PEOPLE, deliveries, is_id, own_row, owner, person_in, requests, shares

RequestEnd = Literal["answered", "withdrawn", "declined"]  # how a person can end a request
RequestState = Literal["waiting", "asked", RequestEnd, "expired", "undeliverable"]

LIFE: Final = 7 * 86_400.0  # seconds in which a request can be answered
KEPT: Final = 7 * 86_400.0  # seconds that a request stays stored after its end

_OPEN = requests.c.over_at.is_(None)
_IN_TIME = requests.c.expires_at > now
_COLUMNS = (*requests.c, and_(_OPEN, _IN_TIME).label("is_open"))


_SENDER_WAS_ASKED = and_(
    requests.c.enterprise_id == shares.c.enterprise_id,
    requests.c.team_id == shares.c.team_id,
    requests.c.asked_id == shares.c.user_id,
)
_UNDER_WAY: Final[tuple[DeliveryState, ...]] = ("waiting", "asking")
_NOT_ARRIVED: Final[tuple[DeliveryState, ...]] = (*_UNDER_WAY, "failed", "unknown_outcome")
_ASKED_STATE: Final[RequestState] = "asked"
_ANSWERED_STATE: Final[RequestState] = "answered"
_ANSWERED = and_(requests.c.state == _ANSWERED_STATE, requests.c.id == shares.c.request_id, _SENDER_WAS_ASKED)


@dataclass(frozen=True, slots=True)
class Request:
    id: str
    person: Person  # who asked
    asked: Person
    note: str | None  # what the secret is for, as typed; None also if the note cannot be decrypted any more
    state: RequestState
    is_open: bool  # the request can still be answered
    message: MessageRef | None  # the message to the person who was asked
    card: MessageRef | None  # the message to the person who asked
    created_at: datetime  #: UTC
    expires_at: datetime  #: UTC
    reason: str | None = None  # why it was declined, as typed; None also if it cannot be decrypted any more
    is_bound: bool = True  # False: somebody changed in the database who asked, or who is asked
    workflow: str | None = None  # the name of the workflow that asked; `person` ran it. None: the person asked
    openers: tuple[str, ...] = ()  # the user ids of those who may open it, of the same workspace


@dataclass(frozen=True, slots=True)
class StepRequest:
    """What a workflow's step adds to a request."""

    workflow: str  # its name
    openers: tuple[str, ...]  # the user ids of those who may open the secret


def _is(state: RequestState) -> ColumnElement[bool]:
    return requests.c.state == state


def _is_for(person: Person) -> ColumnElement[bool]:
    """The condition that this person is asked."""
    return and_(
        requests.c.enterprise_id == owner(person)["enterprise_id"],
        requests.c.team_id == person.team_id,
        requests.c.asked_id == person.user_id,
    )


class Requests:
    """All methods raise `StorageUnavailable`. Methods that take only an id are for a row that was found before."""

    def __init__(self, db: Database, sealer: Sealer, life: float = LIFE) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)
        self._life = life  # seconds

    async def begin(self, person: Person, asked: Person, note: Secret | None) -> Request:
        """Create a request that waits to be sent. Raises `ValueError` unless both people are in the same workspace."""
        _check_workspace(person, asked)
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, person)
            return await self._insert(connection, sealer, person, asked, note, self._life)

    async def begin_for_step(
        self, execution_id: str, person: Person, asked: Person, note: Secret, step: StepRequest, life: float
    ) -> Request | None:
        """Create a request for a workflow that `person` runs, together with the change of its execution.

        `life` is in seconds. None if the execution was begun or refused before. Raises `ValueError` as `begin` does.
        """
        _check_workspace(person, asked)
        of_step = msgspec.json.encode(step).decode()
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, person)
            if not await executions.claim(connection, execution_id):
                return None
            request = await self._insert(connection, sealer, person, asked, note, life, of_step)
            await executions.mark_asked(connection, execution_id, request.id)
        return request

    async def _insert(
        self,
        connection: AsyncConnection,
        sealer: ValueSealer,
        person: Person,
        asked: Person,
        note: Secret | None,
        life: float,
        step: str = "",
    ) -> Request:
        row_id = new_bound_id()
        people = {"id": row_id, **owner(person), "asked_id": asked.user_id}
        binding = _text_binding("note", person, row_id)
        values = {
            **people,
            "people": seal_audience(sealer, REQUEST_PEOPLE, people, step),
            "note": None if note is None else sealer.seal_text("metadata_key", binding, note),
            "state": "waiting",
            "created_at": now,
            "expires_at": now + life,
        }
        await connection.execute(insert(requests).values(values))
        return await self._read(connection, row_id)

    async def find(self, person: Person, id: object) -> Request:
        """A request that this person made. Raises `NotYours`, and `Unsealable` if it is not bound to its people."""
        return await self._one(own_row(requests, person, id))

    async def find_for_asked(self, person: Person, id: object) -> Request:
        """A request that was sent to this person. Raises `NotYours`, `JustSent`, and `Unsealable` as `find` does."""
        request = await self._one(and_(requests.c.id == (id if is_id(id) else NOBODY), _is_for(person)))
        if request.message is None:
            raise JustSent if request.state == "waiting" else NotYours
        return request

    async def waiting_for(self, person: Person, limit: int) -> tuple[list[Request], int]:
        """What this person is asked for and can answer, the newest first, and how many there are of all.

        Requests that are not bound to their people are left out.
        """
        waits = and_(_is_for(person), _IN_TIME, _is("asked"))
        query = select(*_COLUMNS, func.count().over().label("total")).where(waits)
        async with self._db.reading() as connection:
            newest = query.order_by(requests.c.created_at.desc()).limit(limit)
            rows: Any = (await connection.execute(newest)).all()  # SQLAlchemy types a row by the first ten columns
            opener = await self._keys.opener(connection, rows)
        found = [_request(row, opener) for row in rows]
        return [request for request in found if request.is_bound], rows[0].total if rows else 0

    async def mark_asked(self, id: str, message: MessageRef) -> bool:
        """Waiting → asked. False if the request is not waiting any more."""
        values = {"message_channel": message.channel, "message_ts": message.ts}
        return await self._change(id, _is("waiting"), state="asked", **values) is not None

    async def mark_undeliverable(self, id: str) -> Request | None:
        """Waiting → undeliverable: Slack refuses messages to that person. None if the request is not waiting."""
        return await self._change(id, _is("waiting"), state="undeliverable", over_at=now)

    async def give_up(self, id: str) -> Request | None:
        """Waiting or asked → undeliverable: who asked or is asked was changed. None if the request was over."""
        return await self._change(id, _OPEN, state="undeliverable", over_at=now)

    async def end(self, id: str, state: RequestEnd) -> Request | None:
        """Waiting or asked → `state`. None if the request was over or out of time: only one caller gets the row.

        The request is unannounced until `mark_announced`.
        """
        async with self._db.writing() as connection:
            return await self._end(connection, id, state)

    async def decline(self, request: Request, reason: Secret | None) -> Request | None:
        """Waiting or asked → declined, for this reason. The rest is as for `end`."""
        binding = _text_binding("reason", request.person, request.id)
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, request.person)
            sealed = None if reason is None else sealer.seal_text("metadata_key", binding, reason)
            return await self._end(connection, request.id, "declined", reason=sealed)

    async def _end(self, connection: AsyncConnection, row_id: str, state: RequestEnd, **values: Any) -> Request | None:
        end = {"over_at": now, "unannounced_since": now, **values}
        return await self._change_in(connection, row_id, and_(_OPEN, _IN_TIME), state=state, **end)

    async def unannounced(self, older_than: float) -> list[Request]:
        """Requests that a person ended `older_than` seconds ago, and whose messages may not say so yet."""
        return await self._all(is_older(requests.c.unannounced_since, older_than))

    async def mark_announced(self, id: str) -> None:
        """Record that the person who asked was notified of the end and both messages were updated, or never can be."""
        await self._change(id, true(), unannounced_since=null())

    async def answered_by(self, share_id: str) -> Request | None:
        """The request that this share answered."""
        answers = exists().where(shares.c.id == share_id, _ANSWERED)
        return next(iter(await self._all(answers)), None)

    async def is_being_answered(self, id: str) -> bool:
        """Whether the share that answers the request may still come to nothing: then the request is reopened.

        Of a share for several people one delivery that arrives is enough.
        """
        unfinished = exists().where(deliveries.c.share_id == shares.c.id, deliveries.c.state.in_(_NOT_ARRIVED))
        arrived = exists().where(deliveries.c.share_id == shares.c.id, deliveries.c.state.not_in(_NOT_ARRIVED))
        under_way = exists().where(deliveries.c.share_id == shares.c.id, deliveries.c.state.in_(_UNDER_WAY))
        answers = exists().where(shares.c.request_id == id, unfinished, or_(under_way, ~arrived))
        async with self._db.reading() as connection:
            return bool(await connection.scalar(select(answers)))

    async def reopen(self, id: str, share_id: str) -> Request | None:
        """Answered by this share → asked. None if this share does not answer this request any more."""
        async with self._db.writing() as connection:
            if not await reopen(connection, shares.c.id == share_id, shares.c.request_id == id):
                return None
            return await self._read(connection, id)

    async def mark_expired(self, id: str) -> Request | None:
        """Waiting or asked → expired, if its time has run out. None if the request has ended or still has time."""
        return await self._change(id, and_(_OPEN, ~_IN_TIME), state="expired", over_at=now)

    async def set_card(self, id: str, card: MessageRef) -> None:
        """Store where the message is that shows the request to the person who asked. The first message stays."""
        await self._change(id, requests.c.card_ts.is_(None), card_channel=card.channel, card_ts=card.ts)

    async def unfinished(self, older_than: float) -> list[Request]:
        """Open requests older than `older_than` seconds without one of their messages: most likely a process died."""
        missing = requests.c.message_ts.is_(None) | requests.c.card_ts.is_(None)
        return await self._all(_OPEN, _IN_TIME, missing, is_older(requests.c.created_at, older_than))

    async def out_of_time(self) -> list[Request]:
        """Requests that nobody answered in time and that are not marked as expired yet."""
        return await self._all(_OPEN, ~_IN_TIME)

    async def purge(self) -> int:
        """Delete requests that have been over for a week. Returns how many."""
        async with self._db.writing() as connection:
            gone = (await connection.execute(delete(requests).where(requests.c.over_at <= now - KEPT))).rowcount
        await self._db.checkpoint()
        return gone

    async def _change(
        self, row_id: str, condition: ColumnElement[bool], state: RequestState | None = None, **values: Any
    ) -> Request | None:
        """Compare-and-set: the row after the change, or None if the row did not meet the condition."""
        async with self._db.writing() as connection:
            return await self._change_in(connection, row_id, condition, state, **values)

    async def _change_in(
        self,
        connection: AsyncConnection,
        row_id: str,
        condition: ColumnElement[bool],
        state: RequestState | None = None,
        **values: Any,
    ) -> Request | None:
        """`_change` as a part of a transaction.

        The row is read by a second query, because SQLite 3.40 compares new times wrongly in RETURNING.
        """
        if state is not None:
            values["state"] = state
        changed = update(requests).where(requests.c.id == row_id, condition).values(values)
        if not (await connection.execute(changed)).rowcount:
            return None
        return await self._read(connection, row_id)

    async def _read(self, connection: AsyncConnection, row_id: str) -> Request:
        row = (await connection.execute(select(*_COLUMNS).where(requests.c.id == row_id))).one()
        return _request(row, await self._keys.opener(connection, [row]))

    async def _one(self, condition: ColumnElement[bool]) -> Request:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(condition))).one_or_none()
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise NotYours
        request = _request(row, opener)
        if not request.is_bound:
            raise Unsealable
        return request

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Request]:
        query = select(*_COLUMNS).where(*conditions).order_by(requests.c.created_at, requests.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [_request(row, opener) for row in rows]


def _text(row: Row[Any], column: Literal["note", "reason"], person: Person, opener: ValueOpener) -> str | None:
    blob = getattr(row, column)
    if blob is None:
        return None
    try:
        plain = opener.open("metadata_key", _text_binding(column, person, row.id), blob)
    except Unsealable:
        return None  # the request can be answered and withdrawn without its texts
    return plain.decode("utf-8", "surrogatepass")


def _step(row: Row[Any], opener: ValueOpener) -> StepRequest | None:
    """None for a request that no workflow made. Raises `Unsealable` if the row is not bound to its people."""
    sealed = open_audience(opener, REQUEST_PEOPLE, row)
    try:
        return msgspec.json.decode(sealed, type=StepRequest) if sealed else None
    except msgspec.MsgspecError:
        raise Unsealable from None


def _request(row: Row[Any], opener: ValueOpener) -> Request:
    person = person_in(row)
    step, is_bound = None, True
    try:
        step = _step(row, opener)
    except Unsealable:
        is_bound = False
    return Request(
        id=row.id,
        person=person,
        asked=Person(person.enterprise_id, person.team_id, row.asked_id),
        note=_text(row, "note", person, opener),
        state=row.state,
        is_open=bool(row.is_open),
        message=None if row.message_ts is None else MessageRef(row.team_id, row.message_channel, row.message_ts),
        card=None if row.card_ts is None else MessageRef(row.team_id, row.card_channel, row.card_ts),
        created_at=moment(row.created_at),
        expires_at=moment(row.expires_at),
        reason=_text(row, "reason", person, opener),
        is_bound=is_bound,
        workflow=step.workflow if step else None,
        openers=step.openers if step else (person.user_id,),
    )


def _check_workspace(person: Person, asked: Person) -> None:
    if (person.enterprise_id, person.team_id) != (asked.enterprise_id, asked.team_id):
        raise ValueError("of another workspace")


async def answer(connection: AsyncConnection, id: str, share_id: str) -> None:
    """Asked → answered, in the transaction that begins the share. Raises `RequestOver` if the request is not open."""
    sender = exists().where(shares.c.id == share_id, _SENDER_WAS_ASKED)
    answered = update(requests).where(requests.c.id == id, _OPEN, _IN_TIME, sender)
    if not (await connection.execute(answered.values(state=_ANSWERED_STATE, over_at=now))).rowcount:
        raise RequestOver
    await connection.execute(update(shares).where(shares.c.id == share_id).values(request_id=id))


async def reopen(connection: AsyncConnection, *is_share: ColumnElement[bool]) -> bool:
    """Answered → asked, for the request that the share answered. From then on the share answers no request.

    False if the share answers no request, or not any more.
    """
    answered = update(requests).where(exists().where(*is_share, _ANSWERED))
    if not (await connection.execute(answered.values(state=_ASKED_STATE, over_at=null()))).rowcount:
        return False
    await connection.execute(update(shares).where(*is_share).values(request_id=null()))
    return True


def _text_binding(column: Literal["note", "reason"], person: Person, row_id: str) -> Binding:
    return Binding.of(bound_names.REQUESTS, column, person, NOBODY, row_id)
