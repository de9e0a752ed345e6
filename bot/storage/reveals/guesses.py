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
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import new_id, owned_by, owner, reveals

GUESSES: Final = "guesses"  # the kind of the limit


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that was counted."""

    id: str
    person: Person
    blind_index: bytes
    tries: int  # wrong tries, this one among them
    is_counted: bool


class Guesses:
    """All methods raise `StorageUnavailable`; nothing is counted then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    def names_of(self, host: str, key: SecretKey | MetadataKey) -> list[str]:
        """Names for the secret with this key, one by each of our encryption keys. They say nothing about the key."""
        return [index.hex() for index in self._sealer.blind_indexes(host, key)]

    async def begin(self, person: Person, host: str, names: Sequence[str], *, with_passphrase: bool) -> Guess:
        """Count a guess as wrong before it is made. Raises `LimitReached` after `MAX_WRONG_TRIES` of them.

        `names` are those of the secret. The first guess without a passphrase does not count: nobody could know that
        the secret has one. A reveal of the same secret that is under way counts as one more.
        """
        indexes = [bytes.fromhex(name) for name in names]
        known = (owned_by(reveals, person), reveals.c.blind_index.in_(indexes), reveals.c.expires_at > now)
        before = select(reveals.c.blind_index, reveals.c.wrong_tries).where(*known)
        under_way = select(func.count()).where(*known, is_in("claiming"))
        async with self._db.writing() as connection:
            await lock_reveals(self._db, connection, person)
            query = before.order_by(reveals.c.wrong_tries.desc()).limit(1)
            earlier = (await connection.execute(query)).one_or_none()
            is_counted = with_passphrase or earlier is not None
            tries = earlier.wrong_tries if earlier else 0
            if tries + (await connection.scalar(under_way) or 0) + is_counted > MAX_WRONG_TRIES:
                raise LimitReached(GUESSES, ROW_LIFE)
            index = earlier.blind_index if earlier else indexes[0]
            guess = Guess(new_id(), person, index, tries + is_counted, is_counted)
            if is_counted:
                same = (owned_by(reveals, person), reveals.c.blind_index == index)
                await connection.execute(update(reveals).where(*same).values(wrong_tries=guess.tries))
            await connection.execute(
                insert(reveals).values(
                    id=guess.id,
                    **owner(person),
                    host=host,
                    blind_index=index,
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
        same = (owned_by(reveals, guess.person), reveals.c.blind_index == guess.blind_index, reveals.c.wrong_tries > 0)
        async with self._db.writing() as connection:
            await lock_reveals(self._db, connection, guess.person)
            gone = (await connection.execute(delete(reveals).where(reveals.c.id == guess.id))).rowcount
            if gone and guess.is_counted:
                fewer = update(reveals).where(*same).values(wrong_tries=reveals.c.wrong_tries - 1)
                await connection.execute(fewer)
