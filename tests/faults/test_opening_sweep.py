"""Killed at every step of opening what was shared: nobody keeps it from the others, and its sender is told once."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.faults.crashing import SETTLED, Crashing, distinct, thinned
from tests.faults.test_crash_sweep import SECRET_ROUTE
from tests.faults.test_notification_sweep import STEPS as OF_THE_WATCHER
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

# What becomes of it when the bot is killed while ben opens it: for ben, for cleo, and for ada, who shared it.
FREE = ("nothing was opened", "can open it", "is told of cleo")
TRY = ("told that it may be open", "can open it", "is told of cleo")
LOST = ("told that it may be open", "finds it gone", "is told that it was opened")
HELD = ("told that it is held: Show again shows it", "is told that ben did", "is told of ben")
SEEN = ("had seen it", "is told that ben did", "is told of ben")
SETTINGS = {"WATCH_EVERY": "5"}

_numbers = itertools.count(1)


class Delivery:
    """Ada has shared something in a channel where ben and cleo are, and ben has the window open."""

    def __init__(self, crashing: Crashing) -> None:
        number = next(_numbers)
        self.crashing, self.world = crashing, crashing.world
        self.text = f"canary-{number}-0123456789"
        self.ada, self.ben, self.cleo = (
            self.world.workspace.person(f"U0{name.upper()}{number:04}", f"{name}{number}")
            for name in ("ada", "ben", "cleo")
        )
        members: list[Any] = [self.ada, self.ben, self.cleo, self.world.workspace.bot_user_id]
        self.place = self.world.workspace.channel(f"C0OPS{number:04}", "ops", members)

    async def is_sent(self) -> None:
        await self.ada.command("/ots", "share")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Share")
        await submit_share(self.ada, self.ada.view, {"text1": self.text, "channel": self.place.id})
        await self.ada.until(lambda: any("What you shared" in one.shows for one in self.ada.dm))
        await self.ada.until(lambda: self.ada.view and self.ada.view.title == "Shared")
        await self.crashing.says("form")
        self.held = self.world.onetime.everything()[-1]

    @property
    def message(self):
        return next(one for one in self.cleo.messages if one.channel == self.place.id)

    @property
    def card(self):
        return next(one for one in self.ada.dm if "What you shared" in one.shows)

    async def window(self, person) -> None:
        await person.click(self.message, action_id="share_open")
        await person.until(lambda: person.view and person.view.submit in ("Show here", None) and not waits(person))

    def has_seen(self, person) -> bool:
        views = self.world.workspace.state.views.values()
        return any(view.user == person.id and view.secret_text() == self.text for view in views)

    async def what_became_of_it(self) -> tuple[str, str, str]:
        return await self._for_ben(), await self._for_cleo(), await self._for_ada()

    async def _for_ben(self) -> str:
        if self.has_seen(self.ben):
            return SEEN[0]
        offers = [one.shows for one in self.ben.dm if "Show again" in one.shows or "Try again" in one.shows]
        assert all(f"From @{self.ada.id}" in one for one in offers)  # which of all secrets it was
        if any("Show again" in one for one in offers):
            if self.ben.view:
                await self.ben.close()
            await self.ben.click(label="Show again")
            await self.ben.until(lambda: self.has_seen(self.ben))
            return HELD[0]
        return LOST[0] if offers else FREE[0]

    async def _for_cleo(self) -> str:
        if "opened this one-time secret" in self.message.shows:
            assert f"@{self.ben.id}" in self.message.shows
            return HELD[1]
        await self.window(self.cleo)
        await self.cleo.submit()
        await self.crashing.says("form")
        await self.cleo.until(lambda: self.has_seen(self.cleo) or "is gone" in self.cleo.view.text)
        return FREE[1] if self.has_seen(self.cleo) else LOST[1]

    async def _for_ada(self) -> str:
        """Exactly one message, whoever finds out."""
        news = await self.ada.until(lambda: [one.shows for one in distinct(self.ada.dm) if self._is_news(one.shows)])
        assert len(news) == 1
        await self.ada.until(lambda: "not opened yet" not in self.card.shows)
        for person, said in ((self.ben, HELD[2]), (self.cleo, FREE[2])):
            if f"@{person.id} opened" in news[0]:
                await self.ada.until(partial(self._card_names, person))
                return said
        assert "This app does not know who saw it" in news[0]
        await self.ada.until(lambda: "this app does not know who saw it" in self.card.shows)
        return LOST[2]

    def _card_names(self, person) -> bool:
        return f"by @{person.id}" in self.card.shows

    @staticmethod
    def _is_news(said: str) -> bool:
        return "opened your one-time secret" in said or "was opened" in said

    def check(self) -> None:
        """Opened once at most, and written nowhere."""
        written = self.crashing.files() + bytes(self.world.bot.output)
        assert self.world.onetime.claims_of(self.held.secret_key) <= 1
        assert not [one for one in (self.text, self.held.secret_key) if one.encode() in written]


def waits(person) -> bool:
    return "One moment" in person.view.text


async def everybody_is_told(crashing: Crashing) -> None:
    await eventually(
        lambda: crashing.query("SELECT count(*) FROM deliveries WHERE unannounced_since IS NOT NULL") == [(0,)]
    )


async def killed_at(crashing: Crashing, step: str, *, at_once: bool = False) -> Delivery:
    """The bot is killed there while ben opens it, and is up again with nothing left to say.

    `at_once`: with the button that opens after a confirm dialog, without the window that asks.
    """
    delivery = Delivery(crashing)
    await delivery.is_sent()
    if at_once:
        crashing.kill_at(step)
        await delivery.ben.click(delivery.message, action_id="share_open_now")
    else:
        await delivery.window(delivery.ben)
        crashing.kill_at(step)
        await delivery.ben.submit()
    await crashing.says("killed")
    crashing.all_is_well()
    await crashing.is_up_again()
    await everybody_is_told(crashing)
    return delivery


AT = {
    "reserved": FREE,
    "answered": FREE,
    "probed": FREE,
    "claimed": TRY,
    "fetched": LOST,
    "escrowed": HELD,
    "shown": SEEN,
    "wiped": SEEN,
    "settled": SEEN,
    "sender_notified": SEEN,
    "announced": SEEN,
}


@pytest.mark.parametrize("step", thinned(list(AT)))
async def test_killed_at_any_step_it_is_either_opened_and_told_or_free_for_the_others(crashing, step):
    delivery = await killed_at(crashing, step)

    assert await delivery.what_became_of_it() == AT[step]
    assert crashing.repeated == (step == "sender_notified")
    delivery.check()


@pytest.mark.parametrize("step", thinned(list(AT)))
async def test_killed_while_it_opens_at_once_it_is_either_opened_and_told_or_free_for_the_others(crashing, step):
    delivery = await killed_at(crashing, step, at_once=True)

    if AT[step] == FREE:
        await delivery.ben.until(lambda: any("Nothing was opened" in one.shows for one in delivery.ben.dm))
        if delivery.ben.view:  # it was reserved before, so there is none at the first step
            await delivery.ben.close()
    assert await delivery.what_became_of_it() == AT[step]
    assert crashing.repeated == (step == "sender_notified")
    delivery.check()


async def test_there_is_no_other_step(crashing):
    delivery = Delivery(crashing)
    await delivery.is_sent()
    await delivery.window(delivery.ben)
    crashing.kill_at("never")

    await delivery.ben.submit()
    await crashing.says("form")

    assert [step for step in crashing.passed if step not in OF_THE_WATCHER] == list(AT)
    assert await delivery.what_became_of_it() == SEEN


async def test_without_any_answer_nobody_keeps_it_from_the_others(crashing):
    """The call never arrived, and the bot is killed before it could say so."""
    delivery = Delivery(crashing)
    await delivery.is_sent()
    await delivery.window(delivery.ben)
    crashing.world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop"))
    crashing.kill_at("unknown_outcome")

    await delivery.ben.submit()
    await crashing.says("killed")
    crashing.all_is_well()
    await crashing.is_up_again()

    assert crashing.query(SETTLED) == [(0,)]
    assert await delivery.what_became_of_it() == TRY


async def test_killed_before_the_link_was_shown_it_can_still_be_opened(crashing):
    delivery = Delivery(crashing)
    await delivery.is_sent()
    await delivery.window(delivery.ben)
    crashing.kill_at("link_shown")
    await delivery.ben.click(delivery.ben.view, label="Show the link")
    await crashing.says("killed")
    crashing.all_is_well()
    await crashing.says("ready")
    assert delivery.held.secret_key not in delivery.ben.view.text
    await delivery.ben.close()

    await delivery.window(delivery.ben)
    await delivery.ben.submit()

    await delivery.ben.until(lambda: delivery.has_seen(delivery.ben))
    await crashing.says("form")
    assert await delivery.what_became_of_it() == SEEN


async def test_a_sender_whom_slack_did_not_let_be_told_is_told_when_it_does(crashing):
    delivery = Delivery(crashing)
    await delivery.is_sent()
    await delivery.window(delivery.ben)
    crashing.world.workspace.plan("chat.postMessage", SlackFault.http(502))
    await delivery.ben.submit()
    await crashing.says("form")
    assert delivery.has_seen(delivery.ben)
    assert not any(delivery._is_news(one.shows) for one in delivery.ada.dm)

    crashing.kill_now()
    await crashing.is_up_again()

    await everybody_is_told(crashing)
    assert await delivery.what_became_of_it() == SEEN


async def test_a_sender_who_can_never_be_told_is_given_up(crashing):
    """Or every minute would begin with them, for ever."""
    delivery = Delivery(crashing)
    await delivery.is_sent()
    await delivery.window(delivery.ben)
    crashing.world.workspace.plan("chat.postMessage", SlackFault.error("user_disabled"))

    await delivery.ben.submit()
    await crashing.says("form")

    await everybody_is_told(crashing)
    assert delivery.has_seen(delivery.ben)
