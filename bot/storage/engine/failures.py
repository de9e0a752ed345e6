"""What an error of the database says: in names and codes for the log, and whether a later try may succeed."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

# What stays until an operator acts. Source: sqlite.org/rescode.html.
_LASTING_SQLITE: Final = (
    "SQLITE_AUTH", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_ERROR", "SQLITE_NOTADB", "SQLITE_PERM",
    "SQLITE_READONLY",
)  # fmt: skip
# Classes of PostgreSQL's codes for what passes: no connection, a standby during a failover, conflicts, resources, a
# lock, an operator's stop, the system. Source: its manual, appendix A.
_PASSING_POSTGRESQL: Final = ("08", "25", "40", "53", "55", "57", "58")
# libpq gives no code for a connection that was not made. Part of its message -> in a few words; the message itself may
# hold more than a log should. A server that speaks another language is taken for one that is away.
_REFUSED: Final = {
    r"authentication failed|no password supplied|wrong password": "the user or the password is not accepted",
    r'role "[^"]*" (does not exist|is not permitted)|no such user': "there is no such user",
    r'database "[^"]*" does not exist|no such database': "there is no such database",
    r"pg_hba\.conf": "pg_hba.conf lets this user in from elsewhere only",
    r"does not support SSL": "TLS is required, and the server has none",
    r"connection is bad: invalid|invalid (URI|connection|integer|port)": "an option in DATABASE_URL is not valid",
}
_AWAY: Final = {
    r"refused": "connection refused",
    r"failed to resolve|name or service": "unknown host name",
    r"timeout|timed out": "no answer in time",
    r"starting up|not yet accepting|recovery": "the server is starting",
    r"shutting down|terminating": "the server is shutting down",
    r"too many|remaining connection slots": "the server takes no more connections",
}


def describe(error: SQLAlchemyError) -> str:
    """The error for the log: names, codes and words of this file, never a value."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return type(error).__name__
    code = _code(error)
    if code == "SQLITE_ERROR":
        return f"SQLITE_ERROR {original}"  # a fault in a statement; values are never part of one
    if code:
        return f"{type(original).__name__} {code}"
    words = _find_words(_REFUSED, original) or _find_words(_AWAY, original)
    return f"{type(original).__name__}: {words}" if words else type(original).__name__


def is_lasting(error: SQLAlchemyError) -> bool:
    """Whether no later try succeeds until an operator acts: a wrong password, a damaged file, a missing right."""
    if not isinstance(error, DBAPIError):
        return False  # the pool had no free connection in time
    code = _code(error)
    if code.startswith("SQLITE_"):
        return code.startswith(_LASTING_SQLITE)
    if code:
        return not code.startswith(_PASSING_POSTGRESQL)
    return not isinstance(error, OperationalError) or _find_words(_REFUSED, error.orig) is not None


def _code(error: SQLAlchemyError) -> str:
    original: Any = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or "")


def _find_words(table: dict[str, str], original: object) -> str | None:
    message = str(original)
    return next((words for part, words in table.items() if re.search(part, message, re.IGNORECASE)), None)
