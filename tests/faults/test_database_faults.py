"""The database locked, full, read-only, damaged, gone and back: never a half effect, always one clear line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, func, select, text

from bot.errors import CannotStart, StorageUnavailable
from bot.storage.engine import database as module
from bot.storage.engine import sqlite
from bot.storage.engine.database import Database, migrate
from bot.storage.readiness import check_database
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import key_checks
from tests.support.postgres import Cluster, new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A migrated SQLite database."""
    made = tmp_path / "bot.db"
    migrate(f"sqlite:///{made}")
    return made


@pytest.fixture
async def small(path: Path) -> AsyncIterator[Database]:
    db = Database.open(f"sqlite:///{path}")
    yield db
    await db.close()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Waits of a fraction of a second. That they are 5 s otherwise is asserted in tests/storage."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 200)
    monkeypatch.setitem(module._POSTGRESQL, "lock_timeout", "200")
    monkeypatch.setitem(module._COMMON, "pool_timeout", 0.2)


async def write(db: Database, kid: str = "k1", size: int = 1) -> None:
    async with db.writing() as connection:
        await connection.execute(key_checks.insert().values(kid=kid, sealed=bytes(size), created_at=0.0))


async def count(db: Database) -> int | None:
    async with db.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(key_checks))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program writes."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_short_lock_is_waited_for(path, small):
    with locked(path) as other:
        writing = asyncio.create_task(write(small))
        threading.Timer(0.3, other.rollback).start()

        await writing

    assert await count(small) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_long_lock_is_trouble_and_changes_nothing(path, small):
    with locked(path), pytest.raises(StorageUnavailable, match="OperationalError SQLITE_BUSY"):
        await write(small)

    assert await count(small) == 0
    await write(small)
    assert await count(small) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_lock_does_not_stop_readers(path, small):
    with locked(path):
        assert await count(small) == 0


@pytest.mark.usefixtures("impatient")
async def test_a_long_lock_on_postgresql_is_trouble_and_changes_nothing(new_postgres_url):
    url = new_postgres_url()
    db = Database.open(url)
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE key_checks")
        with pytest.raises(StorageUnavailable, match="LockNotAvailable 55P03"):
            await write(db)

    assert await count(db) == 0
    await db.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_when_every_connection_is_taken_it_is_trouble_and_passes(request, path, kind):
    url = f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue("new_postgres_url")()
    db = Database.open(url)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(module.POOL_SIZE):
            await stack.enter_async_context(db.reading())
        with pytest.raises(StorageUnavailable, match="TimeoutError"):
            await db.ping()

    await db.ping()
    await db.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_task_that_is_cancelled_while_writing_changes_nothing_and_frees_its_connection(request, path, kind):
    url = f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue("new_postgres_url")()
    db = Database.open(url)

    async def write_and_wait(inside: asyncio.Event) -> None:
        async with db.writing() as connection:
            await connection.execute(key_checks.insert().values(kid="k1", sealed=b"", created_at=0.0))
            inside.set()
            await asyncio.Event().wait()

    for _ in range(module.POOL_SIZE + 2):
        inside = asyncio.Event()
        task = asyncio.create_task(write_and_wait(inside))
        await inside.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert await count(db) == 0
    await write(db)
    await db.close()


async def test_a_full_disk_is_trouble_without_damage_and_passes(path, small):
    connected: list[sqlite3.Connection] = []

    @event.listens_for(small._engine.sync_engine, "connect")
    def _small_disk(connection, _record):
        connected.append(connection)
        connection.execute("PRAGMA max_page_count = 40")

    for number in range(40):
        try:
            await write(small, f"k{number}", 8_000)
        except StorageUnavailable as trouble:
            said = str(trouble)
            break

    assert said == "OperationalError SQLITE_FULL"
    assert await count(small) == number
    async with small.reading() as connection:
        assert (await connection.execute(text("PRAGMA integrity_check"))).scalar() == "ok"
        await connection.execute(text("PRAGMA max_page_count = 10000"))
    await write(small, "room")
    assert await count(small) == number + 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that an unprivileged user can reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere; where the tests run as root, do this as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


