"""Connections that are held open, half used or too many: Slack still gets through."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress

import pytest
from aiohttp import web

from bot.sandbox.world import World
from bot.slack.connections import REQUEST_TIME, LimitedServer
from tests.journeys.test_dispatcher import help_for_somebody_known
from tests.support.rows import each_row, one_row
from tests.support.waiting import PATIENCE, eventually

HALF = b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"
HEADERS = b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n"
ASKED = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@asynccontextmanager
async def listening(*, limit=100, request_time=3600.0, route=None, servers=None):
    """A server on loopback, which is added to `servers`; its port."""

    async def read(request):
        with suppress(ConnectionError):
            return web.Response(text=str(len(await request.content.read())))
        return web.Response(status=400)

    server = LimitedServer(route or read, limit=limit, request_time=request_time, access_log=None)
    if servers is not None:
        servers.append(server)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def connect(port, said=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def ended(reader):
    """Waits until the server closes the connection; what it said before."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionError:
        return b""


async def answer(reader):
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split()[1]) for line in head.lower().splitlines() if line.startswith(b"content-length"))
        return await reader.readexactly(length)


@each_row("said", [b"", HALF, HEADERS, HEADERS + b"half"],
          ids=["nothing", "half the headers", "no body", "half the body"])  # fmt: skip
async def test_a_request_that_does_not_arrive_is_closed(said):
    async with listening(request_time=0.1) as port:
        reader, writer = await connect(port, said)

        assert await ended(reader) == b""
        writer.close()


async def test_a_later_request_that_does_not_arrive_is_closed_too():
    async with listening(request_time=0.1) as port:
        reader, writer = await connect(port, ASKED)
        await answer(reader)
        writer.write(HALF)

        assert await ended(reader) == b""
        writer.close()


WHOLE = HEADERS + b"0123456789"
CHUNKED = b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n"


BEGUN = {"a byte": b"P", "half the headers": HALF, "no body": HEADERS, "half the body": HEADERS + b"half"}
PACKETS = {
    "with a body": [WHOLE],
    "without": [ASKED],
    "in chunks": [CHUNKED],
    "in packets": [HEADERS, b"01234", b"56789"],
    "cut in the headers": [HALF, WHOLE[len(HALF) :]],
    "cut in their end": [ASKED[:-2], ASKED[-2:]],
}


async def test_a_request_that_begins_in_the_packet_of_another_and_does_not_arrive_is_closed(subtests):
    async def answers(port, said):
        reader, writer = await connect(port, said)
        got = await ended(reader)
        writer.close()
        return got.count(b"200 OK")

    wholes = [WHOLE, ASKED, CHUNKED, WHOLE + WHOLE, ASKED + CHUNKED + WHOLE]
    async with listening(request_time=0.1) as port:
        cases = [(whole, name, part) for whole in wholes for name, part in BEGUN.items()]
        found = await asyncio.gather(*(answers(port, whole + part) for whole, _, part in cases))

    for (whole, name, _), count in zip(cases, found, strict=True):
        with one_row(subtests, f"{name} after {whole!r}"):
            assert count == whole.count(b"HTTP/1.1")


@each_row("packets", PACKETS.values(), ids=PACKETS)
async def test_a_connection_of_which_nothing_is_left_is_idle(packets):
    servers: list[LimitedServer] = []
    async with listening(servers=servers) as port:
        reader, writer = await connect(port)
        for _ in range(2):  # one after the other
            for packet in packets:
                writer.write(packet)
                await writer.drain()
            await answer(reader)

        await eventually(lambda: [one.is_receiving for one in servers[0]._waiting] == [False])
        writer.close()


async def test_a_request_that_arrives_drop_by_drop_has_no_more_time():
    async with listening(request_time=0.1) as port:
        reader, writer = await connect(port, HALF)

        async def drip():
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())

        assert await ended(reader) == b""
        dripping.cancel()
        writer.close()


async def test_a_request_that_is_being_answered_has_all_the_time():
    release = asyncio.Event()

    async def slowly(_request):
        await release.wait()
        return web.Response(text="at last")

    async with listening(request_time=0.0, route=slowly) as port:
        reader, writer = await connect(port, HEADERS + b"0123456789")
        slow, other = await connect(port, HALF)
        await ended(slow)  # so the server has looked for slow ones
        release.set()

        assert await answer(reader) == b"at last"
        writer.close()
        other.close()


async def test_an_idle_connection_may_be_used_again_later():
    async with listening(request_time=0.0) as port:
        reader, writer = await connect(port, ASKED)
        assert await answer(reader) == b"0"
        slow, other = await connect(port, HALF)
        await ended(slow)
        writer.write(ASKED)

        assert await answer(reader) == b"0"
        writer.close()
        other.close()


async def test_the_one_that_waits_longest_makes_room():
    async with listening(limit=3) as port, AsyncExitStack() as stack:
        held = []
        for number in range(5):
            held.append(await connect(port, HEADERS))
            stack.enter_context(closing(held[-1][1]))
            if number == 0:  # the first one is being used
                held[0][1].write(b"0123456789")
                assert await answer(held[0][0]) == b"10"
                held[0][1].write(HEADERS)
        for number in (0, 1):
            assert await ended(held[number][0]) == b""
        for number in (2, 3, 4):
            held[number][1].write(b"0123456789")

        assert [await answer(held[number][0]) for number in (2, 3, 4)] == [b"10"] * 3


async def test_while_all_are_being_answered_no_more_are_taken():
    release = asyncio.Event()
    started = []

    async def slowly(_request):
        started.append(1)
        await release.wait()
        return web.Response(text="at last")

    async with listening(limit=3, route=slowly) as port, AsyncExitStack() as stack:
        held = [await connect(port, ASKED) for _ in range(3)]
        await eventually(lambda: len(started) == 3)
        late, writer = await connect(port, ASKED)
        for _, one in [*held, (late, writer)]:
            stack.enter_context(closing(one))

        assert await ended(late) == b""
        release.set()
        assert [await answer(reader) for reader, _ in held] == [b"at last"] * 3


@asynccontextmanager
async def bot_with_few_files():
    async with World(command=("-m", "tests.support.few_files_bot", "run")) as world:
        yield world


async def hold(stack, port, count, said):
    for _ in range(count):
        _, writer = await connect(port, said)
        stack.enter_context(closing(writer))


async def test_500_held_connections_keep_nobody_out_of_a_process_with_256_files():
    async with bot_with_few_files() as world, AsyncExitStack() as stack:
        for said in (b"", HALF, HEADERS):
            await hold(stack, world.bot.port, 170, said)

        status, said = await help_for_somebody_known(world)

        assert (status, "/ots retrieve" in said) == (200, True)
        lines = [json.loads(line) for line in bytes(world.bot.output).splitlines()]
        assert [line for line in lines if line["event"] == "library"] == []
        await eventually(lambda: b"connections_closed" in world.bot.output)


@pytest.mark.slow
async def test_the_bot_closes_a_half_sent_request_by_itself():
    async with World() as world:
        for said in (HALF, HEADERS):
            reader, writer = await connect(world.bot.port, said)

            assert await ended(reader) == b""
            writer.close()


async def test_ten_seconds_are_enough_for_slack():
    assert REQUEST_TIME == 10
