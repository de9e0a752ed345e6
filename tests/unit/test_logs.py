"""The log cannot tell a secret, whoever writes to it."""

import asyncio
import io
import json
import logging
import re
import subprocess
import sys

import pytest

from bot import logs
from tests.support.waiting import PATIENCE, eventually

CANARY = "canary-8c2d"


@pytest.fixture(params=["json", "text"])
def written(request):
    root, last, hook = logging.getLogger(), logging.lastResort, sys.excepthook
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("debug", request.param, stream)
    yield stream
    root.handlers[:], root.level = before
    logging.lastResort, sys.excepthook = last, hook
    logging.captureWarnings(capture=False)


@pytest.mark.parametrize(
    "name", ["slack_bolt.AsyncApp", "slack_sdk.web", "httpcore.connection", "sqlalchemy.engine", "somebody.else"]
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_what_libraries_say_is_never_quoted(written, name, level):
    template = f"body: {CANARY} %s"
    logging.getLogger(name).log(level, template, CANARY)

    assert CANARY not in written.getvalue()
    assert bool(written.getvalue()) == (level >= logging.WARNING)


def test_an_exception_is_told_by_type_and_place_only(written):
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        logs.Log("test").error("failed", cause=error)
        logging.getLogger("aiohttp.server").exception("request with %s", CANARY)

    assert CANARY not in written.getvalue()
    assert "ValueError" in written.getvalue()
    assert "test_logs.py" in written.getvalue()


@pytest.mark.parametrize(
    "told",
    [
        f"https://eu.onetimesecret.com/api/v1/secret/{CANARY}",
        f"/private/{CANARY}/burn",
        f"Authorization: Basic {CANARY}",
        f"xoxb-1-{CANARY}",
        f"xapp-1-{CANARY}",
        f"https://hooks.slack.com/commands/T1/{CANARY}",
        f"postgresql://bot:{CANARY}@db/ots",
    ],
)
def test_a_credential_that_slips_into_our_own_line_is_removed(written, told):
    logs.Log("test").info("event", reason=told)

    assert CANARY not in written.getvalue()


def test_a_field_that_is_not_on_the_list_is_refused(written):
    with pytest.raises(ValueError, match="token"):
        logs.Log("test").info("event", token=CANARY)


def test_an_event_is_one_line_whatever_is_in_it(written):
    logs.Log("test").info("event", reason="first\n2026-01-01 error fake \x1b[31m")

    assert written.getvalue().count("\n") == 1
    assert "\x1b" not in written.getvalue()


def broken(depth, cause=None, context=None):
    """Raises at this depth of calls."""
    if depth:
        broken(depth - 1, cause, context)
    if context is not None:
        try:
            raise context
        except type(context):
            raise ValueError from cause
    raise ValueError from cause


def described(*arguments):
    try:
        broken(*arguments)
    except ValueError as error:
        return logs.describe_error(error)


HERE = r"unit/test_logs\.py:\d+ in"


def test_an_error_is_described_by_its_frames_the_innermost_first():
    assert re.fullmatch(rf"ValueError at {HERE} broken < {HERE} broken < {HERE} described", described(1))


def test_the_twelve_innermost_frames_are_enough():
    assert described(5).count(" in broken") == 6
    assert described(30).count(" in ") == 12
    assert "described" not in described(30)


def test_a_cause_is_told_and_a_context_only_if_it_is_not_hidden():
    assert re.search(r" \| after KeyError at \?$", described(0, KeyError(CANARY)))
    assert described(0, None, KeyError(CANARY)).count("KeyError") == 0  # `from None`
    assert described(0, OSError(CANARY), KeyError(CANARY)).count("| after OSError") == 1


def test_an_error_within_the_handling_of_another_is_told_with_it():
    with pytest.raises(ValueError) as caught:  # noqa: PT012 - both are raised here
        try:
            raise KeyError(CANARY)
        except KeyError:
            raise ValueError(CANARY)  # noqa: B904 - that is what is tested

    assert "| after KeyError at " in logs.describe_error(caught.value)


def test_a_chain_of_causes_ends_after_four():
    chain = RuntimeError(CANARY)
    for _ in range(9):
        error = RuntimeError(CANARY)
        error.__cause__, chain = chain, error

    assert logs.describe_error(chain).count("RuntimeError") == 4


def test_each_line_says_when_how_bad_what_and_where(heard):
    logs.Log("test").warning("event", reason="why", count=3)
    logging.getLogger("slack_sdk.web").warning("quoted %s", CANARY)

    ours, library = map(json.loads, heard.getvalue().splitlines())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ours.pop("time"))
    assert ours == {"level": "warning", "event": "event", "part": "test", "reason": "why", "count": 3}
    assert (library["level"], library["event"], library["part"]) == ("warning", "library", "slack_sdk.web")
    assert re.fullmatch(r"unit/test_logs\.py:\d+", library["at"])


