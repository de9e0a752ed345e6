"""The command line: `python -m bot COMMAND`."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from bot.command_line import audit, database, doctor, forget, keys, manifest, notifications, sandbox, serving
from bot.errors import CannotStart, CannotStartYet

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
EXIT_LATER = 75  # EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do
MAX_FILES = 4096

COMMANDS = (serving, database, sandbox, doctor, manifest, keys, forget, notifications, audit)


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
    for command in COMMANDS:
        command.add(subcommands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
