"""Slack, the database or Onetime Secret failing in the middle of an opening: never lost without a word."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import resource
import sqlite3
import sys

import pytest
import pytest_asyncio

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.support.postgres import new_postgres_url, postgres
from tests.support.waiting import eventually

__all__ = ["new_postgres_url", "postgres"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

SECRET_ROUTE = "/api/v1/secret/{key}"
TEXT = "the text"
MANY_PAGES = "".join(f"{number:06}\n" for number in range(60_000))

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared():
    async with World() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared):
    shared.onetime.forget()
    yield shared
    shared.workspace.clear_faults()
    shared.onetime.clear_faults()


@pytest.fixture
def ada(world):
    return somebody(world)


@pytest.fixture
def ben(world):
    return somebody(world)


def somebody(world):
    number = next(_numbers)
    return world.workspace.person(f"U0ADA{number:04}", f"ada{number}")


async def window(world, person, text=TEXT):
    """The person has the window open and has not pressed Open."""
    held = world.onetime.share(None, text)
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await person.until(lambda: person.view and person.view.submit == "Open")
    return held


async def opening(world, person, text=TEXT):
    """Onetime Secret has opened it, and answers when the fault is released."""
    held, fault = await window(world, person, text), OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    await person.submit()
    await world.onetime.wait_for_call(SECRET_ROUTE)
    return held, fault


async def offered(world, person, text=TEXT):
    """The window was closed too early, and the secret waits behind “Show again”."""
    held, fault = await opening(world, person, text)
    await person.close()
    fault.release()
    return held, await person.until(lambda: person.dm and person.dm[-1])


@contextlib.contextmanager
def database(world):
    with contextlib.closing(sqlite3.connect(world.directory / "bot.db", isolation_level=None, timeout=5)) as opened:
        yield opened


def change(world, statement, *values):
    with database(world) as opened:
        return opened.execute(statement, values).fetchall()


def row(world, person, columns):
    (found,) = change(world, f"SELECT {columns} FROM reveals WHERE user_id = ?", person.id)
    return found


async def becomes(world, person, columns, *expected):
    """Waits until the person's row is so."""
    await eventually(lambda: row(world, person, columns) == expected)


def files(world):
    return b"".join(file.read_bytes() for file in world.directory.iterdir() if not file.name.endswith("-shm"))


async def gone_from_files(world, sealed):
    """Waits until not even the write-ahead log has it: that is scrubbed right after the row was wiped."""
    await eventually(lambda: sealed not in files(world))


# --- Slack


@pytest.mark.parametrize("code", ["expired_trigger_id", "exchanged_trigger_id", "trigger_expired"])
async def test_a_window_that_never_opens_opens_no_secret_and_says_so(world, ada, code):
    held = world.onetime.share(None, TEXT)
    world.workspace.plan("views.open", SlackFault.error(code))

    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")

    await ada.until(lambda: "Please try again" in ada.sees())
    assert world.onetime.calls == []


async def test_when_slack_does_not_take_it_six_times_it_is_held_and_offered(world, ada):
    held, fault = await opening(world, ada)
    for trouble in (
        SlackFault.http(500),
        SlackFault.rate_limited(1),
        SlackFault.drop(),
        SlackFault.http(502, "<html>"),
        SlackFault.error("internal_error"),
        SlackFault.error("fatal_error"),
    ):
        world.workspace.plan("views.update", trouble)

    fault.release()

    await ada.until(lambda: ada.dm)
    assert TEXT not in ada.sees()
    await ada.close()
    await ada.click(label="Show again")
    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)
    assert world.onetime.claims_of(held.secret_key) == 1


@pytest.mark.slow
async def test_a_call_that_slack_never_answers_is_made_again(world, ada):
    _, fault = await opening(world, ada)
    world.workspace.plan("views.update", SlackFault.hang())

    fault.release()

    await ada.until(lambda: ada.view.secret_text() == TEXT)


