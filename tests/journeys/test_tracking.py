"""Tracking: one card that follows the secret, and one message when something happened."""

import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, choose, connect
from tests.support.waiting import eventually


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

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]))
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

    await quick.onetime.wait_for_call("/api/v1/private/recent", times=looks + 1)

    assert {one.route for one in quick.onetime.calls[before:]} == {"/api/v1/private/recent"}


async def test_a_card_that_slack_did_not_update_at_a_burn_is_updated_later(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    card = await _tracked(quick, ada, held)
    quick.workspace.plan("chat.update", SlackFault.error("internal_error"), None, about=card.ts)
    await ada.click(card, label="Burn")
    await ada.until(lambda: quick.onetime.find_secret(held.metadata_key).state == "burned")
    await eventually(lambda: _outdated(quick) == 1)
    calls = len(quick.workspace.calls)

    quick.workspace.clear_faults()
    await quick.bot.stop()
    await quick.start_bot()

    await ada.until(lambda: any(one.method == "chat.update" and one.ok for one in quick.workspace.calls[calls:]))
    await eventually(lambda: _outdated(quick) == 0)
    assert "Burned" in card.shows


def _outdated(world):
    with closing(sqlite3.connect(f"file:{world.directory}/bot.db?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM outdated_messages").fetchone()[0]


async def test_burning_ones_own_is_no_news(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    card = await _tracked(quick, ada, held)

    await ada.click(card, label="Burn")

    await ada.until(lambda: "Burned" in ada.dm[0].shows)
    assert quick.onetime.find_secret(held.metadata_key).state == "burned"
    assert len(ada.dm) == 1


async def test_a_server_in_trouble_is_never_taken_for_news(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    await _tracked(quick, ada, held)
    quick.onetime.plan("/api/v1/private/recent", OnetimeFault("html"), None)

    await quick.onetime.wait_for_call("/api/v1/private/recent", times=2)

    assert len(ada.dm) == 1
    assert "Not opened yet" in ada.dm[0].shows


async def test_an_anonymous_secret_is_looked_at_by_its_key(quick):
    ada = quick.workspace.person("U0ADA", "ada")
    held = quick.onetime.share(None, "text")
    await _tracked(quick, ada, held)

    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]))


async def test_a_stopped_one_is_not_looked_at_any_more(quick):
    ada = quick.workspace.person("U0ADA", "ada")
    held = quick.onetime.share(None, "text")
    card = await _tracked(quick, ada, held)

    await ada.click(card, label="Stop tracking")
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

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]))
    assert sum("was opened" in one.shows for one in ada.dm) == 1


async def test_what_one_opened_oneself_through_the_bot_is_no_news(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "the text")
    await _tracked(quick, ada, held)

    await ada.command("/ots", f"retrieve {quick.onetime.url}/secret/{held.secret_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)
    await ada.submit(view)
    await ada.until(lambda: "the text" in ada.sees())

    await ada.until(lambda: "Opened" in ada.dm[0].shows)
    await quick.onetime.wait_for_call("/api/v1/private/recent")
    assert len(ada.dm) == 1


@pytest.mark.parametrize("tracked", ["by hand", "found by the watcher"])
async def test_what_one_opens_on_a_slow_server_is_no_news_although_the_watcher_sees_it_first(quick, tracked):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "the text")
    if tracked == "by hand":
        await _tracked(quick, ada, held)
    else:
        await ada.command("/ots", "watch on")
        await ada.until(lambda: ada.dm)
    late = OnetimeFault("hang after")
    quick.onetime.plan("/api/v1/secret/{key}", late)

    await ada.command("/ots", f"retrieve {quick.onetime.url}/secret/{held.secret_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)
    await ada.submit(view)
    await quick.onetime.wait_for_call("/api/v1/secret/{key}")
    await _watcher_sees_it(quick, ada)
    late.release()

    await ada.until(lambda: "the text" in ada.sees())
    await ada.until(lambda: "Opened" in ada.dm[0].shows)
    await eventually(lambda: not _unsent(quick))
    assert len(ada.dm) == 1


async def test_what_one_burns_on_a_slow_server_is_no_news_although_the_watcher_sees_it_first(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    card = await _tracked(quick, ada, quick.onetime.share(EMAIL, "text"))
    late = OnetimeFault("hang after")
    quick.onetime.plan("/api/v1/private/{key}/burn", late)

    await ada.click(card, label="Burn")
    await quick.onetime.wait_for_call("/api/v1/private/{key}/burn")
    await _watcher_sees_it(quick, ada)
    late.release()

    await ada.until(lambda: "Burned" in ada.dm[0].shows)
    await eventually(lambda: not _unsent(quick))
    assert len(ada.dm) == 1


async def _watcher_sees_it(world, ada):
    """Until the notification that nobody is to get has been put off once. The host's answer may take 10 seconds."""
    await ada.command("/ots", "watch on")  # which looks at once
    await eventually(lambda: _unsent(world, "AND due_at > created_at"))


def _unsent(world, condition=""):
    with closing(sqlite3.connect(f"file:{world.directory}/bot.db?mode=ro", uri=True)) as database:
        query = f"SELECT count(*) FROM notifications WHERE sent_at IS NULL {condition}"
        return database.execute(query).fetchone()[0]


async def test_who_else_tracks_what_somebody_opened_through_the_bot_is_told_soon(world, ada):
    ben = world.workspace.person(f"{ada.id}BEN", f"{ada.name}-ben")
    held = world.onetime.share(None, "the text")
    await _tracked(world, ben, held)

    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)
    await ada.submit(view)

    await ben.until(lambda: any("was opened" in one.shows for one in ben.dm[1:]))
    assert not ada.dm


async def test_refresh_asks_the_host_now_and_says_so(world, ada):
    held = world.onetime.share(None, "text")
    card = await _tracked(world, ada, held)

    await ada.click(card, label="Refresh")
    await ada.until(lambda: "Asked just now" in ada.dm[0].shows)
    world.onetime.open_as_outsider(held.secret_key)
    await ada.click(ada.dm[0], label="Refresh")

    await ada.until(lambda: "Opened" in ada.dm[0].shows)
    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]))
    assert "Burn" not in ada.dm[0].shows


