"""Cards go out at Slack's pace, the newest first, and what waited for too long is dropped and counted."""

import asyncio

import pytest

from bot.errors import SlackError, StorageUnavailable
from bot.interaction import card_queue
from bot.interaction.card_queue import BURST, MAX_CALLS, MAX_WAIT, PERIOD, CallPace, CardQueue, CardQueues
from tests.support.rows import each_row

SECONDS = 300


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def calls_at(pace, clock, seconds):
    """When each call is made by whoever always has one more to make."""
    start = clock.now
    made: list[float] = []
    while clock.now < start + seconds:
        if (wait := pace.seconds_until_due()) > 0:
            clock.now += max(wait, 0.001)
            continue
        pace.count()
        made.append(clock.now - start)
    return made


def most_within(made, seconds):
    return max(sum(one <= other < one + seconds for other in made) for one in made)


# --- the pace


def test_no_minute_has_more_calls_than_slack_takes_and_none_has_many_fewer():
    clock = Clock()
    made = calls_at(CallPace(clock), clock, SECONDS)

    assert most_within(made, PERIOD - 0.01) <= MAX_CALLS
    assert len(made) >= 0.95 * MAX_CALLS * SECONDS / PERIOD


def test_some_cards_go_out_at_once():
    clock = Clock()

    assert calls_at(CallPace(clock), clock, 1.0) == [0.0] * BURST


def test_what_is_changed_counts_too():
    clock = Clock()
    pace = CallPace(clock)
    for _ in range(BURST + 2):
        pace.count()

    assert pace.seconds_until_due() == pytest.approx(3 * PERIOD / MAX_CALLS)


def test_a_pause_holds_everything_back():
    clock = Clock()
    pace = CallPace(clock)
    pace.pause(30.0)

    assert pace.seconds_until_due() == 30.0


# --- the queue


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def queue(clock):
    made = CardQueue(clock)
    running = asyncio.create_task(made.run())
    yield made
    made.stop()
    await running


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def post(made, name, *errors):
    """Makes a call that fails in these ways first."""
    left = list(errors)

    async def call():
        made.append(name)
        if left:
            raise left.pop(0)

    return call


async def fill(queue, clock, made, count):
    """So many that wait, one each second, after the burst is used up."""
    for _ in range(BURST):
        assert await queue.may_call()
    for number in range(count):
        queue.put(post(made, number))
        clock.now += 0.01
    await settle()


async def pass_time(queue, clock, seconds):
    for _ in range(round(seconds * 10)):
        clock.now += 0.1
        queue._changed.set()
        await settle()


async def test_the_newest_goes_first(queue, clock):
    made: list[object] = []
    await fill(queue, clock, made, 5)
    assert made == []

    await pass_time(queue, clock, 7.0)

    assert made == [4, 3, 2, 1, 0]


async def test_what_waited_for_a_minute_is_dropped_and_counted(queue, clock, monkeypatch):
    made: list[int] = []
    dropped: list[int] = []
    monkeypatch.setattr(queue._dropped, "add", lambda: dropped.append(1))
    await fill(queue, clock, made, 200)

    await pass_time(queue, clock, MAX_WAIT + 1)

    assert made == sorted(made, reverse=True)
    assert made[0] == 199
    assert len(made) + len(dropped) == 200
    assert MAX_CALLS - BURST <= len(made) <= MAX_CALLS


async def test_what_slack_did_not_take_is_tried_again_in_its_place(queue, clock):
    made: list[object] = []
    limited = SlackError("chat.unfurl", "ratelimited", retry_after=5.0)
    queue.put(post(made, "old", limited))
    await settle()
    assert made == ["old"]

    clock.now += 1.0
    queue.put(post(made, "new"))
    await pass_time(queue, clock, 3.0)
    assert made == ["old"]
    await pass_time(queue, clock, 4.0)

    assert made == ["old", "new", "old"]


async def test_what_other_processes_have_used_up_is_waited_for(clock):
    waits = [5.0, 0.0]

    async def count_for_all():
        return waits.pop(0)

    made: list[object] = []
    queue = CardQueue(clock, count_for_all=count_for_all)
    running = asyncio.create_task(queue.run())
    queue.put(post(made, "card"))
    await settle()
    assert made == []

    await pass_time(queue, clock, 6.0)

    assert (made, waits) == (["card"], [])
    queue.stop()
    await running


async def test_a_workspace_that_is_limited_delays_no_other():
    asked: list[str] = []

    async def count_for_all(team_id):
        asked.append(team_id)
        return 600.0 if team_id == "T1" else 0.0

    made: list[object] = []
    queues = CardQueues(count_for_all=count_for_all)
    running = asyncio.create_task(queues.run())
    for team_id in ("T1", "T2", "T3"):
        queues.put(team_id, post(made, team_id))
    await settle()

    assert (made, sorted(asked)) == (["T2", "T3"], ["T1", "T2", "T3"])
    assert (await queues.may_call("T1"), await queues.may_call("T2")) == (False, True)
    queues.stop()
    await running


async def test_an_older_one_is_put_back_behind_the_younger_ones():
    clock = Clock()
    made: list[object] = []
    queue = CardQueue(clock)
    for number in range(3):
        queue.put(post(made, number))
        clock.now += 1.0
    second = queue._waiting[1]
    del queue._waiting[1]

    queue._requeue(second)

    assert [one.since for one in queue._waiting] == [1000.0, 1001.0, 1002.0]


@each_row("error", [StorageUnavailable("x"), ValueError("x")], ids=["the database is away", "a bug"])
async def test_an_error_ends_one_card_and_not_the_others(error):
    queue = CardQueue()
    made: list[object] = []
    running = asyncio.create_task(queue.run())
    queue.put(post(made, "bad", error))
    await settle()
    queue.put(post(made, "good"))
    await settle()
    queue.stop()
    await running

    assert made == ["bad", "good"]


async def test_nothing_is_begun_after_the_end():
    queue = CardQueue()
    made: list[object] = []
    running = asyncio.create_task(queue.run())
    await settle()
    queue.stop()
    await running

    queue.put(post(made, "late"))
    await settle()

    assert made == []
    assert card_queue.MAX_WAIT == 60.0
