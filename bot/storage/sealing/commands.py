"""The commands `python -m bot keys generate | list | verify`. Each returns a text to print that holds no key."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CannotStart, Unsealable
from bot.secret import Secret
from bot.storage.engine.commands import existing_database
from bot.storage.engine.location import locate
from bot.storage.sealing.audience import has_bound_id
from bot.storage.sealing.data_keys import DataKeys, kids_of_data_keys
from bot.storage.sealing.key_checks import NO_DATA_KEY, UNKNOWN_FORMAT, count_by_kid, needing
from bot.storage.sealing.key_file import write_new
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer, ValueOpener, data_key_of, kid_of
from bot.storage.tables import SEALED, SealedColumn, key_checks


def generate(path: Path, database_url: Secret | str | None = None, kid: str = "k1") -> str:
    """Write one new key into a new file that only we can read.

    Raises `CannotStart` if the file exists already, or would be in the database's directory: a copy of
    that directory would have both.
    """
    path = path.absolute()
    line = generate_line(kid)
    try:
        if database_url is not None:
            _refuse_beside_database(path, locate(database_url).path)
        if not path.parent.is_dir():
            raise CannotStart(
                f"The directory {path.parent} does not exist. Make it: `install -d -m 700 {path.parent}`."
            )
        write_new(path, Secret.join((line, Secret("\n"))))
    except FileExistsError:
        raise CannotStart(f"{path} exists already and is not overwritten. Choose another name.") from None
    except OSError as error:
        raise CannotStart(f"{path} cannot be written ({error.strerror}).") from None
    return (
        f"Wrote a new encryption key, {kid}, to {path}.\n"
        f"Set ENCRYPTION_KEYS_FILE={path}, and keep a copy of the file apart from the database:\n"
        "without it, what the bot stored cannot be opened by anybody."
    )


def _refuse_beside_database(path: Path, database: Path | None) -> None:
    if database is not None and _real(path).is_relative_to(_real(database).parent):
        raise CannotStart(
            f"The key file {path} would lie in the directory of the database ({database.parent}): whoever copies "
            "that has both. Choose a directory elsewhere."
        )


def _real(path: Path) -> Path:
    """Without symbolic links. `Path.resolve` would fail where links lead in a circle."""
    return Path(os.path.realpath(path))


async def list_keys(database_url: Secret | str, keyring: KeyRing) -> str:
    """A line for each key: name, whether it is primary, how many values need it, since when. Raises `CannotStart`."""
    async with _reading(database_url) as connection:
        used = await count_by_kid(connection, keyring.kids)
        since = {row.kid: row.created_at for row in await connection.execute(select(key_checks))}
    known = [_described(kid, used[kid], since.get(kid), primary=kid == keyring.primary) for kid in keyring.kids]
    missing = [f"{kid}  MISSING  {_needed_by(n)}" for kid, n in sorted(used.items()) if kid not in keyring.kids]
    return "\n".join(known + missing)


def _described(kid: str, count: int, since: float | None, *, primary: bool) -> str:
    used = f"in use since {datetime.fromtimestamp(since, UTC):%Y-%m-%d}" if since else "not in use yet"
    return f"{kid}  {'primary' if primary else 'opens'}  {_needed_by(count)}  {used}"


def _needed_by(count: int) -> str:
    return f"{count} {needing(count)} it"


async def verify(database_url: Secret | str, keyring: KeyRing) -> tuple[str, int]:
    """Try to open every sealed value. Returns what to print, and how many values do not open.

    Raises `CannotStart`.
    """
    opened, failed = Counter[str](), Counter[str]()
    async with existing_database(database_url) as db, db.snapshot() as connection:
        opener = await DataKeys(db, Sealer(keyring)).opener_of_all(connection)
        sealed_by = await kids_of_data_keys(connection)
        for sealed in SEALED:
            there = or_(sealed.column.is_not(None), has_bound_id(sealed) if sealed.audience else false())
            async for row in await connection.stream(select(*sealed.bound_columns, sealed.column).where(there)):
                blob = getattr(row, sealed.name) or b""  # empty: somebody emptied it
                counts = opened if _opens(opener, sealed, row, blob) else failed
                counts[_needed_for(blob, sealed_by)] += 1
    lines = [f"{kid}  {opened[kid]} open  {failed[kid]} do not" for kid in sorted(opened | failed)]
    bad = failed.total()
    lines.append("Some do not open: restore the right keys or rows." if bad else "Every sealed value opens.")
    return "\n".join(lines), bad


@asynccontextmanager
async def _reading(url: Secret | str) -> AsyncIterator[AsyncConnection]:
    """A reading transaction. Raises `CannotStart`."""
    async with existing_database(url) as db, db.snapshot() as connection:
        yield connection


def _needed_for(blob: bytes, sealed_by: Mapping[str, str]) -> str:
    """The name of the encryption key that the value needs."""
    key_id = data_key_of(blob)
    kid = kid_of(blob) if key_id is None else sealed_by.get(key_id, NO_DATA_KEY)
    return kid or UNKNOWN_FORMAT


def _opens(opener: ValueOpener, sealed: SealedColumn, row: Any, blob: bytes) -> bool:
    try:
        opener.open(sealed.purpose, sealed.binding(row._asdict()), blob)
    except (Unsealable, ValueError):  # ValueError: a part of the row was emptied
        return False
    return True
