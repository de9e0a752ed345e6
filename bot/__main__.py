"""The command line: `python -m bot COMMAND`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import re
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot import logs
from bot.errors import CannotStart, CannotStartYet

if TYPE_CHECKING:  # their imports take time: `_run` does them without collecting garbage, `--help` not at all
    from bot.settings import Settings
    from bot.storage.sealing.keyring import KeyRing

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
EXIT_LATER = 75  # EX_TEMPFAIL of sysexits.h
MIN_PAUSE, MAX_PAUSE = 1.0, 30.0  # seconds before the next try to start; doubled with each, up to half of it left out
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do
MAX_FILES = 4096


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code.

    A `CannotStart` becomes one line on standard error and EXIT_CONFIG, or EXIT_LATER if a later try may succeed.
    """
    os.umask(0o077)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold every secret in memory
    with suppress(ValueError, OSError):
        _raise_file_limit()
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except CannotStart as error:
        print(f"ots-bot cannot start: {error}", file=sys.stderr)  # noqa: T201 - for the person who started the bot
        return EXIT_LATER if isinstance(error, CannotStartYet) else EXIT_CONFIG
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _raise_file_limit() -> None:
    """Allow as many open files as the operator lets this process have, up to `MAX_FILES`: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if resource.RLIM_INFINITY != soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ots-bot", description="One-time secrets in Slack.")
    parser.add_argument("--env-file", type=Path, metavar="FILE", help="read settings from a file too")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")

    subcommands.add_parser("worker", help="the watcher alone; any number on PostgreSQL").set_defaults(run=_work)

    for name, does in (("run", "the bot in one process"), ("web", "the Slack front alone; any number on PostgreSQL")):
        serve = subcommands.add_parser(name, help=does)
        serve.add_argument("--host", help="where HTTP listens, instead of HOST")
        serve.add_argument("--port", type=int, help="instead of PORT")
        serve.set_defaults(run=_run, migrates=name == "run")

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

    sandbox = subcommands.add_parser("sandbox", help="try everything on this machine, with nothing to configure")
    sandbox.add_argument("--port", type=int, default=8080, help="where its page listens (8080)")
    sandbox.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    sandbox.add_argument("--tour", action="store_true", help="play the journeys, print what each side saw, and end")
    sandbox.add_argument("--server", default="0.26", choices=("0.18", "0.23", "0.25", "0.26"),
                         help="which Onetime Secret to emulate (0.26)")  # fmt: skip
    sandbox.set_defaults(run=_sandbox)

    manifest = subcommands.add_parser("manifest", help="print the manifest of the Slack app")
    reached = manifest.add_mutually_exclusive_group()
    reached.add_argument("--url", help="for HTTP: the https address where Slack reaches the bot")
    reached.add_argument("--socket-mode", action="store_true", help="for Socket Mode: the bot calls Slack")
    manifest.add_argument("--with", dest="parts", default="", metavar="PARTS",
                          help="parts that are off by default, with commas between them")  # fmt: skip
    manifest.add_argument("--json", action="store_true", help="print JSON instead of YAML")
    manifest.set_defaults(run=_manifest)

    keys = subcommands.add_parser("keys", help="the encryption keys").add_subparsers(required=True, metavar="WHAT")
    generate = keys.add_parser("generate", help="write a new key to a new file, readable by its owner only")
    generate.add_argument("file", type=Path, nargs="?", help="default: ENCRYPTION_KEYS_FILE, or ~/.config/ots-bot/")
    generate.set_defaults(run=_keys_generate)
    keys.add_parser("list", help="key ids and how many rows each seals").set_defaults(run=_keys_list)
    keys.add_parser("verify", help="open every sealed value once").set_defaults(run=_keys_verify)

    notifications = subcommands.add_parser("notifications", help="messages that could not be sent").add_subparsers(
        required=True, metavar="WHAT"
    )
    notifications.add_parser("dead", help="list those that were given up, and why").set_defaults(run=_list_dead)
    resend = notifications.add_parser("resend", help="send those that were given up again")
    resend.add_argument("id", nargs="*", help="as `notifications dead` lists it")
    resend.add_argument("--all", action="store_true", help="all of them")
    resend.set_defaults(run=_resend)
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    from bot.settings import find_lookalikes, read_settings, withdraw_secrets  # noqa: PLC0415 - imported when needed

    changed = {name: getattr(given, name, None) for name in ("host", "port")}
    settings = read_settings(given.env_file, **{name: value for name, value in changed.items() if value is not None})
    logs.set_up(settings.log_level, settings.log_style)
    for sentence in find_lookalikes(given.env_file):
        logs.Log("settings").warning("unknown_setting", reason=sentence)
    withdraw_secrets()
    return settings


def _run(given: argparse.Namespace) -> None:
    gc.disable()  # imported objects stay: collecting garbage among them takes a tenth of the start
    from bot import wiring  # noqa: PLC0415 - `keys` and `--help` need not import Slack

    gc.freeze()
    gc.enable()
    settings = _settings(given)
    settings.require_slack()
    wiring.key_ring(settings)

    def serve() -> None:
        if given.migrates:
            wiring.migrate_own(settings)
        asyncio.run(wiring.serve(settings, watching=given.migrates))

    _start_patiently(serve)


def _work(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    _start_patiently(lambda: asyncio.run(wiring.work(settings)))


def _start_patiently(serve: Callable[[], None]) -> None:
    """Call `serve`, and again with growing pauses as long as Slack or the database is away at its start."""
    pause = MIN_PAUSE
    while True:
        try:
            return serve()
        except CannotStartYet as error:
            logs.Log("start").warning("not_started_yet", reason=str(error))
            wait = max(error.wait, pause * random.uniform(0.5, 1.0))  # noqa: S311 - processes shall not come all at once
        time.sleep(wait)
        pause = min(2 * pause, MAX_PAUSE)


def _migrate(given: argparse.Namespace) -> None:
    from bot.storage.engine.migrate import migrate  # noqa: PLC0415 - imported when needed

    migrate(_settings(given).database_url)


def _copy_database(given: argparse.Namespace) -> None:
    from bot.settings import read_database_url  # noqa: PLC0415 - imported when needed
    from bot.storage.copy_database import copy_database, locate_source  # noqa: PLC0415
    from bot.watch.single_instance import single_instance_lock  # noqa: PLC0415

    if given.to is None:
        raise CannotStart("Say where to: copy-database --to FILE, which has the line DATABASE_URL=postgresql://…")
    settings = _settings(given)
    target = read_database_url(given.to, "--to")
    with single_instance_lock(locate_source(settings.database_url)):
        _print(asyncio.run(copy_database(settings.database_url, target, _ring(settings))))
    _print(
        "Next: start the bot with the DATABASE_URL and the keys of the copy, and never again with the SQLite file: "
        "what it would store there is lost. Keep that file as a backup until the bot has run well, then delete it."
    )


def _change_ids(given: argparse.Namespace) -> None:
    from bot.storage.change_ids import NewIds, change_ids, read_users  # noqa: PLC0415 - imported when needed
    from bot.storage.engine.location import locate  # noqa: PLC0415
    from bot.watch.single_instance import single_instance_lock  # noqa: PLC0415

    if not (re.fullmatch("T[A-Z0-9]+", given.team) and re.fullmatch("E[A-Z0-9]+", given.enterprise)):
        raise CannotStart("--team takes the id of a workspace (T…), --enterprise that of an organisation (E…).")
    settings = _settings(given)
    new = NewIds(given.team, given.enterprise, read_users(given.users))
    with single_instance_lock(locate(settings.database_url).path):
        _print(asyncio.run(change_ids(settings.database_url, _ring(settings), new)))


def _sandbox(given: argparse.Namespace) -> int:
    from bot.sandbox.main import run  # noqa: PLC0415 - imported when needed

    return run(port=given.port, version=given.server, tour=given.tour, browser=not given.no_browser)


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
    address = None if given.socket_mode else app_manifest.read_address(given.url)
    fitted = app_manifest.fit(app_manifest.read_plain(), address, app_manifest.read_parts(given.parts, domains))
    _print((app_manifest.as_json if given.json else app_manifest.as_yaml)(fitted).rstrip())


def _keys_generate(given: argparse.Namespace) -> None:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    file = given.file or settings.encryption_keys_file
    if file is None:
        file = Path.home() / ".config" / "ots-bot" / "encryption.keys"
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"{file.parent} cannot be made ({error.strerror}). Name a file: keys generate FILE."
            ) from None
    _print(commands.generate(file, settings.database_url))


def _keys_list(given: argparse.Namespace) -> None:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    _print(asyncio.run(commands.list_keys(settings.database_url, _ring(settings))))


def _keys_verify(given: argparse.Namespace) -> int:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    said, bad = asyncio.run(commands.verify(settings.database_url, _ring(settings)))
    _print(said)
    return 1 if bad else 0


def _list_dead(given: argparse.Namespace) -> None:
    from bot.storage import dead_letters  # noqa: PLC0415 - imported when needed

    _print(asyncio.run(dead_letters.list_dead(_settings(given).database_url)))


def _resend(given: argparse.Namespace) -> int:
    from bot.storage import dead_letters  # noqa: PLC0415 - imported when needed

    if bool(given.id) == given.all:
        raise CannotStart("Name ids that `python -m bot notifications dead` lists, or say --all.")
    said, unknown = asyncio.run(dead_letters.resend(_settings(given).database_url, None if given.all else given.id))
    _print(said)
    return 1 if unknown else 0


def _ring(settings: Settings) -> KeyRing:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.storage.sealing.keyring import GENERATE  # noqa: PLC0415 - imported when needed

    ring = wiring.key_ring(settings)
    if ring is None:
        raise CannotStart(f"No encryption key is configured: ENCRYPTION_KEYS_FILE is not set. {GENERATE}")
    return ring


def _print(text: str) -> None:
    print(text)  # noqa: T201 - for the person who runs the command


if __name__ == "__main__":
    sys.exit(main())
