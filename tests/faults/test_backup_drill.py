"""A backup that is made while rows are written, and put back: what was stored before it began is there, and opens.

What is lost is what was stored after the copy began: nothing that was stored before, and never half of something.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from bot.person import Person
from bot.secret import Secret
from bot.storage.accounts import Accounts
from bot.storage.engine.database import Database, migrate
from bot.storage.sealing import commands
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import accounts, deliveries, shares
from tests.support.postgres import Cluster, new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]

HOST = "https://eu.onetimesecret.com"
BEFORE, AFTER = 60, 20  # rows that are stored before the copy begins, and after it has ended
RECIPIENTS = 3  # a share and its deliveries are one transaction


@dataclass
class Writer:
    """Somebody who shares and connects without a pause. `stored` has the users whose rows are on the disk."""

    db: Database
    sealer: Sealer
    stored: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            person = Person(None, "T0000001", f"U{len(self.stored):07}")
            recipients = [Recipient(Person(None, "T0000001", f"W{number:07}")) for number in range(RECIPIENTS)]
            await Accounts(self.db, self.sealer).connect(person, HOST, Secret("ada@example.com"), Secret("token"))
            await Shares(self.db, self.sealer).begin(
                person, NewShare(person.user_id, HOST, None, False, None, None), recipients
            )
            self.stored.append(person.user_id)

    async def until(self, count: int, writing: asyncio.Task[None]) -> None:
        while len(self.stored) < count:
            done, _ = await asyncio.wait({writing}, timeout=0.005)
            for failed in done:
                failed.result()


# Each copies a database that is in use, and returns the URL of a new one that was made from the copy.


def vacuum_into(url: str, directory: Path, _cluster: Callable[[], Cluster]) -> str:
    source, copy = url.removeprefix("sqlite:///"), directory / "copy.db"
    with closing(sqlite3.connect(source, timeout=10)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    return f"sqlite:///{copy}"


def online_backup(url: str, directory: Path, _cluster: Callable[[], Cluster]) -> str:
    copy = directory / "copy.db"
    running = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)
    with closing(running) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=50, sleep=0.001)
    return f"sqlite:///{copy}"


def dump_and_restore(url: str, directory: Path, cluster: Callable[[], Cluster]) -> str:
    dump, target = directory / "bot.dump", cluster().new_database()

    def run(program: str, *arguments: str, of: str) -> None:
        parts = urlsplit(of)
        where = ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username)]
        found = shutil.which(program, path=f"{cluster().programs}{os.pathsep}{os.environ['PATH']}")
        subprocess.run([str(found), *where, *arguments], check=True)

    run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", url.rpartition("/")[2], of=url)
    run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target.rpartition('/')[2]}", str(dump), of=target)
    return target


@pytest.mark.parametrize(
    ("kind", "copy"),
    [("sqlite", vacuum_into), ("sqlite", online_backup), ("postgresql", dump_and_restore)],
    ids=["VACUUM INTO", "SQLite's online backup", "pg_dump"],
)
async def test_a_backup_made_while_the_bot_writes_has_all_that_was_stored_before_it_began(
    kind, copy, tmp_path, request
):
    url = f"sqlite:///{tmp_path}/bot.db" if kind == "sqlite" else request.getfixturevalue("new_postgres_url")()
    migrate(url)
    ring = KeyRing.read(generate_line("k1"))
    db = Database.open(url)
    writer = Writer(db, Sealer(ring))
    writing = asyncio.create_task(writer.run())
    try:
        await writer.until(BEFORE, writing)
        before, began = set(writer.stored), time.monotonic()
        restored = await asyncio.to_thread(copy, url, tmp_path, lambda: request.getfixturevalue("postgres"))
        took, at_the_end = time.monotonic() - began, len(writer.stored)
        await writer.until(at_the_end + AFTER, writing)
    finally:
        writing.cancel()
        await asyncio.wait({writing})
        await db.close()

    assert (await commands.verify(restored, ring))[1] == 0  # every sealed value opens with the keys of that time
    kept = await stored_in(restored)
    assert before <= kept
    assert not set(writer.stored[at_the_end + 1 :]) & kept  # one may have been under way
    assert set(writer.stored[: len(kept & set(writer.stored))]) <= kept  # no hole: what is lost is the newest
    print(f"{copy.__name__}: the copy took {took:.2f} s; of {at_the_end} people {at_the_end - len(kept)} are lost")


async def stored_in(url: str) -> set[str]:
    """The people of whom the database has a share with all its deliveries."""
    db = Database.open(url)
    try:
        async with db.reading() as connection:
            each = (
                select(shares.c.user_id, func.count(deliveries.c.id).label("made"))
                .join(deliveries)
                .group_by(shares.c.id)
            )
            found = {row.user_id: row.made for row in await connection.execute(each)}
            connected = set((await connection.execute(select(accounts.c.user_id))).scalars())
    finally:
        await db.close()
    assert set(found.values()) == {RECIPIENTS}
    assert found.keys() <= connected
    return set(found)
