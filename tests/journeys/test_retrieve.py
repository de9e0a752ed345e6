"""Opening a one-time link: once, in a window, and never lost."""

import asyncio
import contextlib
import sqlite3
from functools import partial

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL

SECRET_ROUTE = "/api/v1/secret/{key}"


def _shows(person, text):
    return text in person.view.text


async def _window(world, ada, held):
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    return await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_a_secret_is_shown_once_in_the_window_and_nowhere_else(mode):
    async with World(mode=mode) as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "the text\n  with <b>&amp;</b> `marks`\t")
        view = await _window(world, ada, held)
        assert world.onetime.posts_of(held.secret_key) == 0

        await ada.submit(view)

        await ada.until(ada.view.secret_text)
        assert ada.view.secret_text() == "the text\n  with <b>&amp;</b> `marks`\t"
        assert world.onetime.claims_of(held.secret_key) == 1
        assert ada.dm == []


async def test_a_passphrase_is_asked_for_when_it_did_not_open(world, ada):
    held = world.onetime.share(None, "the text", passphrase="the right one")
    view = await _window(world, ada, held)

    await ada.submit(view)
    await ada.until(lambda: "did not open" in ada.view.text)
    await ada.submit(ada.view, {"passphrase": "the wrong one"})
    await ada.until(lambda: "did not open with that passphrase" in ada.view.text)
    await ada.submit(ada.view, {"passphrase": "the right one"})

    await ada.until(lambda: ada.view.secret_text() == "the text")


async def test_somebody_who_has_a_passphrase_can_say_so_at_once(world, ada):
    held = world.onetime.share(None, "the text", passphrase="the right one")
    view = await _window(world, ada, held)

    await ada.click(view, label="Enter a passphrase")
    await ada.until(lambda: "Passphrase" in view.text)
    await ada.submit(view, {"passphrase": "the right one"})

    await ada.until(lambda: ada.view.secret_text() == "the text")
    assert world.onetime.posts_of(held.secret_key) == 1


async def test_guessing_stops_after_five(world, ada):
    """The first Open, without a passphrase, is no guess."""
    held = world.onetime.share(None, "the text", passphrase="the right one")
    view = await _window(world, ada, held)
    await ada.submit(view)
    for guess in range(5):
        await ada.until(lambda: "did not open" in ada.view.text and ada.view.submit)
        await ada.submit(ada.view, {"passphrase": f"guess {guess}"})
        await ada.until(lambda: ada.view.text.count("Opening") == 0)

    await ada.until(lambda: "Stopped after 5 tries" in ada.view.text)
    assert world.onetime.posts_of(held.secret_key) == 1 + 5
    assert world.onetime.find_secret(held.secret_key).has_plaintext


async def test_a_window_closed_before_the_probe_opens_nothing(world, ada):
    held = world.onetime.share(None, "the text")
    view = await _window(world, ada, held)
    world.workspace.plan("views.update", SlackFault.error("not_found"))

    await ada.submit(view)

    await ada.until(lambda: any("*not* opened" in message.shows for message in ada.dm))
    assert world.onetime.posts_of(held.secret_key) == 0


async def test_a_window_closed_during_the_call_is_made_up_for_by_a_message_without_content(world, ada):
    held = world.onetime.share(None, "the text")
    fault = OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    view = await _window(world, ada, held)
    await ada.submit(view)
    await world.onetime.wait_for_call(SECRET_ROUTE)

    await ada.close()
    fault.release()
    message = await ada.until(lambda: ada.dm and ada.dm[-1])

    assert "the text" not in str(world.workspace.export())
    await ada.click(message, label="Show again")
    await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")
    await ada.until(lambda: "shown to you" in ada.dm[-1].shows)
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_what_was_shown_again_is_not_shown_a_third_time(world, ada):
    held = world.onetime.share(None, "the text")
    view = await _window(world, ada, held)
    fault = OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    await ada.submit(view)
    await world.onetime.wait_for_call(SECRET_ROUTE)
    await ada.close()
    fault.release()
    message = await ada.until(lambda: ada.dm and ada.dm[-1])
    before = message.blocks
    await ada.click(message, label="Show again")
    await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")
    await ada.until(lambda: "shown to you" in message.shows)
    await ada.close()
    message.blocks = before

    await ada.click(message, label="Show again")

    await ada.until(lambda: "nothing left" in ada.sees())
    assert ada.view is None


