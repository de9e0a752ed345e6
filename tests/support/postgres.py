"""A throw-away PostgreSQL for tests: its own cluster in a temporary directory, deleted after the test run.

Without PostgreSQL, tests that need it are skipped and say why; under CI they fail instead.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

CATALOGUES = ("pg_class", "pg_attribute", "pg_constraint", "pg_trigger", "pg_proc", "pg_db_role_setting")
SCHEMA = " UNION ALL ".join(
    f"SELECT count(*), max(xmin::text::bigint) FROM {name}" for name in CATALOGUES
)  # changes with every DDL statement
ROOM = 1 << 20  # bytes of rows that a test may leave; with more, emptying tables takes longer than making new ones

PORTS = range(20_000, 32_000)  # below those that systems give to connections, and above those of recorded bots

FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB"


class Cluster:
    """One running server. `restart` is for tests of what happens when the server goes away."""

    def __init__(self, programs: Path, directory: Path, port: int) -> None:
        self.programs = programs
        self.directory = directory
        self.port = port
        self._names = count(1)
        self._template = ""
        self._as_new: Schema | None = None
        self._free: list[str] = []  # databases that are migrated and empty

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def start(self) -> None:
        options = f"{FAST} -c listen_addresses=127.0.0.1 -p {self.port} -k {self.directory.parent}"
        self._run("pg_ctl", "start", "-w", "-t", "30", "-l", str(self.directory.parent / "log"), "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-w")

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"test_{next(self._names)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"'.encode())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def lend(self) -> str:
        """The URL of a migrated, empty database. Making one takes as long as most tests, so databases are reused."""
        if self._as_new is None:
            from bot.storage.engine.database import migrate

            template = self.new_database()
            migrate(template)
            self._template, self._as_new = template.rpartition("/")[2], Schema.read(template)
        return self._free.pop() if self._free else self.new_database(self._template)

    def take_back(self, url: str) -> None:
        """Empties the database, or removes it if a test changed more than rows."""
        assert self._as_new is not None
        found = Schema.read(url)
        if found.is_like(self._as_new):
            found.empty(url)
            self._free.append(url)
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)".encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.directory), *arguments]
        if os.geteuid() == 0:  # the server refuses to run as root
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        # Not captured by a pipe: the server would keep it open.
        with (self.directory.parent / f"{program}.out").open("w+") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd="/", timeout=60, check=False)
            out.seek(0)
            assert done.returncode == 0, f"{program}: {out.read()}"


@dataclass(frozen=True)
class Schema:
    """The schema of a database: everything but its rows."""

    catalogues: list[Any]
    version: list[Any]
    tables: list[str]
    size: int  # bytes

    @classmethod
    def read(cls, url: str) -> Schema:
        """Ends all other connections to the database."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            names = sorted(name for (name,) in tables)
            return cls(
                connection.execute(SCHEMA.encode()).fetchall(),
                connection.execute("SELECT version_num FROM alembic_version").fetchall()
                if "alembic_version" in names
                else [],
                names,
                connection.execute("SELECT pg_database_size(current_database())").fetchall()[0][0],
            )

    def is_like(self, new: Schema) -> bool:
        same = (self.catalogues, self.version, self.tables) == (new.catalogues, new.version, new.tables)
        return same and self.size < new.size + ROOM

    def empty(self, url: str) -> None:
        rows = [f"DELETE FROM {name}" for name in self.tables if name != "alembic_version"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("; ".join(["SET session_replication_role = replica", *rows]).encode())


def _programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    found = [path for path in installed if (path / "initdb").exists()] + ([Path(on_path).parent] if on_path else [])
    return found[-1] if found else None


def fail_or_skip(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def free_port() -> int:
    """A port of this machine that nobody listens on. No system gives it to a connection of somebody else meanwhile."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One cluster for each worker of the test run."""
    programs = _programs()
    if programs is None:
        fail_or_skip("PostgreSQL is not installed (no initdb in /usr/lib/postgresql or on PATH)")
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: the path of a socket has at most 107 bytes
    try:
        if os.geteuid() == 0:
            try:
                shutil.chown(directory, "postgres", "postgres")
            except LookupError:
                fail_or_skip("PostgreSQL needs a user called postgres when the tests run as root")
        cluster = Cluster(programs, directory / "data", free_port())
        cluster.make()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def new_postgres_url(postgres: Cluster) -> Iterator[Callable[[], str]]:
    """Gives databases that are migrated and empty, for as long as the test takes."""
    lent: list[str] = []

    def lend() -> str:
        lent.append(postgres.lend())
        return lent[-1]

    yield lend
    for url in lent:
        postgres.take_back(url)
