"""Executions of the workflow step: each is stored before Slack's event is acknowledged, so that none is lost.

    received ──Requests.begin_for_step──► asked ──its request is over──► due ──mark_done──► done
       └──────────refuse─────────────────────────────────────────────────►┘

An execution that waits keeps the workflow waiting, so what is due is told to Slack until Slack has taken it. Its id
proves nothing: Slack takes it only together with the token of the installation.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database, is_older, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import NOBODY, Binding, Sealer, ValueOpener
from bot.storage.tables import executions, new_id, own_row, owner, person_in, requests

KEPT: Final = 7 * 86_400.0  # seconds that a done execution stays stored: Slack may repeat its event for a day
GIVEN_UP: Final = 15 * 86_400.0  # seconds after which one that Slack never took is deleted

_IS_RECEIVED = and_(executions.c.request_id.is_(None), executions.c.refusal.is_(None), executions.c.done_at.is_(None))


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the workflow gave to the step, by the name of the input. Somebody may have put a secret into a text."""

    texts: dict[str, str] = field(default_factory=dict, repr=False)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)  # of ids


@dataclass(frozen=True, slots=True)
class NewExecution:
    person: Person  # who ran the workflow; `user_id` is empty if Slack named nobody
    install_team: str  # the workspace or organisation that the app is installed in
    execution: str  # Slack's function_execution_id
    name: str  # the callback id of the step; empty for one that this version does not know
    inputs: StepInputs


@dataclass(frozen=True, slots=True)
class Execution:
    id: str
    person: Person  # who ran the workflow
    install_team: str
    execution: str
    name: str
    inputs: StepInputs | None  # None once it was asked or refused, without a person, or if no key opens them
    request_id: str | None
    refusal: str | None  # why nobody was asked
    is_done: bool  # Slack was told how it ended, or never can be

    @property
    def is_received(self) -> bool:
        """Whether nobody was asked yet, and it was not refused."""
        return self.request_id is None and self.refusal is None and not self.is_done


class Executions:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def receive(self, new: NewExecution) -> str | None:
        """Store an execution; returns the id of its row, or None if it is stored already."""
        row_id = new_id()
        values = {
            "id": row_id,
            **owner(new.person),
            "install_team": new.install_team,
            "execution": new.execution,
            "name": new.name,
            "created_at": now,
        }
        known = and_(executions.c.team_id == new.person.team_id, executions.c.execution == new.execution)
        async with self._db.writing() as connection:
            inputs = await self._seal(connection, new, row_id)
            await self._db.advisory_lock(connection, "executions", new.execution)
            if await connection.scalar(select(executions.c.id).where(known)) is not None:
                return None
            await connection.execute(insert(executions).values(values | {"inputs": inputs}))
        return row_id

    async def find(self, person: Person, id: object) -> Execution:
        """An execution of a workflow that this person ran. Raises `NotYours`."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(executions).where(own_row(executions, person, id)))).one_or_none()
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise NotYours
        return _execution(row, opener)

    async def of_request(self, request_id: str) -> Execution | None:
        """The execution that made this request."""
        return next(iter(await self._all(executions.c.request_id == request_id)), None)

    async def received(self, older_than: float) -> list[Execution]:
        """Executions that were received `older_than` seconds ago and not begun: most likely a process died."""
        return await self._all(_IS_RECEIVED, is_older(executions.c.created_at, older_than))

    async def due(self, older_than: float) -> list[Execution]:
        """Executions that ended `older_than` seconds ago, and of which Slack was not told yet."""
        over = select(requests.c.id).where(is_older(requests.c.over_at, older_than))
        refused = and_(executions.c.refusal.is_not(None), is_older(executions.c.created_at, older_than))
        return await self._all(executions.c.done_at.is_(None), or_(refused, executions.c.request_id.in_(over)))

    async def refuse(self, id: str, refusal: str) -> bool:
        """Received → refused. False if it was begun or refused before."""
        changed = update(executions).where(executions.c.id == id, _IS_RECEIVED)
        async with self._db.writing() as connection:
            return bool((await connection.execute(changed.values(refusal=refusal, inputs=null()))).rowcount)

    async def mark_done(self, id: str) -> None:
        """Slack was told how it ended, or never can be."""
        async with self._db.writing() as connection:
            await connection.execute(update(executions).where(executions.c.id == id).values(done_at=now))

    async def purge(self) -> int:
        """Delete executions that have been done for a week, and those that Slack never took. Returns how many."""
        old = or_(is_older(executions.c.done_at, KEPT), is_older(executions.c.created_at, GIVEN_UP))
        async with self._db.writing() as connection:
            return (await connection.execute(delete(executions).where(old))).rowcount

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Execution]:
        query = select(executions).where(*conditions).order_by(executions.c.created_at, executions.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [_execution(row, opener) for row in rows]

    async def _seal(self, connection: AsyncConnection, new: NewExecution, row_id: str) -> bytes | None:
        """None where Slack named nobody: a value is bound to a person, and such an execution is refused anyway."""
        if not (new.person.team_id and new.person.user_id):
            return None
        text = Secret(msgspec.json.encode(new.inputs).decode())
        sealer = await self._keys.sealer_for(connection, new.person)
        return sealer.seal_text("metadata_key", _binding(new.person, row_id), text)


def _execution(row: Row[Any], opener: ValueOpener) -> Execution:
    person = person_in(row)
    return Execution(
        id=row.id,
        person=person,
        install_team=row.install_team,
        execution=row.execution,
        name=row.name,
        inputs=_inputs(row, person, opener),
        request_id=row.request_id,
        refusal=row.refusal,
        is_done=row.done_at is not None,
    )


def _inputs(row: Row[Any], person: Person, opener: ValueOpener) -> StepInputs | None:
    if row.inputs is None:
        return None
    try:
        plain = opener.open("metadata_key", _binding(person, row.id), row.inputs)
        return msgspec.json.decode(plain, type=StepInputs)
    except (Unsealable, msgspec.MsgspecError):
        return None


async def claim(connection: AsyncConnection, id: str) -> bool:
    """Take a received execution for this transaction, which has to end with `mark_asked`. False if it is taken."""
    changed = update(executions).where(executions.c.id == id, _IS_RECEIVED)
    return bool((await connection.execute(changed.values(inputs=null()))).rowcount)


async def mark_asked(connection: AsyncConnection, id: str, request_id: str) -> None:
    """Received → asked, in the transaction that makes the request."""
    await connection.execute(update(executions).where(executions.c.id == id).values(request_id=request_id))


def _binding(person: Person, row_id: str) -> Binding:
    return Binding.of(bound_names.EXECUTIONS, "inputs", person, NOBODY, row_id)
