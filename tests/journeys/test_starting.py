"""Starting while Slack or the database is away: the process waits. What is set wrongly stops it with one line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.contract.upgrade.emulators import run_bot
from tests.support.postgres import free_port, postgres
from tests.support.waiting import eventually

__all__ = ["postgres"]


@asynccontextmanager
async def starting(**settings):
    """A world without a bot, and one that is starting there. It ends with the block."""
    world = World(settings=settings)
    await world.onetime.start()
    try:
        yield world
    finally:
        await world.stop()


async def until_it_waits(bot):
    await eventually(lambda: b'"event": "not_started_yet"' in bot.output or b"cannot start" in bot.output)
    assert b"cannot start" not in bot.output


@pytest.mark.parametrize("command", ["run", "worker"])
async def test_while_nobody_listens_at_slacks_address_the_bot_waits_and_then_starts(command):
    async with starting() as world:
        port = free_port()
        assert (await run_bot("migrate", DATABASE_URL=world.settings()["DATABASE_URL"]))[0] == 0
        bot = world.bot = BotProcess(
            world.settings() | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}, ("-m", "bot", command)
        )
        started = asyncio.create_task(bot.start())
        await until_it_waits(bot)
        assert b"connection refused" in bot.output

        await world.workspace.start(port)

        await started
        assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (SlackFault.http(502, "<html>"), b"http_502"),
        pytest.param(SlackFault.http(200, "<html>"), b"http_200", marks=pytest.mark.slow),
        pytest.param(SlackFault.rate_limited(1), b"ratelimited", marks=pytest.mark.slow),
        pytest.param(SlackFault.drop(), b"the connection broke", marks=pytest.mark.slow),
        pytest.param(SlackFault.error("internal_error"), b"internal_error", marks=pytest.mark.slow),
        pytest.param(SlackFault.error("something_new"), b"something_new", marks=pytest.mark.slow),
        pytest.param(SlackFault.error("team_added_to_org"), b"team_added_to_org", marks=pytest.mark.slow),
    ],
)
async def test_what_slack_answers_while_it_is_in_trouble_is_waited_for(fault, said):
    async with starting() as world:
        await world.workspace.start()
        world.workspace.plan("auth.test", fault, 1)

        await world.start_bot()

        lines = [line for line in world.bot.output.splitlines() if b'"event": "not_started_yet"' in line]
        assert len(lines) == 1
        assert said in lines[0]
        assert b'"event": "stopped"' not in world.bot.output


async def test_who_ends_a_process_that_waits_does_not_wait():
    async with starting() as world:
        bot = world.bot = BotProcess(world.settings() | {"SLACK_API_URL": "http://127.0.0.1:1/api/"})
        started = asyncio.create_task(bot.start())
        await until_it_waits(bot)

        await bot.stop()

        with pytest.raises(RuntimeError):
            await started


async def test_a_database_that_is_away_is_waited_for(postgres):
    url = postgres.new_database()
    async with starting(DATABASE_URL=url) as world:
        await world.workspace.start()
        assert (await run_bot("migrate", **world.settings()))[0] == 0
        postgres.stop()
        try:
            code, said = await run_bot("migrate", **world.settings())
            assert (code, said.count("\n")) == (75, 1)
            assert "connection refused" in said
            bot = world.bot = BotProcess(world.settings())
            started = asyncio.create_task(bot.start())
            await until_it_waits(bot)
        finally:
            postgres.start()

        await started


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:{port}/postgres", "there is no such user"),
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:{port}/nowhere", "there is no such database"),
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=require", "TLS is required"),
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=some", "is not valid"),
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:{port}/postgres?other=1", "ProgrammingError"),
        ("SLACK_API_URL", "{onetime}/api/", "SLACK_API_URL is not the address of Slack's Web API"),
        ("SLACK_API_URL", "{slack}other/", "SLACK_API_URL is not the address of Slack's Web API"),
        ("SLACK_BOT_TOKEN", "xoxb-not-the-token", "SLACK_BOT_TOKEN was not accepted"),
    ],
    ids=["user", "database", "no TLS", "option", "no option", "another server", "another path", "token"],
)
async def test_what_is_set_wrongly_stops_the_start(postgres, setting, value, said):
    async with starting() as world:
        await world.workspace.start()
        meant = value.format(port=postgres.port, onetime=world.onetime.url, slack=world.workspace.api_url)
        bot = BotProcess(world.settings() | {setting: meant})

        with pytest.raises(RuntimeError):
            await bot.start()

        assert await bot.wait_until_ended() == 78
        (line,) = (line for line in bytes(bot.output).decode().splitlines() if not line.startswith("{"))
        assert said in line
