"""Killed at every step of a request: both ends with exactly one message, or it is told."""

from __future__ import annotations

import itertools

import pytest

from tests.faults.crashing import distinct
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

UNSETTLED = """
SELECT (SELECT count(*) FROM requests WHERE message_ts IS NULL OR card_ts IS NULL)
  + (SELECT count(*) FROM shares WHERE card_ts IS NULL)
"""

UNANNOUNCED = "SELECT count(*) FROM requests WHERE unannounced_since IS NOT NULL"

_numbers = itertools.count(1)


@pytest.fixture
def people(crashing):
    number = next(_numbers)
    return [
        crashing.world.workspace.person(f"U0{name.upper()}{number:05}", f"{name}{number}") for name in ("ada", "ben")
    ]


async def is_settled(crashing):
    await eventually(lambda: crashing.query(UNSETTLED) == [(0,)])


async def killed_at(crashing, person, step, command, submit):
    """The bot dies at this step of what is submitted, and is up again."""
    await person.command("/ots", command)
    await person.until(lambda: person.view and person.view.submit == submit)
    crashing.kill_at(step)
    await person.submit()
    await crashing.says("killed")
    await crashing.says("ready")
    await is_settled(crashing)
    crashing.all_is_well()


@pytest.mark.parametrize("step", ["begun", "asked", "carded"])
async def test_a_request_is_asked_once_and_has_one_card(crashing, people, step):
    ada, ben = people

    await killed_at(crashing, ada, step, f"request <@{ben.id}> the key", "Ask")

    (message,), (card,) = distinct(ben.dm), distinct(ada.dm)
    assert crashing.repeated == (step in {"asked", "carded"})
    await ada.until(lambda: "Not answered yet" in card.shows)
    await ben.submit(await decline_window(ben, message))
    await ada.until(lambda: "Declined" in card.shows)


async def decline_window(ben, message):
    await ben.click(message, label="Decline…")
    return await ben.until(lambda: ben.view and ben.view.submit == "Decline" and ben.view)


async def asked(ada, ben):
    """Ada has asked Ben for the key; Ben's message and Ada's card."""
    await ada.command("/ots", f"request <@{ben.id}> the key")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Ask" and ada.view))
    card = await ada.until(lambda: ada.dm and ada.dm[-1])
    return await ben.until(lambda: ben.dm and ben.dm[-1]), card


async def is_announced(crashing):
    await eventually(lambda: crashing.query(UNANNOUNCED) == [(0,)])


@pytest.mark.parametrize("step", ["declined", "requester_notified", "request_announced"])
async def test_what_was_declined_is_told_and_no_button_is_left(crashing, people, step):
    ada, ben = people
    message, card = await asked(ada, ben)
    view = await decline_window(ben, message)

    crashing.kill_at(step)
    await ben.submit(view, {"reason": "ask Cleo"})
    await crashing.says("killed")
    await crashing.says("ready")
    await is_announced(crashing)
    crashing.all_is_well()

    (news,) = [one for one in distinct(ada.dm) if one is not card]
    assert "declined your request “the key”: ask Cleo" in news.shows
    assert crashing.repeated == (step == "requester_notified")
    assert "Declined: ask Cleo" in card.shows
    assert "You declined: ask Cleo" in message.shows
    assert "Send…" not in message.shows


@pytest.mark.parametrize("step", ["withdrawn", "requester_notified"])
async def test_what_was_withdrawn_leaves_no_button(crashing, people, step):
    ada, ben = people
    message, card = await asked(ada, ben)

    crashing.kill_at(step)
    await ada.click(card, label="Withdraw")
    await crashing.says("killed")
    await crashing.says("ready")
    await is_announced(crashing)
    crashing.all_is_well()

    assert "Withdrawn" in card.shows
    assert "withdrawn" in message.shows
    assert len([one for one in ada.dm if one is not card and "request" in one.shows]) == 0
