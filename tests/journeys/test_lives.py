"""Fifty secrets with random lives: an hour after them, no message says that one waits, and no button does nothing."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from typing import Any

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.journeys.test_share_card import remind
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LIVES = int(os.environ.get("LIVES", "50"))
HOUR = 3_600  # seconds
RESTARTS = 0.1  # of the lives, with a restart of the bot behind them
A_ROUND = 150.0  # real seconds in which recovery has surely looked at everything
SECRET_ROUTE = "/api/v1/secret/{key}"
TEXT = "the secret itself"
ONE_MOMENT = "One moment…"
PASSPHRASE = "open sesame"
OF_THE_LIVING = re.compile(r"wait|not answered|not opened yet|not been opened|expires|works once|press open|being made",
                           re.IGNORECASE)  # fmt: skip
NO_TRACE = {"share_again"}  # what can still be done when a secret is over
ENDS = (
    "opened", "opened by link", "burned", "burned elsewhere", "expired", "expired", "closed too early",
    "closed before it was opened", "no answer",
)  # fmt: skip


class Life:
    """Ada shares one secret in one of many ways, and something becomes of it."""

    def __init__(self, world: World, chance: random.Random, number: int) -> None:
        self.world, self.chance = world, chance
        self.ada = world.workspace.person(f"U0ADA{number:04}", f"ada{number}")
        self.ben = world.workspace.person(f"U0BEN{number:04}", f"ben{number}")
        self.end = chance.choice(ENDS)
        self.to = chance.choice(("ben", "ben", "asked", "channel", "link"))
        self.passphrase = chance.choice((None, None, "typed", "apart")) if self.to in {"ben", "asked"} else None
        self.place = f"C0LIFE{number:04}"
        if self.to == "channel":
            world.workspace.channel(self.place, "life", [self.ada, self.ben, world.workspace.bot_user_id])

    async def play(self) -> None:
        await self.is_shared()
        if self.chance.random() < 0.4:
            await self.ada.command("/ots", f"track {self.world.onetime.url}/private/{self.held.metadata_key} by hand")
            await self.ada.until(lambda: any("by hand" in one.shows for one in self.ada.dm))
        if self.to != "link" and self.chance.random() < 0.6:
            await remind(self.ada, self.card)
            await self.ada.until(lambda: "Reminded" in self.ada.sees())
        await getattr(self, f"is_{self.end.replace(' ', '_')}")()

    @property
    def card(self) -> Any:
        return next((one for one in self.ada.dm if "What you shared" in one.shows), None)

    async def is_shared(self) -> None:
        fields: dict[str, Any] = {"text1": TEXT, "ttl": str(HOUR)}
        fields |= {"note": "of a life"} if self.chance.random() < 0.5 else {}
        fields |= {"to": [self.ben.id]} if self.to == "ben" else {}
        fields |= {"channel": self.place} if self.to == "channel" else {}
        fields |= {"passphrase": PASSPHRASE} if self.passphrase else {}
        fields |= {"options": ["apart", "news"]} if self.passphrase == "apart" else {}
        before = {one.metadata_key for one in self.world.onetime.everything()}
        if self.to == "asked":
            await self.is_asked()
        else:
            await self.ada.command("/ots", "share")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Share")
        await submit_share(self.ada, self.ada.view, fields)
        await self.ada.until(lambda: self.ada.view and self.ada.view.title == "Shared")
        await self.ada.close()
        await self.ada.until(lambda: self.card)
        (self.held,) = [one for one in self.world.onetime.everything() if one.metadata_key not in before]

    async def is_asked(self) -> None:
        """Ben asks Ada for the secret: twice, since she declines the first request."""
        await self.ada.click(await self.question(), label="Decline…")
        await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Decline")
        await self.ada.submit()
        await self.ada.until(lambda: not self.open_questions)
        await self.ada.click(await self.question(), label="Send…")

    async def question(self) -> Any:
        await self.ben.command("/ots", f"request <@{self.ada.id}|ada> of a life")
        await self.ben.until(lambda: self.ben.view and self.ben.view.submit)
        await self.ben.submit()
        await self.ben.until(lambda: self.ben.view and not self.ben.view.submit)
        await self.ben.close()
        return await self.ada.until(lambda: self.open_questions and self.open_questions[0])

    @property
    def open_questions(self) -> list[Any]:
        return [one for one in self.ada.dm if any(e["action_id"] == "request_answer" for e in elements(one))]

    # --- what becomes of it

    async def window(self) -> Any:
        """Ben's window that asks, from a message of his choice; None where there is only a link."""
        if self.to == "link":
            await self.ben.command("/ots", f"retrieve {self.world.onetime.url}/secret/{self.held.secret_key}")
            return await self.ben.until(lambda: self.ben.view and self.ben.view.submit and self.ben.view)
        there = [one for one in self.ben.messages if any(e.get("action_id") == "share_open" for e in elements(one))]
        await self.ben.click(self.chance.choice(there), action_id="share_open")
        return await self.ben.until(lambda: self.ben.view and self.ben.view.submit and self.ben.view)

    @property
    def answers(self) -> dict[str, str]:
        return {"passphrase": PASSPHRASE} if self.passphrase else {}

    async def is_opened(self) -> None:
        view = await self.window()
        if self.passphrase and self.chance.random() < 0.5:
            await self.ben.submit(view, {"passphrase": "wrong"})
            view = await self.ben.until(lambda: "Wrong passphrase" in self.ben.view.text and self.ben.view)
        await self.ben.submit(view, self.answers)
        await self.ben.until(lambda: self.ben.view.secret_text() == TEXT)
        await self.ben.close()

    async def is_opened_by_link(self) -> None:
        self.world.onetime.open_as_outsider(self.held.secret_key, PASSPHRASE if self.passphrase else None)

    async def is_burned(self) -> None:
        if self.passphrase:
            await self.ada.click(self.card, label="Burn…")
            await self.ada.until(lambda: self.ada.view and self.ada.view.submit == "Burn it")
            await self.ada.submit(None, self.answers)
            await self.ada.until(lambda: "burned" in self.ada.view.text)
            await self.ada.close()
        else:
            await self.ada.click(self.card, label="Burn")

    async def is_burned_elsewhere(self) -> None:
        self.world.onetime.burn_as_owner(self.held.metadata_key)

    async def is_expired(self) -> None:
        """Nobody does anything."""

    async def is_closed_too_early(self) -> None:
        """The secret was fetched and not shown; sometimes nobody ever presses Show again."""
        view = await self.window()
        fault = OnetimeFault("hang")
        self.world.onetime.plan(SECRET_ROUTE, fault)
        await self.ben.submit(view, self.answers)
        await self.world.onetime.wait_for_call(SECRET_ROUTE)
        await self.ben.close()
        fault.release()
        await self.ben.until(lambda: any("Show again" in one.shows for one in self.ben.dm))
        if self.chance.random() < 0.5:
            await self.ben.click(label="Show again")
            await self.ben.until(lambda: self.ben.view and self.ben.view.secret_text() == TEXT)
            await self.ben.close()

    async def is_closed_before_it_was_opened(self) -> None:
        """The window was gone before anything was asked of the host: the secret lives on until its time is over."""
        view = await self.window()
        for _ in range(2):
            self.world.workspace.plan("views.update", SlackFault.error("not_found"))
        await self.ben.submit(view, self.answers)
        await self.ben.until(lambda: any("was *not* opened" in one.shows for one in self.ben.dm))
        self.world.workspace.clear_faults()
        await self.ben.close()

    async def is_no_answer(self) -> None:
        """The answer of the host is lost, and the window with it; perhaps a later try works."""
        view = await self.window()
        self.world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop after" if self.chance.random() < 0.5 else "drop"))
        for fault in (SlackFault.meanwhile(lambda: None), SlackFault.error("not_found")):  # it is there, and gone then
            self.world.workspace.plan("views.update", fault)
        await self.ben.submit(view, self.answers)
        await self.ben.until(lambda: any("Try again" in one.shows for one in self.ben.dm))
        self.world.workspace.clear_faults()
        await self.ben.close()
        if self.chance.random() < 0.5:
            await self.ben.click(label="Try again")
            view = await self.ben.until(lambda: self.ben.view and self.ben.view.text != ONE_MOMENT and self.ben.view)
            if view.submit:  # else the bot knows meanwhile that it was opened
                await self.ben.submit(view, self.answers)
                await self.ben.until(lambda: self.ben.view is None or not self.ben.view.submit)
            if self.ben.view:
                await self.ben.close()


