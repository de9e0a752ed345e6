"""`notifications`: messages that could not be sent."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from bot.command_line.common import read_given, say_line
from bot.errors import CannotStart

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    notifications = subcommands.add_parser("notifications", help="messages that could not be sent").add_subparsers(
        required=True, metavar="WHAT"
    )
    notifications.add_parser("dead", help="list those that were given up, and why").set_defaults(run=_list_dead)
    resend = notifications.add_parser("resend", help="send those that were given up again")
    resend.add_argument("id", nargs="*", help="as `notifications dead` lists it")
    resend.add_argument("--all", action="store_true", help="all of them")
    resend.set_defaults(run=_resend)


def _list_dead(given: argparse.Namespace) -> None:
    from bot.storage import dead_letters  # noqa: PLC0415 - imported when needed

    say_line(asyncio.run(dead_letters.list_dead(read_given(given).database_url)))


def _resend(given: argparse.Namespace) -> int:
    from bot.storage import dead_letters  # noqa: PLC0415 - imported when needed

    if bool(given.id) == given.all:
        raise CannotStart("Name ids that `python -m bot notifications dead` lists, or say --all.")
    said, unknown = asyncio.run(dead_letters.resend(read_given(given).database_url, None if given.all else given.id))
    say_line(said)
    return 1 if unknown else 0
