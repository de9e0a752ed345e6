"""A throw-away PgBouncer in front of the tests' PostgreSQL, with fewer connections to the server than it has clients.

Without PgBouncer, tests that need it are skipped and say why; under CI they fail instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.support.postgres import Cluster, fail_or_skip, free_port
from tests.support.waiting import PATIENCE, wait_for_port

SERVER_CONNECTIONS = 3  # fewer than the bot's own pool: what belongs to a connection reaches another client
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={postgres} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1,::1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
logfile = {directory}/log
pidfile = {directory}/pid
"""


def find_program() -> str | None:
    """The path of PgBouncer; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pooler:
    """One running PgBouncer."""

    def __init__(self, program: str, postgres: Cluster, mode: str) -> None:
        self.directory = postgres.directory.parent / f"pgbouncer-{mode}"
        self.port = free_port()
        self._postgres = postgres
        self.directory.mkdir(exist_ok=True)
        configuration = self.directory / "pgbouncer.ini"
        # With session pooling a client keeps its connection to the server until it leaves.
        size = SERVER_CONNECTIONS if mode == "transaction" else 20
        configuration.write_text(
            CONFIGURATION.format(postgres=postgres.port, port=self.port, mode=mode, size=size, directory=self.directory)
        )
        command = [program, "-q", str(configuration)]
        if os.geteuid() == 0:  # it refuses to run as root
            for path in (self.directory, configuration):  # readable too where this process makes files for itself alone
                shutil.chown(path, "postgres", "postgres")
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        self._process = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def url(self, direct: str, host: str = "127.0.0.1") -> str:
        """The URL of this database by way of PgBouncer."""
        return f"postgresql://postgres@{host}:{self.port}/{direct.rpartition('/')[2]}"

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE)
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def pooler(postgres: Cluster) -> Iterator[Callable[[str], Pooler]]:
    """Gives the PgBouncer of a mode: "transaction" or "session"."""
    program = find_program()
    if program is None:
        fail_or_skip("PgBouncer is not installed (no pgbouncer on PATH or in /usr/sbin)")
    assert program is not None
    running: dict[str, Pooler] = {}

    def of(mode: str) -> Pooler:
        if mode not in running:
            running[mode] = Pooler(program, postgres, mode)
        return running[mode]

    yield of
    for one in running.values():
        one.stop()
