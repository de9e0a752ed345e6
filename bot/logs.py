"""Logging that cannot leak a secret.

This is the only logging set up in the process. A line is an event name and fields from a fixed list. For messages of
libraries, only the place in the code is logged, because their texts may quote request bodies and URLs. A traceback has
files, lines and types but no values. A last filter over the finished line removes everything that still looks like a
credential or a key.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

OUR_LOGGER = "ots"  # parent of all loggers of the bot
MAX_CAUSES = 4  # errors in a chain of causes that a line describes
MAX_FRAMES = 12  # innermost frames of each error
BATCH_DELAY = 0.02  # seconds that a line may wait for others, to be written together

# The fields that a line may have besides its event. Ids are row ids or reference ids, never keys.
FIELDS = (
    "action", "count", "error", "form", "host", "kind", "mode", "ms", "outcome", "port", "reason", "ref", "request",
    "verb",
)  # fmt: skip

# Libraries that log bodies, URLs or parameters at DEBUG and INFO. Held at WARNING whatever LOG_LEVEL is.
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


# The payload of Slack's that the running task works for. Tasks that it starts inherit it.
_request: ContextVar[str | None] = ContextVar("request", default=None)


@contextmanager
def request_id() -> Iterator[str]:
    """Give every line that is logged inside, and by tasks that are started inside, one new random id as `request`."""
    token = _request.set(secrets.token_hex(6))
    try:
        yield _request.get() or ""
    finally:
        _request.reset(token)


def redact(line: str) -> str:
    """The line with `[hidden]` in place of keys in paths, credentials and Slack's response URLs."""
    for pattern, instead in _REDACTIONS:
        line = pattern.sub(instead, line)
    return line


