"""What counting costs: acknowledgements of the real bot against those of the same bot that counts nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World
from tests.benchmarks.ack import AT_ONCE, FULL, QUICK, load_generator, run_rounds
from tests.benchmarks.measure import Goal, ratio, table


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of both and returns the ratios."""
    async with World() as world, _unmeasured(world) as other, load_generator() as load:
        await _be_known(world, other)
        ports = {"with metrics": world.bot.port, "without": other.port}
        found = await run_rounds(world, load, ports, QUICK if quick else FULL)
    print(table(["", "p50, one in flight", "p99", f"{AT_ONCE} in flight"], [f.row(name) for name, f in found.items()]))
    ours, other_figures = found["with metrics"], found["without"]
    return [
        Goal("p50 of an ack with metrics / without", ratio(ours.p50, other_figures.p50), "at most", 1.05),
        Goal("acks/s without metrics / with", ratio(other_figures.rate, ours.rate), "at most", 1.05),
    ]


async def _be_known(world: World, other: BotProcess) -> None:
    """Let both bots know Ada, whose commands are sent: only then an acknowledgement has the words in it."""
    ada = world.workspace.person("U0ADA", "ada")
    for count, port in enumerate((other.port, world.bot.port), start=1):
        world.workspace.connect_http(f"http://127.0.0.1:{port}/slack/events")
        await ada.command("/ots", "help")
        await ada.until(lambda count=count: len(ada.ephemerals) >= count)  # type: ignore[misc]


@contextlib.asynccontextmanager
async def _unmeasured(world: World) -> AsyncIterator[BotProcess]:
    settings = world.settings() | {"DATABASE_URL": f"sqlite:///{world.directory}/unmeasured.db", "PORT": "0"}
    process = BotProcess(settings, ("-m", "tests.benchmarks.unmeasured", "run"))
    try:
        await process.start()
        yield process
    finally:
        await process.kill()
