"""Made-up accounts and their secrets: all processes of the benchmark make up the same ones.

`fill` puts them into a database as the bot would have, in bulk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bot.person import Person
from bot.secret import MetadataKey, Secret
from bot.storage.engine.database import Database
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Binding, Sealer
from bot.storage.tables import accounts, new_id, owner, tracked, watches
from bot.storage.tracking.rows import NewTracked, TrackedRows

TAIL = "hhfphxt3zlfbcfm6pvdqq8q32kwvy34dqg9gqsvsvez4xj33qu"  # keys of 0.26 have 62 characters
TOKEN = "benchmark-token"
LIFE = timedelta(days=7)  # of a secret
AT_A_TIME = 50  # accounts in one transaction


def key(account: int, number: int) -> str:
    return f"{account:08d}{number:04d}{TAIL}"


def numbers_of(metadata_key: str) -> tuple[int, int]:
    """Its account, and which of the account's secrets it is, from 0."""
    return int(metadata_key[:8]), int(metadata_key[8:12])


def username(account: int) -> str:
    return f"account-{account:08d}@example.com"


def account_of(name: str) -> int:
    return int(name.removeprefix("account-").partition("@")[0])


def person(account: int) -> Person:
    return Person(None, "T0000001", f"U{account:08d}")


async def fill(
    url: str,
    keys: str,
    host: str,
    count: int,
    each: int,
    *,
    asleep: bool = False,
    first: int = 0,
    person: Callable[[int], Person] = person,
) -> None:
    """`count` accounts from `first` on, with `each` tracked secrets, made just now and due at once, or never where
    `asleep`.

    `url` is of a migrated database; `keys` is the text of ENCRYPTION_KEYS; `person` says whose an account is.
    """
    sealer = Sealer(KeyRing.read(keys))
    rows = TrackedRows(sealer)
    db = Database.open(url)
    try:
        for start in range(first, first + count, AT_A_TIME):
            some = range(start, min(start + AT_A_TIME, first + count))
            made = {n: _watch(person(n), host, asleep=asleep) for n in some}
            secrets = [row for n in some for row in _secrets(rows, sealer, person(n), n, host, made[n]["id"], each)]
            async with db.writing() as connection:
                await connection.execute(insert(accounts), [_account(sealer, person(n), n, host) for n in some])
                await connection.execute(insert(watches), list(made.values()))
                await connection.execute(insert(tracked), secrets)
    finally:
        await db.close()


def _account(sealer: Sealer, who: Person, account: int, host: str) -> dict[str, Any]:
    row_id = new_id()

    def sealed(column: str, text: str) -> bytes:
        return sealer.seal_text("token", Binding.of("accounts", column, who, host, row_id), Secret(text))

    return {
        "id": row_id,
        **owner(who),
        "host": host,
        "username": sealed("username", username(account)),
        "token": sealed("token", TOKEN),
        "is_default": True,
        "created_at": time.time(),
    }


def _watch(who: Person, host: str, *, asleep: bool) -> dict[str, Any]:
    return {
        "id": new_id(),
        **owner(who),
        "host": host,
        "everything": False,
        "next_poll_at": None if asleep else time.time(),
        "refused": 0,
        "created_at": time.time(),
    }


def _secrets(
    rows: TrackedRows, sealer: Sealer, who: Person, account: int, host: str, watch_id: str, each: int
) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in range(each):
        new = NewTracked(MetadataKey(key(account, number)), now, now + LIFE)
        yield rows.encrypt(who, host, watch_id, new, {}, now.timestamp(), sealer=sealer)
