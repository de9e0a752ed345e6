"""`migrate`, `copy-database` and `change-ids`."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bot.command_line.common import read_given, read_keys, say_line
from bot.errors import CannotStart

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    subcommands.add_parser("migrate", help="bring the database's tables up to date").set_defaults(run=_migrate)

    copying = subcommands.add_parser("copy-database", help="copy the SQLite database into an empty PostgreSQL database")
    copying.add_argument("--to", type=Path, metavar="FILE",
                         help="a file with the line DATABASE_URL=postgresql://…, such as new settings")  # fmt: skip
    copying.set_defaults(run=_copy_database)

    changing = subcommands.add_parser("change-ids", help="a workspace joined an organisation: change the stored ids")
    changing.add_argument("--team", default="", metavar="ID", help="the workspace, such as T012AB")
    changing.add_argument("--enterprise", default="", metavar="ID", help="the organisation, such as E012AB")
    changing.add_argument("--users", type=Path, metavar="FILE", help="CSV of old ids and new ids of people")
    changing.set_defaults(run=_change_ids)


def _migrate(given: argparse.Namespace) -> None:
    from bot.storage.engine.migrate import migrate  # noqa: PLC0415 - imported when needed

    migrate(read_given(given).database_url)


def _copy_database(given: argparse.Namespace) -> None:
    from bot.settings import read_database_url  # noqa: PLC0415 - imported when needed
    from bot.storage.copy_database import copy_database, locate_source  # noqa: PLC0415
    from bot.watch.single_instance import single_instance_lock  # noqa: PLC0415

    if given.to is None:
        raise CannotStart("Say where to: copy-database --to FILE, which has the line DATABASE_URL=postgresql://…")
    settings = read_given(given)
    target = read_database_url(given.to, "--to")
    with single_instance_lock(locate_source(settings.database_url)):
        say_line(asyncio.run(copy_database(settings.database_url, target, read_keys(settings))))
    say_line(
        "Next: start the bot with the DATABASE_URL and the keys of the copy, and never again with the SQLite file: "
        "what it would store there is lost. Keep that file as a backup until the bot has run well, then delete it."
    )


def _change_ids(given: argparse.Namespace) -> None:
    from bot.storage.change_ids import NewIds, change_ids, read_users  # noqa: PLC0415 - imported when needed
    from bot.storage.engine.location import locate  # noqa: PLC0415
    from bot.watch.single_instance import single_instance_lock  # noqa: PLC0415

    if not (re.fullmatch("T[A-Z0-9]+", given.team) and re.fullmatch("E[A-Z0-9]+", given.enterprise)):
        raise CannotStart("--team takes the id of a workspace (T…), --enterprise that of an organisation (E…).")
    settings = read_given(given)
    new = NewIds(given.team, given.enterprise, read_users(given.users))
    with single_instance_lock(locate(settings.database_url).path):
        say_line(asyncio.run(change_ids(settings.database_url, read_keys(settings), new)))
