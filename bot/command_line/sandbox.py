"""`sandbox`: everything on this machine, to be tried."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    sandbox = subcommands.add_parser("sandbox", help="try everything on this machine, with nothing to configure")
    sandbox.add_argument("--port", type=int, default=8080, help="where its page listens (8080)")
    sandbox.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    sandbox.add_argument("--tour", action="store_true", help="play the journeys, print what each side saw, and end")
    sandbox.add_argument("--server", default="0.26", choices=("0.18", "0.23", "0.25", "0.26"),
                         help="which Onetime Secret to emulate (0.26)")  # fmt: skip
    sandbox.set_defaults(run=_sandbox)


def _sandbox(given: argparse.Namespace) -> int:
    from bot.sandbox.main import run  # noqa: PLC0415 - imported when needed

    return run(port=given.port, version=given.server, tour=given.tour, browser=not given.no_browser)
