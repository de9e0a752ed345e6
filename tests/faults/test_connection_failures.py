"""The log says why a host gave no answer: the host and the reason, once in a while, and never a key."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.errors import NothingSent, OnetimeError, SlackError
from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Host
from bot.secret import MetadataKey, Secret
from bot.slack.web import SlackClient
from tests.faults.test_hostile_host import Exchange, certificate, hostile
from tests.support.postgres import free_port

KEY = "canarysecretkey0123456789abcdef"


def gone(_host: str, *_arguments: object, **_more: object) -> object:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def hang_up(exchange: Exchange) -> None:
    exchange.writer.transport.abort()


def answers(status: int, *headers: str) -> Callable[[Exchange], Awaitable[None]]:
    async def script(exchange: Exchange) -> None:
        await exchange.answer(status, b"<html>", *headers)

    return script


SCRIPTS = {
    "502": answers(502),
    "a redirect": answers(301, f"Location: https://elsewhere.example/secret/{KEY}"),
    "broke": hang_up,
}


async def failing(caplog: pytest.LogCaptureFixture, url: str) -> tuple[list[dict[str, object]], str]:
    """Ask Onetime Secret and Slack there, twice. The fields of the log lines, and the errors' texts."""
    onetime, slack, errors = Onetime(tries=1), SlackClient(Secret("xoxb-canary"), f"{url}/api/"), []
    for _ in range(2):
        with pytest.raises(OnetimeError) as caught:
            await onetime.burn(Credentials(Host(url)), MetadataKey(KEY))
        errors.append(str(caught.value))
        with pytest.raises(SlackError) as refused:
            await slack.who_am_i()
        errors.append(str(refused.value))
    await onetime.aclose()
    await slack.close()
    lines = [
        vars(record)["fields"] for record in caplog.records if record.msg in ("host_unavailable", "slack_unavailable")
    ]
    assert KEY not in caplog.text + str(lines) + str(errors)
    return lines, " ".join(errors)


@pytest.mark.parametrize(
    "reason", [*SCRIPTS, "untrusted certificate", "unknown host name", "connection refused", "no TLS"]
)
async def test_the_reason_and_the_host_stand_in_fields_of_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reason: str
) -> None:
    caplog.set_level(logging.WARNING)
    host = "127.0.0.1"
    if reason == "unknown host name":
        monkeypatch.setattr(socket, "getaddrinfo", gone)
        host = "nowhere.example"
        lines, errors = await failing(caplog, f"https://{host}")
    elif reason == "connection refused":
        lines, errors = await failing(caplog, f"http://{host}:{free_port()}")
    elif reason == "no TLS":

        async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(refuse, host, 0) as server:
            lines, errors = await failing(caplog, f"https://{host}:{server.sockets[0].getsockname()[1]}")
    else:
        tls = certificate(tmp_path, "localhost") if reason == "untrusted certificate" else None
        async with hostile(SCRIPTS.get(reason, answers(200)), tls=tls) as there:
            lines, errors = await failing(caplog, there.url)

    assert len(lines) == 2  # one for each of the two, though each failed twice
    for line in lines:
        assert str(line["host"]).startswith(host)
        assert reason.removeprefix("a ") in str(line["reason"])
    assert re.sub(r":\d+", "", errors).count(reason.removeprefix("a ")) == 4  # a port may have the same digits


async def test_a_call_that_gets_no_answer_in_time_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    async def wait(_exchange: Exchange) -> None:
        await asyncio.Event().wait()

    onetime = Onetime(deadline=0.2)
    async with hostile(wait) as there:
        with pytest.raises(OnetimeError, match="no answer within"):
            await onetime.status(there.host)
    await onetime.aclose()

    (line,) = (vars(record)["fields"] for record in caplog.records if record.msg == "host_unavailable")
    assert (line["host"], line["reason"]) == (there.host.name, "no answer within 0.2 s")


async def test_a_refused_certificate_proves_that_nothing_was_sent(tmp_path: Path) -> None:
    onetime = Onetime(tries=1)
    async with hostile(answers(200), tls=certificate(tmp_path, "localhost")) as there:
        with pytest.raises(NothingSent, match="untrusted certificate: self-signed certificate"):
            await onetime.status(there.host)
    await onetime.aclose()
