"""Two bots on one PostgreSQL: a secret is burned once, whichever of them is asked."""

import asyncio
from typing import Any

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.postgres import new_postgres_url, postgres
from tests.support.waiting import eventually

__all__ = ["new_postgres_url", "postgres"]

BURN = "/api/v1/private/{key}/burn"


async def test_a_secret_that_is_burned_at_two_processes_at_once_is_burned_once_and_both_say_so(new_postgres_url):
    async with World(settings={"DATABASE_URL": new_postgres_url()}) as world:
        second = BotProcess(world.settings())
        await second.start()
        urls = [f"http://127.0.0.1:{bot.port}/slack/events" for bot in (world.bot, second)]
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        await connect(ada)
        held = world.onetime.share(EMAIL, "text")
        views: list[Any] = []
        for url in urls:
            world.workspace.connect_http(url)
            await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
            views.append(await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view))
            ada._state.stacks[ada.id] = []  # the window of the other process is open on another device

        submits = []
        for url, view in zip(urls, views, strict=True):
            world.workspace.connect_http(url)
            ada._state.stacks[ada.id] = [view]
            submits.append(asyncio.create_task(ada.submit(view)))
            await asyncio.sleep(0)  # the submit is on its way to that process
        await asyncio.gather(*submits)

        for view in views:
            await eventually(lambda: "Burned" in view.text)  # noqa: B023 - awaited right here
        assert world.onetime.find_secret(held.metadata_key).state == "burned"
        assert [call.status for call in world.onetime.calls if call.route == BURN].count(200) == 1
        assert [await bot.stop() for bot in (world.bot, second)] == [0, 0]
    assert all(b'"form": "burn"' in bot.output for bot in (world.bot, second))
