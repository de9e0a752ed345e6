"""Tries without an answer: one card or message says what is known of them, and when a later try worked, that."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.journeys.conftest import somebody
from tests.journeys.test_share import SHARE_ROUTE, TEXT, press_share
from tests.journeys.test_share_card import buttons
from tests.support.waiting import eventually

SECRET_ROUTE = "/api/v1/secret/{key}"
DOUBT = "may exist, and nobody has its link"
ONE_BEFORE = "1 earlier try got no usable answer"

# --- sharing


async def share_in_doubt(world, person, *people, kind="drop"):
    """The card after a try to share without a usable answer. The window is there with what was typed."""
    world.onetime.plan(SHARE_ROUTE, OnetimeFault(kind))
    await press_share(person, to=[one.id for one in people])
    await person.until(lambda: person.view and DOUBT in person.view.text)
    return await person.until(lambda: person.dm and person.dm[0])


async def share_again_in_doubt(world, person):
    """Press Share in the same window once more, without a usable answer."""
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))
    before = person.view.payload["private_metadata"]
    await person.submit()
    await person.until(lambda: person.view.payload["private_metadata"] != before and DOUBT in person.view.text)


async def share_again(person):
    await person.submit()
    await person.until(lambda: person.view and person.view.title == "Shared")


@pytest.mark.parametrize("kind", ["drop", "drop after"], ids=["not made", "made"])
async def test_a_share_that_works_at_the_second_try_has_one_card_that_says_both(world, ada, ben, kind):
    card = await share_in_doubt(world, ada, ben, kind=kind)

    await share_again(ada)

    await ada.until(lambda: "A later try worked" in card.shows)
    assert ONE_BEFORE in card.shows
    assert f"@{ben.id}: not opened yet" in card.shows
    assert DOUBT not in card.shows
    assert ada.dm == [card]
    await ben.click(action_id="share_open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
    await ben.until(lambda: ben.view.secret_text() == TEXT)
    await ada.until(lambda: f"@{ben.id}: opened" in card.shows)
    assert ONE_BEFORE in card.shows


async def test_two_shares_in_doubt_have_one_card_until_the_third_works(world, ada, ben):
    card = await share_in_doubt(world, ada, ben)

    await share_again_in_doubt(world, ada)

    await ada.until(lambda: ONE_BEFORE in card.shows)
    assert DOUBT in card.shows
    assert "A later try worked" not in card.shows
    assert ada.dm == [card]
    await share_again(ada)
    await ada.until(lambda: "2 earlier tries got no usable answer" in card.shows)
    assert "A later try worked" in card.shows
    assert ada.dm == [card]


async def test_a_second_try_that_is_refused_leaves_the_card_of_the_first(world, ada, ben):
    card = await share_in_doubt(world, ada, ben)
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=404, body=b'{"message": "no"}'))

    await ada.submit()
    await ada.until(lambda: "The server refused it" in ada.view.text)

    assert DOUBT in card.shows
    assert ONE_BEFORE not in card.shows
    await share_again(ada)
    await ada.until(lambda: ONE_BEFORE in card.shows and "A later try worked" in card.shows)
    assert ada.dm == [card]


async def test_a_card_that_cannot_be_changed_any_more_is_followed_by_another(world, ada, ben):
    card = await share_in_doubt(world, ada, ben)
    world.workspace.plan("chat.update", SlackFault.error("message_not_found"), about=card.ts)

    await share_again(ada)

    new = await ada.until(lambda: len(ada.dm) == 2 and ada.dm[1])
    assert ONE_BEFORE in new.shows
    assert DOUBT in card.shows


async def test_sharing_again_from_a_card_in_doubt_changes_that_card(world, ada, ben):
    card = await share_in_doubt(world, ada, ben)
    await ada.close()

    await ada.click(card, label="Share again…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await ada.submit(view, {"text1": TEXT})

    await ada.until(lambda: "A later try worked" in card.shows)
    assert ada.dm == [card]


async def test_sharing_again_what_was_burned_has_a_card_of_its_own(world, ada, ben):
    await press_share(ada, to=[ben.id])
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    await ada.close()
    await ada.click(card, label="Burn")
    await ada.until(lambda: "burned before anybody opened it" in card.shows)

    await ada.click(card, label="Share again…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await ada.submit(view, {"text1": TEXT})

    await ada.until(lambda: len(ada.dm) == 2)
    assert "burned before anybody opened it" in card.shows


# --- opening


@pytest_asyncio.fixture(loop_scope="session")
async def own_world():
    """A bot that a test can kill."""
    async with World() as started:
        yield started


async def opening_is_interrupted(world, person, held):
    """Paste the link and press Open; the bot is killed while the server is at it, and started again."""
    view = await open_window(world, person, held)
    fault = OnetimeFault("hang")
    world.onetime.plan(SECRET_ROUTE, fault)
    submitting = asyncio.create_task(person.submit(view))
    await world.onetime.wait_for_call(SECRET_ROUTE)
    await submitting
    await world.bot.kill()
    world.onetime.clear_faults()
    await world.start_bot()


async def open_window(world, person, held):
    if person.view:
        await person.close(all_of_them=True)
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    return await person.until(lambda: person.view and person.view.submit == "Open" and person.view)


async def is_started_again(world):
    """After the secret was seen. The bot looks for what it has to change at the start, and then every minute."""
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as database:
        seen = "SELECT count(*) FROM reveals WHERE state = 'shown'"
        await eventually(lambda: database.execute(seen).fetchone() == (1,))
    await world.bot.kill()
    await world.start_bot()


async def test_an_opening_that_works_at_the_second_try_has_one_message_that_says_both(own_world):
    ada = somebody(own_world, "ada")
    held = own_world.onetime.share(None, TEXT, passphrase="the right one")
    await opening_is_interrupted(own_world, ada, held)
    message = await ada.until(lambda: ada.dm and ada.dm[0])
    assert [one["text"]["text"] for one in buttons(message)] == ["Try again"]

    view = await open_window(own_world, ada, held)
    await ada.click(view, label="Enter a passphrase")
    await ada.until(lambda: "passphrase" in [one.get("block_id") for one in ada.view.blocks])
    await ada.submit(None, {"passphrase": "the right one"})
    await ada.until(lambda: ada.view.secret_text() == TEXT)
    await is_started_again(own_world)

    await ada.until(lambda: "A later try worked" in message.shows)
    assert buttons(message) == []
    assert ada.dm == [message]


async def test_two_interrupted_openings_have_one_message_whose_button_works(own_world):
    ada, ben = somebody(own_world, "ada"), somebody(own_world, "ben")
    held, other = (own_world.onetime.share(None, TEXT, passphrase="the right one") for _ in range(2))
    await opening_is_interrupted(own_world, ada, held)
    message = await ada.until(lambda: ada.dm and ada.dm[0])
    assert "A later try" not in message.shows
    await opening_is_interrupted(own_world, ben, held)
    await ben.until(lambda: ben.dm)

    await opening_is_interrupted(own_world, ada, held)

    await ada.until(lambda: "A later try was interrupted, too" in message.shows)
    assert ada.dm == [message]
    assert "A later try" not in ben.dm[0].shows
    await opening_is_interrupted(own_world, ada, other)
    await ada.until(lambda: len(ada.dm) == 2)  # of another secret
    await ada.close(all_of_them=True)
    await ada.click(message, label="Try again")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit(None, {"passphrase": "the right one"})
    await ada.until(lambda: ada.view.secret_text() == TEXT)
    await is_started_again(own_world)
    await ada.until(lambda: "A later try worked" in message.shows)
    assert "Try again" in ada.dm[1].shows
