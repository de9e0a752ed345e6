"""A throw-away PostgreSQL for tests: its own cluster in a temporary directory, gone with the test run.

Where there is none, tests that need it are skipped and say why; under CI they fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB"


class Cluster:
    """One running server. `restart` is for tests of what happens when it goes away."""

    def __init__(self, programs: Path, directory: Path, port: int) -> None:
        self.programs = programs
        self.directory = directory
        self.port = port
        self._names = count(1)

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
        """The URL of a database of its own."""
        name = f"test_{next(self._names)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"'.encode())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.directory), *arguments]
        if os.geteuid() == 0:  # the server refuses to run as root
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        # Not captured by a pipe: the server would keep it open.
        with (self.directory.parent / f"{program}.out").open("w+") as out:
            done = subprocess.run(command, stdout=out, stderr=out, cwd="/", timeout=60, check=False)
            out.seek(0)
            assert done.returncode == 0, f"{program}: {out.read()}"


def _programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    found = [path for path in installed if (path / "initdb").exists()] + ([Path(on_path).parent] if on_path else [])
    return found[-1] if found else None


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One cluster for each worker of the test run."""
    programs = _programs()
    if programs is None:
        _missing("PostgreSQL is not installed (no initdb in /usr/lib/postgresql or on PATH)")
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
    try:
        if os.geteuid() == 0:
            try:
                shutil.chown(directory, "postgres", "postgres")
            except LookupError:
                _missing("PostgreSQL needs a user called postgres when the tests run as root")
        cluster = Cluster(programs, directory / "data", _free_port())
        cluster.make()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def new_postgres_url(postgres: Cluster) -> Callable[[], str]:
    """Makes migrated databases, each by copying the first."""
    from bot.storage.database import migrate

    template = postgres.new_database()
    migrate(template)
    return lambda: postgres.new_database(template.rpartition("/")[2])