@pytest.mark.parametrize("trouble", [SlackFault.http(502, "<html>"), SlackFault.rate_limited(1), SlackFault.drop()],
                         ids=["502", "429", "dropped"])  # fmt: skip
async def test_slack_in_trouble_at_the_last_step_is_waited_for(world, ada, trouble):
    held = world.onetime.share(None, "the text")
    fault = OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    view = await _window(world, ada, held)
    await ada.submit(view)
    await world.onetime.wait_for_call(SECRET_ROUTE)
    world.workspace.plan("views.update", trouble, 2)

    fault.release()

    await ada.until(lambda: ada.view.secret_text() == "the text")


async def test_twenty_submits_at_once_make_one_call(world, ada):
    held = world.onetime.share(None, "the text")
    view = await _window(world, ada, held)

    await asyncio.gather(*(ada.submit(view) for _ in range(20)), return_exceptions=True)

    await ada.until(lambda: any(one.secret_text() == "the text" for one in ada.views))
    assert world.onetime.posts_of(held.secret_key) == 1
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_no_usable_answer_is_reported_as_perhaps_opened_and_can_be_tried_again(world, ada):
    held = world.onetime.share(None, "the text")
    world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop after"))
    view = await _window(world, ada, held)

    await ada.submit(view)
    await ada.until(lambda: "may have been opened" in ada.view.text)
    await ada.submit(ada.view)

    await ada.until(lambda: "You tried before and got no answer" in ada.view.text)


async def test_a_call_that_never_arrived_can_be_tried_again(world, ada):
    held = world.onetime.share(None, "the text")
    world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop"))
    view = await _window(world, ada, held)

    await ada.submit(view)
    await ada.until(lambda: "may have been opened" in ada.view.text)
    await ada.submit(ada.view)

    await ada.until(lambda: ada.view.secret_text() == "the text")


async def test_without_escrow_the_window_says_so_and_a_closed_one_is_reported_as_lost():
    async with World(settings={"REVEAL_ESCROW": "off"}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "the text")
        fault = OnetimeFault("hang after")
        world.onetime.plan(SECRET_ROUTE, fault)
        view = await _window(world, ada, held)
        await ada.submit(view)
        await world.onetime.wait_for_call(SECRET_ROUTE)
        assert "closing it now loses the secret" in ada.view.text

        await ada.close()
        fault.release()

        await ada.until(lambda: any("nothing was kept" in message.shows for message in ada.dm))


async def test_a_very_long_secret_comes_in_pages_that_join_exactly():
    async with World(version="0.18") as world:
        ada = world.workspace.person("U0ADA", "ada")
        text = "".join(f"{number:06}\n" for number in range(60_000))
        held = world.onetime.share(None, text)
        view = await _window(world, ada, held)
        await ada.submit(view)
        await ada.until(lambda: "Page 1 of 3" in ada.view.text)
        got = ada.view.secret_text()
        for shown in ("Page 2 of 3", "Page 3 of 3"):
            await ada.click(ada.view, label="Next page")
            await ada.until(partial(_shows, ada, shown))
            got += ada.view.secret_text()

        assert got == text


async def test_done_counts_as_soon_as_it_can_be_pressed():
    """Slack shows the page before it answers the bot, and the bot has things to do after that answer."""
    async with World(version="0.18") as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "".join(f"{number:06}\n" for number in range(60_000)))
        view = await _window(world, ada, held)
        answered = SlackFault.hang(after=True)
        world.workspace.plan("views.update", SlackFault.delay(0))  # "Opening…"
        world.workspace.plan("views.update", answered)
        await ada.submit(view)
        await ada.until(lambda: "Page 1 of 3" in ada.view.text)

        await ada.submit()
        answered.release()

        async with asyncio.timeout(60):
            while _reveal(world, "state, escrow") != ("shown", None):  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(0.02)


