"""Calls by key: how often for each secret, and never more than a host accepts."""

from __future__ import annotations

import dataclasses

from bot.person import Person
from bot.storage.engine.database import CLOCK_TOLERANCE
from bot.storage.tracking.key_calls import CountedCalls
from bot.storage.tracking.rows import OpenRow, Watch
from bot.watch.key_budget import BURST, REFILL_RATE, choose
from bot.watch.schedule import FIRST_HOUR_INTERVAL, MAX_INTERVAL

WATCH = Watch("w" * 22, Person(None, "T1", "U1"), "https://example.com", False, "lease", 0)
EVERY = 15.0
NOW = 1_700_000_000.0
LIMIT, WINDOW = 1_000, 20 * 60  # of servers up to 0.23


class Budget:
    """Of one watch, in memory."""

    def __init__(self) -> None:
        self.counted: CountedCalls | None = None

    def consume(self, rows: list[OpenRow], now: float, watch: Watch = WATCH) -> list[str]:
        chosen, counted = choose(self.counted, watch, rows, now, EVERY)
        self.counted = counted if chosen else self.counted
        return [one.id for one in chosen]


def row(name: str, age: float, left: float = 86_400.0) -> OpenRow:
    return OpenRow(name, name.encode(), NOW - age, NOW + left, False)


def times(rows: list[OpenRow], seconds: float) -> dict[str, int]:
    """How often each is asked for, with a poll every `EVERY` seconds."""
    budget = Budget()
    polled = [name for n in range(int(seconds / EVERY)) for name in budget.consume(rows, NOW + n * EVERY)]
    return {one.id: polled.count(one.id) for one in rows}


def test_an_old_one_beside_a_fresh_one_keeps_its_own_pace():
    counts = times([row("fresh", 0), row("older", 1_800), row("old", 86_400 * 2)], 600)

    assert counts["fresh"] == 600 / EVERY
    assert 600 / FIRST_HOUR_INTERVAL * 0.8 <= counts["older"] <= 600 / FIRST_HOUR_INTERVAL * 1.5
    assert 600 / MAX_INTERVAL <= counts["old"] <= 600 / MAX_INTERVAL + 1


def test_however_many_there_are_the_host_is_asked_less_than_it_takes():
    rows = [row(f"row{number}", 0) for number in range(500)]

    counts = times(rows, WINDOW)

    assert sum(counts.values()) < LIMIT
    assert min(counts.values()) >= 1


def test_who_waits_longest_is_first():
    budget, rows = Budget(), [row(f"row{number:03}", 0) for number in range(BURST + 50)]
    first = budget.consume(rows, NOW)

    assert budget.consume(rows, NOW + 100) == [one.id for one in rows if one.id not in first]


def test_one_whose_time_is_over_is_asked_for_at_once():
    budget, rows = Budget(), [row("old", 86_400 * 2, left=5)]
    budget.consume(rows, NOW)

    assert budget.consume(rows, NOW + 4) == []
    assert budget.consume(rows, NOW + 6) == ["old"]


def test_a_poll_that_comes_a_little_early_still_asks():
    budget, rows = Budget(), [row("fresh", 0)]
    budget.consume(rows, NOW)

    assert budget.consume(rows, NOW + EVERY * 0.9) == ["fresh"]


def test_after_a_change_of_the_watch_all_are_asked_for():
    budget, rows = Budget(), [row("one", 0), row("other", 86_400)]
    budget.consume(rows, NOW)

    changed = dataclasses.replace(WATCH, version=WATCH.version + 1)

    assert len(budget.consume(rows, NOW + 1, changed)) == 2


def test_a_clock_that_was_ahead_and_is_set_right_stops_no_calls():
    budget, rows = Budget(), [row(f"row{number}", 0) for number in range(BURST)]
    budget.consume(rows, NOW + 3_600)

    assert len(budget.consume(rows, NOW)) == BURST


def test_a_clock_that_is_set_back_a_little_gives_no_calls_away():
    budget, rows = Budget(), [row(f"row{number}", 0) for number in range(BURST)]
    budget.consume(rows, NOW + CLOCK_TOLERANCE)

    assert budget.consume(rows, NOW) == []
    assert len(budget.consume([row("new", 0)], NOW + CLOCK_TOLERANCE + 1 / REFILL_RATE)) == 1
