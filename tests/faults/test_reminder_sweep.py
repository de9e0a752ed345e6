"""Killed at every step of a reminder that is due: it arrives, once more only after a crash right behind Slack's answer."""

from __future__ import annotations

import itertools
import time

import pytest

from bot.sandbox.slack import SlackFault
from tests.faults.crashing import distinct
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

FAILED_ONCE = "SELECT count(*) FROM message_failures WHERE key LIKE 'reminder:%' AND dead_letter IS NULL"

_numbers = itertools.count(1)


@pytest.fixture
def people(crashing):
    number = next(_numbers)
    return [
        crashing.world.workspace.person(f"U0{name.upper()}{number:05}", f"{name}{number}") for name in ("ada", "ben")
    ]


async def scheduled(ada, ben):
    """Ada's card of what she shared with Ben, with a reminder in an hour."""
    await ada.command("/ots", f"share <@{ben.id}>")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "canary", "to": [ben.id]})
    card = await ada.until(lambda: ada.dm and ada.dm[-1])
    await ada.close()
    await ada.click(card, label="Remind…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Remind" and ada.view)
    await ada.submit(view, {"when": "In an hour"})
    await ada.until(lambda: "A reminder goes out" in card.shows)
    return card


def becomes_due(crashing):
    crashing.change(f"UPDATE deliveries SET remind_at = {int(time.time()) - 5} WHERE remind_at IS NOT NULL")


async def is_over(crashing):
    await eventually(lambda: crashing.query("SELECT count(*) FROM deliveries WHERE remind_at IS NOT NULL") == [(0,)])


def reminders(person):
    return [one for one in distinct(person.dm) if "A reminder" in one.shows]


@pytest.mark.parametrize("step", ["reminder_posted", "reminder_marked"])
async def test_a_reminder_arrives(crashing, people, step):
    ada, ben = people
    await scheduled(ada, ben)

    crashing.kill_at(step)
    becomes_due(crashing)
    await crashing.says("killed")
    await crashing.says("ready")
    await is_over(crashing)
    crashing.all_is_well()

    assert len(reminders(ben)) == 1
    assert crashing.repeated == (step == "reminder_posted")


async def test_whom_slack_never_lets_us_remind_is_not_tried_again(crashing, people):
    ada, ben = people
    card = await scheduled(ada, ben)
    crashing.world.workspace.plan("chat.postMessage", SlackFault.error("user_disabled"), about=ada.id)

    becomes_due(crashing)

    await is_over(crashing)
    assert reminders(ben) == []
    await ada.until(lambda: "A reminder goes out" not in card.shows)
    await ada.until(lambda: [one for one in ada.dm if f"<@{ben.id}>: your reminder" in one.text])


async def test_what_slack_does_not_take_now_is_sent_later(crashing, people):
    ada, ben = people
    await scheduled(ada, ben)
    crashing.world.workspace.plan("chat.postMessage", SlackFault.error("internal_error"), about=ada.id)

    becomes_due(crashing)
    await eventually(lambda: crashing.query(FAILED_ONCE) == [(1,)])
    crashing.change("UPDATE deliveries SET reminder_lease_until = 1 WHERE remind_at IS NOT NULL")

    await is_over(crashing)
    assert len(reminders(ben)) == 1