def describe_error(error: BaseException) -> str:
    """A traceback without values: `Type at file:line in function < …`, innermost first, causes included."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < MAX_CAUSES:
        frames = traceback.extract_tb(seen.__traceback__)[-MAX_FRAMES:]
        path = " < ".join(f"{_short_path(f.filename)}:{f.lineno} in {f.name}" for f in reversed(frames))
        parts.append(f"{type(seen).__name__} at {path or '?'}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " | after ".join(parts)


def _short_path(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[-2:])


class Log:
    """Writes events: `log.info("command", verb="burn", ms=3)`. A field that is not in `FIELDS` is refused."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{OUR_LOGGER}.{name}")

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, None, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, None, fields)

    def error(self, event: str, *, cause: BaseException | None = None, **fields: object) -> None:
        """Log something unexpected. Only the types and places in the code of `cause` are logged."""
        self._write(logging.ERROR, event, cause, fields)

    def _write(self, level: int, event: str, cause: BaseException | None, fields: dict[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if not fields.keys() <= _ALLOWED:
            raise ValueError(f"log fields not allowed: {sorted(fields.keys() - _ALLOWED)}")
        if cause is not None:
            fields = {**fields, "at": describe_error(cause)}
        if (request := _request.get()) is not None:
            fields = {**fields, "request": request}
        # Not `Logger.log`, which walks the stack to find the caller; our lines do not show it.
        name = self._logger.name
        self._logger.handle(self._logger.makeRecord(name, level, "", 0, event, (), None, extra={"fields": fields}))


class CountedWarning:
    """A warning about something that may come in any number: one line at once, then one every `EVERY` seconds at most.

    `count` says how many a line is about. Used inside an event loop.
    """

    EVERY = 10.0  # seconds

    def __init__(self, log: Log, event: str, reason: str) -> None:
        self._log = log
        self._event = event
        self._reason = reason
        self._count = 0
        self._is_waiting = False

    def add(self) -> None:
        self._count += 1
        if not self._is_waiting:
            self._write()

    def _write(self) -> None:
        self._is_waiting = self._count > 0
        if self._is_waiting:
            self._log.warning(self._event, reason=self._reason, count=self._count)
            self._count = 0
            asyncio.get_running_loop().call_later(self.EVERY, self._write)


_as_json = json.JSONEncoder(default=lambda _: "[object]").encode  # json.dumps would make an encoder for each line


class _Formatter(logging.Formatter):
    def __init__(self, style: Literal["json", "text"]) -> None:
        super().__init__()
        self._json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        line = self._to_fields(record)
        if self._json:
            return redact(_as_json(line))
        head = f"{line.pop('time')} {line.pop('level'):<7} {line.pop('event')}"
        return redact(" ".join([head, *(f"{name}={_quote_if_needed(value)}" for name, value in line.items())]))

    @staticmethod
    def _to_fields(record: logging.LogRecord) -> dict[str, object]:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": stamp.replace("+00:00", "Z"), "level": record.levelname.lower()}
        if record.name.startswith(f"{OUR_LOGGER}."):
            line["event"] = record.msg
            line["part"] = record.name.removeprefix(f"{OUR_LOGGER}.")
            line |= getattr(record, "fields", {})
        else:
            # Not from the bot: the text may hold anything, so only the place in the code is logged.
            line["event"] = "library"
            line["part"] = record.name
            line["at"] = f"{_short_path(record.pathname)}:{record.lineno}"
            if left_out := getattr(record, "left_out", 0):
                line["count"] = left_out
            error = record.exc_info[1] if record.exc_info else None
            if error is not None:
                line["at"] = f"{line['at']} {describe_error(error)}"
        return line


def _quote_if_needed(value: object) -> str:
    text = str(value) if isinstance(value, str | int | float | bool) or value is None else "[object]"
    return json.dumps(text) if re.search(r"[\s\"\x00-\x1f\x7f-\x9f]", text) else text


class _OnceASecond(logging.Filter):
    """Lets a library log one line a second about one kind of error at one place: some repeat it without end.

    `count` of the next line says how many were left out before it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[
            tuple[str, int, str], tuple[float, int]
        ] = {}  # when it was logged last, how many were left out

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(f"{OUR_LOGGER}."):
            return True
        error = record.exc_info[1] if record.exc_info else None
        what = (record.pathname, record.lineno, type(error).__name__)
        last, left_out = self._last.get(what, (0.0, 0))
        if abs(record.created - last) < 1:
            self._last[what] = last, left_out + 1
            return False
        self._last[what] = record.created, 0
        record.left_out = left_out
        return True


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines of the event loop's tasks together, BATCH_DELAY later at most: no answer waits for its log line.

    Lines of WARNING and above, and lines from outside an event loop, are written at once. A process that is killed
    loses the lines of its last BATCH_DELAY seconds.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[logging.LogRecord] = []
        self._flushing_loop: asyncio.AbstractEventLoop | None = None  # the loop that will call `flush`

    def emit(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)
        loop = _running_loop() if record.levelno < logging.WARNING else None
        if loop is None:
            self.flush()
        elif loop is not self._flushing_loop:
            self._flushing_loop = loop
            loop.call_later(BATCH_DELAY, self.flush)

    def flush(self) -> None:
        """Write all lines that wait. `logging` calls this when the process ends."""
        with self.lock or nullcontext():
            waiting, self._waiting, self._flushing_loop = self._waiting, [], None
            if waiting:
                with suppress(OSError, ValueError):  # the stream is closed: nobody reads the log any more
                    self.stream.write("".join(f"{self.format(record)}\n" for record in waiting))
                    self.stream.flush()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def set_up(level: str = "info", style: Literal["json", "text"] = "json", stream: TextIO | None = None) -> None:
    """Set up all logging of the process: one handler, our formatter, and libraries at WARNING and above.

    `level` is a LOG_LEVEL; `stream` is standard error by default.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Formatter(style))
    handler.addFilter(_OnceASecond())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OUR_LOGGER).setLevel(level.upper())
    for name in CLAMPED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.lastResort = handler
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash


def _log_crash(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    Log("process").error("crashed", cause=error)
