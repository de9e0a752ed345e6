"""What 1,000 posted links a minute cost everybody else, with UNFURL_LINKS on, and how many of them get a card.

Two figures of one run: how fast `/ots help` is acknowledged while links are posted, beside the same without any; and
how many cards go out in the fullest minute, beside what Slack takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.interaction.card_queue import MAX_CALLS, MAX_WAIT
from bot.sandbox.slack import WorkspaceChange
from bot.sandbox.slack.member import WorkspaceMember
from bot.sandbox.world import World
from tests.benchmarks.ack import Load, load_generator
from tests.benchmarks.load import Job
from tests.benchmarks.measure import Goal, percentile, ratio, table

PER_MINUTE = 1_000
MINUTE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int  # each without links, then with links
    turn: float  # seconds
    storm: float  # seconds of links for the count of cards


FULL = Plan(rounds=12, turn=2.0, storm=130.0)
QUICK = Plan(rounds=1, turn=0.3, storm=1.0)


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    world = World(settings={"UNFURL_LINKS": "on"})
    world.workspace.allow_unfurls("127.0.0.1")
    async with world, load_generator() as load:
        ada = world.workspace.person("U0ADA", "ada")
        world.workspace.channel("C0BUSY", "busy", [ada])
        await ada.command("/ots", "help")
        await ada.until(lambda: ada.ephemerals)
        await _acks(world, load, plan.turn)  # the first requests pay for what is made only once
        idle, busy = await _rounds(world, load, ada, plan)
        before, posted, waits = len(world.workspace.calls), 0, Waits(world)
        started = time.monotonic()
        async with _posting(ada, world) as count:
            await asyncio.sleep(plan.storm)
            posted = count[0]
        seconds = time.monotonic() - started
        calls = [one for one in world.workspace.calls[before:] if one.method == "chat.unfurl"]
        fullest = _fullest_minute([one.at for one in calls])
        dropped = _dropped(bytes(world.bot.output))
    print(table(["p99 of an acknowledgement", "median of the rounds"], [
        ["no links", f"{percentile(idle, 50):.3f} ms"], [f"{PER_MINUTE} links a minute", f"{percentile(busy, 50):.3f} ms"],
    ]))  # fmt: skip
    print(
        f"\n{posted} links in {seconds:.0f} s: {len(calls)} cards, {dropped} dropped, {fullest} in the fullest minute."
    )
    print(
        f"From the link to its card: {percentile(waits.seconds, 50):.1f} s (p50), {max(waits.seconds):.1f} s at most."
    )
    goals = [
        Goal("p99 of acks with links / without", ratio(busy, idle), "at most", 2.0),
        Goal("cards in the fullest minute / what Slack takes", fullest / MAX_CALLS, "at most", 1.0),
        Goal("cards that Slack refused", sum(not one.ok for one in calls), "at most", 0.0),
        Goal("seconds from a link to its card, at most", max(waits.seconds), "at most", MAX_WAIT + 2.0),
    ]
    if not quick:
        usable = MAX_CALLS * seconds / MINUTE
        goals.append(Goal("cards / what Slack takes in that time", len(calls) / usable, "at least", 0.9))
    return goals


class Waits:
    """The seconds from each message to its card, from now on."""

    def __init__(self, world: World) -> None:
        self.seconds: list[float] = []
        self._posted_at: dict[str, float] = {}
        world.workspace.subscribe(self._note)

    def _note(self, change: WorkspaceChange) -> None:
        message = change.about
        if change.what == "message":
            self._posted_at[message.ts] = time.monotonic()
        if change.what == "message_changed" and (posted_at := self._posted_at.pop(message.ts, None)) is not None:
            self.seconds.append(time.monotonic() - posted_at)


async def _rounds(world: World, load: Load, ada: WorkspaceMember, plan: Plan) -> tuple[list[float], list[float]]:
    idle, busy = [], []
    for _ in range(plan.rounds):
        idle.append(percentile(await _acks(world, load, plan.turn), 99))
        async with _posting(ada, world):
            busy.append(percentile(await _acks(world, load, plan.turn), 99))
    return idle, busy


async def _acks(world: World, load: Load, seconds: float) -> list[float]:
    workspace = world.workspace
    job = Job(world.bot.port, workspace.signing_secret, [workspace.state.team_id], 1, round(seconds * 2_000), seconds)
    return (await load.run(job)).milliseconds


@contextlib.asynccontextmanager
async def _posting(ada: WorkspaceMember, world: World) -> AsyncIterator[list[int]]:
    """Somebody posts so many links a minute, each of another secret. Yields how many there are, in a list."""
    count = [0]

    async def post() -> None:
        started, running = time.monotonic(), set()
        while True:
            key = f"{time.time_ns()}".rjust(62, "k")
            running.add(asyncio.create_task(ada.post(f"{world.onetime.url}/secret/{key}", channel="C0BUSY")))
            running = {one for one in running if not one.done()}
            count[0] += 1
            await asyncio.sleep(max(0.0, started + count[0] * MINUTE / PER_MINUTE - time.monotonic()))

    posting = asyncio.create_task(post())
    try:
        yield count
    finally:
        posting.cancel()
        await asyncio.wait({posting})


def _fullest_minute(times: list[float]) -> int:
    return max((sum(one <= other < one + MINUTE for other in times) for one in times), default=0)


def _dropped(output: bytes) -> int:
    lines = (json.loads(line) for line in output.splitlines() if b'"cards_dropped"' in line)
    return sum(line["count"] for line in lines)
