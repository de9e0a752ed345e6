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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot import logs
from bot.errors import CannotStart, CannotStartYet

if TYPE_CHECKING:  # their imports take time: `_run` does them without collecting garbage, `--help` not at all
    from bot.doctor.examine import Loaders
    from bot.settings import Settings
    from bot.storage.sealing.keyring import KeyRing

    _Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
EXIT_LATER = 75  # EX_TEMPFAIL of sysexits.h
MIN_PAUSE, MAX_PAUSE = 1.0, 30.0  # seconds before the next try to start; doubled with each, up to half of it left out
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do
MAX_FILES = 4096
MAX_BATCH = 5000  # values in one transaction of `keys rotate`


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

    doctor = subcommands.add_parser("doctor", help="check all that keeps the bot from working, with what to do")
    doctor.add_argument("--url", help="the https address where Slack reaches the bot: it is tried as Slack does it")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of lines")
    doctor.set_defaults(run=_doctor)

    manifest = subcommands.add_parser("manifest", help="print the manifest of the Slack app")
    manifest.add_argument("--url", help="for HTTP: the https address where Slack reaches the bot")
    manifest.add_argument("--socket-mode", action="store_true",
                          help="for Socket Mode: the bot calls Slack; with --url only for --with oauth")  # fmt: skip
    manifest.add_argument("--with", dest="parts", default="", metavar="PARTS",
                          help="parts that are off by default, with commas between them")  # fmt: skip
    manifest.add_argument("--json", action="store_true", help="print JSON instead of YAML")
    manifest.set_defaults(run=_manifest)

    keys = subcommands.add_parser("keys", help="the encryption keys").add_subparsers(required=True, metavar="WHAT")
    generate = keys.add_parser("generate", help="write a new key to a new file, readable by its owner only")
    generate.add_argument("file", type=Path, nargs="?", help="default: ENCRYPTION_KEYS_FILE, or ~/.config/ots-bot/")
    generate.add_argument("--append", action="store_true", help="add it at the end of the key file instead")
    generate.add_argument("--kid", metavar="NAME", help="the key's name (k1, or the next one)")
    generate.set_defaults(run=_keys_generate)
    promote = keys.add_parser("promote", help="put a key first in the key file: it seals from the next start on")
    promote.add_argument("kid", metavar="KID", nargs="?", default="")
    promote.set_defaults(run=_keys_promote)
    rotate = keys.add_parser("rotate", help="seal every stored value anew with the first key, while the bot serves")
    rotate.add_argument("--batch", type=int, default=200, help="values in one transaction (200)")
    rotate.set_defaults(run=_keys_rotate)
    prune = keys.add_parser("prune", help="remove a key that nothing uses any more from the key file")
    prune.add_argument("kid", metavar="KID", nargs="?", default="")
    prune.set_defaults(run=_keys_prune)
    keys.add_parser("list", help="key ids and how many rows each seals").set_defaults(run=_keys_list)
    keys.add_parser("verify", help="open every sealed value once").set_defaults(run=_keys_verify)

    _add_forget(subcommands)
    _add_notifications(subcommands)
    _add_audit(subcommands.add_parser("audit", help="what happened, by whom, and with which outcome"))
    return parser


def _add_forget(subcommands: _Subcommands) -> None:
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


def _add_notifications(subcommands: _Subcommands) -> None:
    notifications = subcommands.add_parser("notifications", help="messages that could not be sent").add_subparsers(
        required=True, metavar="WHAT"
    )
    notifications.add_parser("dead", help="list those that were given up, and why").set_defaults(run=_list_dead)
    resend = notifications.add_parser("resend", help="send those that were given up again")
    resend.add_argument("id", nargs="*", help="as `notifications dead` lists it")
    resend.add_argument("--all", action="store_true", help="all of them")
    resend.set_defaults(run=_resend)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    audit = parser.add_subparsers(required=True, metavar="WHAT")
    export = audit.add_parser("export", help="write the entries to standard output")
    export.add_argument("--since", metavar="DATE", help="the first day, such as 2026-01-31, in UTC")
    export.add_argument("--until", metavar="DATE", help="the day before which it ends")
    export.add_argument("--workspace", metavar="ID", help="of one workspace or organisation only")
    export.add_argument("--format", default="ndjson", choices=("ndjson", "csv"), help="one JSON object a line, or CSV")
    export.set_defaults(run=_audit_export)
    audit.add_parser("verify", help="check that no entry was changed, removed or added").set_defaults(run=_audit_verify)


def _settings(given: argparse.Namespace) -> Settings:
    from bot.settings import read_settings  # noqa: PLC0415 - imported when needed

    settings = read_settings(given.env_file)
    _set_up(settings, given.env_file)
    return settings


def _set_up(settings: Settings, env_file: Path | None) -> None:
    """Logging as the settings say, and the environment without its secrets."""
    from bot.settings import find_lookalikes, withdraw_secrets  # noqa: PLC0415 - imported when needed

    logs.set_up(settings.log_level, settings.log_style)
    for sentence in find_lookalikes(env_file):
        logs.Log("settings").warning("unknown_setting", reason=sentence)
    withdraw_secrets()


def _changed(given: argparse.Namespace) -> dict[str, object]:
    """The settings that the command line changes."""
    changed = {name: getattr(given, name, None) for name in ("host", "port")}
    return {name: value for name, value in changed.items() if value is not None}


