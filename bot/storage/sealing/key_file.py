"""Changes of the key file: each writes a new file beside it, and puts that in its place at once."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.sealing.keyring import KeyRing, generate_line, read_private

PRIVATE: Final = 0o600

Entries = list[str]  # the lines of the file: keys, comments, blank lines


def append_key(path: Path, kid: str | None) -> tuple[str, KeyRing]:
    """Add a new key at the end. Returns its name, and the keys afterwards. `kid` None: the next free name.

    Raises `CannotStart`.
    """
    added = ""

    def change(entries: Entries, ring: KeyRing) -> Entries:
        nonlocal added
        added = kid or _next_name(ring)
        if added in ring.kids:
            raise CannotStart(f"There is a key {added} in {path} already. Choose another name: --kid.")
        while entries and not entries[-1]:
            entries = entries[:-1]
        return [*entries, generate_line(added).reveal()]

    ring = _change(path, change, lambda: added)
    return added, ring


def promote_key(path: Path, kid: str) -> KeyRing:
    """Put this key first. Returns the keys afterwards. Raises `CannotStart`."""

    def change(entries: Entries, ring: KeyRing) -> Entries:
        this = _line_of(entries, kid)
        rest = [entry for entry in entries if entry != this]
        first = rest.index(_line_of(rest, next(one for one in ring.kids if one != kid))) if len(ring.kids) > 1 else 0
        return [*rest[:first], this, *rest[first:]]

    return _change(path, change, lambda: kid)


def remove_key(path: Path, kid: str) -> KeyRing:
    """Take this key out. Returns the keys afterwards. Raises `CannotStart`."""

    def change(entries: Entries, _ring: KeyRing) -> Entries:
        this = _line_of(entries, kid)
        return [entry for entry in entries if entry != this]

    return _change(path, change, lambda: kid, removes=True)


def _change(
    path: Path, change: Callable[[Entries, KeyRing], Entries], kid: Callable[[], str], *, removes: bool = False
) -> KeyRing:
    try:
        with _only_one(path.absolute().parent):
            raw = read_private(path)
            source = f"The key file {path}"
            text = KeyRing.decode(raw, source)
            before = KeyRing.read(text, source)
            entries = [entry.strip(" \t") for entry in text.replace(",", "\n").rstrip("\n").split("\n")]
            changed = "\n".join(change(entries, before)) + "\n"
            after = KeyRing.read(changed, source)
            _check_change(before, after, kid(), removes=removes)
            if changed != text:
                _replace(path.absolute(), changed.encode())
    except OSError as error:
        raise CannotStart(f"The key file {path} cannot be changed ({error.strerror}).") from None
    return after


def _check_change(before: KeyRing, after: KeyRing, kid: str, *, removes: bool) -> None:
    """No other key may have changed, whatever the file looked like."""
    same = all(before.root(one) == after.root(one) for one in set(before.kids) & set(after.kids))
    expected = set(before.kids) - {kid} if removes else set(before.kids) | {kid}
    assert same
    assert set(after.kids) == expected


def _line_of(entries: Entries, kid: str) -> str:
    return next(entry for entry in entries if entry.startswith(f"{kid}:"))


def _next_name(ring: KeyRing) -> str:
    numbers = [int(found[1]) for kid in ring.kids if (found := re.fullmatch(r"k([0-9]{1,9})", kid))]
    return f"k{max(numbers, default=0) + 1}"


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let one command at a time change files of this folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    """Change the whole content at once: whenever the machine stops, the file has the old one or the new one."""
    new = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()  # of a command that was killed
    write_new(new, content)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_new(path: Path, content: bytes | Secret) -> None:
    """Write a file that does not exist yet, for our eyes only. Raises `FileExistsError`, `OSError`."""
    raw = content.reveal().encode() if isinstance(content, Secret) else content
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no Path
        os.fchmod(descriptor, PRIVATE)
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
