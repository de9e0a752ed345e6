"""A reveal as a row: one person opens one secret. What the row holds, and which columns are encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, FromClause, Row, and_, null, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import CLOCK_TOLERANCE, Database, moment_or_none, now
from bot.storage.reveals.memory import RevealMemory
from bot.storage.sealing import bound_names
from bot.storage.sealing.sealer import Binding, ValueOpener, ValueSealer
from bot.storage.shares import openings
from bot.storage.tables import OWNER, owned_by, owner, person_in, reveals

RevealState = Literal["ready", "opening", "claiming", "escrowed", "shown", "over"]

READY: Final[RevealState] = "ready"
OVER: Final[RevealState] = "over"
MAX_WRONG_TRIES: Final = 5  # the host locks a secret after a few more
ROW_LIFE: Final = 3_600.0  # seconds in which a row can be used
LATE_LIFE: Final = 7 * 86_400.0  # seconds that an expired row stays without its key, to explain a window that is open
ESCROW_MINUTES: Final = 10.0  # minutes that an opened secret is stored for its person
WIPE: Final[dict[str, Any]] = {"secret_key": null(), "escrow": null(), "escrow_expires_at": null()}


@dataclass(frozen=True, slots=True)
class Reveal:
    """`key` is empty after it was wiped, and always for a delivery: the delivery's own row has the key.

    `has_escrow` says whether the secret can be shown right now. `escrowed` without `has_escrow` means that the secret
    was opened, its escrow has expired, and the person never saw it.
    """

    id: str
    person: Person
    host: str  #: canonical base URL
    key: SecretKey
    state: RevealState
    wrong_tries: int
    outcome_unknown: bool  # an earlier try may have opened the secret
    has_escrow: bool
    escrow_expires_at: datetime | None  #: UTC
    delivery_id: str | None = None  # the delivery that this reveal opens; None: the person had a link
    is_expired: bool = False  # its time is over, so it cannot be tried any more

    @property
    def can_be_tried(self) -> bool:
        """Whether the person may open the secret now: the reveal is not over, and no other click is opening it."""
        return self.state == "ready"


def encrypt_key(person: Person, host: str, row_id: str, key: SecretKey, sealer: ValueSealer) -> bytes:
    return sealer.seal_text("metadata_key", _binding("secret_key", person, host, row_id), key)


def encrypt_escrow(reveal: Reveal, text: Secret, sealer: ValueSealer) -> bytes:
    return sealer.seal_text("escrow", _binding("escrow", reveal.person, reveal.host, reveal.id), text)


def decrypt_escrow(row: Row[Any], opener: ValueOpener) -> Secret:
    """Raises `Unsealable`."""
    return opener.open_text("escrow", _binding("escrow", person_in(row), row.host, row.id), row.escrow)


def decrypt(row: Row[Any], opener: ValueOpener) -> Reveal:
    """Raises `Unsealable`."""
    if row.secret_key is None:
        return _reveal(row, SecretKey(""))
    binding = _binding("secret_key", person_in(row), row.host, row.id)
    return _reveal(row, opener.open_text("metadata_key", binding, row.secret_key, SecretKey))


def decrypt_or_empty(row: Row[Any], opener: ValueOpener) -> Reveal:
    """Like `decrypt`, with an empty key if the key cannot be decrypted: the person must still be notified."""
    try:
        return decrypt(row, opener)
    except Unsealable:
        return _reveal(row, SecretKey(""))


def has_escrow(life: float, memory: RevealMemory) -> ColumnElement[bool]:
    """The condition that the secret can be shown now. `life` is the time of an escrow in seconds.

    An end that is further ahead than `life` was written by a clock that was ahead: then only the memory knows better.
    """
    end = reveals.c.escrow_expires_at
    is_running = and_(end > now, or_(end <= now + life + CLOCK_TOLERANCE, reveals.c.id.in_(memory.running())))
    return and_(reveals.c.escrow.is_not(None), is_running, reveals.c.id.not_in(memory.over()))


def columns(life: float, memory: RevealMemory) -> tuple[ColumnElement[Any], ...]:
    """All columns of a row, `has_escrow` and `is_expired`."""
    is_expired = (reveals.c.expires_at <= now).label("is_expired")
    return (*reveals.c, has_escrow(life, memory).label("has_escrow"), is_expired)


def is_in(*states: RevealState) -> ColumnElement[bool]:
    """The condition that a reveal is in one of these states."""
    return reveals.c.state.in_(states)


def is_other_of_same_secret(row: Row[Any]) -> ColumnElement[bool]:
    """The condition that a reveal is another one of the same person and the same secret."""
    same = (reveals.c.blind_index == row.blind_index, reveals.c.id != row.id)
    return and_(owned_by(reveals, person_in(row)), *same)


def is_of_same_secret(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """The condition that two reveals of one person, as two tables or aliases, are of the same secret."""
    return and_(*(one.c[name] == other.c[name] for name in (*OWNER, "blind_index")))


async def lock_reveals(db: Database, connection: AsyncConnection, person: Person) -> None:
    """Let one transaction at a time begin or claim reveals of this person, or count guesses."""
    await db.advisory_lock(connection, "reveals", *owner(person).values())


async def change(
    connection: AsyncConnection,
    row_id: str,
    condition: ColumnElement[bool],
    *,
    state: RevealState | ColumnElement[str] | None = None,
    **values: Any,
) -> Row[Any] | None:
    """Compare-and-set: the row after the change, or None if the row did not meet the condition.

    `state` None leaves the state as it is.
    """
    if state is not None:
        values["state"] = state
    statement = update(reveals).where(reveals.c.id == row_id, condition).values(values).returning(reveals)
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


async def reserve_delivery(connection: AsyncConnection, row: Row[Any]) -> bool:
    """Reserve the delivery that this row opens. True also for a row that opens no delivery."""
    return row.delivery_id is None or await openings.reserve(connection, row.delivery_id, person_in(row)) is not None


async def release_delivery(connection: AsyncConnection, row: Row[Any]) -> None:
    """Release the delivery that this row has reserved, so that others can open it again."""
    if row.delivery_id is not None:
        await openings.release(connection, row.delivery_id, person_in(row))


async def mark_delivery_opened(connection: AsyncConnection, row: Row[Any]) -> None:
    """Mark the delivery that this row opens as opened by the person of this row."""
    if row.delivery_id is not None:
        await openings.mark_opened(connection, row.delivery_id, person_in(row))


def _reveal(row: Row[Any], key: SecretKey) -> Reveal:
    return Reveal(
        id=row.id,
        person=person_in(row),
        host=row.host,
        key=key,
        state=row.state,
        wrong_tries=row.wrong_tries,
        outcome_unknown=row.outcome_unknown,
        has_escrow=bool(row.has_escrow),
        escrow_expires_at=moment_or_none(row.escrow_expires_at),
        delivery_id=row.delivery_id,
        is_expired=bool(row.is_expired),
    )


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.REVEALS, column, person, host, row_id)
