"""What people do in Slack, as rows: so that each act has its effect once among all processes, and gets an answer.

    begin ──► under way ──► answered          the row stays for an hour: a repeated delivery is recognized by it
                  │
                  └── the process died, or Slack took no answer ──► recovery answers, then `end`

An act of a person is carried out once, also if Slack or somebody delivers it again, to this or another process. An
event of Slack is carried out again unless an earlier delivery of it has come to its end: nobody would press again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

from sqlalchemy import Row, and_, delete, func, insert, null, or_, select, update

from bot.person import Person
from bot.storage.engine.database import Database, is_older, now
from bot.storage.tables import acts, owned_by, owner, person_in

KEPT: Final = 3_600.0  # seconds; Slack's signatures are valid for 300, and its last retry comes after some 360
DAY: Final = 86_400.0  # seconds, after which nobody expects an answer any more
MAX_DURATION: Final = 300.0  # seconds; the longest act takes less, and recovery has answered for a process that is gone
MAX_TEXT = 64  # characters of an id of Slack's that is stored

# What the window shows: a placeholder of ours, which must be replaced; the same after the person had the answer in a
# message, since Slack did not take the window; or a secret, which nothing may cover.
ActWindow = Literal["placeholder", "answered", "secret"]


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one person, or one event."""

    key: str  # a digest of the idempotency key
    person: Person
    install_team: str | None
    kind: str
    name: str  # the name of the handler
    ref: str | None  # the id of the row that the act is about
    view_id: str | None  # the modal that it happened in
    window: ActWindow | None = None
    is_event: bool = False


def act_key(idempotency_key: str) -> str:
    return blake2b(idempotency_key.encode("utf-8", "replace"), digest_size=16).hexdigest()


class Acts:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._under_way: set[str] = set()  # keys of acts of this process

    async def begin(self, act: Act) -> bool:
        """Whether to carry out the act: nobody began it before, or it is an event that did not come to its end."""
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "acts", act.key)
            before = (await connection.execute(select(acts).where(acts.c.key == act.key))).one_or_none()
            if before is None:
                await connection.execute(insert(acts).values(**_values(act), started_at=now))
            elif before.answered_at is None and act.is_event and act.key not in self._under_way:
                await connection.execute(update(acts).where(acts.c.key == act.key).values(started_at=now))
            else:
                return False
        self._under_way.add(act.key)
        return True

    async def mark_window(self, key: str, window: ActWindow, view_id: str | None = None) -> None:
        """Record what the window shows, and which one it is if the act opened it. A secret stays recorded."""
        values = {"window": window} | ({} if view_id is None else {"view_id": view_id})
        async with self._db.writing() as connection:
            no_secret = or_(acts.c.window.is_(None), acts.c.window != _SECRET)
            await connection.execute(update(acts).where(acts.c.key == key, no_secret).values(values))

    async def end(self, key: str) -> None:
        """The act has its answer."""
        try:
            async with self._db.writing() as connection:
                await connection.execute(update(acts).where(acts.c.key == key).values(answered_at=now))
        finally:
            self.leave(key)

    def leave(self, key: str) -> None:
        """This process does no more for the act. Unless it has its answer, recovery gives one."""
        self._under_way.discard(key)

    async def first_under_way(self, person: Person) -> float | None:
        """When the first act of this person began that has no answer yet, in seconds since the epoch; or None.

        Events do not count, nor what began more than `MAX_DURATION` seconds ago.
        """
        is_recent = ~is_older(acts.c.started_at, MAX_DURATION)
        mine = and_(owned_by(acts, person), acts.c.answered_at.is_(None), ~acts.c.is_event, is_recent)
        async with self._db.reading() as connection:
            began: float | None = await connection.scalar(select(func.min(acts.c.started_at)).where(mine))
        return began

    async def unanswered(self, older_than: float) -> list[Act]:
        """Acts of people that began `older_than` seconds ago without an answer, and are not under way in this process.

        Also those that were answered elsewhere, and whose window still waits. Events stay as they are: Slack delivers
        them again.
        """
        is_old = or_(is_older(acts.c.started_at, older_than), acts.c.window == _ANSWERED_ELSEWHERE)
        query = select(acts).where(acts.c.answered_at.is_(None), ~acts.c.is_event, is_old)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.order_by(acts.c.started_at, acts.c.key))).all()
        return [_act(row) for row in rows if row.key not in self._under_way]

    async def later_in_window(self, act: Act) -> list[Act]:
        """What happened in the window of this act after it began, oldest first."""
        began = select(acts.c.started_at).where(acts.c.key == act.key).scalar_subquery()
        later = (acts.c.view_id == act.view_id, acts.c.key != act.key, acts.c.started_at >= began)
        query = select(acts).where(owned_by(acts, act.person), *later).order_by(acts.c.started_at, acts.c.key)
        async with self._db.reading() as connection:
            return [_act(row) for row in (await connection.execute(query)).all()]

    async def purge(self) -> int:
        """Delete acts that were answered an hour ago, and those that never were, after a day. Returns how many."""
        old = or_(
            and_(acts.c.answered_at.is_not(None), is_older(acts.c.started_at, KEPT)), is_older(acts.c.started_at, DAY)
        )
        async with self._db.writing() as connection:
            return (await connection.execute(delete(acts).where(old))).rowcount


_SECRET: Final[ActWindow] = "secret"
_ANSWERED_ELSEWHERE: Final[ActWindow] = "answered"


def _values(act: Act) -> dict[str, Any]:
    return {
        "key": act.key,
        **owner(act.person),
        "install_team": act.install_team,
        "kind": act.kind,
        "name": act.name,
        "ref": act.ref,
        "view_id": act.view_id,
        "window": null(),
        "is_event": act.is_event,
    }


def _act(row: Row[Any]) -> Act:
    return Act(
        key=row.key,
        person=person_in(row),
        install_team=row.install_team,
        kind=row.kind,
        name=row.name,
        ref=row.ref,
        view_id=row.view_id,
        window=row.window,
        is_event=row.is_event,
    )