async def test_slack_in_trouble_before_the_claim_opens_nothing(world, ada):
    held = await window(world, ada)
    world.workspace.plan("views.update", SlackFault.http(503), None)

    await ada.submit()

    await ada.until(lambda: ada.dm and "*not* opened" in ada.dm[-1].shows)
    assert world.onetime.posts_of(held.secret_key) == 0
    assert row(world, ada, "state") == ("ready",)


async def test_what_cannot_even_be_told_is_told_after_the_next_start(world, ada):
    _, fault = await opening(world, ada)
    await ada.close()
    world.workspace.plan("conversations.open", SlackFault.error("internal_error"), None)
    fault.release()
    await world.workspace.wait_for_call("conversations.open")
    await world.bot.kill()
    world.workspace.clear_faults()

    await world.start_bot()

    await ada.until(lambda: ada.dm and ada.dm[-1])
    await ada.click(label="Show again")
    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)


# --- the one who waits too long


async def test_an_answer_after_the_deadline_is_doubt_and_trying_again_tells(world, ada, ben):
    open_already, late = await window(world, ada), await window(world, ben)
    faults = [OnetimeFault("hang after"), OnetimeFault("hang")]
    for person, fault in zip((ada, ben), faults, strict=True):
        world.onetime.plan(SECRET_ROUTE, fault)
        await person.submit()
        await world.onetime.wait_for_call(SECRET_ROUTE)
    for person in (ada, ben):
        await person.until(lambda person=person: "may have been opened" in person.view.text)

    for person in (ada, ben):
        await person.submit()

    await ada.until(lambda: "You tried before and got no answer" in ada.view.text)
    await ben.until(lambda: ben.view.secret_text() == TEXT)
    faults[1].release()
    assert [world.onetime.claims_of(held.secret_key) for held in (open_already, late)] == [1, 1]


async def test_what_is_held_is_never_shown_late(world, ada):
    await offered(world, ada)
    change(world, "UPDATE reveals SET escrow_expires_at = escrow_expires_at - 601 WHERE user_id = ?", ada.id)

    await ada.click(label="Show again")

    await ada.until(lambda: "nothing left to show" in ada.dm[-1].shows)
    assert ada.view is None


async def test_what_expired_before_anybody_heard_of_it_is_reported_as_lost_and_wiped(world, ada):
    _, fault = await opening(world, ada, "canary that expires")
    await ada.close()
    world.workspace.plan("conversations.open", SlackFault.error("internal_error"), None)
    fault.release()
    await world.workspace.wait_for_call("conversations.open")
    await world.bot.kill()
    (sealed,) = row(world, ada, "escrow")
    change(world, "UPDATE reveals SET escrow_expires_at = escrow_expires_at - 601 WHERE user_id = ?", ada.id)
    world.workspace.clear_faults()

    await world.start_bot()

    message = await ada.until(lambda: ada.dm and ada.dm[-1])
    assert "it is lost" in message.shows
    assert "Show again" not in message.shows
    await becomes(world, ada, "state, escrow, secret_key", "over", None, None)
    (reveal_id,) = row(world, ada, "id")
    reported = [line for line in world.bot.output.splitlines() if b"reveal_loss_reported" in line]
    assert len([line for line in reported if reveal_id.encode() in line]) == 1  # others may be of earlier tests
    assert len(ada.dm) == 1
    await gone_from_files(world, sealed)


# --- showing it again


async def test_show_again_pressed_twice_at_once_shows_it(world, ada):
    held, message = await offered(world, ada)

    await asyncio.gather(*(ada.click(message, label="Show again") for _ in range(2)))

    await becomes(world, ada, "state", "shown")
    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_a_second_press_does_not_cover_what_the_first_has_shown(world, ada):
    _, message = await offered(world, ada)
    before = message.blocks
    await ada.click(message, label="Show again")
    await ada.until(lambda: "shown to you" in message.shows)
    message.blocks = before

    delivery = await press_in_message(world, ada, message)

    await ada.until(lambda: "nothing left to show" in message.shows)
    assert delivery.ok
    assert ada.view.secret_text() == TEXT


