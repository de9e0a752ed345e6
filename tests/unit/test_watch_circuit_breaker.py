"""A host that is down is not called, except by one trial at a time."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import HostUnavailable, NotAuthorized, OnetimeError, RateLimited, SecretGone
from bot.watch.circuit_breaker import (
    CONCURRENCY,
    MAX_FAILURES,
    MAX_OPEN_TIME,
    MIN_OPEN_TIME,
    CircuitBreaker,
    CircuitOpen,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


async def call(host: CircuitBreaker, outcome: str) -> str:
    """One call that ends so; what the breaker made of it."""
    errors: dict[str, Exception] = {"trouble": HostUnavailable(), "crash": ValueError(), "refused": NotAuthorized()}
    try:
        async with host.call():
            if outcome in errors:
                raise errors[outcome]
    except CircuitOpen:
        return "not called"
    except (OnetimeError, ValueError):
        return outcome
    return "good"


async def down(host: CircuitBreaker) -> None:
    for _ in range(MAX_FAILURES):
        assert await call(host, "trouble") == "trouble"


TRANSITIONS = {
    "four failures are not enough": (["trouble"] * 4 + ["good"], "good"),
    "the fifth in a row opens it": (["trouble"] * 5, "not called"),
    "a success in between starts the count anew": (["trouble"] * 4 + ["good"] + ["trouble"] * 4, "good"),
    "a refusal is an answer": (["trouble"] * 4 + ["refused"] + ["trouble"] * 4, "good"),
    "our own crash says nothing of the host": (["trouble"] * 4 + ["crash"] + ["trouble"], "not called"),
    "it stays open to the last moment": (["trouble"] * 5 + [MIN_OPEN_TIME - 0.1], "not called"),
    "then one may try": (["trouble"] * 5 + [MIN_OPEN_TIME], "good"),
    "a good trial closes it": (["trouble"] * 5 + [MIN_OPEN_TIME, "good"] + ["trouble"] * 4, "good"),
    "a refusal is a good trial": (["trouble"] * 5 + [MIN_OPEN_TIME, "refused"] + ["trouble"] * 4, "good"),
    "a bad trial opens it again": (["trouble"] * 5 + [MIN_OPEN_TIME, "trouble"], "not called"),
    "and for twice as long": (["trouble"] * 5 + [MIN_OPEN_TIME, "trouble", 2 * MIN_OPEN_TIME - 0.1], "not called"),
    "but not longer": (["trouble"] * 5 + [MIN_OPEN_TIME, "trouble", 2 * MIN_OPEN_TIME], "good"),
    "a good trial makes the next open time short again": (
        ["trouble"] * 5 + [MIN_OPEN_TIME, "trouble", 2 * MIN_OPEN_TIME, "good"] + ["trouble"] * 5 + [MIN_OPEN_TIME],
        "good",
    ),
    "a crash in the trial lets another try": (["trouble"] * 5 + [MIN_OPEN_TIME, "crash"], "good"),
}


@pytest.mark.parametrize(("events", "then"), TRANSITIONS.values(), ids=TRANSITIONS.keys())
async def test_the_circuit_opens_and_is_tried_and_closes(
    host: CircuitBreaker, clock: Clock, events: list[str | float], then: str
) -> None:
    for event in events:
        if isinstance(event, str):
            await call(host, event)
        else:
            clock.now += event

    assert await call(host, "good") == then


async def test_the_open_time_is_never_longer_than_five_minutes(host: CircuitBreaker, clock: Clock) -> None:
    await down(host)
    for _ in range(10):
        clock.now += MAX_OPEN_TIME
        assert await call(host, "trouble") == "trouble"

    clock.now += MAX_OPEN_TIME

    assert await call(host, "good") == "good"


async def test_while_one_tries_nobody_else_does(host: CircuitBreaker, clock: Clock) -> None:
    await down(host)
    clock.now += MIN_OPEN_TIME
    async with host.call():
        others = [await call(host, "good") for _ in range(10)]

    assert others == ["not called"] * 10
    assert await call(host, "good") == "good"


async def hold(host: CircuitBreaker, go: asyncio.Event, counts: list[int], *, fails: bool = False) -> None:
    async with host.call():
        counts.append(counts[-1] + 1 if counts else 1)
        await go.wait()
        if fails:
            raise HostUnavailable


async def test_few_calls_at_once_reach_a_host(host: CircuitBreaker) -> None:
    go, begun = asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(hold(host, go, begun)) for _ in range(CONCURRENCY + 16)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(begun) == CONCURRENCY

    go.set()
    await asyncio.gather(*tasks)

    assert len(begun) == len(tasks)


async def test_those_who_wait_do_not_reach_a_host_that_went_down_meanwhile(host: CircuitBreaker) -> None:
    go, begun = asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(hold(host, go, begun, fails=True)) for _ in range(CONCURRENCY + 16)]
    await asyncio.sleep(0)

    go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert MAX_FAILURES <= len(begun) < MAX_FAILURES + CONCURRENCY
    assert sum(isinstance(outcome, CircuitOpen) for outcome in outcomes) == len(tasks) - len(begun)


async def test_calls_under_way_when_it_went_down_do_not_prolong_the_rest(host: CircuitBreaker, clock: Clock) -> None:
    go = asyncio.Event()
    tasks = [asyncio.create_task(hold(host, go, [], fails=True)) for _ in range(CONCURRENCY - 1)]
    await asyncio.sleep(0)
    await down(host)
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    clock.now += MIN_OPEN_TIME

    assert await call(host, "good") == "good"


async def test_a_late_call_does_not_let_a_second_one_try(host: CircuitBreaker, clock: Clock) -> None:
    go = asyncio.Event()
    late = asyncio.create_task(hold(host, go, []))
    await asyncio.sleep(0)
    await down(host)
    clock.now += MIN_OPEN_TIME
    async with host.call():
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)

        assert await call(host, "good") == "not called"


async def test_a_hundred_that_are_sent_away_come_back_spread(host: CircuitBreaker) -> None:
    await down(host)
    seconds = []
    for _ in range(100):
        with pytest.raises(CircuitOpen) as caught:
            async with host.call():
                pass
        seconds.append(caught.value.retry_after)

    # An even spread over half the open time: the greatest distance of Kolmogorov and Smirnov, for one in 10,000.
    even = [(one / MIN_OPEN_TIME - 1.0) / 0.5 for one in sorted(seconds)]
    assert max(abs(one - number / 100) for number, one in enumerate(even)) < 0.23
    assert min(seconds) >= MIN_OPEN_TIME


@pytest.mark.parametrize("answer", [NotAuthorized, RateLimited, SecretGone])
async def test_answers_that_disappoint_are_no_failures(host: CircuitBreaker, answer: type[OnetimeError]) -> None:
    for _ in range(3 * MAX_FAILURES):
        with pytest.raises(answer):
            async with host.call():
                raise answer

    assert await call(host, "good") == "good"
