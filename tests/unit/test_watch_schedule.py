"""When an account is polled next."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.watch.schedule import JITTER, MAX_INTERVAL, next_poll_in, poll_interval

EVERY = 20.0  # seconds
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
AGES = st.floats(min_value=-HOUR, max_value=400 * DAY)
EVERIES = st.floats(min_value=5, max_value=MAX_INTERVAL)


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        pytest.param(-30.0, EVERY, id="made by a clock ahead of ours"),
        pytest.param(0.0, EVERY, id="just made"),
        pytest.param(15 * MINUTE - 1, EVERY, id="as long as it is fresh"),
        pytest.param(15 * MINUTE, 40.0, id="not fresh any more"),
        pytest.param(HOUR - 1, 40.0, id="in its first hour"),
        pytest.param(HOUR, 180.0, id="an hour old"),
        pytest.param(100 * MINUTE, MAX_INTERVAL, id="old"),
        pytest.param(400 * DAY, MAX_INTERVAL, id="very old"),
    ],
)
def test_polls_get_rarer_with_age(age: float, seconds: float) -> None:
    assert poll_interval(age, EVERY) == seconds


@given(AGES, AGES, EVERIES)
def test_an_older_secret_is_never_polled_more_often(one: float, other: float, min_interval: float) -> None:
    younger, older = sorted((one, other))

    assert poll_interval(younger, min_interval) <= poll_interval(older, min_interval)


@given(st.lists(AGES, min_size=1), EVERIES, st.randoms())
def test_a_poll_is_never_later_than_five_minutes(ages: list[float], min_interval: float, source: random.Random) -> None:
    random.seed(source.random())

    found = next_poll_in(ages, min_interval)

    assert found is not None
    assert 0 < found <= MAX_INTERVAL


def test_even_a_setting_of_an_hour_polls_every_five_minutes() -> None:
    assert next_poll_in([0.0], HOUR) == MAX_INTERVAL


def test_polls_are_spread_by_a_tenth_either_way() -> None:
    found = [next_poll_in([0.0], EVERY) for _ in range(2000)]

    seconds = [one for one in found if one is not None]
    assert len(seconds) == len(found)
    assert EVERY * (1 - JITTER) <= min(seconds) < EVERY * (1 - 0.8 * JITTER)
    assert EVERY * (1 + 0.8 * JITTER) < max(seconds) <= EVERY * (1 + JITTER)


def test_the_freshest_secret_decides() -> None:
    found = next_poll_in([DAY, 0.0, HOUR], EVERY)

    assert found is not None
    assert found <= EVERY * (1 + JITTER)


def test_without_secrets_there_is_no_next_poll() -> None:
    assert next_poll_in([], EVERY, [10.0]) is None


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        pytest.param([100.0], 101.0, id="a second after it expires"),
        pytest.param([200.0, 100.0], 101.0, id="the first to expire decides"),
        pytest.param([0.0], 1.0, id="it expires right now"),
    ],
)
def test_a_poll_comes_just_after_an_expiry(left: list[float], seconds: float) -> None:
    assert next_poll_in([DAY], EVERY, left) == seconds


@pytest.mark.parametrize("left", [pytest.param(-HOUR, id="long expired"), pytest.param(DAY, id="expires tomorrow")])
def test_an_expiry_that_is_not_near_changes_nothing(left: float) -> None:
    found = next_poll_in([DAY], EVERY, [left])

    assert found is not None
    assert found >= MAX_INTERVAL * (1 - JITTER)
