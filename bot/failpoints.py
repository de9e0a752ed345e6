"""Named places in the code where a crash matters. They do nothing; the crash sweeps stop the process there."""

from __future__ import annotations

from collections.abc import Callable


def _nothing(_name: str) -> None:
    pass


hook: Callable[[str], None] = _nothing


def failpoint(name: str) -> None:
    """Say that the program is at the place called `name`."""
    hook(name)
