"""Two bots on one PostgreSQL: what is shared in a channel is opened once, whichever of them is asked."""

import asyncio

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World
from tests.support.postgres import new_postgres_url, postgres
from tests.support.share_window import submit_share

__all__ = ["new_postgres_url", "postgres"]

TEXT = "what was shared"


async def test_of_twenty_people_at_two_processes_one_opens_it_and_all_others_hear_who(new_postgres_url):
    async with World(settings={"DATABASE_URL": new_postgres_url()}) as world:
        second = BotProcess(world.settings())
        await second.start()
        urls = [f"http://127.0.0.1:{bot.port}/slack/events" for bot in (world.bot, second)]
        ada, *people = [world.workspace.person(f"U0PERSON{number:02}", f"person{number}") for number in range(21)]
        place = world.workspace.channel("C0OPS", "ops", [ada, *people, world.workspace.bot_user_id])
        await shared(ada, place)
        for number, person in enumerate(people):
            world.workspace.connect_http(urls[number % 2])
            await person.click(label="Open")
            await asks(person)

        submits = []
        for number, person in enumerate(people):
            world.workspace.connect_http(urls[number % 2])
            submits.append(asyncio.create_task(person.submit()))
            await asyncio.sleep(0)  # the submit is on its way to that process
        await asyncio.gather(*submits)

        (winner,) = await ada.until(lambda: [one for one in people if one.view.secret_text() == TEXT])
        for loser in people:
            if loser is not winner:
                await hears_of(winner, loser)
        await ada.until(lambda: sum(f"@{winner.id} opened your" in one.shows for one in ada.dm) == 1)
        assert [await bot.stop() for bot in (world.bot, second)] == [0, 0]
    (held,) = world.onetime.everything()
    assert all(b'"form": "retrieve"' in bot.output for bot in (world.bot, second))
    assert world.onetime.posts_of(held.secret_key) == world.onetime.claims_of(held.secret_key) == 1


async def shared(sender, place):
    await sender.command("/ots", "share")
    await sender.until(lambda: sender.view and sender.view.submit == "Share")
    await submit_share(sender, sender.view, {"text1": TEXT, "channel": place.id})
    await sender.until(lambda: any("What you shared" in one.shows for one in sender.dm))


async def asks(person):
    await person.until(lambda: person.view and person.view.submit == "Show here")


async def hears_of(winner, loser):
    await loser.until(lambda: f"@{winner.id}" in loser.view.text)
