"""A host that answers with anything but an answer: the client survives it, in time, and tells nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import gzip
import json
import logging
import resource
import socket
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.errors import (
    HostUnavailable,
    NotAuthorized,
    NothingSent,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    WrongPassphrase,
)
from bot.onetime.client import KEEP_ALIVE, Credentials, Onetime
from bot.onetime.links import Host
from bot.onetime.wire import SecretState
from bot.secret import MetadataKey, Secret, SecretKey
from tests.support.waiting import PATIENCE

SECRET = SecretKey("canarysecretkey0123456789abcdef")
METADATA = MetadataKey("canarymetadatakey0123456789abcd")
USER, TOKEN, PASSPHRASE = Secret("canary@example.com"), Secret("canarytoken"), Secret("canary passphrase")
CANARY = "canary"
MIB = 1024 * 1024
DEADLINE = 1.2  # seconds, so that the tests need not wait for the real one
NOT_THE_REAL_ONE = 8.0  # seconds that a busy machine may take for it; the real one is 10

Script = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """A request that came in, and the connection to answer it on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter = field(repr=False)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes | Any, *headers: str) -> None:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.say("\r\n".join(lines).encode() + body)


class HostileHost:
    """A server that does to each request what the next script says; the last script stays."""

    def __init__(self, scripts: tuple[Script, ...]) -> None:
        self.scripts = list(scripts)
        self.seen: list[Exchange] = []
        self.connections = 0
        self.arrived = asyncio.Semaphore(0)  # one more for each request
        self.url = ""

    @property
    def host(self) -> Host:
        return Host(self.url)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().strip().split("\r\n")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                exchange = Exchange(method, target, headers, body, writer)
                self.seen.append(exchange)
                self.arrived.release()
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await script(exchange)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hostile(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[HostileHost]:
    host = HostileHost(scripts)
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.ensure_future(host.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    host.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield host
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def onetime() -> AsyncIterator[Onetime]:
    client = Onetime(deadline=DEADLINE)
    yield client
    await client.aclose()


@pytest.fixture
async def patient() -> AsyncIterator[Onetime]:
    """With the real deadline, for what must not be mistaken for a slow host."""
    client = Onetime()
    yield client
    await client.aclose()


def says(status: int, body: bytes | Any, *headers: str) -> Script:
    return lambda exchange: exchange.answer(status, body, *headers)


def sends(raw: bytes) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.say(raw)
        exchange.writer.close()

    return script


async def hangs_up(exchange: Exchange) -> None:
    exchange.writer.transport.abort()


async def is_silent(_: Exchange) -> None:
    await asyncio.Event().wait()


async def drips(exchange: Exchange) -> None:
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await exchange.say(b" ")
        await asyncio.sleep(0.02)


async def never_ends(exchange: Exchange) -> None:
    await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.say(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


async def sends_headers_without_end(exchange: Exchange) -> None:
    await exchange.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.say(b"".join(b"X-%d: y\r\n" % number for number in range(1000)))


async def says_continue_without_end(exchange: Exchange) -> None:
    while True:
        await exchange.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await asyncio.sleep(0)


def metadata_body(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"metadata_key": METADATA.reveal(), "state": "new", "created": now, "updated": now, "ttl": 3600}
    return {**base, "secret_ttl": 3600, "passphrase_required": False, "recipient": [], **more}


def everything_said(error: BaseException) -> str:
    """The error as text and as a traceback with the values of all frames outside this file."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    for each in (told, told.__cause__, told.__context__):
        if each is not None:
            each.stack[:] = [frame for frame in each.stack if frame.filename != __file__]
    tell = error.tell if isinstance(error, OnetimeError) else ""
    return "".join(told.format()) + f"{error} {error!r} {error.args} {tell}"


# --- the shapes of an answer that is none

NO_ANSWERS = {
    "silence": is_silent,
    "a reset before the headers": hangs_up,
    "the end before the headers": sends(b""),
    "a drip": drips,
    "an endless body": never_ends,
    "endless headers": sends_headers_without_end,
    "a header of a megabyte": sends(b"HTTP/1.1 200 OK\r\nX: " + b"y" * MIB + b"\r\n\r\n"),
    "a flood of 100 Continue": says_continue_without_end,
    "no HTTP": sends(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a reset within the body": sends(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"value":"x'),
    "a negative length": sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
    "a length of 10 GB": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n{"),
    "a length that cuts the body": sends(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"value":"x"}'),
    "two lengths": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}"),
    "a chunk of a size that is none": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "an empty 200": says(200, b""),
    "an empty 500": says(500, b""),
    "HTML": says(200, b"<!doctype html><title>Welcome</title>"),
    "HTML with 404": says(404, b"<!doctype html><title>Not found</title>"),
    "HTML with 502": says(502, b"<html>Bad gateway</html>"),
    "HTML with 403": says(403, b"<html>Attention required</html>"),
    "HTML with 401": says(401, b"<html>Who are you</html>"),
    "204": sends(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "an array": says(200, [1, 2, 3]),
    "null": says(200, None),
    "a number": says(200, 7),
    "arrays 100,000 deep": says(200, b"[" * 100_000 + b"]" * 100_000),
    "objects 100,000 deep": says(200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep below a field that is read": says(200, b'{"state":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a number of a million digits": says(200, b"9" * 1_000_000),
    "NaN": says(200, b"NaN"),
    "bytes that are no UTF-8": says(200, b"\xff\xfe\x00"),
    "404 with an unexpected error": says(404, {"message": "An unexpected error occurred :["}),
    "404 in another language": says(404, {"message": "Une erreur est survenue"}),
    "404 with JSON that says nothing": says(404, {}),
    "404 with an array": says(404, ["Unknown secret"]),
    "404 with a message that is no text": says(404, {"message": {"Unknown secret": 1}}),
    "404 without a route": says(404, {"error": "Not Found"}),
    "500 with the sentence of a 404": says(500, {"secret_key": "x" * 31, "message": "Unknown secret"}),
}
CALLS: dict[str, Callable[[Onetime, Credentials], Awaitable[object]]] = {
    "reveal": lambda onetime, credentials: onetime.reveal(credentials, SECRET, PASSPHRASE),
    "metadata": lambda onetime, credentials: onetime.metadata(credentials, METADATA),
    "recent": lambda onetime, credentials: onetime.recent(credentials),
    "burn": lambda onetime, credentials: onetime.burn(credentials, METADATA, PASSPHRASE),
    "authcheck": lambda onetime, credentials: onetime.authcheck(credentials),
    "share": lambda onetime, credentials: onetime.share(
        credentials, Secret("canary text"), ttl=60, passphrase=PASSPHRASE
    ),
    "generate": lambda onetime, credentials: onetime.generate(credentials, ttl=60, passphrase=PASSPHRASE),
}


@pytest.mark.parametrize("script", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_is_trouble_in_time_and_tells_nothing(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = Onetime(deadline=DEADLINE, tries=1)
    started = time.monotonic()

    async with hostile(script) as host, aclosing(client):
        credentials = Credentials(host.host, USER, TOKEN)
        ends = await asyncio.gather(*(call(client, credentials) for call in CALLS.values()), return_exceptions=True)

    expected: dict[str, type[OnetimeError]] = dict.fromkeys(CALLS, HostUnavailable)
    if script is NO_ANSWERS["404 in another language"]:
        expected |= {"share": Refused, "generate": Refused, "authcheck": Refused}
    assert time.monotonic() - started < NOT_THE_REAL_ONE
    for end, error in zip(ends, expected.values(), strict=True):
        assert isinstance(end, error)
        assert CANARY not in everything_said(end)
    assert CANARY not in " ".join(str(vars(record)) for record in caplog.records)


# --- what is sent


async def test_a_request_has_its_credentials_form_and_nothing_in_its_query(patient: Onetime) -> None:
    async with hostile(says(200, {"value": "x"})) as host:
        await patient.reveal(
            Credentials(host.host, Secret("zoë@example.com"), Secret("tökén")), SECRET, Secret("päss wörd&=")
        )

    seen = host.seen[0]
    assert (seen.method, seen.target) == ("POST", f"/api/v1/secret/{SECRET.reveal()}")
    assert seen.form == {"passphrase": ["päss wörd&="]}
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["user-agent"].startswith("ots-bot/")
    assert seen.headers["authorization"] == "Basic em/Dq0BleGFtcGxlLmNvbTp0w7Zrw6lu"


async def test_without_an_account_no_credentials_are_sent(patient: Onetime) -> None:
    async with hostile(says(200, {"value": "x"})) as host:
        await patient.reveal(Credentials(host.host), SECRET)

    seen = host.seen[0]
    assert "authorization" not in seen.headers
    assert (seen.body, seen.headers["content-type"]) == (b"", "application/x-www-form-urlencoded")


async def test_what_is_shared_is_sent_with_all_that_was_chosen(patient: Onetime) -> None:
    async with hostile(says(200, {"secret_key": "s" * 31, "metadata_key": "m" * 31, "ttl": 60})) as host:
        credentials = Credentials(host.host, USER, TOKEN)
        await patient.share(
            credentials, Secret("the text"), ttl=60, passphrase=PASSPHRASE, recipient=Secret("ben@example.com")
        )

    (seen,) = host.seen
    assert (seen.method, seen.target) == ("POST", "/api/v1/share")
    assert seen.form == {
        "secret": ["the text"], "ttl": ["60"], "passphrase": [PASSPHRASE.reveal()], "recipient": ["ben@example.com"],
    }  # fmt: skip


async def test_a_path_prefix_of_the_operator_is_kept(patient: Onetime) -> None:
    async with hostile(says(200, {"status": "nominal"})) as host:
        await patient.status(Host(f"{host.url}/secrets"))

    assert host.seen[0].target == "/secrets/api/v1/status"


async def test_a_user_name_with_a_colon_is_not_sent(patient: Onetime) -> None:
    async with hostile(says(200, {"status": "nominal"})) as host:
        with pytest.raises(NotAuthorized) as caught:
            await patient.authcheck(Credentials(host.host, Secret("canary:b@example.com"), TOKEN))

    assert host.seen == []
    assert CANARY not in everything_said(caught.value)


async def test_proxies_and_netrc_of_the_environment_are_ignored(
    patient: Onetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with hostile(says(200, {"status": "nominal"})) as proxy, hostile(says(200, {"status": "nominal"})) as host:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)

        await patient.status(host.host)

    assert (len(proxy.seen), len(host.seen)) == (0, 1)
    assert "authorization" not in host.seen[0].headers


# --- redirects, cookies, encodings, sizes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_redirect_is_not_followed(
    patient: Onetime, status: int, call: Callable[[Onetime, Credentials], Awaitable[object]]
) -> None:
    async def redirects(exchange: Exchange) -> None:
        await exchange.answer(status, b"", f"Location: {other.url}/")

    async with hostile(says(200, {"value": "x"})) as other, hostile(redirects) as host:
        with pytest.raises(HostUnavailable):
            await call(patient, Credentials(host.host, USER, TOKEN))

    assert other.seen == []
    assert len(host.seen) == 1


async def test_no_cookie_is_kept(patient: Onetime) -> None:
    cookies = [f"Set-Cookie: sess{number}=stolen; Path=/" for number in range(100)]
    async with hostile(says(200, {"status": "nominal"}, *cookies)) as host:
        by_name = Host(host.url.replace("127.0.0.1", "localhost"))  # a usual store of cookies takes none of an address
        await patient.status(by_name)
        await patient.status(by_name)

    assert len(host.seen) == 2
    assert not [seen for seen in host.seen if "cookie" in seen.headers]


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, gzip", "x-made-up"])
async def test_an_encoded_body_is_refused_unread(patient: Onetime, encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async with hostile(says(200, bomb, f"Content-Encoding: {encoding}")) as host:
        with pytest.raises(HostUnavailable, match="encoded"):
            await patient.status(host.host)

    assert len(host.seen) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


async def test_an_endless_body_is_read_to_the_limit_and_no_further(patient: Onetime) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async with hostile(never_ends) as host:
        with pytest.raises(HostUnavailable, match=f"more than {MIB} bytes"):
            await patient.metadata(Credentials(host.host), METADATA)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


async def test_a_secret_as_long_as_any_server_takes_is_read_whole(patient: Onetime) -> None:
    value = "\u0007é🔑y" * 250_000  # 1,000,000 characters, most of them longer on the wire

    async with hostile(says(200, json.dumps({"value": value}, ensure_ascii=False).encode())) as host:
        secret = await patient.reveal(Credentials(host.host), SECRET)

    assert secret.reveal() == value


async def test_a_body_of_exactly_the_limit_is_read(patient: Onetime) -> None:
    body = json.dumps(metadata_body()).encode()
    async with hostile(says(200, body.ljust(MIB)), says(200, body.ljust(MIB + 1))) as host:
        found = await patient.metadata(Credentials(host.host), METADATA)
        with pytest.raises(HostUnavailable, match=f"more than {MIB} bytes"):
            await patient.metadata(Credentials(host.host), METADATA)

    assert found.key == METADATA


async def test_a_list_may_be_longer_than_one_answer(patient: Onetime) -> None:
    entry = {"metadata_key": METADATA.reveal(), "state": "new"}
    async with hostile(says(200, json.dumps([entry]).encode().ljust(3 * MIB))) as host:
        found = await patient.recent(Credentials(host.host, USER, TOKEN))

    assert [one.key for one in found] == [METADATA]


# --- one POST


@pytest.mark.parametrize(
    "script", [hangs_up, is_silent, says(500, b""), says(404, {"message": "An error occurred :["})]
)
@pytest.mark.parametrize(
    "call", [CALLS["reveal"], CALLS["share"], CALLS["generate"]], ids=["reveal", "share", "generate"]
)
async def test_a_post_that_may_have_had_its_effect_is_not_sent_again(
    patient: Onetime, script: Script, call: Callable[[Onetime, Credentials], Awaitable[object]]
) -> None:
    async with hostile(script) as host:
        with pytest.raises(HostUnavailable) as caught:
            await call(patient, Credentials(host.host))

    assert len(host.seen) == 1
    assert not isinstance(caught.value, NothingSent)


async def test_a_connection_lost_on_a_kept_connection_is_no_proof_that_nothing_was_sent(patient: Onetime) -> None:
    async with hostile(says(200, {"status": "nominal"}), hangs_up) as host:
        await patient.status(host.host)

        with pytest.raises(HostUnavailable) as caught:
            await patient.reveal(Credentials(host.host), SECRET)

    assert not isinstance(caught.value, NothingSent)
    assert [seen.method for seen in host.seen] == ["GET", "POST"]
    assert KEEP_ALIVE < 5  # seconds: the shortest that servers commonly keep an idle connection


async def test_no_connection_proves_that_nothing_was_sent(patient: Onetime) -> None:
    async with hostile(is_silent) as host:
        pass  # closed again: nobody listens there now

    with pytest.raises(NothingSent) as caught:
        await patient.reveal(Credentials(host.host), SECRET)

    assert CANARY not in everything_said(caught.value)


async def test_a_reveal_whose_connection_was_refused_is_tried_once_more(patient: Onetime) -> None:
    host = HostileHost((says(200, {"value": "late but here"}),))
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))  # and does not listen: connections are refused
    server = await asyncio.start_server(host.serve, sock=sock, start_serving=False)
    starting: list[asyncio.Future[None]] = []
    stamina.instrumentation.set_on_retry_hooks(
        [lambda _: starting.append(asyncio.ensure_future(server.start_serving()))]
    )

    try:
        secret = await patient.reveal(Credentials(Host(f"http://127.0.0.1:{sock.getsockname()[1]}")), SECRET)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
        server.close()

    assert secret.reveal() == "late but here"
    assert (len(starting), len(host.seen)) == (1, 1)


# --- tried again


async def test_a_look_is_tried_again(patient: Onetime) -> None:
    async with hostile(hangs_up, says(502, b"<html>"), says(200, metadata_body())) as host:
        found = await patient.metadata(Credentials(host.host), METADATA)

    assert found.state is SecretState.NEW
    assert {seen.method for seen in host.seen} == {"GET"}


async def test_a_rate_limit_is_not_answered_by_trying_again(patient: Onetime) -> None:
    async with hostile(says(429, b"", "Retry-After: 30")) as host:
        with pytest.raises(RateLimited) as caught:
            await patient.metadata(Credentials(host.host), METADATA)

    assert caught.value.retry_after == 30.0
    assert len(host.seen) == 1


async def test_a_burn_without_an_answer_is_tried_again_and_may_find_its_own_work(patient: Onetime) -> None:
    gone = {"secret_key": METADATA.reveal(), "message": "Unknown secret"}
    async with hostile(hangs_up, says(404, gone)) as host:
        with pytest.raises(SecretGone):
            await patient.burn(Credentials(host.host), METADATA)

    assert len(host.seen) == 2


async def test_a_burn_is_tried_twice_at_most(patient: Onetime) -> None:
    async with hostile(hangs_up, hangs_up, hangs_up) as host:
        with pytest.raises(HostUnavailable):
            await patient.burn(Credentials(host.host), METADATA)

    assert len(host.seen) == 2


async def test_a_burn_that_was_answered_is_not_tried_again(patient: Onetime) -> None:
    """0.18 says so for a wrong passphrase: each try counts towards a lockout."""
    async with hostile(says(404, {"message": "An unexpected error occurred :["})) as host:
        with pytest.raises(HostUnavailable):
            await patient.burn(Credentials(host.host), METADATA, PASSPHRASE)

    assert len(host.seen) == 1


async def test_a_wrong_passphrase_for_burning_is_told(patient: Onetime) -> None:
    async with hostile(says(404, {"message": "Double check that passphrase"})) as host:
        with pytest.raises(WrongPassphrase):
            await patient.burn(Credentials(host.host), METADATA, PASSPHRASE)

    assert host.seen[0].form == {"passphrase": [PASSPHRASE.reveal()]}


# --- the list


def v2_body(**more: Any) -> dict[str, Any]:
    record = {"key": METADATA.reveal(), "state": "previewed", "created": 1795427213.5, "secret_ttl": "3600", **more}
    return {"success": True, "count": 1, "records": [record]}


BROKEN_LISTS = {
    "unexpected error": says(404, {"shrimp": "x" * 50, "message": "An unexpected error occurred :["}),
    "no route": says(404, {"error": "Not Found"}),
    "entries without keys": says(200, [{"metadata_key": "", "state": "new"}]),
}


@pytest.mark.parametrize("broken", BROKEN_LISTS.values(), ids=BROKEN_LISTS)
async def test_a_broken_list_is_asked_of_v2_and_v1_is_left_alone_for_a_while(patient: Onetime, broken: Script) -> None:
    async with hostile(broken, says(200, v2_body())) as host:
        found = await patient.recent(Credentials(host.host, USER, TOKEN))
        await patient.recent(Credentials(host.host, USER, TOKEN))

    assert [m.state for m in found] == [SecretState.VIEWED]
    v1, v2 = "/api/v1/private/recent", "/api/v2/private/recent"
    assert [seen.target for seen in host.seen] == [v1, v2, v2]
    assert len({seen.headers["authorization"] for seen in host.seen}) == 1


async def test_the_entries_of_a_list_are_asked_for_like_the_list(patient: Onetime) -> None:
    async with hostile(BROKEN_LISTS["no route"], says(200, v2_body())) as host:
        (entry,) = await patient.entries(Credentials(host.host, USER, TOKEN))

    assert entry.key == METADATA.reveal()
    assert [seen.target for seen in host.seen] == ["/api/v1/private/recent", "/api/v2/private/recent"]


async def test_a_list_without_credentials_is_not_looked_for_elsewhere(patient: Onetime) -> None:
    async with hostile(says(404, {"message": "Not authorized"}, "X-OTS-Intended-Status: 401")) as host:
        with pytest.raises(NotAuthorized):
            await patient.recent(Credentials(host.host, USER, TOKEN))

    assert len(host.seen) == 1


async def test_v2_is_not_remembered_when_it_failed_too(patient: Onetime) -> None:
    async with hostile(
        BROKEN_LISTS["unexpected error"], says(403, {"message": "Not authorized"}), says(200, [])
    ) as host:
        with pytest.raises(NotAuthorized):
            await patient.recent(Credentials(host.host, USER, TOKEN))
        found = await patient.recent(Credentials(host.host, USER, TOKEN))

    assert found == []
    assert host.seen[-1].target == "/api/v1/private/recent"


# --- a secret that came is never lost

SURVIVING = {
    "a byte order mark": (b'\xef\xbb\xbf{"value":"kept"}', "kept"),
    "a lone surrogate": (b'{"value":"a\\ud800b"}', "a\ud800b"),
    "a field twice": (b'{"value":"first","value":"kept"}', "kept"),
    "a field twice, once null": (b'{"value":"kept","value":null}', "kept"),
    "NaN beside it": (b'{"value":"kept","ttl":NaN}', "kept"),
    "a huge number beside it": (b'{"value":"kept","ttl":' + b"9" * 10_000 + b"}", "kept"),
    "garbage after it": (b'{"value":"kept"}<!-- served by a proxy -->', "kept"),
    "control characters in it": (b'{"value":"a\x01\nb"}', "a\x01\nb"),
    "bytes that are no UTF-8": (b'{"value":"a\xffb"}', "a\udcffb"),
    "a number instead of text": (b'{"value":00042}', None),
    "a long number instead of text": (
        b'{"value":123456789012345678901234567890.10}',
        "123456789012345678901234567890.10",
    ),
}


@pytest.mark.parametrize(("body", "value"), SURVIVING.values(), ids=SURVIVING)
async def test_a_value_survives_odd_json(patient: Onetime, body: bytes, value: str | None) -> None:
    async with hostile(says(200, body)) as host:
        if value is None:
            with pytest.raises(HostUnavailable):
                await patient.reveal(Credentials(host.host), SECRET)
            return
        secret = await patient.reveal(Credentials(host.host), SECRET)

    assert secret.reveal() == value


async def test_a_value_survives_a_connection_that_ends_before_the_announced_length(patient: Onetime) -> None:
    async with hostile(sends(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"value":"kept"}')) as host:
        secret = await patient.reveal(Credentials(host.host), SECRET)

    assert secret.reveal() == "kept"


# --- what metadata may say


async def test_plaintext_and_keys_in_metadata_are_dropped(patient: Onetime, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    more = dict.fromkeys(("value", "secret_value", "secret_key", "secret_identifier"), "canary" * 5)

    async with hostile(says(200, metadata_body(**more))) as host:
        found = await patient.metadata(Credentials(host.host), METADATA)

    assert CANARY not in repr(found)
    assert CANARY not in caplog.text
    assert not hasattr(found, "value")


async def test_addresses_in_an_answer_are_never_used(patient: Onetime) -> None:
    elsewhere = "javascript:alert(1)//evil.example"
    names = ("share_domain", "metadata_url", "receipt_url", "secret_url", "share_url", "burn_url", "shrimp")
    more = dict.fromkeys(names, elsewhere)

    async with hostile(says(200, metadata_body(**more, secret_key="s" * 31)), says(200, metadata_body(**more))) as host:
        shared = await patient.share(Credentials(host.host), Secret("text"), ttl=60, passphrase=None)
        found = await patient.metadata(Credentials(host.host), METADATA)

    values = [getattr(made, each.name) for made in (shared, found) for each in dataclasses.fields(made)]
    assert not [value for value in values if "evil" in (value.reveal() if isinstance(value, Secret) else str(value))]
    assert host.host.secret_link(shared.secret_key).reveal() == f"{host.url}/secret/{'s' * 31}"


@pytest.mark.parametrize("shape", ["v1", "v2"])
async def test_a_list_of_ten_thousand_duplicates_is_one_secret(patient: Onetime, shape: str) -> None:
    entry = {"metadata_key" if shape == "v1" else "key": METADATA.reveal(), "state": "new"}
    entries = [entry] * 10_000
    scripts = (says(200, entries),) if shape == "v1" else (BROKEN_LISTS["no route"], says(200, {"records": entries}))
    async with hostile(*scripts) as host:
        found = await patient.recent(Credentials(host.host, USER, TOKEN))

    assert [m.key for m in found] == [METADATA]


# --- TLS


def certificate(folder: Path, name: str, *, days: tuple[int, int] = (-1, 1)) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for. `days` from now are its first and its last."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now + dt.timedelta(days[0]))
    built = built.not_valid_after(now + dt.timedelta(days[1]))
    signed = built.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]),
        critical=False,
    ).sign(key, hashes.SHA256())
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize("switch", ["TLS_VERIFY", "SSL_VERIFY", "PYTHONHTTPSVERIFY", "VERIFY_SSL"])
async def test_a_certificate_that_nobody_vouches_for_is_refused_whatever_the_environment_says(
    patient: Onetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv(switch, "0")
    async with hostile(says(200, {"value": "x"}), tls=certificate(tmp_path, "127.0.0.1")) as host:
        with pytest.raises(NothingSent):
            await patient.reveal(Credentials(host.host, USER, TOKEN), SECRET)

    assert host.seen == []


@pytest.mark.parametrize(
    ("name", "days", "is_taken"),
    [("127.0.0.1", (-1, 1), True), ("127.0.0.1", (-9, -1), False), ("127.0.0.1", (1, 9), False),
     ("127.0.0.2", (-1, 1), False), ("evil.example", (-1, 1), False)],
    ids=["valid", "expired", "not valid yet", "another address", "another name"],
)  # fmt: skip
async def test_of_certificates_that_the_machine_trusts_only_a_valid_one_for_this_name_is_taken(
    patient: Onetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: tuple[int, int], is_taken: bool
) -> None:
    tls = certificate(tmp_path, name, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    for switch in ("TLS_VERIFY", "SSL_VERIFY", "PYTHONHTTPSVERIFY", "VERIFY_SSL", "CURL_INSECURE"):
        monkeypatch.setenv(switch, "False")

    async with hostile(says(200, {"value": "x"}), tls=tls) as host:
        try:
            opened = (await patient.reveal(Credentials(host.host, USER, TOKEN), SECRET)).reveal()
        except NothingSent:
            opened = None

    assert opened == ("x" if is_taken else None)
    assert len(host.seen) == is_taken


async def test_a_tls_handshake_that_stalls_ends_in_time(onetime: Onetime) -> None:
    async with hostile(is_silent) as host:
        started = time.monotonic()
        with pytest.raises(HostUnavailable):
            await onetime.status(Host(host.url.replace("http:", "https:")))

    assert time.monotonic() - started < NOT_THE_REAL_ONE


# --- the client itself


async def test_one_slow_host_does_not_hold_up_another() -> None:
    client = Onetime(deadline=PATIENCE)
    async with hostile(is_silent) as slow, hostile(says(200, {"status": "nominal"})) as quick:
        waiting = [asyncio.create_task(client.status(slow.host)) for _ in range(50)]
        await slow.arrived.acquire()

        await client.status(quick.host)

        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await client.aclose()


async def test_the_client_says_nothing_in_the_log(patient: Onetime, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async with hostile(says(200, {"value": "canary text"})) as host:
        await patient.reveal(Credentials(host.host, USER, TOKEN), SECRET, PASSPHRASE)

    assert [record for record in caplog.records if record.name.startswith(("httpx", "aiohttp", "ots"))] == []
    assert CANARY not in caplog.text


async def test_trouble_is_a_line_in_the_log_with_its_call_and_host(
    patient: Onetime, caplog: pytest.LogCaptureFixture
) -> None:
    async with hostile(says(500, {})) as host:
        with pytest.raises(HostUnavailable):
            await patient.reveal(Credentials(host.host), SECRET)

    (line,) = [record for record in caplog.records if record.name == "ots.onetime"]
    assert line.msg == "host_unavailable"
    fields = vars(line)["fields"]
    assert (fields["action"], fields["host"]) == ("reveal", host.host.name)


async def test_a_closed_client_opens_again(patient: Onetime) -> None:
    async with hostile(says(200, {"status": "nominal"})) as host:
        await patient.status(host.host)
        await patient.aclose()
        await patient.aclose()

        await patient.status(host.host)

    assert (len(host.seen), host.connections) == (2, 2)
