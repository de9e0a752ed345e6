"""`keys`: makes, lists, changes and checks the encryption keys."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.command_line.common import read_given, read_keys, say_line
from bot.errors import CannotStart

if TYPE_CHECKING:
    from bot.command_line.common import Subcommands

MAX_BATCH = 5000  # values in one transaction of `keys rotate`


def add(subcommands: Subcommands) -> None:
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


def _keys_generate(given: argparse.Namespace) -> None:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    if given.append:
        from bot import wiring  # noqa: PLC0415 - imported when needed
        from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

        source = wiring.key_source(settings)
        say_line(changing.append(replace(source, file=given.file) if given.file else source, given.kid))
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
    say_line(commands.generate(file, settings.database_url, given.kid or "k1"))


def _keys_promote(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

    say_line(changing.promote(wiring.key_source(read_given(given)), given.kid))


def _keys_rotate(given: argparse.Namespace) -> int:
    from bot import wiring  # noqa: PLC0415 - imported when needed

    if not 1 <= given.batch <= MAX_BATCH:
        raise CannotStart(f"--batch is a number from 1 to {MAX_BATCH}.")
    said, left = asyncio.run(wiring.rotate_keys(read_given(given), given.batch))
    say_line(said)
    return 1 if left else 0


def _keys_prune(given: argparse.Namespace) -> None:
    from bot import wiring  # noqa: PLC0415 - imported when needed
    from bot.storage.sealing import changing  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    say_line(asyncio.run(changing.prune(settings.database_url, wiring.key_source(settings), given.kid)))


def _keys_list(given: argparse.Namespace) -> None:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    say_line(asyncio.run(commands.list_keys(settings.database_url, read_keys(settings))))


def _keys_verify(given: argparse.Namespace) -> int:
    from bot.storage.sealing import commands  # noqa: PLC0415 - imported when needed

    settings = read_given(given)
    said, bad = asyncio.run(commands.verify(settings.database_url, read_keys(settings)))
    say_line(said)
    return 1 if bad else 0
