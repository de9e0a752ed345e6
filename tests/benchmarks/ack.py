"""How fast `/ots help` is acknowledged, against Bolt alone on the same server, while Onetime Secret is slow.

Three processes of equal set-up take turns: the real bot, a bare `AsyncApp` with `process_before_response`, and a
default one. The bot is looking up secrets at a Onetime Secret that takes 3 s for each, all the while.

The answer to somebody whom the bot knows has the words in it. Somebody new gets an empty one, and the words when Slack
has said who that is and what language they read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field

from bot.sandbox.bot_process import CHECKOUT, BotProcess
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from tests.benchmarks.load import Job, Result
from tests.benchmarks.measure import Goal, middle, percentile, ratio, table

LOOKING = 8  # calls to Onetime Secret in flight, all the time
AT_ONCE = 32  # commands in flight where throughput is measured
MOST = 3_000  # requests in one turn

BARE = "Bolt, process_before_response"
DEFAULT = "Bolt, default"


@dataclass(frozen=True, slots=True)
class Plan:
    slow: float  # seconds that Onetime Secret takes for an answer
    rounds: int
    turn: float  # seconds for one server measured in one way
    newcomers: int


FULL = Plan(slow=3.0, rounds=22, turn=0.35, newcomers=50)  # under a minute for 3 servers measured in 2 ways
QUICK = Plan(slow=0.3, rounds=1, turn=0.05, newcomers=2)


@dataclass(slots=True)
class Figures:
    """One figure for each round."""

    p50: list[float] = field(default_factory=list)  # milliseconds, one in flight
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)  # acknowledgements a second, `AT_ONCE` in flight

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.p50):.3f} ms", f"{middle(self.p99):.3f} ms", f"{middle(self.rate):,.0f}/s"]


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of all three and returns the ratios."""
    plan = QUICK if quick else FULL
    async with World() as world, _bare(world, "process_before_response") as bare, _bare(world, "default") as default:
        ports = {"ours": world.bot.port, BARE: bare.port, DEFAULT: default.port}
        async with _looking(world, plan.slow), load_generator() as load:
            found = await run_rounds(world, load, ports, plan)
            acknowledged, answered = await _newcomers(world, plan.newcomers)
        looked = len(world.onetime.calls)
    print(table(["", "p50, one in flight", "p99", f"{AT_ONCE} in flight"], [f.row(name) for name, f in found.items()]))
    print(f"\n{LOOKING} calls to Onetime Secret in flight, {plan.slow:g} s each; {looked} in all.")
    print(f"A newcomer: acknowledged in {acknowledged:.1f} ms, answered in {answered:.1f} ms (p50).")
    return [
        *_goals(found),
        Goal("ms until a newcomer's help is acknowledged", acknowledged, "at most", 100.0),
        Goal("ms until a newcomer has the words", answered, "at most", 1_000.0),
    ]


async def _newcomers(world: World, count: int) -> tuple[float, float]:
    """For people whom the bot has never met: milliseconds until the acknowledgement, and until the words are there."""
    acknowledged, answered = [], []
    for number in range(count):
        person = world.workspace.person(f"U0NEW{number:04}", f"new{number}")
        began = time.perf_counter()
        await person.command("/ots", "help")
        acknowledged.append((time.perf_counter() - began) * 1000)
        await person.until(lambda person=person: person.ephemerals)  # type: ignore[misc]
        answered.append((time.perf_counter() - began) * 1000)
    return percentile(acknowledged, 50), percentile(answered, 50)


def _goals(found: Mapping[str, Figures]) -> list[Goal]:
    ours, bare, default = found["ours"], found[BARE], found[DEFAULT]
    return [
        Goal(f"p50 of ours / {BARE}", ratio(ours.p50, bare.p50), "at most", 0.95),
        Goal(f"p50 of ours / {DEFAULT}", ratio(ours.p50, default.p50), "at most", 1 / 15),
        Goal(f"acks/s of ours / {BARE}", ratio(ours.rate, bare.rate), "at least", 1.0),
    ]


async def run_rounds(world: World, load: Load, ports: Mapping[str, int], plan: Plan) -> dict[str, Figures]:
    def job(port: int, in_flight: int, seconds: float) -> Job:
        workspace = world.workspace
        return Job(port, workspace.signing_secret, [workspace.state.team_id], in_flight, MOST, seconds)

    found = {name: Figures() for name in ports}
    for port in ports.values():  # the first requests pay for what is made only once
        await load.run(job(port, AT_ONCE, plan.turn / 2))
    for number in range(plan.rounds):
        order = [*ports][number % len(ports) :] + [*ports][: number % len(ports)]
        for name in order:
            one = await load.run(job(ports[name], 1, plan.turn))
            found[name].p50.append(percentile(one.milliseconds, 50))
            found[name].p99.append(percentile(one.milliseconds, 99))
            many = await load.run(job(ports[name], AT_ONCE, plan.turn))
            found[name].rate.append(len(many.milliseconds) / many.seconds)
    return found


# --- the processes


@contextlib.asynccontextmanager
async def _bare(world: World, mode: str) -> AsyncIterator[BotProcess]:
    process = BotProcess(world.settings(), ("-m", "tests.benchmarks.bare", mode))
    try:
        await process.start()
        yield process
    finally:
        await process.kill()


class Load:
    """The load generator's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, job: Job) -> Result:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended; it said why above")
        return Result(**json.loads(line))


@contextlib.asynccontextmanager
async def load_generator() -> AsyncIterator[Load]:
    """Ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,  # bytes of one result
    )
    try:
        yield Load(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@contextlib.asynccontextmanager
async def _looking(world: World, slow: float) -> AsyncIterator[None]:
    """Somebody asks for metadata so often that `LOOKING` calls are in flight. Raises if none arrived."""
    held = world.onetime.share(None, "something")
    world.onetime.plan("/api/v1/private", OnetimeFault("delay", seconds=slow), times=None)
    ada = world.workspace.person("U0ADA", "ada")

    async def ask() -> None:
        while True:
            await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
            await asyncio.sleep(slow / LOOKING)

    asking = asyncio.create_task(ask())
    try:
        await world.onetime.wait_for_call("/api/v1/private", LOOKING)
        yield
    finally:
        asking.cancel()
        await asyncio.wait({asking})
    if not asking.cancelled():
        asking.result()
