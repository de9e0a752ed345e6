"""DATABASE_URL as a value: which database, where, and by which drivers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import CannotStart
from bot.secret import Secret

_WANTED = "DATABASE_URL should be sqlite:///path, sqlite:////absolute/path or postgresql://user:password@host/name."


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """Where the database is. Its repr shows no password."""

    async_url: URL
    sync_url: URL  # for migrations
    path: Path | None  # SQLite's file; None on PostgreSQL

    def __str__(self) -> str:
        return str(self.path) if self.path else f"{self.async_url.host or 'socket'}/{self.async_url.database}"


def locate(url: Secret | str) -> DatabaseLocation:
    """Raises `CannotStart`, without any part of the URL."""
    try:
        parsed = make_url(url.reveal() if isinstance(url, Secret) else url)
    except (ArgumentError, ValueError):
        raise CannotStart(f"DATABASE_URL is not a URL. {_WANTED}") from None
    name = parsed.drivername.partition("+")[0]
    if name == "sqlite":
        return _sqlite(parsed)
    if name in ("postgresql", "postgres"):
        psycopg = parsed.set(drivername="postgresql+psycopg")
        return DatabaseLocation(psycopg, psycopg, None)
    raise CannotStart(f"DATABASE_URL is of a kind that the bot does not know. {_WANTED}")


def _sqlite(parsed: URL) -> DatabaseLocation:
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise CannotStart("DATABASE_URL names no file: what is stored must survive a restart. Use sqlite:///path.")
    if parsed.host or parsed.query:
        raise CannotStart("DATABASE_URL has more than a path: use sqlite:///path or sqlite:////absolute/path.")
    return DatabaseLocation(
        parsed.set(drivername="sqlite+aiosqlite"),
        parsed.set(drivername="sqlite+pysqlite"),
        Path(parsed.database).absolute(),
    )
