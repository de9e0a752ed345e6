"""What could never be sent, notifications and messages of recovery: `python -m bot notifications dead` and `resend`.

Nothing here is decrypted: a line names ids, a kind and Slack's error code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, delete, literal, select, union_all, update

from bot.screen.words import in_words
from bot.secret import Secret
from bot.storage.engine.commands import existing_database
from bot.storage.engine.database import now
from bot.storage.tables import message_failures, notifications

_IS_DEAD = and_(notifications.c.dead_letter.is_not(None), notifications.c.sent_at.is_(None))
_WAS_GIVEN_UP = message_failures.c.dead_letter.is_not(None)


async def list_dead(database_url: Secret | str) -> str:
    """A line for each, the oldest first: id, age, what it is about, why, and whom. Raises `CannotStart`."""
    query = union_all(
        _dead(notifications, notifications.c.id, notifications.c.kind).where(_IS_DEAD),
        _dead(message_failures, message_failures.c.key, literal("recovery")).where(_WAS_GIVEN_UP),
    )
    async with existing_database(database_url) as db, db.reading() as connection:
        rows = (await connection.execute(query.order_by("created_at", "id"))).all()
    lines = [
        f"{row.id}  {in_words(row.age)}  {row.kind}  {row.dead_letter}  {row.team_id}/{row.user_id}" for row in rows
    ]
    return "\n".join([*lines, f"{len(rows)} could not be sent."])


def _dead(table: Table, id: ColumnElement[str], kind: ColumnElement[str]) -> Select[Any]:  # noqa: A002 - a row's id
    age = (now - table.c.created_at).label("age")
    columns = (table.c[name] for name in ("dead_letter", "team_id", "user_id", "created_at"))
    return select(id.label("id"), kind.label("kind"), *columns, age)


async def resend(database_url: Secret | str, ids: Sequence[str] | None) -> tuple[str, int]:
    """Make dead letters due again, or all of them if `ids` is None.

    The notifier sends its own within seconds. Recovery tries its own within a minute, if they are still of use.
    Returns what to print, and how many of the ids are no dead letters. Raises `CannotStart`.
    """
    wanted: ColumnElement[bool] = _IS_DEAD if ids is None else and_(_IS_DEAD, notifications.c.id.in_(ids))
    given_up: ColumnElement[bool] = _WAS_GIVEN_UP
    if ids is not None:
        given_up = and_(_WAS_GIVEN_UP, message_failures.c.key.in_(ids))
    again = update(notifications).where(wanted)
    again = again.values(dead_letter=None, digest=None, due_at=now, tries=0, refusals=0)
    async with existing_database(database_url) as db, db.writing() as connection:
        sent = set((await connection.execute(again.returning(notifications.c.id))).scalars())
        tried = delete(message_failures).where(given_up).returning(message_failures.c.key)
        sent |= set((await connection.execute(tried)).scalars())
    unknown = [one for one in ids or () if one not in sent]
    lines = [f"{one}  is no dead letter" for one in unknown]
    return "\n".join([*lines, f"{len(sent)} will be sent again."]), len(unknown)
