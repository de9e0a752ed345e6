"""`python -m bot sandbox`, as it is started by whoever read the README."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.sandbox import tour
from bot.sandbox.main import EMAIL, TOKEN, new_world
from tests import readme
from tests.support.waiting import eventually

VERSIONS = ("0.18", "0.23", "0.25", "0.26")
SLOW = 60.0  # seconds that a start or a tour may take on a busy machine


async def _start(*options, **settings):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "sandbox", "--no-browser", *options),
        cwd=readme.ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "ONETIME_"))}
        | settings,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _tour(version):
    process = await _start("--tour", "--server", version)
    output, _ = await asyncio.wait_for(process.communicate(), SLOW)
    return process.returncode, output.decode()


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS[:-1])
async def test_the_tour_holds_on_every_other_server(version):
    code, output = await _tour(version)

    assert output.rstrip().endswith("Everything held.")
    assert code == 0


@pytest.mark.slow
async def test_the_tour_holds_and_prints_the_transcript_in_the_docs():
    code, output = await _tour(VERSIONS[-1])

    assert output.rstrip().endswith("Everything held.")
    assert code == 0

    shown = {number: readme.masked(part) for number, part in readme.captures().items()}
    played = {number: readme.masked(part) for number, part in readme.journeys(output).items()}
    played[max(played)] = played[max(played)].removesuffix(" Everything held.")
    assert {number: part.removesuffix(" Everything held.") for number, part in shown.items()} == played, (
        "write them anew: python -m tests.readme"
    )


@pytest.mark.parametrize("looks", [1, tour.MAX_POLLS])
async def test_the_tour_moves_the_clock_on_until_a_later_look_finds_what_is_due(looks, monkeypatch):
    """A look that is under way while the clock runs may miss it; the next one is due almost `NEXT_POLL` later."""
    monkeypatch.setattr(tour, "DUE_PATIENCE", 0.1)
    world = new_world()
    played = tour.Tour(world, EMAIL, TOKEN, sys.stdout)

    async def look_late():
        await eventually(lambda: world.clock.offset > (looks - 0.1) * tour.NEXT_POLL)
        world.workspace.state.post(world.workspace.state.open_dm("U0ADA"), {"text": "it has not been opened yet"})

    looking = asyncio.create_task(look_late())
    message = await played._wait_for_due_dm("has not been opened yet", 0)
    await looking
    await world.stop()

    assert message.shows == "it has not been opened yet"
    assert world.clock.offset <= looks * tour.NEXT_POLL


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_the_sandbox_says_where_it_listens_stays_up_and_ends_when_told(how):
    process = await _start("--port", "0")
    said = await asyncio.wait_for(process.stdout.readuntil(b"Ctrl-C."), SLOW)
    places = re.findall(r"http://(127\.0\.0\.1):(\d+)", said.decode())

    for host, port in places:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    process.send_signal(how)
    _, code = await asyncio.wait_for(asyncio.gather(process.stdout.read(), process.wait()), SLOW)

    assert len(places) == 4
    assert code == 0


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("when", ["ots-bot-*", "ots-bot-*/bot.db"], ids=["before the bot started", "while it starts"])
async def test_the_sandbox_leaves_nothing_behind_whenever_it_is_ended(when, tmp_path):
    process = await _start("--tour", TMPDIR=str(tmp_path))
    async with asyncio.timeout(SLOW):
        while not list(tmp_path.glob(when)):  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.002)

    process.terminate()
    await asyncio.wait_for(asyncio.gather(process.stdout.read(), process.wait()), SLOW)

    assert _processes_with(f"TMPDIR={tmp_path}") == []
    assert list(tmp_path.iterdir()) == []


def _processes_with(setting):
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if setting.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


async def test_a_port_that_is_taken_is_said_in_one_line():
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]

    process = await _start("--port", str(port))
    output, _ = await asyncio.wait_for(process.communicate(), SLOW)
    taken.close()

    assert process.returncode == 78
    assert re.fullmatch(rf"ots-bot cannot start: --port {port} cannot be listened on: [^\n]+\n", output.decode())
