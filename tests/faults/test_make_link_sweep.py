"""Killed at every step of a share that was made from a message in a thread: the secret goes into that thread."""

from __future__ import annotations

import itertools

import pytest

from tests.faults.crashing import Crashing, distinct, thinned
from tests.faults.test_share_sweep import UNSETTLED
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

NOTHING, IN_THE_THREAD = "nothing", "in the thread"
STEPS = {
    "delivery_made": IN_THE_THREAD,
    "share_begun": NOTHING,
    "delivery_asked": NOTHING,
    "delivery_tracked": IN_THE_THREAD,
    "delivery_answered": NOTHING,
    "delivery_posted": IN_THE_THREAD,
    "delivery_sent": IN_THE_THREAD,
    "outcome_shown": IN_THE_THREAD,
    "card_posted": IN_THE_THREAD,
}
_numbers = itertools.count(1)


async def settled(crashing: Crashing) -> None:
    await eventually(lambda: crashing.query(UNSETTLED) == [(0,)])


@pytest.mark.parametrize(("step", "left"), thinned(STEPS))
async def test_killed_at_a_step_the_secret_is_in_the_thread_or_was_not_made(crashing, step, left):
    number, workspace = next(_numbers), crashing.world.workspace
    ada, ben = (workspace.person(f"U0{name.upper()}LINK{number:03}", f"{name}{number}") for name in ("ada", "ben"))
    channel = workspace.channel(f"C0LINK{number:03}", f"link{number}", [ada, ben, workspace.bot_user_id])
    first = ben.say("how do I log in?", channel=channel)
    await ada.message_shortcut("make_link", ada.say(f"canary {number} 0123456789", channel=channel, thread=first))
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    crashing.kill_at(step)

    await submit_share(ada, view, {"whom": "channel", "channel": channel.id})

    await crashing.says("killed")
    await crashing.says("ready")
    await settled(crashing)
    crashing.all_is_well()
    posted = distinct(one for one in ben.messages if one.by_bot and one.channel == channel.id)
    assert [one.thread_ts for one in posted] == ([first.ts] if left == IN_THE_THREAD else [])
    assert f"canary {number}".encode() not in crashing.files()
    if left == IN_THE_THREAD and ada.view:
        await ada.until(lambda: ada.view and "The message with the secret is still there" in ada.view.text)
