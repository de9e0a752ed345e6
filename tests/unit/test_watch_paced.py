"""What is asked for one by one: how often, and never more than a host takes."""

from __future__ import annotations

import dataclasses

from bot.person import Person
from bot.storage.tracking.rows import OpenRow, Watch
from bot.watch.key_budget import BURST, KeyBudget
from bot.watch.schedule import IN_FIRST_HOUR, MAX_INTERVAL

WATCH = Watch("w" * 22, Person(None, "T1", "U1"), "https://example.com", False, "lease", 0)
EVERY = 15.0
NOW = 1_700_000_000.0
LIMIT, WINDOW = 1_000, 20 * 60  # of servers up to 0.23


def row(name: str, age: float, left: float = 86_400.0) -> OpenRow:
    return OpenRow(name, name.encode(), NOW - age, NOW + left, False)


def asked(paced: KeyBudget, rows: list[OpenRow], now: float) -> list[str]:
    return [one.id for one in paced.due(WATCH, rows, now)]


def times(rows: list[OpenRow], seconds: float) -> dict[str, int]:
    """How often each is asked for, with a look every `EVERY` seconds."""
    paced = KeyBudget(EVERY)
    looks = [name for n in range(int(seconds / EVERY)) for name in asked(paced, rows, NOW + n * EVERY)]
    return {one.id: looks.count(one.id) for one in rows}


def test_an_old_one_beside_a_fresh_one_keeps_its_own_pace():
    counts = times([row("fresh", 0), row("older", 1_800), row("old", 86_400 * 2)], 600)

    assert counts["fresh"] == 600 / EVERY
    assert 600 / IN_FIRST_HOUR * 0.8 <= counts["older"] <= 600 / IN_FIRST_HOUR * 1.5
    assert 600 / MAX_INTERVAL <= counts["old"] <= 600 / MAX_INTERVAL + 1


def test_however_many_there_are_the_host_is_asked_less_than_it_takes():
    rows = [row(f"row{number}", 0) for number in range(500)]

    counts = times(rows, WINDOW)

    assert sum(counts.values()) < LIMIT
    assert min(counts.values()) >= 1


def test_who_waits_longest_is_first():
    paced, rows = KeyBudget(EVERY), [row(f"row{number:03}", 0) for number in range(BURST + 50)]
    first = asked(paced, rows, NOW)

    assert asked(paced, rows, NOW + 100) == [one.id for one in rows if one.id not in first]


def test_one_whose_time_is_over_is_asked_for_at_once():
    paced, rows = KeyBudget(EVERY), [row("old", 86_400 * 2, left=5)]
    asked(paced, rows, NOW)

    assert asked(paced, rows, NOW + 4) == []
    assert asked(paced, rows, NOW + 6) == ["old"]


def test_a_look_that_comes_a_little_early_still_asks():
    paced, rows = KeyBudget(EVERY), [row("fresh", 0)]
    asked(paced, rows, NOW)

    assert asked(paced, rows, NOW + EVERY * 0.9) == ["fresh"]


def test_after_a_change_of_the_watch_all_are_asked_for():
    paced, rows = KeyBudget(EVERY), [row("one", 0), row("other", 86_400)]
    asked(paced, rows, NOW)

    changed = dataclasses.replace(WATCH, version=WATCH.version + 1)

    assert len(paced.due(changed, rows, NOW + 1)) == 2


def test_watches_do_not_wait_for_each_other():
    paced, rows = KeyBudget(EVERY), [row(f"row{number}", 0) for number in range(BURST)]
    asked(paced, rows, NOW)
    other = Watch("o" * 22, Person(None, "T1", "U2"), "https://example.com", False, "lease", 0)

    assert len(paced.due(other, rows, NOW)) == BURST