STARTS = {"open": Database.open, "migrate": migrate}
each_start = pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())


@each_start
def test_a_missing_directory_is_named_with_the_fix(tmp_path, start):
    with pytest.raises(CannotStart, match=rf"{tmp_path}/none does not exist.*install -d -m 700 {tmp_path}/none"):
        start(f"sqlite:///{tmp_path}/none/bot.db")


@each_start
@pytest.mark.parametrize("exists", [False, True], ids=["no file yet", "with a file"])
def test_a_read_only_directory_is_named(open_folder, start, exists):
    if exists:
        migrate(f"sqlite:///{open_folder}/bot.db")
        (open_folder / "bot.db").chmod(0o666)
    open_folder.chmod(0o555)

    with unprivileged(), pytest.raises(CannotStart, match=f"{open_folder} is read-only"):
        start(f"sqlite:///{open_folder}/bot.db")


@each_start
def test_a_read_only_file_is_named(open_folder, start):
    migrate(f"sqlite:///{open_folder}/bot.db")
    open_folder.chmod(0o1777)
    (open_folder / "bot.db").chmod(0o444)

    with unprivileged(), pytest.raises(CannotStart, match=rf"{open_folder}/bot\.db is read-only"):
        start(f"sqlite:///{open_folder}/bot.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
@each_start
def test_a_file_of_another_user_that_others_can_read_is_refused(open_folder, start):
    migrate(f"sqlite:///{open_folder}/bot.db")
    open_folder.chmod(0o1777)
    (open_folder / "bot.db").chmod(0o666)

    with unprivileged(), pytest.raises(CannotStart, match="belongs to another user"):
        start(f"sqlite:///{open_folder}/bot.db")


@each_start
def test_a_directory_that_everybody_can_write_is_refused(open_folder, start):
    open_folder.chmod(0o777)

    with pytest.raises(CannotStart, match=f"chmod 700 {open_folder}"):
        start(f"sqlite:///{open_folder}/bot.db")


@each_start
def test_a_directory_in_place_of_the_file_is_refused(tmp_path, start):
    with pytest.raises(CannotStart, match="is not a file"):
        start(f"sqlite:///{tmp_path}")


def overwrite_start(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4_096 : 3 * 4_096] = os.urandom(2 * 4_096)
    path.write_bytes(content)


def overwrite_schema(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4_096] = os.urandom(3_996)
    path.write_bytes(content)


@each_start
def test_what_is_no_database_is_refused(tmp_path, start):
    overwrite_start(tmp_path / "bot.db")

    with pytest.raises(CannotStart, match="damaged or no SQLite database"):
        start(f"sqlite:///{tmp_path}/bot.db")


def overwrite_what_is_not_read_at_the_start(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = [(f"k{n}", bytes(3_000), 0.0) for n in range(100)]
        connection.executemany("INSERT INTO key_checks (kid, sealed, created_at) VALUES (?, ?, ?)", rows)
        connection.commit()
    content = bytearray(path.read_bytes())
    content[-10 * 4_096 :] = b"\xff" * (10 * 4_096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [overwrite_start, cut_in_half, overwrite_pages, overwrite_schema, overwrite_what_is_not_read_at_the_start]
)
def test_a_damaged_database_is_refused_and_never_made_anew(path, damage: Callable[[Path], None]):
    damage(path)
    before = path.read_bytes()

    with pytest.raises(CannotStart, match=rf"{path} is damaged.*Restore it from a backup"):
        migrate(f"sqlite:///{path}")

    assert path.read_bytes() == before


@each_start
def test_a_database_that_vanished_from_beside_its_log_is_not_made_anew(path, start):
    path.with_name("bot.db-wal").write_bytes(b"frames")
    path.unlink()

    with pytest.raises(CannotStart, match=r"is missing, but its write-ahead log .*bot\.db-wal is there"):
        start(f"sqlite:///{path}")

    assert not path.exists()


async def test_a_database_that_vanishes_while_it_is_open_is_not_made_anew_by_another_connection(path, small):
    async with small.reading() as connection:
        await connection.execute(select(key_checks))
        path.unlink()

        with pytest.raises(StorageUnavailable):
            await count(small)

    assert not path.exists()


async def test_another_file_in_the_place_of_the_open_one_makes_it_unready(path, small):
    sealer = Sealer(KeyRing.read(generate_line("k1").reveal()))
    assert await check_database(small, sealer) is None
    content = path.read_bytes()
    moved = path.rename(path.with_name("moved"))

    assert "is gone" in str(await check_database(small, sealer))
    path.write_bytes(content)
    assert "is another one than at the start" in str(await check_database(small, sealer))
    moved.rename(path)
    assert await check_database(small, sealer) is None


async def test_a_database_whose_name_means_something_in_an_address_is_that_file(tmp_path):
    path = tmp_path / "what%41 #1&mode=memory.db"
    url = f"sqlite:///{path}".replace("%", "%25")
    migrate(url)
    db = Database.open(url)
    await write(db)
    await db.close()

    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT kid FROM key_checks").fetchall() == [("k1",)]


async def test_a_cut_log_loses_no_more_than_what_was_cut(path, small):
    await write(small, "k1")
    await small.checkpoint()
    await write(small, "k2")
    wal = path.with_name("bot.db-wal")
    copied = path.with_name("copy.db")
    copied.write_bytes(path.read_bytes())
    path.with_name("copy.db-wal").write_bytes(wal.read_bytes()[:-100])

    migrate(f"sqlite:///{copied}")

    copy = Database.open(f"sqlite:///{copied}")
    assert await count(copy) == 1
    await copy.close()


async def test_damage_that_appears_while_running_is_trouble_for_that_call(path, small):
    await write(small)
    await small.close()
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    path.write_bytes(content)

    with pytest.raises(StorageUnavailable, match="SQLITE_CORRUPT"):
        await write(small, "k2")


async def test_a_server_that_is_away_is_trouble_without_the_password():
    db = Database.open("postgresql://ada:p4ssw0rd@127.0.0.1:1/name")

    with pytest.raises(StorageUnavailable) as trouble:
        await db.ping()

    assert "p4ssw0rd" not in str(trouble.value) + repr(trouble.value)
    assert trouble.value.__suppress_context__
    await db.close()


async def test_a_server_that_restarts_in_a_transaction_is_trouble_and_nothing_is_done_twice(
    postgres: Cluster, new_postgres_url
):
    db = Database.open(new_postgres_url())
    await write(db, "before")

    async def write_across_a_restart() -> None:
        async with db.writing() as connection:
            await connection.execute(key_checks.insert().values(kid="lost", sealed=b"", created_at=0.0))
            postgres.stop()
            postgres.start()

    with pytest.raises(StorageUnavailable):
        await write_across_a_restart()

    assert await count(db) == 1
    await write(db, "lost")
    assert await count(db) == 2
    await db.close()


async def test_a_server_that_restarted_between_two_uses_is_not_noticed(postgres: Cluster, new_postgres_url):
    db = Database.open(new_postgres_url())
    await asyncio.gather(*(db.ping() for _ in range(module.POOL_SIZE)))

    postgres.stop()
    postgres.start()

    await asyncio.gather(*(db.ping() for _ in range(module.POOL_SIZE)))
    await db.close()


async def test_a_deadlock_is_trouble_for_one_and_success_for_the_other(new_postgres_url):
    db = Database.open(new_postgres_url())
    await write(db, "a")
    await write(db, "b")
    both_hold_one = asyncio.Barrier(2)

    async def touch(first: str, second: str) -> None:
        async with db.writing() as connection:
            await connection.execute(key_checks.update().where(key_checks.c.kid == first).values(created_at=1.0))
            await both_hold_one.wait()
            await connection.execute(key_checks.update().where(key_checks.c.kid == second).values(created_at=2.0))

    results = await asyncio.gather(touch("a", "b"), touch("b", "a"), return_exceptions=True)

    assert sorted(str(result) for result in results) == ["DeadlockDetected 40P01", "None"]
    await db.close()
