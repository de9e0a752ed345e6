"""`manifest`: prints the manifest of the Slack app."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bot.command_line.common import say_line
from bot.errors import CannotStart

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands


def add(subcommands: Subcommands) -> None:
    manifest = subcommands.add_parser("manifest", help="print the manifest of the Slack app")
    manifest.add_argument("--url", help="for HTTP: the https address where Slack reaches the bot")
    manifest.add_argument("--socket-mode", action="store_true",
                          help="for Socket Mode: the bot calls Slack; with --url only for --with oauth")  # fmt: skip
    manifest.add_argument("--with", dest="parts", default="", metavar="PARTS",
                          help="parts that are off by default, with commas between them")  # fmt: skip
    manifest.add_argument("--json", action="store_true", help="print JSON instead of YAML")
    manifest.set_defaults(run=_manifest)


def _manifest(given: argparse.Namespace) -> None:
    from bot import app_manifest  # noqa: PLC0415 - imported when needed
    from bot.onetime.links import Hosts  # noqa: PLC0415
    from bot.onetime.unfurl_domains import find_domains  # noqa: PLC0415
    from bot.settings import read_settings  # noqa: PLC0415

    def domains() -> tuple[str, ...]:
        settings = read_settings(given.env_file)
        return find_domains(Hosts(settings.onetime_hosts, settings.onetime_default_host))

    if not given.socket_mode and given.url is None:
        raise CannotStart("Say how Slack and the bot meet: manifest --url https://… for HTTP, or --socket-mode.")
    address = None if given.url is None else app_manifest.read_address(given.url)
    parts = app_manifest.read_parts(given.parts, domains)
    if given.socket_mode and address is not None and not any(part.redirect_path for part in parts):
        raise CannotStart("Say --url for HTTP or --socket-mode, and both only with `--with oauth`.")
    request_address = None if given.socket_mode else address
    fitted = app_manifest.fit(app_manifest.read_plain(), request_address, parts, browser_address=address)
    say_line((app_manifest.as_json if given.json else app_manifest.as_yaml)(fitted).rstrip())
