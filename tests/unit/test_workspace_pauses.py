"""The pauses of workspaces that limit or refuse us, by a clock that the tests move."""

import pytest

from bot.watch import workspace_pauses
from bot.watch.workspace_pauses import MAX_PAUSE, MIN_PAUSE, WorkspacePauses


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(workspace_pauses, "time", moved)
    return moved


@pytest.fixture
def pauses(clock: Clock) -> WorkspacePauses:
    return WorkspacePauses()


def test_a_limited_rate_ends_by_itself_and_is_that_workspaces_alone(pauses: WorkspacePauses, clock: Clock) -> None:
    assert pauses.limit("T1", 30.0) == 30.0

    assert pauses.paused() == ["T1"]
    assert pauses.to_probe() == []
    assert not pauses.is_refused("T1")
    clock.now += 29.9
    assert pauses.paused() == ["T1"]
    clock.now += 0.1
    assert pauses.paused() == []


def test_each_refusal_doubles_the_pause_up_to_a_minute(pauses: WorkspacePauses, clock: Clock) -> None:
    lengths = []
    for _ in range(6):
        lengths.append(pauses.refuse("T1"))
        assert pauses.to_probe() == []
        clock.now += lengths[-1]
        assert pauses.to_probe() == ["T1"]

    assert lengths == [MIN_PAUSE, 10.0, 20.0, 40.0, MAX_PAUSE, MAX_PAUSE]
    assert pauses.paused() == ["T1"]  # until a probe is answered


def test_what_was_under_way_waits_for_the_rest_of_the_pause(pauses: WorkspacePauses, clock: Clock) -> None:
    pauses.refuse("T1")
    clock.now += 2.0

    assert pauses.refuse("T1") == MIN_PAUSE - 2.0


def test_one_probe_at_a_time_and_another_if_it_had_no_answer(pauses: WorkspacePauses, clock: Clock) -> None:
    pauses.refuse("T1")
    clock.now += MIN_PAUSE
    pauses.begin_probe("T1")
    assert pauses.to_probe() == []

    pauses.end_probe("T1")
    assert pauses.to_probe() == ["T1"]

    pauses.begin_probe("T1")
    assert pauses.refuse("T1") == 2 * MIN_PAUSE
    assert pauses.to_probe() == []


def test_a_probe_that_is_limited_shows_that_the_token_is_taken(pauses: WorkspacePauses, clock: Clock) -> None:
    pauses.refuse("T1")
    pauses.limit("T1", 300.0)
    assert pauses.is_refused("T1")  # one of several that were under way says nothing

    clock.now += MIN_PAUSE
    pauses.begin_probe("T1")
    pauses.limit("T1", 30.0)

    assert not pauses.is_refused("T1")
    assert pauses.paused() == ["T1"]


def test_an_answer_ends_the_pause_and_the_next_refusal_begins_anew(pauses: WorkspacePauses, clock: Clock) -> None:
    pauses.refuse("T1")
    pauses.refuse("T2")
    clock.now += MIN_PAUSE
    pauses.begin_probe("T1")

    pauses.end("T1")
    pauses.end("T3")
    pauses.end_probe("T1")

    assert pauses.paused() == ["T2"]
    assert pauses.is_refused("T2")
    assert pauses.refuse("T1") == MIN_PAUSE
