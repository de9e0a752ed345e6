"""Named places where a crash of the process matters. They do nothing, except in tests that kill the process there."""

from __future__ import annotations

from collections.abc import Callable


def _do_nothing(_name: str) -> None:
    pass


hook: Callable[[str], None] = _do_nothing


def failpoint(name: str) -> None:
    """Call the test's hook, if there is one, with the name of this place."""
    hook(name)
