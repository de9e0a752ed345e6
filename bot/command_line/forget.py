"""`forget`: erases what the bot keeps of a workspace or a person."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from bot.command_line.common import read_given, read_keys, say_line

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    erase = subcommands.add_parser("forget", help="erase what the bot keeps").add_subparsers(
        required=True, metavar="WHAT"
    )
    workspace = erase.add_parser("workspace", help="everything of a workspace or an organisation, its token too")
    workspace.add_argument("id", nargs="?", help="T… or E…")
    workspace.set_defaults(run=_forget_workspace)
    person = erase.add_parser("person", help="what belongs to a person; what they shared can still be opened")
    person.add_argument("id", nargs="?", help="U… or W…")
    person.add_argument("--workspace", metavar="ID", help="only in this one")
    person.set_defaults(run=_forget_person)


def _forget_workspace(given: argparse.Namespace) -> None:
    from bot.storage import forget  # noqa: PLC0415 - imported when needed

    say_line(asyncio.run(forget.forget_workspace(read_given(given).database_url, given.id)))


def _forget_person(given: argparse.Namespace) -> None:
    from bot.storage import forget  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    said = forget.forget_person(settings.database_url, read_keys(settings), given.id, given.workspace)
    say_line(asyncio.run(said))