async def test_refresh_that_fails_leaves_the_card_and_says_why(world, ada):
    card = await _tracked(world, ada, world.onetime.share(None, "text"))
    world.onetime.plan("/api/v1/private/{key}", OnetimeFault("html"), None)

    await ada.click(card, label="Refresh")

    await ada.until(lambda: "could not be reached" in ada.sees())
    assert "Not opened yet" in ada.dm[0].shows


async def test_the_list_says_which_news_did_not_arrive(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    held = quick.onetime.share(EMAIL, "text")
    card = await _tracked(quick, ada, held, "db password")
    quick.workspace.plan("chat.postMessage", SlackFault.error("msg_too_long"), None)
    quick.onetime.open_as_outsider(held.secret_key)
    await ada.until(lambda: "Opened" in card.shows)
    await eventually(lambda: b"notification_dead_lettered" in quick.bot.output)

    await ada.command("/ots", "tracked")

    listed = await ada.until(lambda: _list(ada))
    assert "You got no message about this: Slack did not take it." in listed.shows
    assert len(ada.dm) == 1


async def test_home_says_that_a_token_is_not_accepted_any_more(world, connected):
    await _tracked(world, connected, world.onetime.share(EMAIL, "text"))
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        refused = "UPDATE watches SET paused = 'reconnect' WHERE user_id = ?"  # as the watcher does after hours of it
        assert connection.execute(refused, (connected.id,)).rowcount == 1

    await connected.open_home()

    home = await connected.until(
        lambda: connected.home and "Your accounts" in str(connected.home.blocks) and connected.home
    )
    assert "does not accept your API token any more." in str(home.blocks)
    assert "Reconnect" in str(home.blocks)


async def test_burn_and_stop_in_the_list_answer_beside_it(world, ada):
    burned, stopped = (world.onetime.share(None, "text") for _ in range(2))
    await _tracked(world, ada, burned, "the burned one")
    await ada.until(lambda: len(ada.dm) == 1)
    await ada.command("/ots", "tracked")
    listed = await ada.until(lambda: _list(ada))

    await choose(ada, listed, "Burn")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit and ada.view))
    await ada.until(lambda: "Burned" in ada.dm[0].shows and "Burned" in ada.view.text)
    await ada.close()
    await ada.command("/ots", f"track {world.onetime.url}/private/{stopped.metadata_key} the stopped one")
    # Only when that is answered it is known where the card is.
    await ada.until(lambda: sum("You will get a message" in one.shows for one in ada.ephemerals) == 2)
    await ada.command("/ots", "tracked")
    again = await ada.until(lambda: (found := _list(ada)) and "the stopped one" in found.shows and found)
    await choose(ada, again, "Stop")

    await ada.until(lambda: "not tracked any more" in ada.dm[1].shows)
    assert "the burned one" in _list(ada).shows
    assert world.onetime.find_secret(burned.metadata_key).state == "burned"