def _run(given: argparse.Namespace) -> None:
    gc.disable()  # imported objects stay: collecting garbage among them takes a tenth of the start
    from bot import wiring  # noqa: PLC0415 - `keys` and `--help` need not import Slack

    gc.freeze()
    gc.enable()
    with _telling_other_failures(given) as settings:
        settings.require_slack()
        wiring.key_ring(settings)

        def serve() -> None:
            if given.migrates:
                wiring.migrate_own(settings)
            asyncio.run(wiring.serve(settings, watching=given.migrates))

        _start_patiently(serve)


def _work(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed

    with _telling_other_failures(given) as settings:
        _start_patiently(lambda: asyncio.run(wiring.work(settings)))


@contextmanager
def _telling_other_failures(given: argparse.Namespace) -> Iterator[Settings]:
    """Gives the settings. If the start stops, prints what else would stop it, before the line about why it stopped."""
    from bot.settings import check_settings  # noqa: PLC0415 - imported when needed

    checked = check_settings(given.env_file, **_changed(given))
    try:
        _set_up(checked.require(), given.env_file)
        yield checked.settings
    except CannotStart as error:
        from bot.doctor.at_start import find_other_failures  # noqa: PLC0415 - imported when needed

        logs.set_up("error")  # what is looked at once more is not logged once more
        for line in find_other_failures(checked, given.env_file, _loaders(), str(error)):
            print(f"ots-bot found too: {line}", file=sys.stderr)  # noqa: T201 - for the person who started the bot
        raise


def _loaders() -> Loaders:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.doctor.examine import Loaders  # noqa: PLC0415

    return Loaders(wiring.key_ring, wiring.proxy_rule, wiring.secret_sizes)


def _doctor(given: argparse.Namespace) -> int:
    from bot.doctor import report  # noqa: PLC0415 - imported when needed
    from bot.doctor.examine import Examination  # noqa: PLC0415
    from bot.doctor.request_url import read_url  # noqa: PLC0415
    from bot.settings import check_settings, withdraw_secrets  # noqa: PLC0415

    logs.set_up("error", "text")  # what a warning would say is in the findings
    url = read_url(given.url) if given.url is not None else None
    examination = Examination(check_settings(given.env_file), given.env_file, _loaders())
    withdraw_secrets()
    findings = asyncio.run(examination.examine(url))
    _print(report.as_json(findings) if given.json else report.as_text(findings, sys.stdout))
    return report.exit_code(findings)


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
    address = None if given.url is None else app_manifest.read_address(given.url)
    parts = app_manifest.read_parts(given.parts, domains)
    if given.socket_mode and address is not None and not any(part.redirect_path for part in parts):
        raise CannotStart("Say --url for HTTP or --socket-mode, and both only with `--with oauth`.")
    request_address = None if given.socket_mode else address
    fitted = app_manifest.fit(app_manifest.read_plain(), request_address, parts, browser_address=address)
    _print((app_manifest.as_json if given.json else app_manifest.as_yaml)(fitted).rstrip())


def _keys_generate(given: argparse.Namespace) -> None:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    if given.append:
        from bot import wiring  # noqa: PLC0415 - imported when needed
        from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

        source = wiring.key_source(settings)
        _print(changing.append(replace(source, file=given.file) if given.file else source, given.kid))
        return
    file = given.file or settings.encryption_keys_file
    if file is None:
        file = Path.home() / ".config" / "ots-bot" / "encryption.keys"
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"{file.parent} cannot be made ({error.strerror}). Name a file: keys generate FILE."
            ) from None
    _print(commands.generate(file, settings.database_url, given.kid or "k1"))


def _keys_promote(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

    _print(changing.promote(wiring.key_source(_settings(given)), given.kid))


def _keys_rotate(given: argparse.Namespace) -> int:
    from bot import wiring  # noqa: PLC0415 - imported when needed

    if not 1 <= given.batch <= MAX_BATCH:
        raise CannotStart(f"--batch is a number from 1 to {MAX_BATCH}.")
    said, left = asyncio.run(wiring.rotate_keys(_settings(given), given.batch))
    _print(said)
    return 1 if left else 0


def _keys_prune(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    _print(asyncio.run(changing.prune(settings.database_url, wiring.key_source(settings), given.kid)))


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


def _forget_workspace(given: argparse.Namespace) -> None:
    from bot.storage import forget  # noqa: PLC0415 - imported when needed

    _print(asyncio.run(forget.forget_workspace(_settings(given).database_url, given.id)))


def _forget_person(given: argparse.Namespace) -> None:
    from bot.storage import forget  # noqa: PLC0415 - imported when needed

    settings = _settings(given)
    said = forget.forget_person(settings.database_url, _ring(settings), given.id, given.workspace)
    _print(asyncio.run(said))


def _audit_export(given: argparse.Namespace) -> int:
    from bot.storage.audit import commands  # noqa: PLC0415 - imported when needed

    if given.since is None:
        raise CannotStart("Say from when: audit export --since 2026-01-31, or a moment such as 2026-01-31T12:00Z.")
    since = commands.read_moment(given.since, "--since")
    until = None if given.until is None else commands.read_moment(given.until, "--until")
    settings = _settings(given)
    try:
        asyncio.run(
            commands.export_audit(
                settings.database_url, _ring(settings), given.format,
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

    settings = _settings(given)
    broken = asyncio.run(commands.verify_audit(settings.database_url, _ring(settings), _print))
    return 1 if broken else 0


def _ring(settings: Settings) -> KeyRing:
    from bot import wiring  # noqa: PLC0415 - imported when needed

    return wiring.key_source(settings).require()


def _print(text: str) -> None:
    print(text)  # noqa: T201 - for the person who runs the command


if __name__ == "__main__":
    sys.exit(main())
