"""ENCRYPTION_KEYS_COMMAND: a program that prints the key lines, so that any vault can keep them.

The program runs without a shell. Nothing of what it prints is ever logged or shown, and neither is the command.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from functools import lru_cache
from typing import Final

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.sealing.keyring import MAX_FILE_BYTES, KeyRing

NAME: Final = "ENCRYPTION_KEYS_COMMAND"
TIMEOUT: Final = 30.0  # seconds
TRY: Final = "Run it by hand, as the bot's user, to see why."


@lru_cache(maxsize=1)  # a start tries several times, and a vault may give the keys once
def ring_of_command(command: Secret, timeout: float = TIMEOUT) -> KeyRing:
    """The keys that the command prints. Raises `CannotStart`."""
    try:
        words = shlex.split(command.reveal())
    except ValueError:
        raise CannotStart(f"{NAME}: its quotation marks do not end. Write the command as for a shell.") from None
    if not words:
        raise CannotStart(f"{NAME} has no program in it. Write the command as for a shell.")
    return KeyRing.decode_and_read(_output_of(words, timeout), f"What {NAME} prints")


def _output_of(words: list[str], timeout: float) -> bytes:
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own command, and no shell reads it
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except FileNotFoundError:
        raise CannotStart(f"{NAME}: its program was not found. Give the program's full path.") from None
    except (OSError, ValueError):  # ValueError: a NUL in a word
        raise CannotStart(f"{NAME}: its program cannot be run. Make it executable for the bot's user.") from None
    deadline = time.monotonic() + timeout
    try:
        raw = _read(process, deadline)
        code = process.wait(max(deadline - time.monotonic(), 0))
    except (TimeoutError, subprocess.TimeoutExpired):
        raise CannotStart(f"{NAME} did not end within {timeout:g} seconds. {TRY}") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):  # they have all ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code:
        raise CannotStart(f"{NAME} failed with exit code {code}. {TRY}")
    if not raw.strip():
        raise CannotStart(f"{NAME} printed nothing. It has to print lines of name:key. {TRY}")
    return raw


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """All that the program prints. Raises `TimeoutError`, and `CannotStart` if that is too much for keys."""
    assert process.stdout is not None
    source, raw = process.stdout.fileno(), b""
    while True:
        ready, _, _ = select.select([source], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise TimeoutError
        part = os.read(source, MAX_FILE_BYTES)
        raw += part
        if not part:
            return raw
        if len(raw) > MAX_FILE_BYTES:
            raise CannotStart(f"{NAME} prints more than keys: {MAX_FILE_BYTES} bytes are the most. {TRY}")
