"""Logging that cannot tell a secret.

Ours is the only logging set up in the process. A line is an event name and fields from a fixed list;
what other libraries say is reduced to where it was said (their texts may quote request bodies and URLs);
a traceback has files, lines and types but no values. A last filter over the finished line removes
whatever still looks like a credential or a key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import traceback
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

OURS = "ots"
MAX_CAUSES = 4
BATCH_DELAY = 0.02  # seconds that a line may wait for others

# What a line may carry besides its event. Ids here are opaque row ids or reference ids, never keys.
FIELDS = (
    "action", "count", "error", "form", "kind", "mode", "ms", "outcome", "port", "reason", "ref", "verb",
)  # fmt: skip

# Libraries that say too much at DEBUG and INFO (bodies, URLs, parameters). Clamped at every LOG_LEVEL.
CLAMPED = (
    "httpx", "httpcore", "httpx_aiohttp", "slack_sdk", "slack_bolt", "sqlalchemy", "aiosqlite", "psycopg",
    "asyncio", "aiohttp", "alembic", "stamina", "concurrent",
)  # fmt: skip

_ALLOWED = frozenset(FIELDS)

_REDACTIONS = (
    (re.compile(r"(?i)(/(?:secret|private|receipt|metadata)/)[^\s/?#\"'<>]+"), r"\1[hidden]"),
    (re.compile(r"(?i)(basic|bearer)\s+[A-Za-z0-9+/=._~-]+"), r"\1 [hidden]"),
    (re.compile(r"x(?:ox[a-z]|app|oxe)-[A-Za-z0-9.-]+"), "[hidden]"),
    (re.compile(r"(?i)hooks\.slack\.com/\S+"), "hooks.slack.com/[hidden]"),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), "://[hidden]@"),
)


def redact(line: str) -> str:
    """The line without anything that looks like a key in a path, a credential or a bearer URL."""
    for pattern, instead in _REDACTIONS:
        line = pattern.sub(instead, line)
    return line


def describe_error(error: BaseException) -> str:
    """A traceback without values: `Type at file:line in function < …`, innermost first, causes included."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < MAX_CAUSES:
        frames = traceback.extract_tb(seen.__traceback__)[-12:]
        path = " < ".join(f"{_short_path(f.filename)}:{f.lineno} in {f.name}" for f in reversed(frames))
        parts.append(f"{type(seen).__name__} at {path or '?'}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " | after ".join(parts)


def _short_path(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[-2:])


class Log:
    """Writes events: `log.info("command", verb="burn", ms=3)`. A field that is not in `FIELDS` is refused."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{OURS}.{name}")

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, None, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, None, fields)

    def error(self, event: str, *, cause: BaseException | None = None, **fields: object) -> None:
        """Something unexpected; `cause` is told by type and place only."""
        self._write(logging.ERROR, event, cause, fields)

    def _write(self, level: int, event: str, cause: BaseException | None, fields: dict[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if not fields.keys() <= _ALLOWED:
            raise ValueError(f"log fields not allowed: {sorted(fields.keys() - _ALLOWED)}")
        if cause is not None:
            fields = {**fields, "at": describe_error(cause)}
        # Not `Logger.log`, which walks the stack for a place that our lines do not show.
        name = self._logger.name
        self._logger.handle(self._logger.makeRecord(name, level, "", 0, event, (), None, extra={"fields": fields}))


_as_json = json.JSONEncoder(default=lambda _: "[object]").encode  # made once: json.dumps would make one a line


class _Formatter(logging.Formatter):
    def __init__(self, style: Literal["json", "text"]) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        line = self._read(record)
        if self._json:
            return redact(_as_json(line))
        head = f"{line.pop('time')} {line.pop('level'):<7} {line.pop('event')}"
        return redact(" ".join([head, *(f"{name}={_quote_if_needed(value)}" for name, value in line.items())]))

    @staticmethod
    def _read(record: logging.LogRecord) -> dict[str, object]:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": stamp.replace("+00:00", "Z"), "level": record.levelname.lower()}
        if record.name.startswith(f"{OURS}."):
            line["event"] = record.msg
            line["part"] = record.name.removeprefix(f"{OURS}.")
            line |= getattr(record, "fields", {})
        else:
            # Not ours: its text may hold anything, so only the place is told.
            line["event"] = "library"
            line["part"] = record.name
            line["at"] = f"{_short_path(record.pathname)}:{record.lineno}"
            error = record.exc_info[1] if record.exc_info else None
            if error is not None:
                line["at"] = f"{line['at']} {describe_error(error)}"
        return line


def _quote_if_needed(value: object) -> str:
    text = str(value) if isinstance(value, str | int | float | bool) or value is None else "[object]"
    return json.dumps(text) if re.search(r"[\s\"\x00-\x1f\x7f-\x9f]", text) else text


class _Handler(logging.StreamHandler[TextIO]):
    """Writes what the event loop's tasks say a little later and in one piece, so that no answer waits for its log line.

    From WARNING on, and where no loop runs, at once. A process that is killed loses its last `SOON`.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[logging.LogRecord] = []
        self._awaited: asyncio.AbstractEventLoop | None = None  # it will call `flush`

    def emit(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)
        loop = _loop() if record.levelno < logging.WARNING else None
        if loop is None:
            self.flush()
        elif loop is not self._awaited:
            self._awaited = loop
            loop.call_later(BATCH_DELAY, self.flush)

    def flush(self) -> None:
        """`logging` calls this too, when the process ends."""
        with self.lock or nullcontext():
            waiting, self._waiting, self._awaited = self._waiting, [], None
            if waiting:
                with suppress(OSError, ValueError):  # nobody is left to read it
                    self.stream.write("".join(f"{self.format(record)}\n" for record in waiting))
                    self.stream.flush()


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def set_up(level: str = "info", style: Literal["json", "text"] = "json", stream: TextIO | None = None) -> None:
    """Own the process's logging: one handler, our formatter, libraries clamped to WARNING at every level."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Formatter(style))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    for name in CLAMPED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.lastResort = handler
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash


def _log_crash(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    Log("process").error("crashed", cause=error)
