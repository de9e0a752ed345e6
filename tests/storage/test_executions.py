"""Executions of the workflow step: stored once, begun once with their request, and due until Slack was told."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database, now
from bot.storage.executions import GIVEN_UP, KEPT, Executions, NewExecution, StepInputs
from bot.storage.requests import Requests, StepRequest
from bot.storage.tables import executions as table
from bot.storage.tables import requests as request_table

TEAM = "T0000001"  # of all people here
INPUTS = StepInputs({"purpose": "the staging “key”", "workflow": "Onboarding"}, {"openers": ("U1", "U2")})
STEP = StepRequest("Onboarding", ("U1", "U2"))
HOUR = 3_600.0  # seconds


@pytest.fixture
def requests(database, sealer) -> Requests:
    return Requests(database, sealer)


@pytest.fixture
def executions(database, sealer) -> Executions:
    return Executions(database, sealer)


@pytest.fixture
async def received(executions, ada):
    return await executions.find(ada, await executions.receive(new(ada)))


def new(person: Person, execution: str = "Fx1") -> NewExecution:
    return NewExecution(person, "E1", execution, "request_secret", INPUTS)


async def begin(requests, execution, ada, ben):
    return await requests.begin_for_step(execution.id, ada, ben, Secret("the key"), STEP, HOUR)


async def change(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def test_what_a_workflow_gave_comes_back_and_is_not_readable_in_the_row(executions, database, ada, received):
    async with database.reading() as connection:
        stored = await connection.scalar(select(table.c.inputs))

    assert (received.person, received.install_team, received.execution) == (ada, "E1", "Fx1")
    assert received.inputs == INPUTS
    assert received.is_received
    assert b"staging" not in stored
    assert "staging" not in repr(received)


async def test_an_execution_is_stored_once_however_often_and_at_once_it_comes(executions, ada):
    stored = await asyncio.gather(*(executions.receive(new(ada)) for _ in range(5)))

    assert len([one for one in stored if one is not None]) == 1


@pytest.mark.parametrize("missing", ["user_id", "team_id"])
async def test_one_that_nobody_ran_is_stored_too_so_that_it_can_be_refused(executions, ada, missing):
    nobody = dataclasses.replace(ada, **{missing: ""})

    found = await executions.find(nobody, await executions.receive(new(nobody)))

    assert (found.is_received, found.inputs) == (True, None)
    assert await executions.refuse(found.id, "nobody_ran")


async def test_it_belongs_to_who_ran_the_workflow(executions, ada, ben, received):
    for other in (ben, dataclasses.replace(ada, team_id="T2")):
        with pytest.raises(NotYours):
            await executions.find(other, received.id)


async def test_it_is_begun_once_together_with_its_request(executions, requests, database, ada, ben, received):
    begun = await asyncio.gather(*(begin(requests, received, ada, ben) for _ in range(4)))

    (request,) = [one for one in begun if one is not None]
    found = await executions.of_request(request.id)
    assert found is not None
    assert (found.id, found.inputs, found.is_received) == (received.id, None, False)
    async with database.reading() as connection:
        assert len((await connection.execute(select(request_table.c.id))).all()) == 1


async def test_a_request_of_a_workflow_knows_it_and_who_may_open(requests, ada, ben, received):
    made = await begin(requests, received, ada, ben)

    assert (made.workflow, made.openers) == ("Onboarding", ("U1", "U2"))
    assert (made.expires_at - made.created_at).total_seconds() == pytest.approx(HOUR)
    own = await requests.begin(ada, ben, None)
    assert (own.workflow, own.openers) == (None, (ada.user_id,))


async def test_nobody_can_change_in_the_database_who_may_open(requests, database, ada, ben, received):
    made = await begin(requests, received, ada, ben)
    other = await requests.begin(ada, ben, None)
    for values in ({"people": None}, {"people": select(request_table.c.people).where(request_table.c.id == other.id)}):
        async with database.writing() as connection:
            new_values = {name: one if one is None else one.scalar_subquery() for name, one in values.items()}
            await connection.execute(update(request_table).where(request_table.c.id == made.id).values(**new_values))

        with pytest.raises(Unsealable):
            await requests.find(ada, made.id)


async def test_what_was_refused_is_not_begun_and_the_other_way_round(executions, requests, ada, ben, received):
    assert await executions.refuse(received.id, "limit")
    assert not await executions.refuse(received.id, "limit")
    assert await begin(requests, received, ada, ben) is None

    other = await executions.find(ada, await executions.receive(new(ada, "Fx2")))
    assert await begin(requests, other, ada, ben) is not None
    assert not await executions.refuse(other.id, "limit")


async def test_what_a_crash_left_is_found(executions, requests, ada, ben, received):
    assert [one.id for one in await executions.received(0.0)] == [received.id]
    assert await executions.received(60.0) == []

    await begin(requests, received, ada, ben)

    assert await executions.received(0.0) == []


async def test_it_is_due_when_its_request_is_over_until_slack_was_told(executions, requests, ada, ben, received):
    made = await begin(requests, received, ada, ben)
    assert await executions.due(0.0) == []

    await requests.end(made.id, "withdrawn")
    assert [one.id for one in await executions.due(0.0)] == [received.id]
    assert await executions.due(60.0) == []

    await executions.mark_done(received.id)
    assert await executions.due(0.0) == []


async def test_a_refusal_is_due_until_slack_was_told(executions, received):
    await executions.refuse(received.id, "limit")

    assert [(one.id, one.refusal) for one in await executions.due(0.0)] == [(received.id, "limit")]

    await executions.mark_done(received.id)
    assert await executions.due(0.0) == []


async def test_inputs_that_no_key_opens_are_none(executions, database, ada, received):
    await change(database, inputs=b"O1 nothing")

    assert (await executions.find(ada, received.id)).inputs is None


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"done_at": now - KEPT - 1}, 0),
        ({"done_at": now - KEPT + 60}, 1),
        ({"created_at": now - GIVEN_UP - 1}, 0),
        ({"created_at": now - KEPT}, 1),
    ],
    ids=["done long ago", "done lately", "never taken", "still waits"],
)
async def test_what_is_over_is_deleted_after_a_while(executions, database, received, values, left):
    await change(database, **values)

    assert await executions.purge() == 1 - left
