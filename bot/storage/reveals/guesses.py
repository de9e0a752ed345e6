"""Guesses of a passphrase that open nothing: whoever burns a secret needs its passphrase too.

A guess has a row among the reveals that is over from the start. So wrong tries to burn and to open a secret have one
count for each person, whatever is open, and an hour later both begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, update

from bot.errors import LimitReached
from bot.person import Person
from bot.secret import MetadataKey, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.reveals.rows import MAX_WRONG_TRIES, OVER, ROW_LIFE, is_in, lock_reveals
from bot.storage.sealing.blind_indexes import NamedIndex, adopt_index, name_indexes, read_name
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import new_id, owned_by, owner, reveals

GUESSES: Final = "guesses"  # the kind of the limit


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that was counted."""

    id: str
    person: Person
    tries: int  # wrong tries, this one among them
    is_counted: bool


class Guesses:
    """All methods raise `StorageUnavailable`; nothing is counted then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    def names_of(self, host: str, key: SecretKey | MetadataKey) -> list[str]:
        """Names for the secret with this key, one by each of our encryption keys. They say nothing about the key."""
        return name_indexes(self._sealer, host, key)

    async def begin(self, person: Person, host: str, names: Sequence[str], *, with_passphrase: bool) -> Guess:
        """Count a guess as wrong before it is made. Raises `LimitReached` after `MAX_WRONG_TRIES` of them.

        `names` are those of the secret. The first guess without a passphrase does not count: nobody could know that
        the secret has one. A reveal of the same secret that is under way counts as one more.
        """
        named = self._read_names(names)
        indexes = [one.index for one in named]
        known = (owned_by(reveals, person), reveals.c.blind_index.in_(indexes), reveals.c.expires_at > now)
        before = select(reveals.c.blind_index, reveals.c.blind_index_kid, reveals.c.wrong_tries).where(*known)
        under_way = select(func.count()).where(*known, is_in("claiming"))
        async with self._db.writing() as connection:
            await lock_reveals(self._db, connection, person)
            adopted = await adopt_index(self._db, connection, named)
            query = before.order_by(reveals.c.wrong_tries.desc()).limit(1)
            earlier = (await connection.execute(query)).one_or_none()
            is_counted = with_passphrase or earlier is not None
            tries = earlier.wrong_tries if earlier else 0
            if tries + (await connection.scalar(under_way) or 0) + is_counted > MAX_WRONG_TRIES:
                raise LimitReached(GUESSES, ROW_LIFE)
            index = NamedIndex(earlier.blind_index_kid, earlier.blind_index) if earlier else adopted
            guess = Guess(new_id(), person, tries + is_counted, is_counted)
            if is_counted:
                same = (owned_by(reveals, person), reveals.c.blind_index == index.index)
                await connection.execute(update(reveals).where(*same).values(wrong_tries=guess.tries))
            await connection.execute(
                insert(reveals).values(
                    id=guess.id,
                    **owner(person),
                    host=host,
                    **index.values(),
                    state=OVER,
                    wrong_tries=guess.tries,
                    outcome_unknown=False,
                    created_at=now,
                    expires_at=now + ROW_LIFE,
                )
            )
        return guess

    async def give_back(self, guess: Guess) -> None:
        """Do not count this guess: the host did not say that it was wrong."""
        this = delete(reveals).where(reveals.c.id == guess.id).returning(reveals.c.blind_index)
        async with self._db.writing() as connection:
            await lock_reveals(self._db, connection, guess.person)
            index: bytes | None = await connection.scalar(this)  # a new encryption key may have changed it since
            if index is not None and guess.is_counted:
                mine = owned_by(reveals, guess.person)
                same = (mine, reveals.c.blind_index == index, reveals.c.wrong_tries > 0)
                fewer = update(reveals).where(*same).values(wrong_tries=reveals.c.wrong_tries - 1)
                await connection.execute(fewer)

    def _read_names(self, names: Sequence[str]) -> list[NamedIndex]:
        named = [read_name(name) for name in names]
        ring = self._sealer.keyring
        if len(ring.kids) == len(named) == 1:
            return [NamedIndex(ring.primary, named[0].index)]
        return named
