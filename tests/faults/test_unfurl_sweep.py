"""Killed at every step of a card's life: a posted link has one card that works, and the card says how it ended."""

from __future__ import annotations

import itertools

import pytest

from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

SETTINGS = {"UNFURL_LINKS": "on"}
TEXT = "the text"
UNDRAWN = "SELECT count(*) FROM link_cards WHERE posted_at IS NULL OR (state <> 'open' AND link IS NOT NULL)"

_numbers = itertools.count(1)


@pytest.fixture
def world(crashing):
    crashing.world.workspace.allow_unfurls("127.0.0.1")
    return crashing.world


@pytest.fixture
def ada(world):
    number = next(_numbers)
    return world.workspace.person(f"U0ADA{number:05}", f"ada{number}")


@pytest.fixture
def team(world, ada):
    return world.workspace.channel(f"C0{ada.id[2:]}", "team", [ada])


def share(world):
    held = world.onetime.share(None, TEXT)
    return held, f"{world.onetime.url}/secret/{held.secret_key}"


async def post(world, ada, team):
    held, link = share(world)
    message = await ada.post(link, channel=team)
    await ada.until(lambda: message.attachments)
    return held, message


async def is_up_again(crashing):
    await crashing.says("killed")
    await crashing.is_up_again()


async def opens(ada, message):
    await ada.click(message, label="Open")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit()
    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)


@pytest.mark.parametrize("step", ["card_kept", "card_attached"])
async def test_killed_while_a_card_is_attached_there_is_one_card_and_it_works(crashing, world, ada, team, step):
    _, link = share(world)
    crashing.kill_at(step)

    message = await ada.post(link, channel=team)

    await is_up_again(crashing)
    await ada.until(lambda: message.attachments)
    await eventually(lambda: crashing.query(UNDRAWN) == [(0,)])
    assert len(message.attachments) == 1
    await opens(ada, message)
    await ada.until(lambda: "Its secret was opened" in message.shows)


@pytest.mark.parametrize("step", ["card_marked", "card_redrawn"])
async def test_killed_while_a_burn_is_shown_the_card_says_it_afterwards(crashing, world, ada, team, step):
    held, message = await post(world, ada, team)
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: ada.ephemerals)
    crashing.kill_at(step)

    await ada.click(message, label="Burn")

    await is_up_again(crashing)
    await ada.until(lambda: "Its secret was burned" in message.shows)
    await eventually(lambda: crashing.query(UNDRAWN) == [(0,)])
    assert world.onetime.find_secret(held.secret_key).state == "burned"


@pytest.mark.parametrize("step", ["escrowed", "shown", "wiped", "card_marked", "card_redrawn"])
async def test_killed_while_a_posted_link_is_opened_the_card_says_afterwards_that_the_secret_was_opened(
    crashing, world, ada, team, step
):
    """Once the secret stands in the window, it stays there."""
    _, message = await post(world, ada, team)
    await ada.click(message, label="Open")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    crashing.kill_at(step)

    await ada.submit()

    await is_up_again(crashing)
    if step != "escrowed":
        assert ada.view.secret_text() == TEXT
    await ada.until(lambda: "Its secret was opened" in message.shows)
    await eventually(lambda: crashing.query(UNDRAWN) == [(0,)])


@pytest.mark.parametrize(("step", "expected"), [("warning_claimed", 1), ("warning_sent", 2)])
async def test_killed_while_somebody_is_warned_they_are_warned_the_next_time(
    crashing, world, ada, team, step, expected
):
    """Once more only where the kill came between Slack's answer and the bot's mark."""
    held, _ = share(world)
    private = f"{world.onetime.url}/private/{held.metadata_key}"
    crashing.kill_at(step)
    await ada.post(private, channel=team)
    await is_up_again(crashing)
    crashing.change("UPDATE link_warnings SET until = 0")

    await ada.post(private, channel=team)

    await ada.until(lambda: len(ada.dm) == expected)
    await eventually(lambda: crashing.query("SELECT count(*) FROM link_warnings WHERE until > 0") == [(1,)])
    crashing.change("DELETE FROM link_warnings")


async def test_the_link_is_in_no_file(crashing, world, ada, team):
    held, message = await post(world, ada, team)

    written = crashing.files() + bytes(world.bot.output)

    assert held.secret_key.encode() not in written
    (sealed,) = crashing.query(f"SELECT link FROM link_cards WHERE channel = '{team.id}'")
    assert sealed[0] in crashing.files()
    await opens(ada, message)
    await eventually(lambda: sealed[0] not in crashing.files())