def test_an_error_of_ours_and_of_a_library_says_where_it_came_from(heard):
    try:
        raise OSError(CANARY)
    except OSError as error:
        logs.Log("test").error("failed", cause=error)
        logging.getLogger("aiohttp.server").exception("quoted")

    ours, library = map(json.loads, heard.getvalue().splitlines())
    assert re.fullmatch(r"OSError at unit/test_logs\.py:\d+ in test_\w+", ours["at"])
    assert re.fullmatch(r"unit/test_logs\.py:\d+ OSError at unit/test_logs\.py:\d+ in test_\w+", library["at"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "3"), (True, "True"), (None, "None"), ("plain", "plain"), ("two words", '"two words"'), ('"', '"\\""'),
     ("a\x1bb", '"a\\u001bb"'), (object(), "[object]"), (["list"], "[object]")],
    ids=["number", "yes", "nothing", "word", "blank", "quote", "control", "object", "list"],
)  # fmt: skip
def test_a_value_in_a_line_of_text_is_quoted_where_it_must_be(value, shown):
    record = logging.LogRecord("ots.test", logging.INFO, "", 0, "event", (), None)
    record.fields = {"reason": value}

    assert logs._Formatter("text").format(record).split(" event ")[1] == f"part=test reason={shown}"


def test_a_value_that_is_no_value_is_an_object_in_json_too():
    record = logging.LogRecord("ots.test", logging.INFO, "", 0, "event", (), None)
    record.fields = {"reason": object()}

    assert json.loads(logs._Formatter("json").format(record))["reason"] == "[object]"


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    "library",
    ["httpx", "httpcore", "httpx_aiohttp", "slack_sdk", "slack_bolt", "sqlalchemy", "aiosqlite", "psycopg", "asyncio",
     "aiohttp", "alembic", "stamina", "concurrent"],
)  # fmt: skip
def test_a_library_that_quotes_is_held_at_warnings(library):
    logging.getLogger(library).setLevel(logging.DEBUG)

    logs.set_up("debug", "json", io.StringIO())

    assert logging.getLogger(library).level == logging.WARNING


@pytest.mark.parametrize(
    "field",
    ["action", "count", "error", "form", "kind", "mode", "ms", "outcome", "port", "reason", "ref", "verb"],
)
def test_a_field_on_the_list_is_written(heard, field):
    logs.Log("test").warning("event", **{field: "value"})

    assert json.loads(heard.getvalue())[field] == "value"


def test_levels_below_the_set_one_and_libraries_below_a_warning_are_silent():
    stream, root, last, hook = io.StringIO(), logging.getLogger(), logging.lastResort, sys.excepthook
    before = root.handlers[:], root.level
    try:
        logs.set_up("warning", "json", stream)
        logs.Log("test").info("quiet")
        logs.Log("test").debug("quiet", token=CANARY)  # not even looked at
        logging.getLogger("anybody").info("quiet")
        assert stream.getvalue() == ""
        assert logging.getLogger("httpx").level == logging.WARNING
        assert logging.lastResort is root.handlers[0]
        assert len(root.handlers) == 1
    finally:
        root.handlers[:], root.level, logging.lastResort, sys.excepthook = *before, last, hook
        logging.captureWarnings(capture=False)
        logging.getLogger(logs.OUR_LOGGER).setLevel("DEBUG")


def test_an_error_that_nobody_catches_is_logged_without_its_values(heard):
    try:
        raise OSError(CANARY)
    except OSError as error:
        sys.excepthook(OSError, error, error.__traceback__)

    line = json.loads(heard.getvalue())
    assert (line["event"], line["part"], line["level"]) == ("crashed", "process", "error")
    assert line["at"].startswith("OSError at ")
    assert CANARY not in heard.getvalue()


