"""The log cannot tell a secret, whoever writes to it."""

import asyncio
import io
import json
import logging
import subprocess
import sys

import pytest

from bot import logs
from tests.support.waiting import PATIENCE

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


def test_what_a_library_repeats_is_one_line_a_second_which_says_how_many(heard, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    said_by_a_library(5000)
    monkeypatch.setattr("time.time", lambda: 1001.0)
    said_by_a_library(5000)

    assert [json.loads(line)["count"] for line in heard.getvalue().splitlines() if "count" in line] == [4999]
    assert events(heard) == ["library", "library"]


def test_another_kind_of_error_is_another_line(heard, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    for error in (OSError(CANARY), OSError(CANARY), ValueError(CANARY)):
        said_by_a_library(2, error)

    assert [line.split("OSError")[0] != line for line in heard.getvalue().splitlines()] == [True, False]


def test_our_own_lines_are_all_written(heard):
    for _ in range(3):
        logs.Log("test").warning("again")

    assert events(heard) == ["again"] * 3
