"""Killed at every step of sharing with three people: each has one button that works, or the sender is told."""

from __future__ import annotations

import asyncio
import itertools
import re

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.faults.crashing import Crashing, distinct, thinned
from tests.support.share_window import fill_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

SHARE_ROUTE = "/api/v1/share"
UNSETTLED = """
SELECT (SELECT count(*) FROM shares WHERE card_ts IS NULL) + (
  SELECT count(*) FROM deliveries
  WHERE state IN ('waiting', 'asking') OR (state = 'made' AND recipient_user_id IS NOT NULL)
    OR (state = 'undeliverable' AND over_at IS NULL)
    OR (state = 'sent' AND passphrase IS NOT NULL)
)
"""
UNDELIVERABLE_AND_WATCHED = """
SELECT count(*) FROM tracked JOIN deliveries ON deliveries.tracked_id = tracked.id WHERE deliveries.state = 'undeliverable'
"""
PASSPHRASE = re.compile(r"(?:[a-z]{4}-){4}[a-z]{4}")

# What is left for one recipient.
BUTTON, NOT_MADE, MAY_EXIST, NOT_SENT = "a button", "*not made*", "*the secret may exist", "*not sent*"

# The steps in the moment between Slack's answer and the bot's mark: only a kill there lets a message come once more.
BETWEEN_POST_AND_MARK = {"delivery_posted", "card_posted", "passphrase_sent"}

_numbers = itertools.count(1)


class Sharing:
    """One sender, three recipients, one submit."""

    def __init__(self, crashing: Crashing) -> None:
        number = next(_numbers)
        self.crashing, self.world = crashing, crashing.world
        self.text = f"canary {number} 0123456789"
        self.asked = len(self.requests)
        self.ada, self.ben, self.cleo, self.dan = (
            self.world.workspace.person(f"U0{name.upper()}{number:05}", f"{name}{number}")
            for name in ("ada", "ben", "cleo", "dan")
        )
        self.before = len(self.world.onetime.everything())
        self.passphrases: list[str] = []  # that reached the person who opened the secret

    @property
    def requests(self):
        return [call for call in self.world.onetime.calls if call.route == SHARE_ROUTE]

    @property
    def secrets(self):
        return self.world.onetime.everything()[self.before :]

    @property
    def people(self):
        return (self.ben, self.cleo, self.dan)

    async def window(self, **fields) -> None:
        await self.ada.command("/ots", "share")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Share")
        words = {"text1": self.text, "to": [one.id for one in self.people], **fields}
        await fill_share(self.ada, self.ada.view, words)

    async def dan_leaves(self) -> None:
        """A moment after the bot has heard that he is a member."""
        await self.dan.command("/ots", "accounts")
        await self.dan.until(self.dan.sees)
        self.dan.person.deleted = True

    async def is_settled(self) -> None:
        await eventually(lambda: self.crashing.query(UNSETTLED) == [(0,)])

    async def is_up_again(self) -> None:
        await self.crashing.says("ready")
        await self.is_settled()

    @property
    def card(self):
        (card,) = [one for one in distinct(self.ada.dm) if "What you shared" in one.shows]
        return card

    def left_for(self, person) -> str:
        """What there is for this recipient: a message with a button, or a line on the sender's card."""
        buttons = [one for one in distinct(person.dm) if "share_open" in str(one.blocks)]
        (line,) = [line for line in self.card.shows.splitlines() if person.id in line]
        said = [word for word in (NOT_MADE, MAY_EXIST, NOT_SENT) if word in line]
        assert len(buttons) + len(said) == 1, (len(buttons), line)
        return said[0] if said else BUTTON

    async def check(self) -> tuple[str, ...]:
        """What is left for each. Whoever has a button opens the secret; nothing else is alive that was not reported."""
        left = tuple(self.left_for(person) for person in self.people)
        alive = [one for one in self.secrets if one.has_plaintext]
        assert len(alive) <= left.count(BUTTON) + left.count(MAY_EXIST)
        assert len(self.requests) - self.asked <= len(self.people)
        assert len(distinct(self.ada.dm)) == 1
        if self.last_with_a_button(left):
            await self.open(self.last_with_a_button(left))
        return left

    def last_with_a_button(self, left):
        return next(
            (one for one, outcome in zip(self.people[::-1], left[::-1], strict=True) if outcome == BUTTON), None
        )

    async def open(self, person) -> None:
        passphrases = [found for one in distinct(person.dm) for found in PASSPHRASE.findall(one.shows)]
        self.passphrases = passphrases
        await person.click(action_id="share_open")
        await person.until(lambda: person.view and person.view.submit == "Show here")
        await person.submit(None, {"passphrase": passphrases[0]} if passphrases else {})
        await person.until(lambda: person.view and person.view.secret_text() == self.text)
        await person.until(lambda: any("opened this one-time secret" in one.shows for one in person.dm))
        await self.crashing.says("form")

    async def window_is_taken_up(self) -> None:
        """It was left at “Being made…”: now it says what is known, and has what was typed unless all have a button."""
        await self.ada.until(lambda: "Being made" not in self.ada.view.text)
        if self.ada.view.submit == "Share":
            await self.ada.until(lambda: "What you typed is still here" in self.ada.view.text)
            assert self.text in str(self.ada.view.values)