def test_a_closed_stream_breaks_nothing(written):
    written.close()

    logs.Log("test").warning("event")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/api/v1/secret/abc?x", "/api/v1/secret/[hidden]?x"),
        ("/RECEIPT/abc/burn", "/RECEIPT/[hidden]/burn"),
        ("/metadata/abc 'x'", "/metadata/[hidden] 'x'"),
        ("bearer abc.def, x", "bearer [hidden], x"),
        ("xoxe-1-abc xoxb-2 xapp-1-A.b", "[hidden] [hidden] [hidden]"),
        ("https://HOOKS.slack.com/a/b x", "https://hooks.slack.com/[hidden] x"),
        ("postgresql://u:p@h/d", "postgresql://[hidden]@h/d"),
        ("https://h:443/a", "https://h:443/a"),
        ("the secret of the basics", "the secret of the basics"),
    ],
    ids=[
        "secret", "receipt", "metadata", "bearer", "tokens of Slack", "response_url", "a password in a URL", "a port", "words",
    ],
)  # fmt: skip
def test_what_looks_like_a_credential_is_hidden_and_nothing_else(line, shown):
    assert logs.redact(line) == shown


def test_json_lines_are_json(written):
    logs.Log("test").info("event", verb="burn", ms=3)

    line = written.getvalue()
    if line.startswith("{"):
        assert json.loads(line)["verb"] == "burn"
    else:
        assert "verb=burn" in line


class Heard(io.StringIO):
    """Says when something was written, and how often."""

    def __init__(self):
        super().__init__()
        self.times = 0
        self.something = asyncio.Event()

    def write(self, text):
        self.times += 1
        self.something.set()
        return super().write(text)


@pytest.fixture
def heard(written):
    """As `written`, in JSON."""
    stream = Heard()
    logs.set_up("debug", "json", stream)
    return stream


def events(stream):
    return [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


async def test_an_answer_does_not_wait_for_its_log_line(heard):
    logs.Log("test").info("first")
    logs.Log("test").info("second")

    assert heard.times == 0
    await asyncio.wait_for(heard.something.wait(), PATIENCE)
    assert (events(heard), heard.times) == (["first", "second"], 1)


async def test_a_warning_is_written_at_once_after_what_was_waiting(heard):
    logs.Log("test").info("before")
    logs.Log("test").warning("trouble")

    assert events(heard) == ["before", "trouble"]


async def test_later_lines_are_written_too(heard):
    logs.Log("test").info("first")
    await asyncio.wait_for(heard.something.wait(), PATIENCE)
    heard.something.clear()

    logs.Log("test").info("second")
    await asyncio.wait_for(heard.something.wait(), PATIENCE)

    assert events(heard) == ["first", "second"]


def test_what_waits_when_the_process_ends_is_written():
    code = "import asyncio; from bot import logs\nasync def main(): logs.Log('test').info('goodbye')\n"

    done = subprocess.run(
        [sys.executable, "-c", f"{code}logs.set_up()\nasyncio.run(main())"], check=True, capture_output=True, text=True
    )

    assert json.loads(done.stderr)["event"] == "goodbye"


# --- what libraries repeat


def said_by_a_library(times, error=None):
    for _ in range(times):
        logging.getLogger("asyncio").error("socket.accept() out of system resource", exc_info=error)


def stop_the_clock(monkeypatch, seconds):
    """At this time, for lines of the log. Python 3.13 takes their time from `time_ns`, older ones from `time`."""
    monkeypatch.setattr("time.time", lambda: float(seconds))
    monkeypatch.setattr("time.time_ns", lambda: seconds * 10**9)


def test_what_a_library_repeats_is_one_line_a_second_which_says_how_many(heard, monkeypatch):
    stop_the_clock(monkeypatch, 1000)
    said_by_a_library(5000)
    stop_the_clock(monkeypatch, 1001)
    said_by_a_library(5000)

    assert [json.loads(line)["count"] for line in heard.getvalue().splitlines() if "count" in line] == [4999]
    assert events(heard) == ["library", "library"]


def test_another_kind_of_error_is_another_line(heard, monkeypatch):
    stop_the_clock(monkeypatch, 1000)
    for error in (OSError(CANARY), OSError(CANARY), ValueError(CANARY)):
        said_by_a_library(2, error)

    assert [line.split("OSError")[0] != line for line in heard.getvalue().splitlines()] == [True, False]


def test_our_own_lines_are_all_written(heard):
    for _ in range(3):
        logs.Log("test").warning("again")

    assert events(heard) == ["again"] * 3


async def test_a_counted_warning_says_at_once_and_then_how_many(monkeypatch):
    counts = []
    log = logs.Log("test")
    monkeypatch.setattr(logs.Log, "warning", lambda _self, _event, **fields: counts.append(fields["count"]))
    monkeypatch.setattr(logs.CountedWarning, "EVERY", 0.0)
    warning = logs.CountedWarning(log, "many", "of them")

    for _ in range(5):
        warning.add()
    assert counts == [1]
    await eventually(lambda: len(counts) == 2)

    assert counts == [1, 4]
