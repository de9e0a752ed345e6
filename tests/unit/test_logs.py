"""The log cannot tell a secret, whoever writes to it."""

import io
import json
import logging
import sys

import pytest

from bot import logs

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
    "name", ["slack_bolt.AsyncApp", "slack_sdk.web", "httpx", "sqlalchemy.engine", "somebody.else"]
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_what_libraries_say_is_never_quoted(written, name, level):
    logging.getLogger(name).log(level, f"body: {CANARY} %s", CANARY)

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
