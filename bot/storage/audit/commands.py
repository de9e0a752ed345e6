"""The commands `python -m bot audit export | verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.audit.export import ExportFormat, Output, export
from bot.storage.audit.verify import verify_chains
from bot.storage.engine.commands import existing_database
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer


def read_moment(text: str, option: str) -> datetime:
    """A date such as 2026-01-31, which begins at midnight UTC, or a moment such as 2026-01-31T12:00:00+01:00.

    A moment without a time zone is in UTC. Raises `CannotStart`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        example = date(2026, 1, 31)
        raise CannotStart(
            f"{option} should be a date such as {example}, or a moment such as {example}T12:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def export_audit(
    database_url: Secret | str,
    keyring: KeyRing,
    form: ExportFormat,
    *,
    since: datetime,
    until: datetime | None = None,
    workspace: str | None = None,
    output: Output | None = None,
) -> int:
    """Write the entries to the output, by default standard output. Returns how many. Raises `CannotStart`."""
    if until is not None and until <= since:
        raise CannotStart("--until should be after --since.")
    async with existing_database(database_url) as db:
        sealer = await check_keys(db, Sealer(keyring))
        return await export(db, sealer, output or sys.stdout, form, since=since, until=until, workspace=workspace)


async def verify_audit(database_url: Secret | str, keyring: KeyRing, write: Callable[[str], None]) -> int:
    """Write what was found about each chain. Returns how many are broken. Raises `CannotStart`."""
    chains = broken = 0
    async with existing_database(database_url) as db:
        sealer = await check_keys(db, Sealer(keyring))
        async for report in verify_chains(db, sealer):
            write(str(report))
            chains += 1
            broken += report.broken is not None
    write(f"{chains} chains, {broken} broken.")
    return broken
