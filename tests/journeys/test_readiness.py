"""/readyz: whether the process can do its job now, with reasons for its operator alone."""

import asyncio
import json
import resource
import sqlite3
from contextlib import closing

import psycopg
import pytest

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.journeys.test_dispatcher import send
from tests.support.postgres import free_port, new_postgres_url, postgres
from tests.support.waiting import PATIENCE

__all__ = ["new_postgres_url", "postgres"]


def administered(**settings):
    """A world whose bot has an ADMIN_PORT."""
    return World(settings={"ADMIN_PORT": str(free_port()), **settings})


async def ready(world):
    """What the port for operators says: whether it is ready, and the reasons by part."""
    port = int(world.settings()["ADMIN_PORT"])
    status, said = await send(port, [], path="/readyz", method="GET")
    answer = json.loads(said)
    assert answer["ready"] == (status == 200)
    return answer["ready"], {name: one["reason"] for name, one in answer["checks"].items() if "reason" in one}


async def public(world):
    """What everybody may know. A word, and nothing else."""
    return await send(world.bot.port, [], path="/readyz", method="GET")


async def until_ready(world, hoped=True):
    """Wait until it says so. The reasons."""
    async with asyncio.timeout(PATIENCE):
        while (found := await ready(world))[0] is not hoped:  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(0.2)
    return found[1]


async def test_the_port_that_slack_calls_says_one_word_and_the_one_for_operators_says_why():
    async with administered() as world:
        assert await public(world) == (200, "ready\n")
        assert await ready(world) == (True, {})

        with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()

        assert await public(world) == (503, "not ready\n")
        is_ready, why = await ready(world)
        assert (is_ready, list(why)) == (False, ["database"])
        assert "python -m bot migrate" in why["database"]
        assert b'"event": "not_ready"' in world.bot.output


async def test_the_port_for_operators_has_nothing_else_and_is_off_by_default(world):
    async with administered() as own:
        port = int(own.settings()["ADMIN_PORT"])
        assert await send(port, [], path="/healthz", method="GET") == (200, "ok\n")
        for path, method in (("/slack/events", "POST"), ("/", "GET"), ("/readyz", "POST")):
            assert (await send(port, [], path=path, method=method))[0] == 404

    assert "ADMIN_PORT" not in world.settings()


async def test_a_port_for_operators_that_is_taken_stops_the_start_by_its_name(world):
    bot = BotProcess(
        world.settings() | {"ADMIN_PORT": str(world.bot.port), "DATABASE_URL": f"sqlite:///{world.directory}/b.db"}
    )

    with pytest.raises(RuntimeError, match=r"ADMIN_PORT .* cannot be listened on"):
        await bot.start()

    assert await bot.wait_until_ended() == 78


async def test_a_database_whose_files_may_not_grow_makes_it_unready_until_they_may():
    async with administered() as world:
        usual = resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE, (1, usual[1]))

        why = await until_ready(world, False)
        assert "no file may grow" in why["database"]
        assert await public(world) == (503, "not ready\n")

        resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE, usual)
        assert await until_ready(world) == {}


async def test_a_database_that_turns_read_only_makes_it_unready_until_it_is_not(new_postgres_url):
    async with administered(DATABASE_URL=new_postgres_url()) as world:
        url = world.settings()["DATABASE_URL"]
        assert await ready(world) == (True, {})

        async def read_only(value):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
                connection.execute("SELECT pg_reload_conf()")

        await read_only("on")
        try:
            why = await until_ready(world, False)
            assert "read-only" in why["database"]
        finally:
            with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
                connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
                connection.execute("SELECT pg_reload_conf()")
        assert await until_ready(world) == {}


async def test_a_refused_bot_token_makes_it_unready_with_the_code_and_the_fix():
    async with administered() as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.workspace.plan("*", SlackFault.error("token_revoked"), None)
        await ada.command("/ots", "accounts")

        why = await until_ready(world, False)

        assert "token_revoked" in why["slack_token"]
        assert await public(world) == (503, "not ready\n")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (SlackFault.error("invalid_auth"), "SLACK_APP_TOKEN was not accepted by Slack (invalid_auth): make one"),
        pytest.param(SlackFault.http(502, "<html>"), "Slack could not be reached", marks=pytest.mark.slow),
        pytest.param(SlackFault.drop(), "the connection broke", marks=pytest.mark.slow),
    ],
    ids=["token refused", "bad gateway", "connection lost"],
)
async def test_socket_mode_without_a_connection_is_unready_with_the_reason_and_how_long(fault, said):
    async with World(mode="socket", settings={"ADMIN_PORT": str(free_port())}) as world:
        assert await ready(world) == (True, {})
        world.workspace.plan("apps.connections.open", fault, None)
        world.workspace.sockets.break_all()

        async with asyncio.timeout(PATIENCE):
            while said not in (why := (await ready(world))[1].get("socket_mode", "")):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.2)
        assert why.startswith("no connection to Slack for ")
        assert await public(world) == (503, "not ready\n")
        assert b'"event": "socket_not_connected"' in world.bot.output

        world.workspace.clear_faults()
        assert await until_ready(world) == {}
        ada = world.workspace.person("U0ADA", "ada")
        await ada.command("/ots", "accounts")
        await ada.until(lambda: "You have not connected" in ada.sees())
