"""(a) One `recent` call of an account's secrets, against one call for each secret, both by the bot's own client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Hosts
from bot.secret import MetadataKey, Secret
from tests.benchmarks.measure import Goal, middle, table
from tests.benchmarks.watch import people
from tests.benchmarks.watch.processes import Host, cpu, load_server

IN_FLIGHT = 32  # calls by key at once
DELAYS = (0.0, 0.08)  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    each: int = 100  # secrets
    turns: int = 9
    lists: int = 20  # of these in one turn, since one alone is too short for the clock of the CPU


FULL = Plan()
QUICK = Plan(each=5, turns=1, lists=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """The cost of polling each secret of an account once."""

    requests: float
    cpu: float  # microseconds a secret
    milliseconds: float


async def measure(*, quick: bool) -> list[Goal]:
    plan = QUICK if quick else FULL
    onetime, rows, goals = Onetime(), [], []
    try:
        async with load_server(plan.each) as host:
            for delay in DELAYS:
                host.delay(delay)
                ours, theirs = await _turns(onetime, host, plan)
                rows += [_row(delay, "one `recent` call", ours), _row(delay, "a call for each", theirs)]
                goals.append(_goal(delay, ours, theirs))
    finally:
        await onetime.aclose()
    print(table([f"(a) {plan.each} secrets of an account", "requests", "CPU a secret", "time"], rows))
    return goals


def _row(delay: float, name: str, turns: list[Turn]) -> list[str]:
    requests, microseconds, took = (middle([getattr(turn, what) for turn in turns]) for what in Turn.__slots__)
    return [f"{name}, {delay * 1000:.0f} ms", f"{requests:,.0f}", f"{microseconds:,.1f} µs", f"{took:,.1f} ms"]


def _goal(delay: float, ours: list[Turn], theirs: list[Turn]) -> Goal:
    fewer = middle([one.requests for one in theirs]) / middle([one.requests for one in ours])
    return Goal(f"(a) requests by key / requests of the list, {delay * 1000:.0f} ms", fewer, "at least", 50)


async def _turns(onetime: Onetime, host: Host, plan: Plan) -> tuple[list[Turn], list[Turn]]:
    where = Hosts([host.url], host.url).default
    credentials = Credentials(where, Secret(people.username(0)), Secret(people.TOKEN))
    keys = [MetadataKey(people.key(0, number)) for number in range(plan.each)]
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def listed() -> None:
        assert len(await onetime.entries(credentials)) == plan.each

    async def asked(key: MetadataKey) -> None:
        async with gate:
            await onetime.metadata(credentials, key)

    async def by_key() -> None:
        await asyncio.gather(*(asked(key) for key in keys))

    await by_key()  # opens the connections
    ours, theirs = [], []
    for _ in range(plan.turns):
        ours.append(await _turn(host, listed, plan.lists, plan.each))
        theirs.append(await _turn(host, by_key, 1, plan.each))
    return ours, theirs


async def _turn(host: Host, poll: Callable[[], Awaitable[None]], times: int, each: int) -> Turn:
    calls, started, used = host.calls(), time.perf_counter(), cpu()
    for _ in range(times):
        await poll()
    took, used = time.perf_counter() - started, cpu() - used
    return Turn((host.calls() - calls) / times, used / times / each * 1e6, took / times * 1000)
