"""What strangers and busy people cost the others: a body that is not signed, held connections, many commands at once.

Each figure stands beside one of the same run: the CPU of a refused body beside a bare HMAC over the same bytes, the
time until a person's window opens beside the time while nobody else does anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator, Sequence

from bot.sandbox.slack.deliver import encode, sign
from bot.sandbox.slack.member import WorkspaceMember
from bot.sandbox.world import World
from tests.benchmarks.measure import Goal, cpu_seconds, middle, percentile, ratio, table

MIB = 1024 * 1024
SECRET = b"another-secret-0123456789abcdef"
HALF = b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"
HELD = 500  # connections
UNDER_WAY = 50  # commands of one person
FEW_FILES = ("-m", "tests.support.few_files_bot", "run")


async def measure(*, quick: bool) -> list[Goal]:
    async with World() as world:
        world.workspace.rate_limits = False
        unsigned = await _measure_unsigned(world, rounds=1 if quick else 9, count=5 if quick else 40)
        windows = await _measure_windows(world, count=5 if quick else 30, pause=0.0 if quick else 1.0)
    held = await _measure_held(count=3 if quick else 50)
    return [*unsigned, *windows, *held]


# --- a body of a megabyte that is not signed


async def _measure_unsigned(world: World, *, rounds: int, count: int) -> list[Goal]:
    body = b"payload=" + b"[" * (MIB - 8)
    stamp = str(int(time.time()))
    forged = [f"X-Slack-Request-Timestamp: {stamp}", f"X-Slack-Signature: {sign('another secret', stamp, body)}"]
    kinds: dict[str, list[str]] = {"no signature": [], "forged signature": forged}
    found: dict[str, list[float]] = {name: [] for name in (*kinds, "bare HMAC")}
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(count):
            hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        found["bare HMAC"].append((time.process_time() - started) / count)
        for name, headers in kinds.items():
            before = cpu_seconds(world.bot.pid)
            for _ in range(count):
                await _post(world.bot.port, headers, body)
            found[name].append((cpu_seconds(world.bot.pid) - before) / count)
    rows = [[name, f"{middle(seconds) * 1000:.3f} ms"] for name, seconds in found.items()]
    print(table(["1 MiB refused", "CPU"], rows))
    return [
        Goal(f"CPU of a body with {name} / bare HMAC", ratio(found[name], found["bare HMAC"]), "at most", 2.0)
        for name in kinds
    ]


async def _post(port: int, headers: Sequence[str], body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = ["POST /slack/events HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers, "", ""]
    writer.write("\r\n".join(head).encode() + body)
    await writer.drain()
    status = await reader.readline()
    writer.close()
    if b" 401 " not in status:
        raise RuntimeError(f"not refused: {status!r}")


# --- somebody's window, while somebody else does very much


async def _measure_windows(world: World, *, count: int, pause: float) -> list[Goal]:
    """`pause`: seconds before each command, since the fair share of one person is a command a second."""
    ben, ada = world.workspace.person("U0BEN", "ben"), world.workspace.person("U0ADA", "ada")
    for one in (ben, ada):  # Slack is asked once who they are
        await _seconds_until_window(world, one)
    idle = [await _seconds_until_window(world, ben, pause) for _ in range(count)]
    async with _under_way(ada):
        busy = [await _seconds_until_window(world, ben, pause) for _ in range(count)]
    rows = [
        [name, *(f"{percentile(seconds, share) * 1000:.1f} ms" for share in (50, 99))]
        for name, seconds in (("idle", idle), (f"{UNDER_WAY} commands of another person under way", busy))
    ]
    print("\n" + table(["command until views.open", "p50", "p99"], rows))
    return [Goal("p99 of a window, busy / idle", percentile(busy, 99) / percentile(idle, 99), "at most", 2.0)]


async def _seconds_until_window(world: World, person: WorkspaceMember, pause: float = 0.0) -> float:
    """From the command until `views.open` arrives at Slack."""
    await asyncio.sleep(pause)
    before = sum(call.method == "views.open" for call in world.workspace.calls)
    started = time.perf_counter()
    arrived = asyncio.create_task(world.workspace.wait_for_call("views.open", before + 1))
    await person.command("/ots", "connect")
    await arrived
    return time.perf_counter() - started


@contextlib.asynccontextmanager
async def _under_way(person: WorkspaceMember) -> AsyncIterator[None]:
    """`UNDER_WAY` commands of this person at any time: each is followed by the next."""

    async def repeat() -> None:
        while True:
            await person.command("/ots", "recent")

    repeating = [asyncio.create_task(repeat()) for _ in range(UNDER_WAY)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for one in repeating:
            one.cancel()
        await asyncio.gather(*repeating, return_exceptions=True)


# --- connections that are held


async def _measure_held(*, count: int) -> list[Goal]:
    async with World(command=FEW_FILES) as world, contextlib.AsyncExitStack() as stack:
        for _ in range(HELD):
            _, writer = await asyncio.open_connection("127.0.0.1", world.bot.port)
            writer.write(HALF)
            stack.callback(writer.close)
        took = [await _seconds_until_ack(world) for _ in range(count)]
    worst = max(took) * 1000
    print(f"\n{HELD} connections held, 256 files: {percentile(took, 50) * 1000:.1f} ms, worst {worst:.1f} ms")
    return [Goal("ms until a signed command is acknowledged while connections are held", worst, "at most", 100.0)]


async def _seconds_until_ack(world: World) -> float:
    """On a connection of its own, as Slack does."""
    fields = {
        "command": "/ots", "text": "help", "team_id": world.workspace.state.team_id, "user_id": "U0ADA",
        "api_app_id": world.workspace.state.app_id, "trigger_id": os.urandom(8).hex(),
    }  # fmt: skip
    body, _ = encode("slash_commands", fields)
    stamp = str(int(time.time()))
    head = [
        "POST /slack/events HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}",
        f"X-Slack-Request-Timestamp: {stamp}",
        f"X-Slack-Signature: {sign(world.workspace.signing_secret, stamp, body)}", "", "",
    ]  # fmt: skip
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.bot.port)
    writer.write("\r\n".join(head).encode() + body)
    status = await reader.readline()
    seconds = time.perf_counter() - started
    writer.close()
    if b" 200 " not in status:
        raise RuntimeError(f"not acknowledged: {status!r}")
    return seconds