async def test_nobody_else_can_have_it_shown(world, ada, ben):
    _, message = await offered(world, ada)

    delivery = await press_in_message(world, ada, message, by=ben)

    await ben.until(lambda: any("is not available to you" in str(sent.payload) for sent in world.workspace.export()))
    assert delivery.ok
    assert ada.view is ben.view is None
    assert ben.dm == []
    await ada.click(message, label="Show again")
    await ada.until(lambda: ada.view and ada.view.secret_text() == TEXT)


async def test_what_is_held_for_one_does_not_open_in_anothers_row(world, ada, ben):
    await offered(world, ada, "the text of ada")
    await offered(world, ben)
    change(
        world,
        "UPDATE reveals SET escrow = (SELECT escrow FROM reveals WHERE user_id = ?) WHERE user_id = ?",
        ada.id,
        ben.id,
    )

    await ben.click(label="Show again")

    await ben.until(lambda: "cannot be read any more" in ben.sees())
    assert ben.view is None


async def test_the_words_that_it_was_shown_never_cover_it(world, ada):
    """They fail: what is shown must not be replaced by an error, since it is wiped."""
    _, message = await offered(world, ada)
    world.workspace.plan("response_url", SlackFault.http(500), None)
    world.workspace.plan("chat.postMessage", SlackFault.error("internal_error"), None)
    since = len(world.bot.output)

    await ada.click(message, label="Show again")

    await finished(world, b'"action": "retrieve_again"', since, after=b'"answered_by_dm"')
    assert ada.view.secret_text() == TEXT


async def press_in_message(world, person, message, *, by=None):
    """“Show again” in a message that a window covers, or (`by`) that somebody else forges."""
    url, views = world.workspace._deliverer.request_url, person.views
    world.workspace.connect_http("http://127.0.0.1:9/")
    person._state.stacks[person.id] = []
    nowhere = await person.click(message, label="Show again")
    person._state.stacks[person.id] = views
    world.workspace.connect_http(url)
    payload = nowhere.payload | ({"user": nowhere.payload["user"] | {"id": by.id}} if by else {})
    return await world.workspace.deliver(nowhere.kind, payload)


async def finished(world, what, since, *, after):
    """Waits for that log line, behind a line `after` that only the caller's test causes, `since` so many bytes.

    `since` alone is no mark: the lines of an earlier test may come late.
    """
    output = world.bot.output
    await eventually(lambda: (mark := output.find(after, since)) >= 0 and what in output[mark:])


# --- secrets of many pages


async def test_closing_the_window_of_many_pages_leaves_them_held(world, ada):
    await window(world, ada, MANY_PAGES)
    await ada.submit()
    await ada.until(lambda: "Page 1 of" in ada.view.text)

    await ada.close()

    await ada.until(lambda: ada.dm)
    await ada.click(label="Show again")
    await ada.until(lambda: ada.view and "Page 1 of" in ada.view.text)
    assert MANY_PAGES.startswith(ada.view.secret_text())
    assert row(world, ada, "state, notified_at IS NULL") == ("escrowed", 0)


async def test_done_under_many_pages_wipes_them(world, ada):
    await window(world, ada, MANY_PAGES)
    await ada.submit()
    await ada.until(lambda: "Page 1 of" in ada.view.text)

    await ada.submit()

    await becomes(world, ada, "state, escrow", "shown", None)


async def test_without_escrow_many_pages_say_that_only_the_first_can_be_shown():
    async with World(settings={"REVEAL_ESCROW": "off"}) as world:
        ada = somebody(world)
        await window(world, ada, MANY_PAGES)

        await ada.submit()

        await ada.until(lambda: "the other pages are lost" in ada.view.text)
        await becomes(world, ada, "state", "shown")


