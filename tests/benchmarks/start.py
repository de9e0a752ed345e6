"""How long the bot takes to be ready, and what memory it holds then, against the mere import of its libraries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World
from tests.benchmarks.measure import Goal, middle, ratio, resident, table

RUNS = 9
IDLE = 0.5  # seconds from ready until memory is read

IMPORTS = """
import json, signal
import cryptography, httpx, sqlalchemy.ext.asyncio
from slack_bolt.async_app import AsyncApp
print(json.dumps({"event": "ready", "port": 0}), flush=True)
signal.pause()
"""
BASE, MIGRATED, FIRST = "imports alone", "bot, database migrated", "bot, first start"


@dataclass(slots=True)
class Figures:
    """One figure for each run."""

    seconds: list[float] = field(default_factory=list)  # from the start of the process until it is ready
    mebibytes: list[float] = field(default_factory=list)  # resident, idle

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.seconds):.3f} s", f"{middle(self.mebibytes):.1f} MiB"]


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of all three and returns the ratios."""
    found = {name: Figures() for name in (BASE, MIGRATED, FIRST)}
    async with World() as world:  # its own bot has migrated its database, and has filled the caches of compiled files
        await world.bot.stop()  # one process on a SQLite file
        for number in range(1 if quick else RUNS):
            fresh = f"sqlite:///{world.directory}/{number}.db"
            await _run(found[BASE], {}, ("-c", IMPORTS))
            await _run(found[MIGRATED], world.settings())
            await _run(found[FIRST], world.settings() | {"DATABASE_URL": fresh})
    print(table(["", "until ready", "memory"], [figures.row(name) for name, figures in found.items()]))
    base = found[BASE]
    return [
        goal
        for name in (MIGRATED, FIRST)
        for goal in (
            Goal(f"start of {name} / {BASE}", ratio(found[name].seconds, base.seconds), "at most", 1.5),
            Goal(f"memory of {name} / {BASE}", ratio(found[name].mebibytes, base.mebibytes), "at most", 1.5),
        )
    ]


async def _run(figures: Figures, settings: dict[str, str], command: Sequence[str] = ("-m", "bot", "run")) -> None:
    process = BotProcess(settings, command)
    started = time.perf_counter()
    try:
        await process.start()
        figures.seconds.append(time.perf_counter() - started)
        await asyncio.sleep(IDLE)
        figures.mebibytes.append(resident(process.pid))
    finally:
        await process.kill()
