"""On SQLite only one process may serve or watch. A second one refuses to start, with a line that says why."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import CannotStart


def is_locked(database: Path) -> bool:
    """Whether a process holds the lock of this SQLite file. Creates nothing, and holds the lock no longer than this."""
    try:
        descriptor = os.open(f"{database}-watch", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def single_instance_lock(database: Path | None) -> Iterator[None]:
    """Hold the lock of this SQLite file. None (PostgreSQL) takes no lock, because workers there share by leases.

    The operating system frees the lock when the process ends, however it ends. Raises `CannotStart` if another process
    holds the lock.
    """
    if database is None:
        yield
        return
    lock = f"{database}-watch"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"The lock {lock} cannot be opened ({error.strerror}). Give it to the bot's user.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(
            f"Another process works with the database {database}. On SQLite one process does it all: "
            "`python -m bot run`. Several processes need PostgreSQL."
        ) from None
    else:
        yield
    finally:
        os.close(descriptor)