# --- the database


@pytest.mark.slow
async def test_a_database_that_is_locked_before_the_claim_consumes_nothing_and_says_so(world, ada, ben):
    """It waits for 5 seconds: for ada when she presses Open, for ben between the probe and the claim."""
    helds = [await window(world, person) for person in (ada, ben)]
    with database(world) as other:

        def lock():
            other.execute("BEGIN IMMEDIATE")

        world.workspace.plan("views.update", SlackFault.meanwhile(lock))
        await ben.submit()
        await world.workspace.wait_for_call("views.update")
        await ada.submit()

        await ada.until(lambda: "database did not answer" in ada.view.text)
        await ben.until(lambda: "database did not answer" in ben.view.text)
    assert [world.onetime.posts_of(held.secret_key) for held in helds] == [0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set on Linux alone")
@pytest.mark.parametrize("closes", [False, True], ids=["open", "closed"])
async def test_with_a_full_disk_it_is_shown_from_memory_or_said_to_be_lost(world, ada, closes):
    _, fault = await opening(world, ada, "canary on a full disk")
    since = len(world.bot.output)
    if closes:
        await ada.close()

    with disk_full(world):
        fault.release()
        await finished(world, b'"form": "retrieve"', since, after=b'"not_kept"')

    if closes:
        assert "nothing was kept" in ada.dm[-1].shows
    else:
        assert ada.view.secret_text() == "canary on a full disk"
    await world.bot.kill()
    await world.start_bot()
    await ada.until(lambda: ada.dm and "may have been opened" in ada.dm[-1].shows)
    assert b"canary" not in files(world)


@contextlib.contextmanager
def disk_full(world):
    """No file of the bot can grow, as on a full disk."""
    limits = resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(world.bot.pid, resource.RLIMIT_FSIZE, limits)


@pytest.mark.slow
async def test_a_wipe_that_fails_does_not_cover_what_is_shown(world, ada):
    _, message = await offered(world, ada)
    since = len(world.bot.output)
    with database(world) as other:

        def lock():
            other.execute("BEGIN IMMEDIATE")

        world.workspace.plan("views.open", SlackFault.meanwhile(lock))
        await ada.click(message, label="Show again")
        await finished(world, b'"action": "retrieve_again"', since, after=b'"not_wiped"')

    assert ada.view.secret_text() == TEXT


# --- the operator


async def test_somebody_whose_host_is_not_allowed_any_more_is_told_and_so_is_everybody_else(ada, ben, world):
    for person in (ada, ben):
        await opening(world, person)
    change(world, "UPDATE reveals SET host = 'https://gone.example' WHERE user_id = ?", ada.id)
    await world.bot.kill()

    await world.start_bot()

    for person in (ada, ben):
        await person.until(lambda person=person: person.dm and "may have been opened" in person.dm[-1].shows)


async def test_twenty_submits_to_two_processes_make_one_call(new_postgres_url):
    async with World(settings={"DATABASE_URL": new_postgres_url()}) as world:
        second = BotProcess(world.settings())
        await second.start()
        ada = somebody(world)
        held = await window(world, ada)
        urls = [f"http://127.0.0.1:{bot.port}/slack/events" for bot in (world.bot, second)]
        submits = []
        for number in range(20):
            world.workspace.connect_http(urls[number % 2])
            submits.append(asyncio.create_task(ada.submit(ada.views[0])))
            await asyncio.sleep(0)  # the submit is on its way to that process

        await asyncio.gather(*submits, return_exceptions=True)

        await ada.until(lambda: any(one.secret_text() == TEXT for one in ada.views))
        assert [await bot.stop() for bot in (world.bot, second)] == [0, 0]
    assert all(b'"form": "retrieve"' in bot.output for bot in (world.bot, second))
    assert world.onetime.posts_of(held.secret_key) == world.onetime.claims_of(held.secret_key) == 1
