"""What a person chose when they last shared, for the next time. Recipients are not among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import delete, insert, select

from bot.person import Person
from bot.storage.engine.database import Database
from bot.storage.tables import owned_by, owner, share_choices

PassphraseMode = Literal["none", "mine", "generate"]

NO_PASSPHRASE: Final = "none"
MINE: Final = "mine"  # the sender types it
GENERATE: Final = "generate"  # it is made up


@dataclass(frozen=True, slots=True)
class ShareChoices:
    """`site` is the name of a host with an account of the sender's, or “anonymous”. None: the default account."""

    ttl: int | None = None  # seconds; None: the usual life
    passphrase: PassphraseMode = NO_PASSPHRASE
    apart: bool = False  # the passphrase is sent separately, to recipients who are people
    news: bool = True  # the sender is told when the secret is opened
    site: str | None = None


DEFAULT_CHOICES: Final = ShareChoices()


def read_passphrase_mode(value: str) -> PassphraseMode:
    """The mode with this value; none for a value that is unknown."""
    return MINE if value == MINE else GENERATE if value == GENERATE else NO_PASSPHRASE


class StoredShareChoices:
    """All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, person: Person) -> ShareChoices:
        """The usual choices of somebody who has never shared."""
        query = select(share_choices).where(owned_by(share_choices, person))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return DEFAULT_CHOICES
        return ShareChoices(row.ttl, read_passphrase_mode(row.passphrase), row.apart, row.news, row.site)

    async def set(self, person: Person, choices: ShareChoices) -> None:
        """Replaces what the person chose before."""
        values = {
            "ttl": choices.ttl,
            "passphrase": choices.passphrase,
            "apart": choices.apart,
            "news": choices.news,
            "site": choices.site,
        }
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "share_choices", *owner(person).values())
            await connection.execute(delete(share_choices).where(owned_by(share_choices, person)))
            await connection.execute(insert(share_choices).values(**owner(person), **values))
