"""Checks at every start that we have the keys that sealed this database, and that they are not different ones."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, insert, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CannotStart, Unsealable
from bot.storage.engine.database import Database, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.data_keys import kids_of_data_keys
from bot.storage.sealing.keyring import GENERATE
from bot.storage.sealing.sealer import (
    DATA_ID_BYTES,
    DATA_VERSION,
    MAX_HEADER,
    NOBODY,
    Binding,
    Sealer,
    data_id_of,
    header_of,
    kid_of,
)
from bot.storage.tables import SEALED, SEALED_KEYS, SealedColumn, key_checks

CONSTANT: Final = b"ots-bot key check"
UNKNOWN_FORMAT = "(unknown format)"
NO_DATA_KEY = "(a data key that is gone)"
NAMED_WORKSPACES = 5  # in one message


async def check_keys(db: Database, sealer: Sealer | None) -> Sealer:
    """Raise `CannotStart` unless every sealed row can be opened with the keys we have. No row is ever changed.

    The first start with a key stores a check for it, a sealed constant. So a different key with the same name is
    noticed now and not at its first use. `sealer` is None if no key is configured. That is always an error; what to
    do about it depends on whether there are rows that need a key.

    Raises `StorageUnavailable`.
    """
    sealer, checked = await compare_keys(db, sealer)
    for kid in sealer.keyring.kids:
        if kid not in checked:
            await _leave_check(db, sealer, kid)
    return sealer


async def compare_keys(db: Database, sealer: Sealer | None) -> tuple[Sealer, frozenset[str]]:
    """Raise what `check_keys` raises, and write nothing. Gives the names of the keys that have a check already."""
    async with db.snapshot() as connection:
        used = await count_by_kid(connection, sealer.keyring.kids if sealer else ())
        checks = {row.kid: row.sealed for row in await connection.execute(select(key_checks))}
        without_key = await _workspaces_without_key(connection) if used[NO_DATA_KEY] else []
    if sealer is None:
        raise CannotStart(_no_key(used))
    _refuse_wrong_keys(sealer, checks, used)
    missing = {kid: rows for kid, rows in used.items() if kid not in sealer.keyring.kids}
    if orphans := missing.get(NO_DATA_KEY):
        raise CannotStart(_no_data_key(orphans, without_key))
    if missing:
        raise CannotStart(_missing(missing))
    return sealer, frozenset(checks)


async def count_by_kid(connection: AsyncConnection, kids: tuple[str, ...] = ()) -> Counter[str]:
    """How many sealed values need each key, read from their headers: nothing is opened.

    A value that a data key sealed needs the encryption key that sealed the data key. Values of the keys named in `kids`
    are counted by the database; the headers of others are fetched.
    """
    headers = union_all(*map(_headers, SEALED)).subquery()
    header, used = headers.c.header, Counter[str]()
    for kid in kids:
        ours = starts_with(header, header_of(kid))
        used[kid] = await connection.scalar(select(func.count()).select_from(headers).where(ours)) or 0
    by_data_key = starts_with(header, DATA_VERSION)
    others = select(header).where(~by_data_key, *(~starts_with(header, header_of(kid)) for kid in kids))
    async for (other,) in await connection.stream(others):
        used[kid_of(other) or UNKNOWN_FORMAT] += 1
    key_ids = select(_data_key_id(header).label("id")).where(by_data_key)
    of_key = key_ids.subquery().c.id
    sealed_by = await kids_of_data_keys(connection)
    for key_id, count in await connection.execute(select(of_key, func.count()).group_by(of_key)):
        used[sealed_by.get(data_id_of(key_id), NO_DATA_KEY) or UNKNOWN_FORMAT] += count
    return used


async def _workspaces_without_key(connection: AsyncConnection) -> list[str]:
    """The ids of the workspaces and organisations with values that a data key sealed which is gone, in order."""
    sealed_by = await kids_of_data_keys(connection)
    found = set()
    for sealed in SEALED:
        if sealed in SEALED_KEYS:
            continue
        by_data_key = starts_with(sealed.column, DATA_VERSION)
        values = select(*sealed.bound_columns, _data_key_id(sealed.column).label("key_id")).where(by_data_key)
        async for row in await connection.stream(values):
            if data_id_of(row.key_id) not in sealed_by:
                workspace = sealed.workspace(row._asdict())
                found.add(workspace.team_id if workspace.team_id != NOBODY else workspace.enterprise_id or NOBODY)
    return sorted(found)


def _headers(sealed: SealedColumn) -> Select[Any]:
    column = sealed.column
    return select(func.substr(column, 1, MAX_HEADER, type_=column.type).label("header")).where(column.is_not(None))


def _data_key_id(header: ColumnElement[bytes]) -> ColumnElement[bytes]:
    """The id of the data key in a value that one sealed, or in its header."""
    return func.substr(header, len(DATA_VERSION) + 1, DATA_ID_BYTES, type_=header.type)


def starts_with(header: ColumnElement[bytes], start: bytes) -> ColumnElement[bool]:
    """The condition that a sealed value, or its header, starts with these bytes."""
    return func.substr(header, 1, len(start), type_=header.type) == start


def _refuse_wrong_keys(sealer: Sealer, checks: dict[str, bytes], used: Counter[str]) -> None:
    for kid in sealer.keyring.kids:
        if kid in checks and not _opens(sealer, kid, checks[kid]):
            raise CannotStart(
                f"The key {kid} is not the {kid} that this database was sealed with, and {_rows(used[kid])} it. "
                "Restore the right key file; nothing was changed."
            )


async def keys_open(db: Database, sealer: Sealer) -> bool:
    """Whether the primary key opens the values that were sealed under its name. Raises `StorageUnavailable`."""
    kid = sealer.keyring.primary
    async with db.reading() as connection:
        blob = await connection.scalar(select(key_checks.c.sealed).where(key_checks.c.kid == kid))
    return blob is not None and _opens(sealer, kid, blob)


async def write_check(db: Database, sealer: Sealer) -> None:
    """Write to the disk what stands there already. Raises `StorageUnavailable` if nothing can be written."""
    async with db.writing() as connection:
        if db.is_sqlite:
            # SQLite leaves out an update that changes nothing, but writes this number, which nobody uses.
            await connection.exec_driver_sql("PRAGMA user_version = 0")
        else:
            own = key_checks.c.kid == sealer.keyring.primary
            await connection.execute(update(key_checks).where(own).values(created_at=key_checks.c.created_at))


def _opens(sealer: Sealer, kid: str, blob: bytes) -> bool:
    try:
        return kid_of(blob) == kid and sealer.open("key_check", _binding(kid), blob) == CONSTANT
    except Unsealable:
        return False


async def _leave_check(db: Database, sealer: Sealer, kid: str) -> None:
    blob = sealer.seal_with(kid, "key_check", _binding(kid), CONSTANT)
    absent = ~select(literal(1)).where(key_checks.c.kid == kid).exists()
    async with db.writing() as connection:
        await db.advisory_lock(connection, "key_checks", kid)
        written = insert(key_checks).from_select(
            ["kid", "sealed", "created_at"],
            select(literal(kid), literal(blob, key_checks.c.sealed.type), now).where(absent),
        )
        await connection.execute(written)
        stored = await connection.scalar(select(key_checks.c.sealed).where(key_checks.c.kid == kid))
    # Another process may have started at the same moment, with a different key of the same name.
    _refuse_wrong_keys(sealer, {kid: stored or b""}, Counter())


def _binding(kid: str) -> Binding:
    return Binding(bound_names.KEY_CHECKS, "sealed", NOBODY, NOBODY, NOBODY, NOBODY, kid)


def _no_key(used: Counter[str]) -> str:
    if not used:
        return (
            f"No encryption key is configured. {GENERATE} Then set ENCRYPTION_KEYS_FILE to the file, "
            "and keep a copy of it apart from the database."
        )
    return f"No encryption key is configured, and {_needs(used)}. Set ENCRYPTION_KEYS_FILE to the file that has them."


def _no_data_key(count: int, workspaces: list[str]) -> str:
    few = ", ".join(workspaces[:NAMED_WORKSPACES])
    more = f" and {left} more" if (left := len(workspaces) - NAMED_WORKSPACES) > 0 else ""
    return (
        f"{_rows(count)} a data key that is not in the database. They belong to: {few}{more}. Restore the database "
        "from its backup, with the table data_keys; nothing was changed. Without a backup nobody can open them: erase "
        f"each of these workspaces, with `python -m bot forget workspace {workspaces[0]}`."
    )


def _missing(missing: dict[str, int]) -> str:
    return (
        f"An encryption key is missing: {_needs(missing)}. Restore the key file from its backup; nothing was "
        "changed. Without the key those rows cannot be opened by anybody."
    )


def _needs(kids: dict[str, int]) -> str:
    return ", ".join(f"{_rows(n)} {kid}" for kid, n in sorted(kids.items()))


def _rows(count: int) -> str:
    return f"{count} sealed {needing(count)}"


def needing(count: int) -> str:
    """What comes between a number of values and the key that they need."""
    return "value needs" if count == 1 else "values need"
