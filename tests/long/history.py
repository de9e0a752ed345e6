"""Looks for credentials in every version of every file, and in the message of every commit, for some seconds.

It prints where each one is and what it looks like, and nothing of the credential itself.
"""

from __future__ import annotations

import fnmatch
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.readme import ROOT
from tests.support.credentials import found_in

# Files with such names hold keys, settings and what people stored. None belongs into a repository.
PRIVATE = ("*.keys", ".env", "bot.env", "*.db", "*.db-wal", "*.sqlite", "*.pem", "*.p12", "id_rsa*", "id_ed25519*")
MEANT = {"docs/deploy/bot.env": "a file to copy, without values"}


class Shallow(Exception):
    """The clone does not have its whole history."""


def run(*, quick: bool) -> bool:
    """Whether nothing was found. A quick run looks at the newest 100 commits."""
    found = sorted(find(ROOT, newest=100 if quick else None))
    print("\n".join([*found, f"{len(found)} found"]))
    return not found


def find(repository: Path, newest: int | None = None) -> Iterator[str]:
    """A line for each credential, and for each file that should not be there. Raises `Shallow`."""
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Shallow("this clone does not have its whole history: git fetch --unshallow")
    some = [f"--max-count={newest}"] if newest else []
    listed = _git(repository, "rev-list", "--objects", "--no-object-names", *some, "HEAD").split()
    names = _names(repository, some)
    for name in sorted(set(names.values()) - MEANT.keys()):
        if any(fnmatch.fnmatch(Path(name).name, pattern) for pattern in PRIVATE):
            yield f"{name} is a file that should not be in the history"
    for object_id, content in _contents(repository, listed):
        for what in sorted(found_in(content.decode("utf-8", "replace"))):
            yield f"{object_id[:12]} {names.get(object_id, 'a commit')} has {what} in it"


def _names(repository: Path, some: list[str]) -> dict[str, str]:
    """Object -> a path that it had."""
    lines = _git(repository, "-c", "core.quotePath=false", "rev-list", "--objects", *some, "HEAD").decode().splitlines()
    return {found: name for found, _, name in (line.partition(" ") for line in lines) if name}


def _contents(repository: Path, listed: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Every file and commit among these objects. A folder has only names in it."""
    packed = _git(repository, "cat-file", "--batch", given=b"\n".join(listed) + b"\n")
    at = 0
    while at < len(packed):
        end = packed.index(b"\n", at)
        object_id, kind, size = packed[at:end].split()
        at = end + 1 + int(size)
        if kind in (b"blob", b"commit", b"tag"):
            yield object_id.decode(), packed[end + 1 : at]
        at += 1  # a line break follows each object


def _git(repository: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["git", *arguments], cwd=repository, input=given, capture_output=True, check=True).stdout
