"""The life of one parcel: one secret on Onetime Secret for one addressee, as a row that survives a crash.

    waiting ──ask──► asking ──made──► made ──sent──► sent ──claim──► opening ──opened──► opened
       │               │               │              ▲ └──handed──► handed │
       └────failed─────┴──► doubtful   └─► refused    └──────release────────┘

`asking` is on disk before the one request that makes the secret, and nothing is asked twice: what was `asking` when
a process died may exist, and nobody has its link. From `made` on the keys are here, sealed, until it is over. Every
move is a compare-and-set, so that of many clicks and processes one wins.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, and_, case, exists, null, or_, select, true

from bot.errors import NotYours, StorageTrouble, Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage import openings
from bot.storage.database import Database, moment, now
from bot.storage.openings import WIPED, opener, opener_is
from bot.storage.seal import NOBODY, Binding, Sealer
from bot.storage.tables import NO_ID, is_id, parcels, person_of, shares

State = Literal[
    "waiting",
    "asking",
    "made",
    "sent",
    "opening",
    "handed",  # the link was shown to somebody, to open it in a browser
    "opened",
    "failed",  # the host refused: there is no secret
    "doubtful",  # no usable answer: there may be a secret, and nobody has its link
    "refused",  # Slack refused the addressee: the secret is burned
    "burned",
    "expired",
    "gone",  # over, and nobody knows how
]

OVER: Final = ("opened", "failed", "doubtful", "refused", "burned", "expired", "gone")
CAN_BE_OPENED: Final = ("made", "sent", "opening", "handed")
REMIND_EVERY = 3_600.0  # seconds
LONGEST_WHY = 80  # characters


@dataclass(frozen=True, slots=True)
class Address:
    """Who it is for: one person, or whoever is first in one channel, or nobody: just the link."""

    user: Person | None = None
    channel: str | None = None

    @property
    def is_nobody(self) -> bool:
        return self.user is None and self.channel is None


@dataclass(frozen=True, slots=True)
class Parcel:
    """The keys are empty before it was made; the secret key again once it is over. `passphrase` only while it waits."""

    id: str
    share_id: str
    sender: Person
    to: Address
    host: str  #: canonical base URL
    state: State
    secret_key: SecretKey
    metadata_key: MetadataKey
    passphrase: Secret | None  # waits to be sent, or to be shown to the sender
    passphrase_required: bool | None
    expires_at: datetime | None  #: UTC
    message: tuple[str, str] | None  # channel and ts of the message with the Open button
    opener: Person | None  # who opened it, is at it, or was shown the link
    opened_at: datetime | None  #: UTC
    tracked_id: str | None
    why: str | None = None  # a code: why it failed or was refused
    by_link: bool = False  # the link was shown to the opener; once it is opened: it was with that, as far as is known

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def can_be_opened(self) -> bool:
        """Whether there is a secret that somebody may still open."""
        return self.state in CAN_BE_OPENED

    @property
    def has_arrived(self) -> bool:
        """Whether its addressee can open it or has."""
        return self.can_be_opened or self.state == "opened"


class Parcels:
    """All methods raise `StorageTrouble`; the row is then as it was before.

    Methods that take a bare id are for a row that was given to its sender or addressee before.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    # --- making it

    async def ask(self, id: str) -> bool:
        """Waiting → asking, on disk when this returns. True for exactly one caller."""
        return await self._change(id, _is("waiting"), state="asking") is not None

    async def made(
        self,
        parcel: Parcel,
        *,
        secret_key: SecretKey,
        metadata_key: MetadataKey,
        passphrase: Secret | None,
        passphrase_required: bool | None,
        expires_at: datetime | None,
    ) -> Parcel:
        """Asking → made: the keys, sealed. Also from doubtful, should somebody have given it up meanwhile.

        `passphrase` is given where it waits to be sent or shown. Raises `StorageTrouble` if the row cannot take
        it: the keys are then only in memory.
        """
        values = {
            "secret_key": self._sealed(parcel, "secret_key", secret_key),
            "metadata_key": self._sealed(parcel, "metadata_key", metadata_key),
            "passphrase": None if passphrase is None else self._sealed(parcel, "passphrase", passphrase),
            "passphrase_required": passphrase_required,
            "expires_at": None if expires_at is None else expires_at.timestamp(),
        }
        row = await self._change(parcel.id, _is("asking", "doubtful"), state="made", over_at=null(), **values)
        if row is None:
            raise StorageTrouble("the parcel is not being made any more")
        return self._opened(row)

    async def failed(self, id: str, why: str) -> bool:
        """Waiting or asking → failed: there is no secret, and this is why (a code)."""
        return await self._end(id, _is("waiting", "asking"), "failed", why=why[:LONGEST_WHY])

    async def doubtful(self, id: str) -> bool:
        """Asking → doubtful: there may be a secret, and nobody has its link."""
        return await self._end(id, _is("asking"), "doubtful")

    async def tracked(self, id: str, tracked_id: str) -> None:
        """The row by which the watcher follows it."""
        await self._change(id, true(), tracked_id=tracked_id)

    async def sent(self, id: str, channel: str, ts: str) -> bool:
        """Made → sent: its message is there. A passphrase that nobody waits for is wiped."""
        waits = exists().where(shares.c.id == parcels.c.share_id, shares.c.passphrase_to != "nobody")
        values = {"message_channel": channel, "message_ts": ts, "passphrase": case((waits, parcels.c.passphrase))}
        row = await self._change(id, _is("made"), state="sent", **values)
        await self._db.scrub()
        return row is not None

    async def refused(self, id: str, why: str) -> bool:
        """Made → refused: Slack does not take the addressee, so nobody can open it here any more.

        It is not over before `over(id, "refused")` says that the secret is burned (or has to be left to expire).
        """
        wiped = {"state": "refused", "why": why[:LONGEST_WHY], "secret_key": null()}
        return await self._change(id, _is("made"), **wiped) is not None

    async def passphrase_sent(self, id: str) -> None:
        """It was sent, or shown: wiped."""
        await self._change(id, true(), passphrase=null())
        await self._db.scrub()

    async def remind(self, id: str) -> bool:
        """Whether its addressee may be reminded now: unopened, and not reminded in the last hour. Counts as done."""
        free = or_(parcels.c.reminded_at.is_(None), parcels.c.reminded_at <= now - REMIND_EVERY)
        return await self._change(id, and_(_is("sent"), free), reminded_at=now) is not None

    # --- opening it

    async def addressed(self, person: Person, id: object) -> Parcel:
        """One that this person may try to open: theirs, or of a channel in their workspace. Whatever its state.

        Raises `NotYours` for everything else, whatever `id` is, by the same single query; `Unsealable`.
        """
        row = await self._one(parcels.c.id == (id if is_id(id) else NO_ID), _is_for(person))
        if row is None:
            raise NotYours
        return self._opened(row)

    async def claim(self, id: str, person: Person) -> Parcel | None:
        """Sent → opening, by this person; also from handed, by whom the link was shown to. One winner."""
        async with self._db.writing() as connection:
            row = await openings.take(connection, id, person)
        return self._opened(row) if row else None

    async def release(self, id: str, person: Person) -> bool:
        """Opening → as it was before this person claimed it: it was not opened."""
        async with self._db.writing() as connection:
            return await openings.give_back(connection, id, person) is not None

    async def opened(self, id: str, person: Person) -> Parcel:
        """It was opened by this person, and what opens it is wiped. The row as it is now; the first opener stays."""
        async with self._db.writing() as connection:
            await openings.opened(connection, id, person)
        await self._db.scrub()
        return await self._by_id(id)

    async def untold(self, older_than: float = 0.0) -> list[Parcel]:
        """Opened here so many seconds ago, and those whom it concerns may not know."""
        query = select(parcels).where(parcels.c.untold_since <= now - older_than).order_by(parcels.c.untold_since)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [self._opened_or_empty(row) for row in rows]

    async def told(self, id: str) -> None:
        """Everybody whom it concerns knows that it was opened, or can never be told."""
        await self._change(id, true(), untold_since=null())

    async def handed(self, id: str, person: Person) -> bool:
        """The link was shown to this person. False if somebody else is at it, or it is over."""
        free = or_(_is("made", "sent"), and_(_is("opening", "handed"), opener_is(person)))
        return await self._change(id, free, state="handed", handed_at=now, **opener(person)) is not None

    async def over(self, id: str, state: State, at: datetime | None = None) -> bool:
        """Nothing more can come of it: what opens it is wiped. False if that was known already.

        `at` is when it was opened, where the host says so.
        """
        moment = {} if at is None else {"opened_at": at.timestamp()}
        return await self._end(id, parcels.c.over_at.is_(None), state, **moment)

    # --- rows

    async def _end(self, row_id: str, condition: ColumnElement[bool], state: State, **values: Any) -> bool:
        row = await self._change(row_id, condition, state=state, over_at=now, **WIPED, **values)
        if row is not None:
            await self._db.scrub()
        return row is not None

    async def _change(self, row_id: str, condition: ColumnElement[bool], **values: Any) -> Row[Any] | None:
        """Compare-and-set: the row after the change, or None if it was not as expected."""
        async with self._db.writing() as connection:
            return await openings.change(connection, row_id, condition, **values)

    async def _one(self, *conditions: ColumnElement[bool]) -> Row[Any] | None:
        async with self._db.reading() as connection:
            return (await connection.execute(select(parcels).where(*conditions))).one_or_none()

    async def _by_id(self, row_id: str) -> Parcel:
        row = await self._one(parcels.c.id == row_id)
        if row is None:
            raise NotYours
        return self._opened_or_empty(row)

    def _sealed(self, parcel: Parcel, column: str, text: Secret) -> bytes:
        return self._sealer.seal_text("metadata_key", _binding(column, parcel.sender, parcel.host, parcel.id), text)

    def _opened(self, row: Row[Any]) -> Parcel:
        """Raises `Unsealable`."""
        sender = person_of(row.enterprise_id, row.team_id, row.user_id)

        def text(column: str) -> Secret:
            blob = getattr(row, column)
            binding = _binding(column, sender, row.host, row.id)
            return Secret("") if blob is None else self._sealer.open_text("metadata_key", binding, blob)

        keys = text("secret_key").as_kind(SecretKey), text("metadata_key").as_kind(MetadataKey)
        return _parcel(row, *keys, text("passphrase") if row.passphrase is not None else None)

    def _opened_or_empty(self, row: Row[Any]) -> Parcel:
        """For lists: one that does not open is shown all the same."""
        try:
            return self._opened(row)
        except Unsealable:
            return _parcel(row, SecretKey(""), MetadataKey(""), None)


