"""`audit`: exports and checks the record of what happened."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING

from bot.command_line.common import read_given, read_keys, say_line
from bot.errors import CannotStart

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser("audit", help="what happened, by whom, and with which outcome")
    audit = parser.add_subparsers(required=True, metavar="WHAT")
    export = audit.add_parser("export", help="write the entries to standard output")
    export.add_argument("--since", metavar="DATE", help="the first day, such as 2026-01-31, in UTC")
    export.add_argument("--until", metavar="DATE", help="the day before which it ends")
    export.add_argument("--workspace", metavar="ID", help="of one workspace or organisation only")
    export.add_argument("--format", default="ndjson", choices=("ndjson", "csv"), help="one JSON object a line, or CSV")
    export.set_defaults(run=_audit_export)
    audit.add_parser("verify", help="check that no entry was changed, removed or added").set_defaults(run=_audit_verify)


def _audit_export(given: argparse.Namespace) -> int:
    from bot.storage.audit import commands  # noqa: PLC0415 - imported when needed

    if given.since is None:
        raise CannotStart("Say from when: audit export --since 2026-01-31, or a moment such as 2026-01-31T12:00Z.")
    since = commands.read_moment(given.since, "--since")
    until = None if given.until is None else commands.read_moment(given.until, "--until")
    settings = read_given(given)
    try:
        asyncio.run(
            commands.export_audit(
                settings.database_url, read_keys(settings), given.format,
                since=since, until=until, workspace=given.workspace,
            )
        )  # fmt: skip
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _audit_verify(given: argparse.Namespace) -> int:
    from bot.storage.audit import commands  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    broken = asyncio.run(commands.verify_audit(settings.database_url, read_keys(settings), say_line))
    return 1 if broken else 0
