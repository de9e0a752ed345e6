"""The workflow step when the database is away, at two processes, and with the tokens of installations."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.world import World
from bot.workflow_step import FUNCTIONS, REQUEST_STEP
from tests.faults.test_request_sweep import decline_window
from tests.support.many_world import ManyWorld
from tests.support.postgres import new_postgres_url, postgres
from tests.support.waiting import eventually

__all__ = ["new_postgres_url", "postgres"]

INPUTS = {"purpose": "the key", "workflow": "Onboarding"}


def ends_of(workspace, execution):
    sent = [one for one in workspace.export() if one.payload.get("function_execution_id") == execution.id]
    return [(one.method, one.verdict) for one in sent]


async def run(workspace, runner, asked):
    execution, delivery = await workspace.run_step(REQUEST_STEP, runner, asked=asked.id, **INPUTS)
    return execution, delivery


async def asked(ada, ben):
    """The message to Ben, once Ada's card says that he was asked."""
    await ada.until(lambda: ada.dm)
    return await ben.until(lambda: ben.dm and ben.dm[-1])


async def test_a_step_that_the_database_does_not_take_is_not_acknowledged_and_comes_again():
    async with World() as world:
        world.workspace.allow_steps(FUNCTIONS)
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        with closing(sqlite3.connect(world.directory / "bot.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # another program writes
            world.workspace.ack_within = 20.0
            execution, delivery = await run(world.workspace, ada, ben)
            other.rollback()
        assert delivery.status == 503
        assert b"step_not_stored" in world.bot.output
        assert b'"level": "error"' not in world.bot.output

        again = await world.workspace.retry(delivery)
        assert again.status == 200
        message = await asked(ada, ben)
        await ben.submit(await decline_window(ben, message))
        await eventually(lambda: execution.state == "completed")
        assert len(ben.dm) == 1


async def test_an_event_that_reaches_two_processes_at_once_asks_once_and_ends_once(new_postgres_url):
    async with World(settings={"DATABASE_URL": new_postgres_url()}) as world:
        second = BotProcess(world.settings())
        await second.start()
        world.workspace.allow_steps(FUNCTIONS)
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        execution, first = await run(world.workspace, ada, ben)
        world.workspace.connect_http(f"http://127.0.0.1:{second.port}/slack/events")
        again = await world.workspace.retry(first)
        assert (first.status, again.status) == (200, 200)
        message = await asked(ada, ben)

        await ben.submit(await decline_window(ben, message))
        await eventually(lambda: execution.state == "completed")
        await asyncio.gather(second.stop(), world.bot.stop())

        assert len(ben.dm) == 1
        assert ends_of(world.workspace, execution) == [("functions.completeSuccess", "ok")]


def grid():
    organisation = SlackWorkspace(team_id="T0OFGRID000", enterprise_id="E0GRID00000")
    organisation.state.org_install = True
    organisation.allow_steps(FUNCTIONS)
    return organisation


async def test_a_step_of_an_organisation_is_ended_by_the_token_that_it_has_then():
    """Tokens rotate while a step waits, and the organisation may install the app again."""
    async with ManyWorld([grid()]) as world:
        (organisation,) = world.platform.workspaces
        await world.install(organisation)
        ada, ben = (organisation.person(f"W0{name.upper()}", name) for name in ("ada", "ben"))
        execution, _delivery = await run(organisation, ada, ben)
        message = await asked(ada, ben)
        world.platform.end_tokens(organisation)
        await world.install(organisation)

        await ben.submit(await decline_window(ben, message))

        await eventually(lambda: execution.state == "completed")
        assert execution.outputs["state"] == "declined"


async def test_nothing_of_a_step_is_left_when_the_app_is_removed():
    async with ManyWorld([grid()]) as world:
        (organisation,) = world.platform.workspaces
        await world.install(organisation)
        ada, ben = (organisation.person(f"W0{name.upper()}", name) for name in ("ada", "ben"))
        execution, _delivery = await run(organisation, ada, ben)
        await ben.until(lambda: ben.dm)

        await world.platform.uninstall(organisation)

        def left():
            with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
                query = "SELECT (SELECT count(*) FROM executions) + (SELECT count(*) FROM requests)"
                return connection.execute(query).fetchone()[0]

        await eventually(lambda: left() == 0)
        assert ends_of(organisation, execution) == []  # Slack ends what an app leaves behind
