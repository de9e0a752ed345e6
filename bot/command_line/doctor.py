"""`doctor`: checks all that keeps the bot from working."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from bot import logs
from bot.command_line.common import say_line

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands
    from bot.doctor.examine import Loaders


def add(subcommands: Subcommands) -> None:
    doctor = subcommands.add_parser("doctor", help="check all that keeps the bot from working, with what to do")
    doctor.add_argument("--url", help="the https address where Slack reaches the bot: it is tried as Slack does it")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of lines")
    doctor.set_defaults(run=_doctor)


def _doctor(given: argparse.Namespace) -> int:
    from bot.doctor import report  # noqa: PLC0415 - imported when needed
    from bot.doctor.examine import Examination  # noqa: PLC0415
    from bot.doctor.request_url import read_url  # noqa: PLC0415
    from bot.settings import check_settings, withdraw_secrets  # noqa: PLC0415

    logs.set_up("error", "text")  # what a warning would say is in the findings
    url = read_url(given.url) if given.url is not None else None
    examination = Examination(check_settings(given.env_file), given.env_file, loaders())
    withdraw_secrets()
    findings = asyncio.run(examination.examine(url))
    say_line(report.as_json(findings) if given.json else report.as_text(findings, sys.stdout))
    return report.exit_code(findings)


def loaders() -> Loaders:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.doctor.examine import Loaders  # noqa: PLC0415

    return Loaders(wiring.key_ring, wiring.proxy_rule, wiring.secret_sizes)