def _reveal(world, columns):
    with contextlib.closing(sqlite3.connect(world.directory / "bot.db", timeout=30)) as database:
        return database.execute(f"SELECT {columns} FROM reveals").fetchone()


async def test_the_link_can_be_typed_into_the_window_instead(world, ada):
    held = world.onetime.share(None, "the text")
    await ada.command("/ots", "get")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Next" and ada.view)

    await ada.submit(view, {"link": "not a link"})
    assert view.errors["link"]
    await ada.submit(view, {"link": f"{world.onetime.url}/secret/{held.secret_key}"})
    await ada.until(lambda: ada.view.submit == "Open")
    await ada.submit()

    await ada.until(lambda: ada.view.secret_text() == "the text")


async def test_the_senders_private_link_is_recognised(world, ada):
    held = world.onetime.share(EMAIL, "the text")

    await ada.command("/ots", f"retrieve {world.onetime.url}/private/{held.metadata_key}")

    await ada.until(lambda: "belongs to the person who made the secret" in ada.sees())
    assert world.onetime.calls == []


async def test_an_account_whose_token_changed_does_not_keep_a_link_from_opening(world, connected):
    world.onetime.change_token(EMAIL, "another")
    held = world.onetime.share(None, "the text")
    view = await _window(world, connected, held)

    await connected.submit(view)

    await connected.until(lambda: connected.view.secret_text() == "the text")


async def test_after_a_doubtful_try_a_missing_passphrase_is_not_taken_for_the_end(world, ada):
    held = world.onetime.share(None, "the text", passphrase="the right one")
    world.onetime.plan(SECRET_ROUTE, OnetimeFault("html"))
    view = await _window(world, ada, held)
    await ada.submit(view)
    await ada.until(lambda: "may have been opened" in ada.view.text and ada.view.submit)

    await ada.submit(ada.view)
    await ada.until(lambda: "You tried before and got no answer" in ada.view.text)
    await ada.submit(ada.view, {"passphrase": "the right one"})

    await ada.until(lambda: ada.view.secret_text() == "the text")


async def test_a_window_that_is_submitted_twice_keeps_what_the_first_one_shows(world, ada):
    held = world.onetime.share(None, "the text")
    view = await _window(world, ada, held)
    fault = OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    form, as_pressed = view.payload, view.hash
    await ada.submit(view)
    await world.onetime.wait_for_call(SECRET_ROUTE)

    view.show(form, as_pressed)
    await ada.submit(view)
    assert "sent this form already" in ada.view.text
    await ada.close()
    fault.release()

    await ada.until(lambda: ada.view.secret_text() == "the text")
    assert world.onetime.posts_of(held.secret_key) == 1


async def test_while_one_window_opens_a_secret_another_one_tries_nothing(world, ada):
    held = world.onetime.share(None, "the text", passphrase="the right one")
    fault = OnetimeFault("hang")
    world.onetime.plan(SECRET_ROUTE, fault)
    await ada.submit(await _window(world, ada, held))
    await world.onetime.wait_for_call(SECRET_ROUTE)
    await ada.close()

    await ada.submit(await _window(world, ada, held))

    await ada.until(lambda: "Another window of yours is opening this secret. Nothing was tried here." in ada.view.text)
    assert sum(call.route == SECRET_ROUTE for call in world.onetime.calls) == 1
    fault.release()


async def test_a_server_that_takes_no_accounts_opens_the_link_without_one(world, connected):
    held = world.onetime.share(None, "the text")
    world.onetime.auth_enabled = False
    view = await _window(world, connected, held)

    await connected.submit(view)

    await connected.until(lambda: connected.view.secret_text() == "the text")


async def test_guessing_goes_on_counting_in_another_window(world, ada):
    """Of Opens without a passphrase, too: only the first could not know that it needs one."""
    held = world.onetime.share(None, "the text", passphrase="the right one")
    for _ in range(6):
        view = await _window(world, ada, held)
        await ada.submit(view)
        await ada.until(lambda: "did not open" in ada.view.text or "Stopped" in ada.view.text)
        await ada.close()

    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")

    await ada.until(lambda: ada.view and "Stopped after 5 tries" in ada.view.text)
    assert world.onetime.posts_of(held.secret_key) == 1 + 5