def _is(*states: State) -> ColumnElement[bool]:
    return parcels.c.state.in_(states)


def _triple(prefix: str, person: Person) -> dict[str, str]:
    enterprise = NOBODY if person.enterprise_id is None else person.enterprise_id
    ids = (enterprise, person.team_id, person.user_id)
    return dict(zip((f"{prefix}enterprise_id", f"{prefix}team_id", f"{prefix}user_id"), ids, strict=True))


def _is_for(person: Person) -> ColumnElement[bool]:
    """Addressed to exactly this person, or to a channel of the workspace that is theirs."""
    named = and_(*(parcels.c[name] == value for name, value in _triple("to_", person).items()))
    place = _triple("", person)
    there = and_(*(parcels.c[name] == place[name] for name in ("enterprise_id", "team_id")))
    return or_(named, and_(parcels.c.to_channel.is_not(None), there))


def addressee(to: Address) -> dict[str, Any]:
    """The address as the values of a row."""
    return {"to_channel": to.channel, **(_triple("to_", to.user) if to.user else {})}


def _parcel(row: Row[Any], secret: SecretKey, key: MetadataKey, passphrase: Secret | None) -> Parcel:
    return Parcel(
        id=row.id,
        share_id=row.share_id,
        sender=person_of(row.enterprise_id, row.team_id, row.user_id),
        to=Address(_person(row.to_enterprise_id, row.to_team_id, row.to_user_id), row.to_channel),
        host=row.host,
        state=row.state,
        secret_key=secret,
        metadata_key=key,
        passphrase=passphrase,
        passphrase_required=row.passphrase_required,
        expires_at=moment(row.expires_at),
        message=None if row.message_ts is None else (row.message_channel, row.message_ts),
        opener=_person(row.opener_enterprise_id, row.opener_team_id, row.opener_user_id),
        opened_at=moment(row.opened_at),
        tracked_id=row.tracked_id,
        why=row.why,
        by_link=row.handed_at is not None,
    )


def _person(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> Person | None:
    return None if enterprise_id is None or not team_id or not user_id else person_of(enterprise_id, team_id, user_id)


def _binding(column: str, sender: Person, host: str, row_id: str) -> Binding:
    return Binding.of("parcels", column, sender, host, row_id)
