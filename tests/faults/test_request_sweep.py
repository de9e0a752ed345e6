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
    await ben.click(message, label="Decline")
    await ada.until(lambda: "Declined" in card.shows)