async def sweep(crashing: Crashing, start: int) -> list[tuple[str, ...]]:
    """Kills at that step, the next one, … until a run passes unharmed: what was left for the three each time."""
    found: list[tuple[str, ...]] = []
    for number in itertools.count(start):
        sharing = Sharing(crashing)
        await sharing.window()
        crashing.kill_at(number)
        await sharing.ada.submit()
        outcome = await crashing.says("killed", "form")
        if outcome == "killed":
            await sharing.is_up_again()
        crashing.all_is_well()
        await sharing.is_settled()
        found.append(await sharing.check())
        assert crashing.repeated <= len(sharing.people)  # the others are sent at the same time
        if outcome == "form":
            return found
    raise AssertionError("unreachable")


async def killed_at(crashing: Crashing, *steps: str, leaver: bool = False, **fields) -> Sharing:
    """One step for each process: the one that runs now, the one after it, …"""
    sharing = Sharing(crashing)
    await sharing.window(**fields)
    if leaver:
        await sharing.dan_leaves()
    crashing.kill_at(*steps)
    await sharing.ada.submit()
    for _ in steps:
        await crashing.says("killed")
    await sharing.is_up_again()
    crashing.all_is_well()
    return sharing


ALL, FIRST = (BUTTON, BUTTON, BUTTON), (BUTTON, NOT_MADE, NOT_MADE)
NONE, DOUBT = (NOT_MADE, NOT_MADE, NOT_MADE), (MAY_EXIST, NOT_MADE, NOT_MADE)
STEPS = {
    "share_begun": NONE,
    "delivery_asked": DOUBT,
    "delivery_answered": DOUBT,
    "delivery_made": FIRST,
    "delivery_tracked": FIRST,
    "delivery_posted": FIRST,
    "delivery_sent": FIRST,
    "outcome_shown": ALL,
    "card_posted": ALL,
    "card_kept": ALL,
}


@pytest.mark.parametrize(("step", "left"), thinned(STEPS))
async def test_killed_at_a_step_each_has_one_button_or_the_sender_is_told(crashing, step, left):
    sharing = await killed_at(crashing, step)

    assert await sharing.check() == left
    assert crashing.repeated == (step in BETWEEN_POST_AND_MARK)
    if sharing.ada.view:
        await sharing.window_is_taken_up()


