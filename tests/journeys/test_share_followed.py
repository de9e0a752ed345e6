"""What becomes of a shared secret outside Slack: its sender is told once, and the card and the message follow."""

import pytest_asyncio

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.journeys.test_share import TEXT, share


@pytest_asyncio.fixture(loop_scope="session")
async def quick():
    """A bot that looks often; each test has its own, since what is watched goes on after a test."""
    async with World(settings={"WATCH_EVERY": "5"}) as world:
        yield world


async def _shared(world, **fields):
    """Ada, ben, and the secret that she shared with him."""
    ada, ben = world.workspace.person("U0ADA", "ada"), world.workspace.person("U0BEN", "ben")
    await share(ada, to=[ben.id], **fields)
    await ada.close()
    (held,) = world.onetime.everything()
    return ada, ben, held


async def test_a_secret_that_was_opened_by_its_link_is_told_once_and_shown_everywhere(quick):
    ada, ben, held = await _shared(quick)
    await ben.click(action_id="share_open")
    await ben.until(lambda: ben.view and ben.view.submit == "Show here")
    await ben.click(label="Show the link")
    await ada.until(lambda: "the link was shown to" in ada.dm[0].shows)

    assert quick.onetime.open_as_outsider(held.secret_key) == TEXT

    (_, news) = await ada.until(lambda: len(ada.dm) == 2 and ada.dm)
    assert "was opened" in news.shows
    assert ben.id in news.shows
    await ada.until(lambda: "opened" in ada.dm[0].shows and "not opened yet" not in ada.dm[0].shows)
    await ben.until(lambda: "was opened" in ben.dm[0].shows)
    assert len(ada.dm) == 2


async def test_who_does_not_want_to_be_told_sees_it_on_the_card_alone(quick):
    ada, _ben, held = await _shared(quick, options=[])

    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: "not opened yet" not in ada.dm[0].shows)
    assert len(ada.dm) == 1


async def test_a_secret_that_was_burned_elsewhere_is_told_and_cannot_be_opened_here(quick):
    ada, ben, held = await _shared(quick)

    quick.onetime.burn_as_owner(held.metadata_key)

    await ada.until(lambda: len(ada.dm) == 2)
    assert "burned before anybody opened it" in ada.dm[1].shows
    await ben.until(lambda: "burned this one-time secret" in ben.dm[0].shows)
    assert "Open" not in str([block for block in ben.dm[0].blocks if block["type"] == "actions"])


async def test_what_was_opened_here_is_told_once_also_to_who_tracks_it_by_hand(quick):
    ada, ben, held = await _shared(quick)
    await ada.command("/ots", f"track {quick.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: len(ada.dm) == 2)
    await ben.click(action_id="share_open")
    await ben.until(lambda: ben.view and ben.view.submit == "Show here")

    await ben.submit()

    await ada.until(lambda: len(ada.dm) == 3)
    card, by_hand, news = ada.dm
    assert "opened your one-time secret" in news.shows
    await ada.until(lambda: "Opened" in by_hand.shows and "*Opened*" in card.shows)


async def test_a_sender_reads_that_nobody_knows_who_saw_it_where_somebody_else_had_the_link(quick):
    ada, ben, held = await _shared(quick)
    cleo = quick.workspace.person("U0CLEO", "cleo")

    await cleo.command("/ots", f"retrieve {quick.onetime.url}/secret/{held.secret_key}")
    view = await cleo.until(lambda: cleo.view and cleo.view.submit == "Open" and cleo.view)
    await cleo.submit(view)
    await cleo.until(lambda: cleo.view.secret_text() == TEXT)

    (_, news) = await ada.until(lambda: len(ada.dm) == 2 and ada.dm)
    assert "was opened" in news.shows
    assert "This app does not know who saw it" in news.shows
    await ada.until(lambda: "this app does not know who saw it" in ada.dm[0].shows)
    await ben.until(lambda: "was opened" in ben.dm[0].shows)


async def test_a_link_that_its_sender_opens_here_is_opened_on_the_card(quick):
    ada = quick.workspace.person("U0ADA", "ada")
    await share(ada)
    await ada.close()
    (held,) = quick.onetime.everything()

    await ada.command("/ots", f"retrieve {quick.onetime.url}/secret/{held.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit()

    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)
    await ada.until(lambda: "*Opened*" in ada.dm[0].shows)
    assert len(ada.dm) == 1


async def test_what_was_shared_with_an_account_that_was_disconnected_is_followed_on(quick):
    quick.onetime.add_account(EMAIL, TOKEN)
    await connect(quick.workspace.person("U0ADA", "ada"))
    ada, _ben, held = await _shared(quick)
    await ada.command("/ots", "disconnect")
    await ada.until(lambda: "Which account" in ada.sees())
    await ada.click(action_id="account_disconnect")
    await ada.until(lambda: "is disconnected" in ada.sees())

    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: len(ada.dm) == 2)
    assert "was opened" in ada.dm[1].shows
    await ada.until(lambda: "not opened yet" not in ada.dm[0].shows)