async def test_a_secret_with_a_passphrase_is_burned_from_the_card_without_losing_it(world, ada):
    held = world.onetime.share(None, "text", passphrase="pass")
    card = await _tracked(world, ada, held)

    await ada.click(card, label="Burn…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)
    await ada.submit(view, {"passphrase": "pass"})

    await ada.until(lambda: "Burned" in ada.dm[0].shows)


@pytest.mark.slow
async def test_what_is_made_in_a_browser_gets_its_card_and_what_was_there_before_none(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    quick.onetime.move_clock(-3600)
    quick.onetime.share(EMAIL, "before")
    quick.onetime.move_clock(3600)
    await ada.command("/ots", "watch on")
    await ada.until(lambda: "is tracked from now on" in ada.sees())

    held = quick.onetime.share(EMAIL, "since")
    await ada.command("/ots", "watch on")  # which looks at once
    await ada.until(lambda: ada.dm)
    quick.onetime.open_as_outsider(held.secret_key)

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[1:]))
    await ada.until(lambda: "Opened" in ada.dm[0].shows)
    assert len(ada.dm) == 2


@pytest.mark.parametrize("is_tracked", [True, False], ids=["tracked by the watcher", "not found yet"])
async def test_opening_ones_own_of_a_watched_account_is_no_news(quick, is_tracked):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    await ada.command("/ots", "watch on")
    await ada.until(lambda: "is tracked from now on" in ada.sees())
    own, other = (quick.onetime.share(EMAIL, text) for text in ("own", "other"))
    if is_tracked:
        await ada.command("/ots", "watch on")
        await ada.until(lambda: "not opened yet" in " ".join(one.shows for one in ada.dm).lower())

    await ada.command("/ots", f"retrieve {quick.onetime.url}/secret/{own.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit()
    await ada.until(lambda: ada.view.secret_text() == "own")
    quick.onetime.move_clock(30)
    quick.onetime.open_as_outsider(other.secret_key)
    await ada.command("/ots", "watch on")  # which looks at once

    await ada.until(lambda: "was opened" in " ".join(one.shows for one in ada.dm))
    assert " ".join(one.shows for one in ada.dm).count("was opened") == 1


@pytest.mark.parametrize("everything", [True, False], ids=["all is tracked", "tracked by hand alone"])
async def test_what_another_opens_in_the_second_of_ones_own_opening_is_told(quick, everything):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    if everything:
        await ada.command("/ots", "watch on")
        await ada.until(lambda: "is tracked from now on" in ada.sees())
    mine, other = quick.onetime.share(EMAIL, "mine"), quick.onetime.share(None, "other")
    await ada.command("/ots", f"track {quick.onetime.url}/private/{mine.metadata_key} the VPN")
    await ada.until(lambda: any("the VPN" in one.shows for one in ada.dm))

    await ada.command("/ots", f"retrieve {quick.onetime.url}/secret/{other.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    quick.onetime.open_as_outsider(mine.secret_key)
    await ada.submit()
    await ada.until(lambda: ada.view.secret_text() == "other")
    await ada.command("/ots", "tracked")  # the work before has ended then
    await ada.until(lambda: "What you track" in ada.sees())
    quick.onetime.move_clock(30)
    await ada.command("/ots", "watch on")  # which looks at once

    await ada.until(lambda: "was opened" in " ".join(one.shows for one in ada.dm))


SLOW = [pytest.param(version, marks=pytest.mark.slow) for version in ("0.18", "0.23", "0.25")]


@pytest.mark.parametrize("version", [*SLOW, "0.26"])
async def test_what_is_over_before_the_next_look_is_told_too_and_only_once(version):
    async with World(version=version, settings={"WATCH_EVERY": "5"}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada = await connect(world.workspace.person("U0ADA", "ada"))
        world.onetime.move_clock(-3600)
        before = world.onetime.share(EMAIL, "before")
        world.onetime.open_as_outsider(before.secret_key)
        world.onetime.move_clock(3600)
        await ada.command("/ots", "watch on")
        await ada.until(lambda: "is tracked from now on" in ada.sees())

        opened, burned, own = (world.onetime.share(EMAIL, text) for text in ("opened", "burned", "burned by Ada"))
        world.onetime.open_as_outsider(opened.secret_key)
        world.onetime.burn_as_owner(burned.metadata_key)
        await ada.command("/ots", f"burn {world.onetime.url}/private/{own.metadata_key}")
        await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
        await ada.submit()
        await ada.until(lambda: ada.view and "Burned" in ada.view.text)
        await ada.command("/ots", "watch on")  # which looks at once

        def times(words):
            return " ".join(one.shows for one in ada.dm).count(words)

        await ada.until(lambda: times("was opened") == times("was burned") == 1)
        last = world.onetime.share(EMAIL, "the last")
        await ada.command("/ots", "watch on")
        world.onetime.open_as_outsider(last.secret_key)
        await ada.until(lambda: times("was opened") == 2)
        assert times("was burned") == 1  # Ada's own is no news, nor is anything told twice


def _list(ada):
    return next((one for one in reversed(ada.ephemerals) if "What you track" in one.shows), None)
