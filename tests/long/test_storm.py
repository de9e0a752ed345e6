"""A storm of a minute, and its own judgement. `python -m tests.long storm` takes 20 minutes."""

import random

import pytest

from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import SlackWorkspace
from tests.long import storm
from tests.long.storm_faults import IN_FLIGHT, Trouble


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_opened_twice_when_the_bot_is_killed_again_and_again():
    report = await storm.measure(kills=10, minutes=0.7, seed=1)

    assert report.problems == []
    assert report.kills == 10
    assert report.faults
    assert sum(times for name, times in report.did.items() if "given up" not in name) > 0


@pytest.mark.parametrize(
    ("posts", "kills", "lost", "unexplained"),
    [
        ([100.0], [], 0, 0),
        ([100.0, 200.0], [], 0, 1),
        ([100.0, 200.0], [150.0], 0, 0),
        ([100.0, 200.0], [100.0 - IN_FLIGHT / 2], 0, 0),
        ([100.0, 200.0], [50.0, 250.0], 0, 1),
        ([100.0, 200.0], [], 1, 0),
        ([100.0, 200.0, 300.0], [150.0, 160.0], 0, 1),
        ([100.0, 200.0, 300.0], [150.0], 1, 0),
    ],
)
def test_a_message_may_come_once_more_for_each_kill_meanwhile_and_each_lost_answer(posts, kills, lost, unexplained):
    trouble = Trouble(SlackWorkspace(), OnetimeServer("0.26"), random.Random(1))
    trouble.kills = kills
    trouble._posts["D1", "id"] = posts
    trouble._lost["id"] = lost

    assert len(trouble.unexplained_repeats()) == unexplained
