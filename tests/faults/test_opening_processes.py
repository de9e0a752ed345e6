"""Two bots on one PostgreSQL: each act has its effect once, whichever of them is asked."""

import asyncio
import json
import time
from urllib.parse import urlencode

import aiohttp
import psycopg

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack.deliver import sign
from bot.sandbox.world import World
from tests.support.postgres import free_port, new_postgres_url, postgres
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

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
            await person.click(action_id="share_open")
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


async def test_the_same_signed_request_at_two_processes_asks_the_colleague_once(new_postgres_url):
    """Also when it comes to both at the same time, and again and again later."""
    async with World(settings={"DATABASE_URL": new_postgres_url()}) as world:
        second = BotProcess(world.settings())
        await second.start()
        bots = (world.bot, second)
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        for bot in bots:  # each knows who ada is, so that nothing keeps one of them waiting
            world.workspace.connect_http(f"http://127.0.0.1:{bot.port}/slack/events")
            await ada.command("/ots", f"request <@{ben.id}>")
            await ada.until(lambda: ada.view and ada.view.submit == "Ask")
            await ada.close()
        await ada.command("/ots", f"request <@{ben.id}>")
        await ada.until(lambda: ada.view and ada.view.submit == "Ask")
        world.workspace.connect_http(f"http://127.0.0.1:{free_port()}/slack/events")
        submission = await ada.submit()  # nobody hears of it
        assert submission.error is not None
        headers, body = signed(world, submission.payload)

        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                answers = await asyncio.gather(*(post(session, bot, headers, body) for bot in bots))
                assert answers == [200, 200]
                await eventually(lambda: all(handled(bot) for bot in bots))
        await ben.until(lambda: ben.dm)
        assert [await bot.stop() for bot in bots] == [0, 0]

        assert sum(handled(bot) - repeated(bot) for bot in bots) == 1
        assert (len(ben.dm), len(ada.dm)) == (1, 1)


async def test_a_copy_at_another_process_does_not_end_the_record_of_what_is_under_way(new_postgres_url):
    """Otherwise nobody would answer if the first process died."""
    database = new_postgres_url()
    async with World(settings={"DATABASE_URL": database}) as world:
        second = BotProcess(world.settings())
        await second.start()
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, TEXT)
        hang = OnetimeFault("hang")
        world.onetime.plan("/api/v1/private/{key}", hang)
        command = await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await world.onetime.wait_for_call("/api/v1/private/{key}")

        world.workspace.connect_http(f"http://127.0.0.1:{second.port}/slack/events")
        await ada.replay(command)
        await eventually(lambda: b'"reason": "repeated"' in second.output)
        assert await second.stop() == 0  # and nothing of it is under way any more

        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT count(*) FROM acts WHERE answered_at IS NULL").fetchone() == (1,)
        hang.release()
        await ada.until(lambda: "Not opened yet" in ada.sees())
        assert await world.bot.stop() == 0


def signed(world, payload):
    """The request as Slack would send it, with one signature for all its copies."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(world.workspace.signing_secret, stamp, body),
    }
    return headers, body


async def post(session, bot, headers, body):
    async with session.post(f"http://127.0.0.1:{bot.port}/slack/events", data=body, headers=headers) as answer:
        return answer.status


def handled(bot):
    return sum(b'"form": "request"' in line for line in bytes(bot.output).splitlines())


def repeated(bot):
    return sum(
        b'"form": "request"' in line and b'"reason": "repeated"' in line for line in bytes(bot.output).splitlines()
    )
