"""The commands `python -m bot keys generate --append | promote | rotate | prune`, which replace an encryption key."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import delete

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.audit.heads import sign_heads
from bot.storage.engine.commands import existing_database
from bot.storage.sealing.key_file import append_key, promote_key, remove_key
from bot.storage.sealing.key_source import KeySource
from bot.storage.sealing.key_uses import count_uses
from bot.storage.sealing.keyring import KeyRing, is_kid
from bot.storage.sealing.rotation import ReadLink, Rotation
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import key_checks

DEPLOY = "Give every process the changed keys and restart it"


def append(source: KeySource, kid: str | None) -> str:
    """Add a new key at the end of the key file. Raises `CannotStart`."""
    if source.own_file is None:
        raise CannotStart(
            "There is no key file of ours to add a key to: make a key in a new file with `python -m bot keys "
            f"generate --kid NAME FILE`, and add its line at the end of {source.place} by hand."
        )
    added, ring = append_key(source.own_file, kid)
    return (
        f"Added a new key, {added}, at the end of {source.own_file}. {ring.primary} still seals.\n"
        f"{DEPLOY}. Then run `python -m bot keys promote {added}`."
    )


def promote(source: KeySource, kid: str) -> str:
    """Make this key the primary one. Raises `CannotStart`."""
    ring = source.require()
    if kid not in ring.kids:
        raise CannotStart(_unknown(ring, kid))
    if ring.primary == kid:
        return f"{kid} is the first key already: it seals."
    if source.own_file is None:
        raise CannotStart(f"The keys are not in a file of ours: put {kid} first in {source.place} by hand.")
    promote_key(source.own_file, kid)
    return (
        f"{kid} is the first key in {source.own_file} now.\n"
        f"{DEPLOY}: then {kid} seals. Then run `python -m bot keys rotate`."
    )


async def rotate(database_url: Secret | str, ring: KeyRing, read_link: ReadLink, batch: int) -> tuple[str, int]:
    """Seal everything anew with the primary key. Returns what to print, and how many values are left.

    Raises `CannotStart`.
    """
    async with existing_database(database_url) as db:
        progress = Progress()
        sealer = Sealer(ring)
        done = await Rotation(db, sealer, read_link, progress.tell, batch).run()
        _, broken = await sign_heads(db, sealer)
    progress.end()
    said = [f"Sealed {done.resealed} {'value' if done.resealed == 1 else 'values'} anew with {ring.primary}."]
    if not done.left:
        others = " and ".join(kid for kid in ring.kids if kid != ring.primary)
        said.append("Nothing is left." + (f" Next: `keys verify`, then `keys prune` for {others}." if others else ""))
    if done.unreadable:
        said.append(f"{done.unreadable} do not open and stay as they are: `keys verify` says by which key.")
    if broken:
        said.append(f"{broken} chains of the audit are not signed anew: `audit verify` says what is wrong with them.")
    if written := done.left - done.unreadable:
        said.append(
            f"Left: {written}. Most likely a process whose first key is not {ring.primary}, or whose version has no "
            f"data keys, goes on writing. Stop that version. {DEPLOY}. Then run `keys rotate` again."
        )
    return "\n".join(said), done.left


async def prune(database_url: Secret | str, source: KeySource, kid: str) -> str:
    """Remove a key that no row uses. Raises `CannotStart` with what uses it."""
    ring = source.require()
    if not kid:
        raise CannotStart(_unknown(ring, kid))
    if kid == ring.primary:
        raise CannotStart(f"{kid} is the first key, which seals. Promote another one first.")
    async with existing_database(database_url) as db, db.writing() as connection:
        sealed, indexed = await count_uses(connection, kid)
        if sealed:
            raise CannotStart(
                f"{kid} is still needed. It sealed {_by_table(sealed)}. Run `keys rotate`; nothing was removed."
            )
        if indexed:
            raise CannotStart(
                f"{kid} is still needed. It made, or may have made, the blind indexes of {_by_table(indexed)}. "
                "Their keys are not stored, so they cannot be made anew; these rows expire by themselves. Nothing "
                f"was removed. Keep {kid} behind {ring.primary}, and try again later."
            )
        forgotten = (await connection.execute(delete(key_checks).where(key_checks.c.kid == kid))).rowcount
    if kid not in ring.kids:
        if not forgotten:
            raise CannotStart(_unknown(ring, kid))
        return f"Nothing uses {kid}, and the database has forgotten it."
    if source.own_file is None:
        return f"Nothing uses {kid} any more. Remove its line from {source.place} by hand."
    remove_key(source.own_file, kid)
    return f"Removed {kid} from {source.own_file}: nothing uses it any more. {DEPLOY}."


def _unknown(ring: KeyRing, kid: str) -> str:
    there = f"There are: {', '.join(ring.kids)}."
    # What is no name may be a key that was pasted, which is not shown.
    return f"There is no key {kid}. {there}" if is_kid(kid) else f"Name a key. {there}"


def _by_table(counts: Counter[str]) -> str:
    return ", ".join(f"{n} in {table}" for table, n in sorted(counts.items()))


@dataclass
class Progress:
    """A bar on a terminal, else a line now and then."""

    width: int = 40  # characters
    apart: float = 5.0  # seconds between two lines
    _next: float = field(default_factory=time.monotonic)
    _drawn: bool = False

    def tell(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            filled = self.width * done // max(total, 1)
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (self.width - filled)}] {done} of {total}")
            sys.stderr.flush()
            self._drawn = True
        elif time.monotonic() >= self._next:
            sys.stderr.write(f"{done} of {total} sealed anew\n")
            self._next = time.monotonic() + self.apart

    def end(self) -> None:
        if self._drawn:
            sys.stderr.write("\n")
