"""`run`, `web` and `worker`: the bot's processes."""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot import logs
from bot.command_line.common import set_up
from bot.command_line.doctor import loaders
from bot.errors import CannotStart, CannotStartYet

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands
    from bot.settings import Settings

MIN_PAUSE, MAX_PAUSE = 1.0, 30.0  # seconds before the next try to start; doubled with each, up to half of it left out


def add(subcommands: Subcommands) -> None:
    subcommands.add_parser("worker", help="the watcher alone; any number on PostgreSQL").set_defaults(run=_work)

    for name, does in (("run", "the bot in one process"), ("web", "the Slack front alone; any number on PostgreSQL")):
        serve = subcommands.add_parser(name, help=does)
        serve.add_argument("--host", help="where HTTP listens, instead of HOST")
        serve.add_argument("--port", type=int, help="instead of PORT")
        serve.set_defaults(run=_run, migrates=name == "run")


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


def _changed(given: argparse.Namespace) -> dict[str, object]:
    """The settings that the command line changes."""
    changed = {name: getattr(given, name, None) for name in ("host", "port")}
    return {name: value for name, value in changed.items() if value is not None}


@contextmanager
def _telling_other_failures(given: argparse.Namespace) -> Iterator[Settings]:
    """Gives the settings. If the start stops, prints what else would stop it, before the line about why it stopped."""
    from bot.settings import check_settings  # noqa: PLC0415 - imported when needed

    checked = check_settings(given.env_file, **_changed(given))
    try:
        set_up(checked.require(), given.env_file)
        yield checked.settings
    except CannotStart as error:
        from bot.doctor.at_start import find_other_failures  # noqa: PLC0415 - imported when needed

        logs.set_up("error")  # what is looked at once more is not logged once more
        for line in find_other_failures(checked, given.env_file, loaders(), str(error)):
            print(f"ots-bot found too: {line}", file=sys.stderr)  # noqa: T201 - for the person who started the bot
        raise


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
