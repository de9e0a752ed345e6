"""What several commands need: the settings that were given, the encryption keys, and a line for whoever runs it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bot import logs

if TYPE_CHECKING:  # their imports take time, and `--help` needs none of them
    from bot.settings import Settings
    from bot.storage.sealing.keyring import KeyRing

    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name


def read_given(given: argparse.Namespace) -> Settings:
    """The settings, with logging as they say. Raises `CannotStart`."""
    from bot.settings import read_settings  # noqa: PLC0415 - imported when needed

    settings = read_settings(given.env_file)
    set_up(settings, given.env_file)
    return settings


def set_up(settings: Settings, env_file: Path | None) -> None:
    """Logging as the settings say, and the environment without its secrets."""
    from bot.settings import find_lookalikes, withdraw_secrets  # noqa: PLC0415 - imported when needed

    logs.set_up(settings.log_level, settings.log_style)
    for sentence in find_lookalikes(env_file):
        logs.Log("settings").warning("unknown_setting", reason=sentence)
    withdraw_secrets()


def read_keys(settings: Settings) -> KeyRing:
    """The encryption keys. Raises `CannotStart` if there are none."""
    from bot import wiring  # noqa: PLC0415 - imported when needed

    return wiring.key_source(settings).require()


def say_line(text: str) -> None:
    print(text)  # noqa: T201 - for the person who runs the command
