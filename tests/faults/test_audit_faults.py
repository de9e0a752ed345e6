"""The audit of the real bot: when it is stopped or killed, and when somebody leaves."""

import asyncio
import json
import sqlite3
from contextlib import closing

from bot.sandbox.world import World
from tests.contract.upgrade.emulators import run_bot
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.waiting import eventually


async def audit(world, *words):
    """What a command of the audit says, by line."""
    url, keys = f"sqlite:///{world.directory}/bot.db", f"k1:{world.encryption_key}"
    code, said = await run_bot("audit", *words, DATABASE_URL=url, ENCRYPTION_KEYS=keys)
    return code, said.splitlines()


async def entries_of(world, person):
    code, lines = await audit(world, "export", "--since", "2020-01-01")
    assert code == 0
    return [one for one in map(json.loads, lines) if one["user"] == person.id]


def count(world):
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        return connection.execute("SELECT count(*) FROM audit_entries").fetchone()[0]


async def lists_accounts(person):
    seen = len(person.ephemerals)
    await person.command("/ots", "accounts")
    await person.until(lambda: len(person.ephemerals) > seen)


async def test_a_bot_that_is_stopped_writes_what_was_done_in_its_last_second():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        await lists_accounts(ada)
        await asyncio.sleep(0.05)  # the line of the audit follows the answer
        await world.bot.stop()

        assert [one["act"] for one in await entries_of(world, ada)] == ["accounts"]
        code, lines = await audit(world, "verify")
        assert (code, lines[-1]) == (0, "1 chains, 0 broken.")


async def test_a_bot_that_is_killed_loses_its_last_second_at_most_and_the_chain_goes_on():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        await lists_accounts(ada)
        await eventually(lambda: count(world) == 1)
        await lists_accounts(ada)
        await world.bot.kill()

        await world.start_bot()
        await lists_accounts(ada)
        await eventually(lambda: count(world) >= 2)

        code, lines = await audit(world, "verify")
        assert (code, lines[-1]) == (0, "1 chains, 0 broken.")
        assert len(await entries_of(world, ada)) in (2, 3)


async def test_of_somebody_who_left_nothing_can_be_opened_and_the_chain_is_intact():
    async with World() as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        for person in (ada, ben):
            await connect(person)
        await eventually(lambda: count(world) >= 4)
        assert await entries_of(world, ada)
        await world.bot.stop()
        ada.person.deleted = True

        await world.start_bot()
        await eventually(lambda: b'"erased"' in world.bot.output)

        assert await entries_of(world, ada) == []
        assert await entries_of(world, ben)
        code, lines = await audit(world, "verify")
        assert code == 0
        assert "of erased people" in lines[0]
