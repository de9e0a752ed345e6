"""Opening a secret, as a row that survives a crash: who may open it, whether somebody is at it, what was found.

    ready ──reserve──► opening ──claim──► claiming ──keep──► escrowed ──shown──► shown
      ▲                   │                  │
      └──────release──────┴──────release─────┘                    any ──over──► over

While it is `opening` nothing was sent, and only the one who reserved it may touch the window; from `claiming` on
the secret may be open. A secret can be opened once, and only Onetime Secret's answer has it. So the claim comes
before the call, the escrow is on disk before anything is shown, and what was shown is wiped. In `shown` and `over`
neither the key nor the secret is left.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, null, or_, select, true, update

from bot.errors import NotYours, StorageTrouble, Unsealable
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.database import Database, now
from bot.storage.seal import Binding, Sealer
from bot.storage.tables import is_id, own_row, owned_by, owner, person_of, reveals

State = Literal["ready", "opening", "claiming", "escrowed", "shown", "over"]

ROW_LIFE = 3_600.0  # seconds
REPORT_LIFE = 7 * 86_400.0  # seconds that a row waits longer because its person was not told yet
MOST_WRONG_TRIES = 5  # the host locks a secret up soon after

_WIPED: dict[str, Any] = {"secret_key": null(), "escrow": null(), "escrow_expires_at": null()}
_HELD = and_(reveals.c.escrow.is_not(None), reveals.c.escrow_expires_at > now)
_UNTOLD = and_(reveals.c.state == "escrowed", reveals.c.told_at.is_(None))
_COLUMNS = (*reveals.c, _HELD.label("has_escrow"))


@dataclass(frozen=True, slots=True)
class Reveal:
    """`key` is empty once it was wiped.

    `has_escrow` is whether the secret waits to be shown right now. In the state `escrowed` without it, the secret
    was opened and its time is up: its person never saw it.
    """

    id: str
    person: Person
    host: str  #: canonical base URL
    key: SecretKey
    state: State
    wrong_tries: int
    unsure: bool  # an earlier try may have opened it
    has_escrow: bool
    escrow_expires_at: datetime | None  #: UTC

    @property
    def can_be_tried(self) -> bool:
        """Whether opening it (again) makes sense: it is not over and nobody is at it."""
        return self.state == "ready"


class Reveals:
    """All methods raise `StorageTrouble`; the row is then as it was before.

    Methods that take a bare id are for a row that `find` gave to its owner before.
    """

    def __init__(self, db: Database, sealer: Sealer, escrow_minutes: float = 10) -> None:
        self._db = db
        self._sealer = sealer
        self._escrow_life = escrow_minutes * 60  # seconds

    async def begin(self, person: Person, id: str, host: str, key: SecretKey) -> int:
        """A new row, ready to be claimed for an hour. `id` is the caller's, from `tables.new_id`.

        Returns the wrong tries of this person at this secret in the last hour, which go on counting here; with
        `MOST_WRONG_TRIES` of them the row is over from the start.
        """
        if not is_id(id):
            raise ValueError("not an id of ours")
        sealed = self._sealer.seal_text("metadata_key", _binding("secret_key", person, host, id), key)
        blind = self._sealer.blind_index(host, key)
        before = select(func.max(reveals.c.wrong_tries)).where(owned_by(reveals, person), reveals.c.blind == blind)
        values = {
            "id": id,
            **owner(person),
            "host": host,
            "blind": blind,
            "unsure": False,
            "created_at": now,
            "expires_at": now + ROW_LIFE,
        }
        async with self._db.writing() as connection:
            tries = await connection.scalar(before) or 0
            enough = tries >= MOST_WRONG_TRIES
            values |= {"wrong_tries": tries, "state": "over" if enough else "ready"}
            await connection.execute(insert(reveals).values(secret_key=None if enough else sealed, **values))
        return tries

    async def find(self, person: Person, id: object) -> Reveal:
        """Raises `NotYours` unless it is this person's and has not expired; `Unsealable`."""
        row = await self._own(person, id)
        return self._reveal(row, self._key(row))

    async def reserve(self, id: str) -> bool:
        """Ready → opening. True for exactly one caller: a second click, or a second process, gets False."""
        free = and_(reveals.c.state == "ready", reveals.c.expires_at > now)
        return await self._change(id, free, state="opening", claimed_at=now) is not None

    async def claim(self, id: str) -> bool:
        """Opening (or ready) → claiming. True for exactly one caller, whatever the number of processes."""
        free = and_(reveals.c.state.in_(("ready", "opening")), reveals.c.expires_at > now)
        return await self._change(id, free, state="claiming", claimed_at=now) is not None

    async def release(self, id: str, *, wrong_passphrase: bool = False, unsure: bool = False) -> int:
        """Opening or claiming → ready: it was not opened, or (`unsure`) nobody knows. Returns the wrong tries so far.

        The fifth wrong passphrase makes it over and wipes the key.
        """
        tries = reveals.c.wrong_tries + int(wrong_passphrase)
        enough = tries >= MOST_WRONG_TRIES
        row = await self._change(
            id,
            reveals.c.state.in_(("opening", "claiming")),
            state=case((enough, "over"), else_="ready"),
            secret_key=case((enough, null()), else_=reveals.c.secret_key),
            wrong_tries=tries,
            unsure=True if unsure else reveals.c.unsure,
            claimed_at=null(),
        )
        return row.wrong_tries if row else await self._wrong_tries(id)

    async def keep(self, reveal: Reveal, text: Secret) -> datetime:
        """Claiming → escrowed: the opened secret, on disk and sealed when this returns. Until when it is kept.

        Also from ready, should the janitor have taken the claim back meanwhile: the text is here, so this claim
        was the one. Raises `StorageTrouble` if the row cannot take it; the text is then only in memory.
        """
        binding = _binding("escrow", reveal.person, reveal.host, reveal.id)
        row = await self._change(
            reveal.id,
            reveals.c.state.in_(("claiming", "ready")),
            state="escrowed",
            escrow=self._sealer.seal_text("escrow", binding, text),
            escrow_expires_at=now + self._escrow_life,
            expires_at=now + ROW_LIFE + self._escrow_life,
            told_at=null(),
        )
        if row is None:
            raise StorageTrouble("the reveal is not being claimed any more")
        return datetime.fromtimestamp(row.escrow_expires_at, UTC)

    async def escrowed(self, person: Person, id: object) -> Secret | None:
        """The secret that waits to be shown; None if none does (any more). Raises `NotYours`, `Unsealable`."""
        row = await self._own(person, id)
        if not row.has_escrow:
            return None
        return self._sealer.open_text("escrow", _binding("escrow", person, row.host, row.id), row.escrow)

    async def shown(self, id: str) -> None:
        """The person saw it: wipe the escrow and the key."""
        await self._wipe(id, "shown")

    async def over(self, id: str) -> None:
        """Nothing more can come of it: wipe the escrow and the key."""
        await self._wipe(id, "over")

    async def put_back(self, older_than: float) -> int:
        """Opening → ready for those reserved at least `older_than` seconds ago and never claimed; how many."""
        waits = and_(reveals.c.state == "opening", reveals.c.claimed_at <= now - older_than)
        async with self._db.writing() as connection:
            done = await connection.execute(update(reveals).where(waits).values(state="ready", claimed_at=null()))
        return done.rowcount

    async def stranded(self, older_than: float) -> list[Reveal]:
        """Claimed at least `older_than` seconds ago and nothing since: most likely a process died."""
        return await self._all(reveals.c.state == "claiming", reveals.c.claimed_at <= now - older_than)

    async def mark_unsure(self, id: str) -> bool:
        """Claiming → ready, with the doubt noted and a new hour to try again. Whether it was this call that did it."""
        claimed = reveals.c.state == "claiming"
        row = await self._change(id, claimed, state="ready", unsure=True, claimed_at=null(), expires_at=now + ROW_LIFE)
        return row is not None

    async def unseen(self, older_than: float) -> list[Reveal]:
        """Escrowed at least `older_than` seconds ago, neither shown nor told.

        Also those whose time is up (`has_escrow` is False): their persons must hear that the secret is lost.
        """
        kept_at = reveals.c.escrow_expires_at - self._escrow_life
        return await self._all(_UNTOLD, kept_at <= now - older_than)

    async def told(self, id: str) -> None:
        """The person was told that it waits, or that it is lost."""
        await self._change(id, reveals.c.told_at.is_(None), told_at=now)

    async def purge(self) -> int:
        """Wipe expired escrows and delete expired rows; how many rows changed.

        A row that its person must still hear about (see `unseen`, `stranded`) stays, without the secret.
        """
        expired_escrow = and_(reveals.c.escrow.is_not(None), ~_HELD)
        finished = and_(reveals.c.state == "escrowed", ~_HELD, reveals.c.told_at.is_not(None))
        waits = or_(_UNTOLD, reveals.c.state == "claiming")
        old = or_(
            and_(reveals.c.expires_at <= now, ~waits),
            reveals.c.expires_at <= now - REPORT_LIFE,
        )
        async with self._db.writing() as connection:
            done = await connection.execute(update(reveals).where(finished).values(state="over", **_WIPED))
            wiped = await connection.execute(
                update(reveals).where(expired_escrow).values(escrow=null(), secret_key=null())
            )
            gone = await connection.execute(delete(reveals).where(old))
        await self._db.scrub()
        return done.rowcount + wiped.rowcount + gone.rowcount

    async def _change(self, row_id: str, condition: ColumnElement[bool], **values: Any) -> Row[Any] | None:
        """Compare-and-set: the row after the change, or None if it was not as expected."""
        statement = update(reveals).where(reveals.c.id == row_id, condition).values(values).returning(reveals)
        async with self._db.writing() as connection:
            row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
        return row

    async def _wipe(self, row_id: str, state: State) -> None:
        await self._change(row_id, true(), state=state, **_WIPED)
        await self._db.scrub()

    async def _wrong_tries(self, row_id: str) -> int:
        async with self._db.reading() as connection:
            return await connection.scalar(select(reveals.c.wrong_tries).where(reveals.c.id == row_id)) or 0

    async def _own(self, person: Person, row_id: object) -> Row[Any]:
        query = select(*_COLUMNS).where(own_row(reveals, person, row_id), reveals.c.expires_at > now)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotYours
        return row

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Reveal]:
        query = select(*_COLUMNS).where(*conditions).order_by(reveals.c.created_at, reveals.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._reveal(row, self._key_or_none(row)) for row in rows]

    def _key(self, row: Row[Any]) -> SecretKey:
        if row.secret_key is None:
            return SecretKey("")
        binding = _binding("secret_key", _person(row), row.host, row.id)
        return self._sealer.open_text("metadata_key", binding, row.secret_key, SecretKey)

    def _key_or_none(self, row: Row[Any]) -> SecretKey:
        try:
            return self._key(row)
        except Unsealable:
            return SecretKey("")  # its person must be told all the same

    def _reveal(self, row: Row[Any], key: SecretKey) -> Reveal:
        until = None if row.escrow_expires_at is None else datetime.fromtimestamp(row.escrow_expires_at, UTC)
        return Reveal(
            row.id, _person(row), row.host, key, row.state, row.wrong_tries, row.unsure, bool(row.has_escrow), until
        )


def _person(row: Row[Any]) -> Person:
    return person_of(row.enterprise_id, row.team_id, row.user_id)


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of("reveals", column, person, host, row_id)
