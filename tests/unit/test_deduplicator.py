"""What was delivered before, and for how long that is known."""

import pytest

from bot.slack import deduplicator
from bot.slack.deduplicator import LIFETIME, Deduplicator


@pytest.mark.parametrize(("later", "is_first"), [(0, False), (LIFETIME - 1, False), (LIFETIME + 1, True)])
def test_a_delivery_is_known_for_ten_minutes(later, is_first):
    now = 0.0
    seen = Deduplicator(lambda: now)

    assert seen.is_first("a")
    now = later
    assert seen.is_first("a") is is_first
    assert seen.is_first("b")


def test_a_retry_does_not_make_the_delivery_known_for_longer():
    now = 0.0
    seen = Deduplicator(lambda: now)
    seen.is_first("a")
    now = LIFETIME - 1
    seen.is_first("a")

    now = LIFETIME + 1

    assert seen.is_first("a")


def test_the_oldest_goes_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(deduplicator, "MAX_ENTRIES", 3)
    seen = Deduplicator()
    for key in "abca":
        seen.is_first(key)

    assert seen.is_first("d")
    assert not seen.is_first("b")
    assert seen.is_first("a")
