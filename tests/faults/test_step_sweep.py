"""Killed at every step of an execution of the workflow step: who is asked is asked once, and Slack is told once."""

from __future__ import annotations

import itertools

import pytest

from bot.workflow_step import FUNCTIONS, REQUEST_STEP
from tests.faults.crashing import distinct
from tests.faults.test_request_sweep import decline_window
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

_numbers = itertools.count(1)


@pytest.fixture
def people(crashing):
    crashing.world.workspace.allow_steps(FUNCTIONS)
    number = next(_numbers)
    return [
        crashing.world.workspace.person(f"U0{name.upper()}{number:05}", f"{name}{number}") for name in ("ada", "ben")
    ]


async def run(crashing, runner, asked_id):
    inputs = {"asked": asked_id, "purpose": "the key", "workflow": "Onboarding"}
    execution, _delivery = await crashing.world.workspace.run_step(REQUEST_STEP, runner, **inputs)
    return execution


async def is_up(crashing):
    await crashing.says("killed")
    await crashing.says("ready")


def taken(crashing, execution):
    """The calls that end this execution and that Slack took."""
    sent = crashing.world.workspace.export()
    mine = [one for one in sent if one.payload.get("function_execution_id") == execution.id]
    return [one.method for one in mine if one.verdict == "ok"]


@pytest.mark.parametrize("step", ["step_received", "step_begun", "asked", "carded"])
async def test_an_execution_asks_once_whenever_the_bot_dies(crashing, people, step):
    ada, ben = people

    crashing.kill_at(step)
    execution = await run(crashing, ada, ben.id)
    await is_up(crashing)
    await ben.until(lambda: ben.dm)
    await ada.until(lambda: ada.dm)
    crashing.all_is_well()

    (message,) = distinct(ben.dm)
    assert len(distinct(ada.dm)) == 1
    assert execution.state == "running"
    assert crashing.query("SELECT count(*) FROM executions WHERE inputs IS NOT NULL") == [(0,)]
    await ben.submit(await decline_window(ben, message))
    await eventually(lambda: execution.state == "completed")
    assert taken(crashing, execution) == ["functions.completeSuccess"]


@pytest.mark.parametrize("step", ["declined", "requester_notified", "step_completed", "request_announced"])
async def test_an_end_is_told_once_whenever_the_bot_dies(crashing, people, step):
    ada, ben = people
    execution = await run(crashing, ada, ben.id)
    message = await ben.until(lambda: ben.dm and ben.dm[-1])
    await ada.until(lambda: ada.dm)
    view = await decline_window(ben, message)

    crashing.kill_at(step)
    await ben.submit(view)
    await is_up(crashing)
    await eventually(lambda: crashing.query("SELECT count(*) FROM executions WHERE done_at IS NULL") == [(0,)])
    crashing.all_is_well()

    assert execution.outputs["state"] == "declined"
    assert taken(crashing, execution) == ["functions.completeSuccess"]


@pytest.mark.parametrize("step", ["step_received", "step_to_refuse", "step_refused"])
async def test_a_refusal_is_told_once_whenever_the_bot_dies(crashing, people, step):
    ada, ben = people

    crashing.kill_at(step)
    execution = await run(crashing, ada, "U0NOBODY")
    await is_up(crashing)
    await eventually(lambda: crashing.query("SELECT count(*) FROM executions WHERE done_at IS NULL") == [(0,)])
    crashing.all_is_well()

    assert "can be asked" in execution.error
    assert taken(crashing, execution) == ["functions.completeError"]
    assert ben.dm == []