@pytest.mark.parametrize(("step", "left"), thinned(STEPS, every=2))
async def test_killed_while_a_later_try_is_made_there_is_one_card_that_says_both(crashing, step, left):
    sharing = Sharing(crashing)
    await sharing.window()
    crashing.world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))
    await sharing.ada.submit()
    await crashing.says("form")
    assert tuple(sharing.left_for(person) for person in sharing.people) == DOUBT
    crashing.kill_at(step)

    await sharing.ada.submit()

    await crashing.says("killed")
    await sharing.is_up_again()
    crashing.all_is_well()
    await sharing.ada.until(lambda: "1 earlier try got no usable answer" in sharing.card.shows)
    assert tuple(sharing.left_for(person) for person in sharing.people) == left
    assert len(sharing.ada.dm) == 1
    assert ("A later try worked" in sharing.card.shows) == (BUTTON in left)


@pytest.mark.slow
async def test_killed_while_the_others_are_made_each_has_one_button_or_the_sender_is_told(crashing):
    found = await sweep(crashing, start=len(STEPS) - 2)

    assert all(left[0] == BUTTON for left in found)
    assert found[-1] == ALL


@pytest.mark.parametrize("kind", ["hang after", "hang"], ids=["made, not answered", "made after the kill"])
async def test_a_kill_while_the_host_is_at_it_is_told_as_a_doubt(crashing, kind):
    sharing, fault = Sharing(crashing), OnetimeFault(kind)
    await sharing.window()
    crashing.world.onetime.plan(SHARE_ROUTE, fault)
    submitting = asyncio.create_task(sharing.ada.submit())
    await crashing.world.onetime.wait_for_call(SHARE_ROUTE)

    crashing.kill_now()

    await submitting
    await sharing.is_up_again()
    fault.release()
    assert await sharing.check() == (MAY_EXIST, NOT_MADE, NOT_MADE)


@pytest.mark.parametrize("step", ["delivery_undeliverable", "delivery_burned", "undeliverable_burned"])
async def test_a_kill_while_slack_refuses_somebody_leaves_no_secret_behind(crashing, step):
    sharing = await killed_at(crashing, step, leaver=True)

    left = await sharing.check()

    assert left[0] == BUTTON
    assert left[2] == NOT_SENT
    assert sum(one.state == "burned" for one in sharing.secrets) == 1
    assert crashing.query(UNDELIVERABLE_AND_WATCHED) == [(0,)]  # or its burning would be told as news


@pytest.mark.slow
@pytest.mark.parametrize("step", ["delivery_posted", "delivery_sent", "passphrase_sent", "passphrase_wiped"])
async def test_a_passphrase_that_goes_apart_arrives_whenever_it_is_killed(crashing, step):
    sharing = await killed_at(crashing, step, passphrase_mode="generate", options=["apart", "news"])

    assert await sharing.check() == (BUTTON, NOT_MADE, NOT_MADE)

    assert len(sharing.passphrases) == 1
    await sharing.ben.until(lambda: not any(PASSPHRASE.search(one.shows) for one in distinct(sharing.ben.dm)))
    assert crashing.repeated == (step in BETWEEN_POST_AND_MARK)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["delivery_posted", "delivery_sent", "card_posted"])
async def test_killed_again_while_it_is_finished_a_message_comes_once_more_only_in_that_moment(crashing, step):
    sharing = await killed_at(crashing, "delivery_made", step)

    assert await sharing.check() == (BUTTON, NOT_MADE, NOT_MADE)
    assert crashing.repeated == (step in BETWEEN_POST_AND_MARK)


async def test_each_copy_of_a_message_that_came_twice_opens_the_secret(crashing):
    sharing = await killed_at(crashing, "delivery_posted")
    first, second = sharing.ben.dm

    for copy in (first, second):
        await sharing.ben.click(copy, action_id="share_open")
        await sharing.ben.until(lambda: sharing.ben.view and sharing.ben.view.submit == "Show here")
        await sharing.ben.close()

    await sharing.open(sharing.ben)


async def test_a_link_that_was_not_seen_is_offered_after_a_kill(crashing):
    sharing = await killed_at(crashing, "delivery_tracked", to=[])
    card = sharing.card

    await sharing.ada.click(card, label="Show the link")

    (held,) = sharing.secrets
    await sharing.ada.until(lambda: sharing.ada.view and held.secret_key in str(sharing.ada.view.blocks))
