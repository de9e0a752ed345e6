"""Onetime Secret accounts that people connected: one for each person and host. One of them is the person's default."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database, moment, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Binding, Sealer, ValueOpener
from bot.storage.tables import OWNER, accounts, new_id, own_row, owned_by, owner, person_in, watches


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account on one host.

    `is_readable` is False if the credentials cannot be decrypted any more: they are empty then, and the person has to
    connect again.
    """

    id: str
    person: Person
    host: str  #: canonical base URL
    username: Secret
    token: Secret
    is_default: bool
    created_at: datetime  #: UTC
    is_readable: bool = True


class Accounts:
    """Each method takes the owner of the accounts. All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._keys = DataKeys(db, sealer)

    async def connect(self, person: Person, host: str, username: Secret, token: Secret) -> Account:
        """Store the account of this person on this host. It replaces an earlier account there.

        The account gets a new id, so that buttons of the earlier account stop working. A person's first account becomes
        the default. An account that replaces the default becomes the default too.
        """
        row_id = new_id()
        async with self._db.writing() as connection:
            sealer = await self._keys.sealer_for(connection, person)
            sealed = {
                "username": sealer.seal_text("token", _binding("username", person, host, row_id), username),
                "token": sealer.seal_text("token", _binding("token", person, host, row_id), token),
            }
            await self._lock_person(connection, person)
            mine = owned_by(accounts, person)
            await connection.execute(delete(accounts).where(mine, accounts.c.host == host))
            has_default = await connection.scalar(select(exists().where(mine, accounts.c.is_default)))
            created_at = await connection.scalar(
                insert(accounts)
                .values(id=row_id, **owner(person), host=host, is_default=not has_default, created_at=now, **sealed)
                .returning(accounts.c.created_at)
            )
        assert created_at is not None
        await self._db.checkpoint()
        return Account(row_id, person, host, username, token, not has_default, moment(created_at))

    def name_indexes(self, host: str, username: Secret) -> list[str]:
        """Short names for the account with this user name on this host, one by each of our encryption keys.

        They say nothing about the user name. Capitals do not matter.
        """
        name = Secret(username.reveal().casefold())
        return [index.hex() for index in self._sealer.blind_indexes(host, name)]

    async def all_of(self, person: Person) -> list[Account]:
        """All accounts of the person: the default first, then by host. Unreadable ones have `is_readable` False."""
        query = (
            select(accounts)
            .where(owned_by(accounts, person))
            .order_by(accounts.c.is_default.desc(), accounts.c.host, accounts.c.id)
        )
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
            opener = await self._keys.opener(connection, rows)
        return [_decrypt_or_flag(row, opener) for row in rows]

    async def on_host(self, person: Person, host: str) -> Account | None:
        """None if the person has no account there. Raises `Unsealable` if its credentials cannot be decrypted."""
        row, opener = await self._row(owned_by(accounts, person), accounts.c.host == host)
        return _decrypt(row, opener) if row else None

    async def of_watches(self, ids: Sequence[str]) -> dict[str, Account]:
        """By the id of the watch: the account of the watch's person on the watch's host, if there is one.

        Unreadable ones have `is_readable` False. Other tasks run between two accounts.
        """
        theirs = and_(*(accounts.c[name] == watches.c[name] for name in (*OWNER, "host")))
        query = select(watches.c.id.label("watch_id"), accounts).join_from(watches, accounts, theirs)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query.where(watches.c.id.in_(ids)))).all()
            opener = await self._keys.opener(connection, rows)
        found: dict[str, Account] = {}
        for row in rows:
            found[row.watch_id] = _decrypt_or_flag(row, opener)
            await asyncio.sleep(0)
        return found

    async def default_of(self, person: Person) -> Account | None:
        """None if the person has no account. Raises `Unsealable` if its credentials cannot be decrypted."""
        row, opener = await self._row(owned_by(accounts, person), accounts.c.is_default)
        return _decrypt(row, opener) if row else None

    async def find(self, person: Person, id: object) -> Account:  # noqa: A002 - the column's name
        """Raises `NotYours`. An unreadable account has `is_readable` False: the person can still disconnect it."""
        row, opener = await self._row(own_row(accounts, person, id))
        if row is None:
            raise NotYours
        return _decrypt_or_flag(row, opener)

    async def make_default(self, person: Person, id: object) -> None:  # noqa: A002 - the column's name
        """Raises `NotYours`; the default does not change then."""
        async with self._db.writing() as connection:
            await self._lock_person(connection, person)
            await connection.execute(_default(owned_by(accounts, person), to=False))
            if not (await connection.execute(_default(own_row(accounts, person, id), to=True))).rowcount:
                raise NotYours

    async def disconnect(self, person: Person, id: object) -> None:  # noqa: A002 - the column's name
        """Delete the account and its buttons. The oldest other account becomes the default. Raises `NotYours`."""
        async with self._db.writing() as connection:
            await self._lock_person(connection, person)
            mine = owned_by(accounts, person)
            gone = delete(accounts).where(own_row(accounts, person, id)).returning(accounts.c.is_default)
            was_default = (await connection.execute(gone)).scalar_one_or_none()
            if was_default is None:
                raise NotYours
            if was_default:
                oldest = select(accounts.c.id).where(mine).order_by(accounts.c.created_at, accounts.c.id).limit(1)
                await connection.execute(_default(accounts.c.id == oldest.scalar_subquery(), to=True))
        await self._db.checkpoint()

    async def _lock_person(self, connection: AsyncConnection, person: Person) -> None:
        """Let one transaction at a time change this person's accounts: one default, and one account for each host."""
        await self._db.advisory_lock(connection, "accounts", *owner(person).values())

    async def _row(self, *conditions: Any) -> tuple[Row[Any] | None, ValueOpener]:
        async with self._db.reading() as connection:
            row = (await connection.execute(select(accounts).where(*conditions))).one_or_none()
            return row, await self._keys.opener(connection, [row])


def _decrypt(row: Row[Any], opener: ValueOpener) -> Account:
    """Raises `Unsealable`."""
    person = person_in(row)
    username: Secret = opener.open_text("token", _binding("username", person, row.host, row.id), row.username)
    token: Secret = opener.open_text("token", _binding("token", person, row.host, row.id), row.token)
    return _account(row, username, token, readable=True)


def _decrypt_or_flag(row: Row[Any], opener: ValueOpener) -> Account:
    try:
        return _decrypt(row, opener)
    except Unsealable:
        return _account(row, Secret(""), Secret(""), readable=False)


def _default(condition: Any, *, to: bool) -> Any:
    return update(accounts).where(condition).values(is_default=to)


def _account(row: Row[Any], username: Secret, token: Secret, *, readable: bool) -> Account:
    return Account(
        id=row.id,
        person=person_in(row),
        host=row.host,
        username=username,
        token=token,
        is_default=row.is_default,
        created_at=moment(row.created_at),
        is_readable=readable,
    )


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.ACCOUNTS, column, person, host, row_id)
