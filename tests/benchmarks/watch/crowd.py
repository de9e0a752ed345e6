"""Databases with as many tracked rows as asked for, filled within the database: nothing in them ever opens.

The rows of an account lie far apart, as they do when its secrets are tracked one by one over weeks.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bot.storage.engine.migrate import migrate
from tests.support.postgres import Cluster, _programs, free_port

HOST = "http://127.0.0.1:1"  # nobody is ever asked

_WATCHES = """
WITH RECURSIVE n(i) AS ({numbers})
INSERT INTO watches (id, enterprise_id, team_id, user_id, host, everything, next_poll_at, refused, created_at)
SELECT {id}, '-', 'T0000001', 'U' || i, :host, false, 1700000000 + {chance} * 1000000, 0, 1700000000 FROM n
"""
_TRACKED = """
WITH RECURSIVE n(i) AS ({numbers})
INSERT INTO tracked
    (id, enterprise_id, team_id, user_id, watch_id, host, key, blind_index, state, made_at, expires_at, tracked_at)
SELECT {id}, '-', 'T0000001', w.user_id, w.id, w.host, {sealed}, {blind_index}, 'new', 1700000000, 1900000000, 1700000000
FROM n {each} watches AS w {order}
"""
_SQLITE = {
    "numbers": "SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count",
    "id": "lower(hex(randomblob(11)))",
    "chance": "abs(random() % 1000) / 1000.0",
    "sealed": "randomblob(95)",
    "blind_index": "randomblob(16)",
    "each": "CROSS JOIN",  # SQLite goes through the left side first, so an account's rows come far apart
    "order": "",
}
_POSTGRESQL = {
    "numbers": "SELECT generate_series(1, :count)",
    "id": "left(md5(random()::text), 22)",
    "chance": "random()",
    "sealed": "decode(repeat(md5(random()::text), 6), 'hex')",
    "blind_index": "decode(md5(random()::text), 'hex')",
    "each": "CROSS JOIN",
    "order": "ORDER BY i",
}


def sqlite_crowd(directory: Path, accounts: int, each: int) -> str:
    """The URL of a new SQLite file with `accounts` watches, all due, and `each` tracked rows for every one."""
    file = directory / f"{accounts}-{each}.db"
    migrate(f"sqlite:///{file}")
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=OFF")  # the bot sets it again
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-1000000")  # KiB: the indexes are filled in no order
        connection.execute(_WATCHES.format(**_SQLITE), {"count": accounts, "host": HOST})
        connection.execute(_TRACKED.format(**_SQLITE), {"count": each})
    return f"sqlite:///{file}"


def postgres_crowd(cluster: Cluster, accounts: int, each: int) -> str:
    """As `sqlite_crowd`, a new database of the cluster."""
    url = cluster.new_database()
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no look-up of what each row refers to
        for statement, values in ((_WATCHES, {"count": accounts, "host": HOST}), (_TRACKED, {"count": each})):
            text = statement.format(**_POSTGRESQL).replace(":count", "%(count)s").replace(":host", "%(host)s")
            connection.execute(text.encode(), values)
        connection.execute("VACUUM ANALYZE")
    return url


@contextlib.contextmanager
def cluster() -> Iterator[Cluster | None]:
    """A PostgreSQL of its own, or None where none is installed."""
    programs = _programs()
    if programs is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
    try:
        with contextlib.suppress(LookupError, PermissionError):
            shutil.chown(directory, "postgres", "postgres")
        made = Cluster(programs, directory / "data", free_port())
        made.make()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
