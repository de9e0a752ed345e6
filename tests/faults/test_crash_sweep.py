"""Killed at every step of opening a secret, with its window closed at every call: nothing is lost without a word."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.faults.crashing import Crashing
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

KILLS, AT_ONCE = 25, 4  # a hundred openings
SECRET_ROUTE = "/api/v1/secret/{key}"

# What becomes of the secret when the bot is killed at a step.
PASTED = "never opened: pasting the link again shows it"
TRIED_AGAIN = "told that it may be open: trying again shows it"
SHOWN_AGAIN = "told that it is held: Show again shows it"
SEEN = "had been seen"
LOST = "told that it may be open: trying again finds it gone"
TOLD_LOST = "told that it is lost"
SAID = "told in its window that it may be open, when it was"

_numbers = itertools.count(1)


class Opening:
    """One person opens one secret, and does what the messages offer until it is seen or gone."""

    def __init__(self, crashing: Crashing) -> None:
        number = next(_numbers)
        self.crashing = crashing
        self.world = crashing.world
        self.text = f"canary {number}: {random.randbytes(12).hex()}"
        self.held = self.world.onetime.share(None, self.text)
        self.ada = self.world.workspace.person(f"U0ADA{number:05}", f"ada{number}")

    @property
    def link(self) -> str:
        return f"{self.world.onetime.url}/secret/{self.held.secret_key}"

    @property
    def has_seen_it(self) -> bool:
        views = self.world.workspace.state.views.values()
        return any(view.user == self.ada.id and view.secret_text() == self.text for view in views)

    async def window(self) -> None:
        await self.ada.command("/ots", f"retrieve {self.link}")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Open")

    async def press_open(self) -> None:
        await self.window()
        await self.ada.submit()

    async def opened(self) -> None:
        await eventually(lambda: self.world.onetime.claims_of(self.held.secret_key))

    async def close(self) -> None:
        if self.ada.view:
            await self.ada.close()

    async def go_on(self) -> str:
        """What became of it; the person does what is offered, first in the window and then in messages."""
        if self.has_seen_it:
            return SEEN
        if self.ada.view and "may be open now" in self.ada.view.text:
            assert self.world.onetime.claims_of(self.held.secret_key) == 1
            return SAID
        if self.ada.view and "may have been opened" in self.ada.view.text:
            return await self._try_again()
        await self.close()
        offers = {"nothing was kept": self._was_told, "Show again": self._show_again, "Try again": self._try_again}
        for offer, take_it in offers.items():
            if any(offer in message.shows for message in self.ada.dm):
                return await take_it()
        return await self._paste()

    async def _was_told(self) -> str:
        return TOLD_LOST

    async def _paste(self) -> str:
        assert self.world.onetime.find_secret(self.held.secret_key).has_plaintext
        await self.press_open()
        await self.crashing.says("form")
        assert self.has_seen_it
        return PASTED

    async def _show_again(self) -> str:
        await self.ada.click(label="Show again")
        await self.crashing.says("action")
        assert self.has_seen_it
        return SHOWN_AGAIN

    async def _try_again(self) -> str:
        if not self.ada.view:
            await self.ada.click(label="Try again")
            await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Open")
        await self.ada.submit()
        await self.crashing.says("form")
        assert self.has_seen_it or "You tried before and got no answer" in self.ada.sees()
        return TRIED_AGAIN if self.has_seen_it else LOST

    def check(self) -> None:
        """Opened once at most, and written nowhere."""
        written = self.crashing.files() + bytes(self.world.bot.output)
        said = str([sent.payload for sent in self.world.workspace.export() if sent.method == "chat.postMessage"])
        assert self.world.onetime.claims_of(self.held.secret_key) <= 1
        assert not [form for form in (self.text, self.held.secret_key) if form.encode() in written]
        assert self.text not in said


def closed_at(opening: Opening, call: int, *, trouble: bool = True) -> None:
    """The window is closed just as the bot makes that call to update it.

    Where there is no third call, there is one when Slack is in `trouble` at the second.
    """
    submitted, before = opening.ada.view, opening.ada.view.hash

    async def answer_is_applied() -> None:
        """Until then the bot makes the same call again, and calls could not be counted."""
        await opening.ada.until(lambda: opening.ada.view is not submitted or submitted.hash != before)

    def plan(fault: SlackFault) -> None:
        opening.world.workspace.plan("views.update", fault, about=submitted.id)

    for earlier in range(1, call):
        fails = trouble and earlier > 1
        plan(SlackFault.http(502) if fails else SlackFault.meanwhile(answer_is_applied))
    plan(SlackFault.meanwhile(opening.close))


async def sweep(crashing: Crashing, prepare) -> dict[str, str]:
    """Kills at the first step, the second, … until a run passes unharmed: step -> what became of it."""
    found: dict[str, str] = {}
    for number in itertools.count(1):
        opening = Opening(crashing)
        await opening.window()
        prepare(opening)
        crashing.kill_at(number)
        await opening.ada.submit()
        outcome = await crashing.says("killed", "form")
        crashing.all_is_well()
        if outcome == "form":
            return found | {"unharmed": await opening.go_on()}
        opening.check()
        step = crashing.passed[-1]
        await crashing.is_up_again()
        found[step] = await opening.go_on()
        opening.check()
    raise AssertionError("unreachable")


BEFORE = {"reserved": PASTED, "answered": PASTED}
OPENED = BEFORE | {"probed": PASTED, "claimed": TRIED_AGAIN, "fetched": LOST, "escrowed": SHOWN_AGAIN}


async def test_killed_at_any_step_only_the_gap_before_the_escrow_loses_it_and_says_so(crashing):
    found = await sweep(crashing, lambda _opening: None)

    assert found == OPENED | {"shown": SEEN, "wiped": SEEN, "unharmed": SEEN}


async def test_a_window_closed_before_anything_was_sent_opens_nothing_at_any_kill(crashing):
    found = await sweep(crashing, lambda opening: closed_at(opening, 1))

    assert found == BEFORE | {"released": PASTED, "unharmed": PASTED}


@pytest.mark.slow
@pytest.mark.parametrize("call", [2, 3, 4])
async def test_a_window_closed_before_it_is_shown_leaves_it_held_at_any_kill(crashing, call):
    found = await sweep(crashing, lambda opening: closed_at(opening, call))

    assert found == OPENED | {"unshown": SHOWN_AGAIN, "notified": SHOWN_AGAIN, "unharmed": SHOWN_AGAIN}


# --- Onetime Secret answers badly

NO_ANSWER = BEFORE | {"probed": PASTED, "claimed": TRIED_AGAIN, "unknown_outcome": LOST}


def answers_nothing(opening: Opening) -> None:
    opening.world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop after"))


@pytest.mark.slow
async def test_what_may_be_open_for_want_of_an_answer_is_said_at_any_kill(crashing):
    found = await sweep(crashing, answers_nothing)

    assert found == NO_ANSWER | {"noted": SAID, "unharmed": LOST}


@pytest.mark.slow
@pytest.mark.parametrize("call", [2, 3])
async def test_what_may_be_open_is_said_also_to_somebody_who_closed_the_window(crashing, call):
    def prepare(opening: Opening) -> None:
        answers_nothing(opening)
        closed_at(opening, call, trouble=False)

    found = await sweep(crashing, prepare)

    noted = {"noted": SAID} if call == 3 else {}
    assert found == NO_ANSWER | noted | {"notified": LOST, "unharmed": LOST}


@pytest.mark.parametrize("kind", ["hang after", "hang"], ids=["opened, not answered", "opened after the kill"])
async def test_a_kill_while_onetime_secret_is_at_it_is_reported(crashing, kind):
    opening, fault = Opening(crashing), OnetimeFault(kind)
    await opening.window()
    crashing.world.onetime.plan(SECRET_ROUTE, fault)
    submitting = asyncio.create_task(opening.ada.submit())
    await crashing.world.onetime.wait_for_call(SECRET_ROUTE)
    await submitting
    reported = crashing.world.bot.output.count(b"reveal_loss_reported")

    crashing.kill_now()

    await crashing.is_up_again()
    fault.release()
    await opening.opened()
    assert await opening.go_on() == LOST
    assert crashing.world.bot.output.count(b"reveal_loss_reported") == reported + 1
    opening.check()


# --- killed more than once


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "expected"),
    [("claimed", TRIED_AGAIN), ("fetched", LOST), ("escrowed", SHOWN_AGAIN)],
    ids=["claimed", "fetched", "escrowed"],
)
async def test_killed_again_while_trying_again_it_is_told_again(crashing, step, expected):
    opening = await killed_at(crashing, "claimed")
    await opening.ada.click(label="Try again")
    await opening.ada.until(lambda: opening.ada.view and opening.ada.view.submit == "Open")
    crashing.kill_at(step)

    await opening.ada.submit()

    await crashing.is_up_again()
    assert len(opening.ada.dm) == (2 if expected == SHOWN_AGAIN else 1)
    assert expected == SHOWN_AGAIN or "A later try was interrupted, too" in opening.ada.dm[0].shows
    assert await opening.go_on() == expected
    opening.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "expected"), [("fetched", LOST), ("escrowed", SHOWN_AGAIN)], ids=["fetched", "escrowed"]
)
@pytest.mark.parametrize("honoured", [True, False], ids=["message ids honoured", "not honoured"])
async def test_killed_while_telling_it_is_told_once_more_unless_slack_honours_message_ids(
    crashing, step, expected, honoured
):
    crashing.world.workspace.honours_client_msg_id = honoured

    opening = await killed_at(crashing, step, "reported")

    crashing.world.workspace.honours_client_msg_id = False
    is_remembered = expected == LOST  # the message is on record before the step, so recovery finds it
    assert len(opening.ada.dm) == (1 if honoured or is_remembered else 2)
    assert await opening.go_on() == expected
    opening.check()


@pytest.mark.parametrize("step", ["shown", "wiped"])
async def test_killed_while_showing_it_again_it_has_been_seen(crashing, step):
    opening = await killed_at(crashing, "escrowed")
    crashing.kill_at(step)

    await opening.ada.click(label="Show again")

    await crashing.is_up_again()
    assert opening.has_seen_it
    opening.check()


async def killed_at(crashing: Crashing, *steps: str) -> Opening:
    opening = Opening(crashing)
    await opening.window()
    crashing.kill_at(*steps)
    await opening.ada.submit()
    for _ in steps:
        await crashing.says("killed")
    await crashing.is_up_again()
    await opening.close()
    return opening


# --- what is left in the files


async def test_once_shown_not_even_the_sealed_secret_is_left(crashing):
    opening = await killed_at(crashing, "escrowed")
    (sealed,) = crashing.query(f"SELECT escrow, secret_key FROM reveals WHERE user_id = '{opening.ada.id}'")
    assert all(blob in crashing.files() for blob in sealed)

    await opening.go_on()

    await eventually(lambda: not [blob for blob in sealed if blob in crashing.files()])  # a reader may delay it


# --- without escrow, and at random


@pytest.mark.slow
async def test_without_escrow_every_kill_before_it_is_seen_is_reported(tmp_path):
    async with Crashing(tmp_path / "control", REVEAL_ESCROW="off") as crashing:
        seen = await sweep(crashing, lambda _opening: None)
        closed = await sweep(crashing, lambda opening: closed_at(opening, 2))

    opened = OPENED | {"escrowed": LOST}
    assert seen == opened | {"shown": SEEN, "wiped": SEEN, "unharmed": SEEN}
    assert closed == opened | {"unshown": LOST, "notified": TOLD_LOST, "unharmed": TOLD_LOST}


@pytest.mark.slow
async def test_a_hundred_openings_killed_at_random_leave_the_database_whole_and_nobody_untold(tmp_path):
    async with Crashing(tmp_path / "control") as crashing:
        for _ in range(KILLS):
            openings = [Opening(crashing) for _ in range(AT_ONCE)]
            await asyncio.gather(*(opening.window() for opening in openings))
            submitting = asyncio.gather(*(opening.ada.submit() for opening in openings))
            await asyncio.sleep(random.uniform(0, 0.06))

            crashing.kill_now()

            await submitting
            await crashing.is_up_again()
            assert crashing.query("PRAGMA integrity_check") == [("ok",)]
            for opening in openings:
                assert await opening.go_on() in {PASTED, TRIED_AGAIN, SHOWN_AGAIN, SEEN, LOST}
                opening.check()