def elements(message: Any) -> list[dict[str, Any]]:
    return [one for block in message.blocks for one in block.get("elements", []) if one["type"] == "button"]


def still_living(world: World) -> list[str]:
    """What messages show of secrets that are over."""
    found = []
    for one in world.workspace.state.messages:
        if one.deleted or not one.by_bot or one.ephemeral_to:
            continue
        live = [e["text"]["text"] for e in elements(one) if e["action_id"] not in NO_TRACE]
        words = OF_THE_LIVING.findall(f"{one.shows}\n{one.text}")
        if live or words or PASSPHRASE in str(one.blocks) + one.text:
            found.append(f"{live} {words}: {one.shows[:200]!r} {one.text[:100]!r}")
    return found


async def test_an_hour_after_fifty_random_lives_no_message_waits_and_no_button_is_dead():
    chance = random.Random(int(os.environ.get("LIVES_SEED", "1")))
    settings = {"WATCH_EVERY": "5", "SHARE_LIVES": "5m,1h"}
    async with World(settings=settings, own_clock=True) as world:
        for number in range(LIVES):
            await Life(world, chance, number).play()
            if chance.random() < RESTARTS:
                await world.bot.stop()
                await world.start_bot()
        world.clock.move(0.9 * HOUR)  # in time for reminders of those that nobody opened
        await eventually(lambda: any("expires" in one.text for one in world.workspace.state.messages))
        world.clock.move(0.2 * HOUR)
        assert all(
            one.state != "new" or one.created + one.ttl < world.clock.now() for one in world.onetime.everything()
        )

        world.clock.move(HOUR)

        deadline = time.monotonic() + A_ROUND
        while still_living(world) and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(0.5)
        assert "\n".join(still_living(world)) == ""
