"""Killed at every step of answering a request: who asked gets it once, or it can be answered again."""

from __future__ import annotations

import itertools

import pytest

from tests.faults.crashing import Crashing, distinct, thinned
from tests.faults.test_notification_sweep import STEPS as OF_THE_WATCHER
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ANSWERED, OPEN = True, False
UNSETTLED = """
SELECT (SELECT count(*) FROM shares WHERE card_ts IS NULL)
  + (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'asking', 'made'))
"""

_numbers = itertools.count(1)


class Answering:
    """Ada has asked ben for a secret, and he has a window open to send it."""

    def __init__(self, crashing: Crashing) -> None:
        number = next(_numbers)
        self.crashing = crashing
        self.ada, self.ben = (
            crashing.world.workspace.person(f"U0{name.upper()}{number:05}", f"{name}{number}")
            for name in ("ada", "ben")
        )

    async def is_asked(self) -> None:
        await self.ada.command("/ots", f"request <@{self.ben.id}> the key")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Ask")
        await self.ada.submit()
        await self.ada.until(lambda: self.ada.dm and self.ben.dm)
        self.card, self.message = self.ada.dm[0], self.ben.dm[0]

    async def window(self) -> None:
        await self.ben.click(self.message, label="Send…")
        await self.ben.until(lambda: self.ben.view and self.ben.view.submit == "Share")

    async def is_settled(self) -> None:
        await eventually(lambda: self.crashing.query(UNSETTLED) == [(0,)])

    @property
    def brought(self):
        return [one for one in distinct(self.ada.dm) if "share_open" in str(one.blocks)]


# step -> whether it was answered then
STEPS = {
    "share_begun": OPEN,
    "delivery_asked": OPEN,
    "delivery_answered": OPEN,
    "delivery_made": ANSWERED,
    "delivery_tracked": ANSWERED,
    "delivery_posted": ANSWERED,
    "delivery_sent": ANSWERED,
    "outcome_shown": ANSWERED,
    "request_settled": ANSWERED,
    "card_posted": ANSWERED,
    "card_kept": ANSWERED,
}


async def killed_at(crashing: Crashing, *steps: str) -> Answering:
    """One step for each process: the one that runs now, the one after it."""
    answering = Answering(crashing)
    await answering.is_asked()
    await answering.window()
    crashing.kill_at(*steps)
    await submit_share(answering.ben, answering.ben.view, {"text1": "what she asked for"})
    for _ in steps:
        await crashing.says("killed")
    await crashing.says("ready")
    crashing.all_is_well()
    await answering.is_settled()
    return answering


async def check(answering: Answering, *, is_answered: bool) -> None:
    """Both see how it is. What is open can be answered, and is answered once."""
    ada, ben, card, message = answering.ada, answering.ben, answering.card, answering.message
    if not is_answered:
        assert answering.brought == []
        assert "Not answered yet" in card.shows
        await ben.close(all_of_them=True)
        await answering.window()
        await submit_share(ben, ben.view, {"text1": "what she asked for"})
    await ada.until(lambda: "Answered" in card.shows)
    await ben.until(lambda: "You sent it" in message.shows)
    assert len(answering.brought) == 1


@pytest.mark.parametrize(("step", "is_answered"), thinned(STEPS))
async def test_killed_at_a_step_it_is_answered_once_or_open_again(crashing, step, is_answered):
    answering = await killed_at(crashing, step)

    await check(answering, is_answered=is_answered)
    assert crashing.repeated == (step in {"delivery_posted", "card_posted"})


@pytest.mark.slow
@pytest.mark.parametrize("step", ["delivery_finished", "request_reopened", "request_settled", "card_posted"])
async def test_killed_again_while_it_is_opened_again_it_can_be_answered(crashing, step):
    answering = await killed_at(crashing, "delivery_asked", step)

    await check(answering, is_answered=OPEN)


async def test_there_is_no_other_step(crashing):
    answering = Answering(crashing)
    await answering.is_asked()
    await answering.window()
    crashing.kill_at("never")

    await submit_share(answering.ben, answering.ben.view, {"text1": "what she asked for"})
    await answering.ada.until(lambda: "Answered" in answering.card.shows)
    await eventually(lambda: "card_kept" in crashing.passed)

    others = {"asked", "carded", *OF_THE_WATCHER}
    assert [step for step in crashing.passed if step not in others] == list(STEPS)
