"""Tracking: one card that follows the secret, and one message when something happened."""

import asyncio

import pytest_asyncio

from bot.sandbox.onetime import Fault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect


@pytest_asyncio.fixture(loop_scope="session")
async def quick():
    """A bot that looks often; each test has its own, since what is watched goes on after a test."""
    async with World(settings={"WATCH_EVERY": "5"}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world


async def _tracked(world, ada, held, label=""):
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} {label}")
    return await ada.until(lambda: ada.dm and ada.dm[0])


async def test_the_sender_is_told_once_when_a_tracked_secret_is_opened(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "the text")
    card = await _tracked(quick, ada, held, "db password")
    assert "Not opened yet" in card.shows
    assert "db password" in card.shows

    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]), timeout=15)
    await ada.until(lambda: "Opened" in ada.dm[0].shows)
    assert "Burn" not in ada.dm[0].shows
    assert len(ada.dm) == 2


async def test_one_call_answers_for_all_secrets_of_an_account(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    for _ in range(5):
        await _tracked(quick, ada, quick.onetime.share(EMAIL, "text"))
    await ada.until(lambda: len(ada.dm) == 5)
    before = len(quick.onetime.calls)
    looks = sum(one.route == "/api/v1/private/recent" for one in quick.onetime.calls)

    await asyncio.wait_for(quick.onetime.arrived("/api/v1/private/recent", times=looks + 1), 15)

    assert {one.route for one in quick.onetime.calls[before:]} == {"/api/v1/private/recent"}


async def test_burning_ones_own_is_no_news(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    card = await _tracked(quick, ada, held)

    await ada.click(card, label="Burn")

    await ada.until(lambda: "Burned" in ada.dm[0].shows)
    assert quick.onetime.held(held.metadata_key).state == "burned"
    assert len(ada.dm) == 1


async def test_a_server_in_trouble_is_never_taken_for_news(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    await _tracked(quick, ada, held)
    quick.onetime.plan("/api/v1/private/recent", Fault("html"), None)

    await asyncio.wait_for(quick.onetime.arrived("/api/v1/private/recent", times=2), 15)

    assert len(ada.dm) == 1
    assert "Not opened yet" in ada.dm[0].shows


async def test_an_anonymous_secret_is_looked_at_by_its_key(quick):
    ada = quick.workspace.person("U0ADA", "ada")
    held = quick.onetime.share(None, "text")
    await _tracked(quick, ada, held)

    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]), timeout=15)


async def test_a_stopped_one_is_not_looked_at_any_more(quick):
    ada = quick.workspace.person("U0ADA", "ada")
    held = quick.onetime.share(None, "text")
    card = await _tracked(quick, ada, held)

    await ada.click(card, label="Stop")
    await ada.until(lambda: "not tracked any more" in ada.dm[0].shows)
    quick.onetime.open_as_outsider(held.secret_key)
    await ada.command("/ots", "tracked")

    await ada.until(lambda: "not tracking any secret" in ada.sees())
    assert len(ada.dm) == 1


async def test_what_happened_while_the_bot_was_dead_is_told_at_its_start(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    await _tracked(quick, ada, held)
    await quick.bot.kill()
    quick.onetime.open_as_outsider(held.secret_key)

    await quick.start_bot()

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]), timeout=8)
    assert len(ada.dm) == 2
