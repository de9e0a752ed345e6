"""`python -m bot copy-database`: moves what is stored from SQLite to PostgreSQL. Sealed values are copied as they are.

A sealed value is bound to its table, column and row, and to no database, so the same keys open the copy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CannotStart, StorageUnavailable
from bot.secret import Secret
from bot.storage.engine.commands import cannot_start
from bot.storage.engine.database import Database
from bot.storage.engine.location import locate
from bot.storage.sealing import commands
from bot.storage.sealing.keyring import KeyRing
from bot.storage.tables import metadata

BATCH = 500  # rows in one INSERT


def locate_source(url: Secret | str) -> Path:
    """The SQLite file to copy from. Raises `CannotStart` if it is no SQLite file, or does not exist."""
    path = locate(url).path
    if path is None:
        raise CannotStart("DATABASE_URL is PostgreSQL already. It has to be the SQLite database to copy from.")
    if not path.exists():
        raise CannotStart(f"The database {path} does not exist: there is nothing to copy.")
    return path


async def copy_database(source_url: Secret | str, target_url: Secret | str, keyring: KeyRing) -> str:
    """Copy every row into an empty database, in one transaction, and check the copy. Returns what to print.

    The caller holds the lock of the SQLite file, so that no bot writes to it meanwhile. The target is compared with the
    source, row by row, before the transaction ends. If anything fails, or the process is killed, the target is empty.

    Raises `CannotStart`.
    """
    if locate(target_url).path is not None:
        raise CannotStart("The target is SQLite too. Write the DATABASE_URL of the PostgreSQL database into its file.")
    await _check_keys(source_url, keyring, "The source has values that do not open, so nothing was copied")
    async with (
        _opened(source_url, "source") as source,
        _opened(target_url, "target") as target,
        source.reading() as reading,
        target.writing() as writing,
    ):
        await _claim_empty(writing)
        copied = {table.name: await _copy(table, reading, writing) for table in metadata.sorted_tables}
    await _check_keys(target_url, keyring, "The copy has values that do not open")
    width = max(map(len, copied))
    return "\n".join([
        *(f"{name:<{width}}  {count}" for name, count in copied.items()),
        f"{sum(copied.values())} rows were copied, and every sealed value opens.",
    ])  # fmt: skip


async def _check_keys(url: Secret | str, keyring: KeyRing, what: str) -> None:
    said, bad = await commands.verify(url, keyring)
    if bad:
        raise CannotStart(f"{what}: {bad}. `python -m bot keys verify` counts them by key.\n{said}")


@asynccontextmanager
async def _opened(url: Secret | str, which: str) -> AsyncIterator[Database]:
    db = Database.open(url)
    try:
        if not await db.is_current():
            raise CannotStart(f"The tables of the {which} are not current: run `python -m bot migrate` on it first.")
        yield db
    except StorageUnavailable as error:
        raise cannot_start(db, error) from None
    finally:
        await db.close()


async def _claim_empty(target: AsyncConnection) -> None:
    """Keep everybody else from writing to the target until the transaction ends. Raises `CannotStart` unless empty."""
    names = [table.name for table in metadata.sorted_tables]
    await target.execute(text(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE"))
    for table in metadata.sorted_tables:
        if await target.scalar(select(literal(1)).select_from(table).limit(1)):
            raise CannotStart(
                f"The target is not empty: its table {table.name} has rows, and nothing was copied. "
                "Make a new database, and run `python -m bot migrate` on it."
            )


async def _copy(table: Table, source: AsyncConnection, target: AsyncConnection) -> int:
    """How many rows were copied. Raises `CannotStart` if the copy differs from the original."""
    original = _Content()
    async for rows in (await source.stream(select(table))).partitions(BATCH):
        original.add(rows)
        await target.execute(insert(table), [row._asdict() for row in rows])
    copy = _Content()
    async for rows in (await target.stream(select(table))).partitions(BATCH):
        copy.add(rows)
    if (copy.count, copy.total) != (original.count, original.total):
        raise CannotStart(f"The copy of the table {table.name} differs from the original, so nothing was copied.")
    return original.count


class _Content:
    """What a table holds, whatever the order of its rows: their count, and the sum of their hashes."""

    def __init__(self) -> None:
        self.count = self.total = 0

    def add(self, rows: Sequence[Row[Any]]) -> None:
        self.count += len(rows)
        self.total += sum(hash(tuple(row)) for row in rows)
