"""The Home tab: what it shows, what its buttons do, and how often it is published."""

import asyncio
import itertools
import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.storage.homes import PAUSE
from tests.journeys.conftest import EMAIL, choose, connect
from tests.support.share_window import submit_share

PUBLISH = "views.publish"
RECENT = "/api/v1/private/recent"


def words(home):
    return str(home.blocks)


def published(world, person):
    """The calls that published the Home of this person."""
    calls = (one for one in world.workspace.calls if one.method == PUBLISH)
    sent = (one for one in world.workspace.export() if one.method == PUBLISH)
    return [call for call, one in zip(calls, sent, strict=True) if one.payload["user_id"] == person.id]


def filter_of(home):
    (menu,) = [one for one in home.blocks for element in one.get("elements", ()) if element["type"] == "static_select"]
    return menu["block_id"]


async def sees(person, *said):
    return await person.until(lambda: person.home and all(one in words(person.home) for one in said) and person.home)


async def open_home(person, *said):
    await person.open_home()
    return await sees(person, *said or ["Share a password"])


async def share(ada, ben, note="staging database", **fields):
    await ada.command("/ots", f"share <@{ben.id}|ben>")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "hunter2", "note": note, **fields})
    await ben.until(lambda: "shares a one-time secret" in ben.sees())
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    await ada.close()


def secret_of(world):
    return world.onetime.everything()[-1]


# --- what it shows


async def test_somebody_who_never_connected_can_begin_at_once(ada):
    home = await open_home(ada)

    await ada.click(home, label="Share")
    await ada.until(lambda: ada.view and ada.view.submit == "Share")

    assert "Nothing yet" in words(home)
    assert "Connect an account" in words(home)
    assert "All commands" in words(home)
    assert "Waiting for you" not in words(home)


@pytest.mark.parametrize(("label", "submit"), [("Share", "Share"), ("Request", "Ask"), ("Open a link", "Next")])
async def test_the_start_buttons_open_the_windows_of_their_commands(ada, label, submit):
    home = await open_home(ada)

    await ada.click(home, label=label)

    await ada.until(lambda: ada.view and ada.view.submit == submit)


async def test_all_commands_are_shown_in_a_window_over_home(ada):
    home = await open_home(ada)

    await ada.click(home, label="All commands")

    await ada.until(lambda: ada.view and "/ots retrieve" in ada.view.text)
    assert ada.dm == []


async def test_a_guest_gets_one_sentence(world):
    guest = world.workspace.person("U0HOMEGUEST", "guest", guest=True)

    home = await open_home(guest, "This app is for full members of this workspace.")

    assert len(home.blocks) == 1
    assert guest.dm == []


async def test_what_waits_can_be_opened_and_answered_in_home(ada, ben):
    await share(ben, ada)
    await ben.command("/ots", f"request <@{ada.id}|ada> the vpn key")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Ask" and ben.view))
    await ada.until(lambda: "asks you for a secret" in ada.sees())
    home = await open_home(ada, "Waiting for you", "staging database", "the vpn key")

    await ada.click(home, label="Open")
    await ada.until(lambda: ada.view and "hunter2" in ada.view.text)
    await ada.close()
    home = await sees(ada, "the vpn key")
    await ada.until(lambda: "staging database" not in words(ada.home))
    await ada.click(home, label="Send…")

    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "the answer"})
    await ada.until(lambda: "Waiting for you" not in words(ada.home))
    await ben.until(lambda: "shares a one-time secret" in ben.sees())


async def test_what_waits_says_that_it_needs_a_passphrase(ada, ben):
    await share(ben, ada, passphrase="correct horse")

    await open_home(ada, "Waiting for you", "staging database", "needs a passphrase")


async def test_a_declined_request_leaves_home_and_asks_why_in_a_window(ada, ben):
    await ben.command("/ots", f"request <@{ada.id}|ada> the vpn key")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Ask" and ben.view))
    await ada.until(lambda: "asks you for a secret" in ada.sees())

    await ada.click(await open_home(ada, "the vpn key"), label="Decline…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Decline" and ada.view)
    await ada.submit(view, {"reason": "ask the admins"})

    await ada.until(lambda: "You declined" in ada.view.text)
    await ben.until(lambda: "ask the admins" in ben.sees())
    await ada.until(lambda: "Waiting for you" not in words(ada.home))


# --- one state everywhere


async def test_a_burn_in_home_changes_home_and_the_cards(world, ada, ben):
    await share(ada, ben)
    home = await open_home(ada, "staging database", "Not opened yet")

    await ada.click(home, label="Burn")

    await ada.until(lambda: ada.view and "Burned" in ada.view.text)
    await sees(ada, "Burned")
    await ada.until(lambda: "burned before anybody opened it" in ada.dm[0].shows)
    await ben.until(lambda: "burned" in ben.dm[0].shows)
    assert secret_of(world).state == "burned"
    assert len(ada.dm) == 1


async def test_a_burn_in_home_changes_the_card_of_what_is_tracked(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} db password")
    await ada.until(lambda: ada.dm)

    await ada.click(await open_home(ada, "db password"), label="Burn")

    await ada.until(lambda: "Burned" in ada.dm[0].shows)
    await sees(ada, "Burned")


async def test_a_burn_on_the_card_changes_home(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} db password")
    await ada.until(lambda: ada.dm)
    await open_home(ada, "db password", "Not opened yet")

    await ada.click(ada.dm[0], label="Burn")

    home = await sees(ada, "db password", "Burned")
    assert "Not opened yet" not in words(home)


async def test_home_shows_that_a_recipient_has_opened_what_was_shared(ada, ben):
    await share(ada, ben)
    await open_home(ada, "staging database", "Not opened yet")

    await ben.click(ben.dm[0], label="Open")

    await ben.until(lambda: ben.view and "hunter2" in ben.view.text)
    await sees(ada, "Opened")


async def test_what_somebody_shares_appears_in_the_open_home_of_the_recipient(ada, ben):
    await open_home(ben)

    await share(ada, ben)

    await sees(ben, "Waiting for you", "staging database")


async def test_stop_in_home_takes_the_secret_away(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} db password")
    home = await open_home(ada, "db password")

    await ada.click(home, label="Stop tracking")

    await ada.until(lambda: ada.view and "is not tracked any more" in ada.view.text)
    await ada.until(lambda: "db password" not in words(ada.home))


# --- accounts, settings


async def test_an_account_is_connected_made_default_and_disconnected_in_home(ada):
    await connect(ada)
    home = await open_home(ada, "Disconnect", "Recent secrets on")

    await ada.click(home, label="Disconnect")

    await ada.until(lambda: ada.view and "is disconnected" in ada.view.text)
    await sees(ada, "You have not connected an account.")


async def test_the_language_chosen_in_the_settings_is_the_language_of_home(ada):
    home = await open_home(ada)
    await ada.click(home, label="Change settings")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Save" and ada.view)

    await ada.fill(view, {"language": "de"})
    await ada.submit(view)

    await sees(ada, "Deutsch", "Alle Befehle")


# --- recent


async def test_recent_secrets_come_with_filter_and_pages(world, ada):
    for number in range(12):
        held = world.onetime.share(EMAIL, f"text {number}")
    await connect(ada)
    home = await open_home(ada, "Recent secrets on", "12 secrets", "Page 1 of 2")
    await ada.click(home, label="Older")
    home = await sees(ada, "Page 2 of 2")
    world.onetime.open_as_outsider(held.secret_key)
    await ada.open_home()
    await sees(ada, "1 opened secret", "Page 1 of 2")

    await ada.click(ada.home, block_id=filter_of(ada.home), option="1 opened secret")

    await ada.until(lambda: "Page 1 of 2" not in words(ada.home))
    assert words(ada.home).count("overflow") == 1


async def test_the_menu_of_a_recent_secret_opens_a_window_that_goes_on(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await connect(ada)
    home = await open_home(ada, held.metadata_key[:8])

    await choose(ada, home, "Status of")
    view = await ada.until(lambda: ada.view and "Not opened yet" in ada.view.text and ada.view)
    await ada.click(view, label="Burn")

    await ada.until(lambda: ada.view and "Burned" in ada.view.text)
    await sees(ada, "1 burned secret")
    assert world.onetime.find_secret(held.metadata_key).state == "burned"
    assert ada.dm == []
    assert len(ada.views) == 1  # nothing else waits below it


async def test_a_button_in_the_window_over_home_changes_that_window(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await connect(ada)
    await choose(ada, await open_home(ada, held.metadata_key[:8]), "Status of")
    view = await ada.until(lambda: ada.view and "Not opened yet" in ada.view.text and ada.view)
    world.onetime.open_as_outsider(held.secret_key)
    calls = len(world.workspace.calls)

    await ada.click(view, label="Refresh")

    await ada.until(lambda: ada.view and "Opened" in ada.view.text)
    assert len(ada.views) == 1
    assert [one.method for one in world.workspace.calls[calls:] if one.error] == []


async def test_home_that_was_opened_long_ago_follows_what_is_done_in_it(world, ada, ben):
    await share(ada, ben)
    home = await open_home(ada, "staging database", "Not opened yet")
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        connection.execute("UPDATE homes SET opened_at = opened_at - 7200")

    await ada.click(home, label="Burn")

    await sees(ada, "Burned")


async def test_checking_a_link_asks_no_server_for_home_either(world, ada, ben):
    channel = world.workspace.channel(f"C0QUIET{ada.id[-4:]}", "quiet", [ada, ben, world.workspace.bot_user_id])
    held = world.onetime.share(EMAIL, "text")
    await connect(ada)
    await open_home(ada, "1 secret")
    calls = len(world.onetime.calls)

    message = ben.say(f"{world.onetime.url}/secret/{held.secret_key}", channel=channel)
    await ada.message_shortcut("check_link", message)
    await ada.until(lambda: ada.view and "Check now" in ada.view.text)
    await asyncio.sleep(4 * PAUSE / 3)

    assert world.onetime.calls[calls:] == []


async def test_home_is_there_before_a_slow_server_has_answered_and_then_with_its_answer(world, ada):
    world.onetime.share(EMAIL, "text")
    await connect(ada)
    slow = OnetimeFault("hang")
    world.onetime.plan(RECENT, slow)

    await open_home(ada, "Asking")
    assert "1 secret" not in words(ada.home)
    slow.release()

    await sees(ada, "1 secret")
    assert len(published(world, ada)) == 2


async def test_home_says_what_is_wrong_with_the_server(world, ada):
    await connect(ada)
    world.onetime.plan(RECENT, OnetimeFault("html"), None)

    home = await open_home(ada, "Recent secrets on", ":warning:")

    assert "Asking" not in words(home)


# --- how often it is published


async def test_many_changes_are_published_once_in_three_seconds(world, ada, ben):
    await open_home(ada)
    for number in range(4):
        await share(ben, ada, note=f"note {number}")

    await sees(ada, *(f"note {number}" for number in range(4)))

    times = [one.at for one in published(world, ada)]
    assert all(later - earlier >= PAUSE - 0.05 for earlier, later in itertools.pairwise(times))


async def test_home_is_not_published_again_if_nothing_of_it_changed(world, ada):
    await open_home(ada)

    await ada.command("/ots", "help")
    await asyncio.sleep(PAUSE + 0.5)

    assert len(published(world, ada)) == 1


async def test_home_of_somebody_who_never_opened_it_is_not_published(world, ada, ben):
    await share(ada, ben)
    await asyncio.sleep(0.5)

    assert published(world, ada) == published(world, ben) == []


async def test_a_conflict_of_hashes_draws_home_anew(world, ada, ben):
    await open_home(ada)
    world.workspace.state.publish(ada.id, {"type": "home", "blocks": [{"type": "divider"}]})

    await share(ben, ada)

    await sees(ada, "staging database")
    assert [one.ok for one in published(world, ada)] == [True, False, True]


async def test_a_home_that_slack_limits_is_published_later(world, ada):
    world.workspace.plan(PUBLISH, SlackFault.rate_limited(1))

    await open_home(ada)

    assert [one.ok for one in published(world, ada)] == [False, True]


async def test_the_messages_tab_draws_nothing(world, ada):
    event = {"type": "app_home_opened", "user": ada.id, "channel": "D0ANY", "tab": "messages"}
    delivery = await world.workspace.emit(event)
    await asyncio.sleep(0.3)

    assert delivery.status == 200
    assert published(world, ada) == []


async def test_only_views_publish_draws_the_home_tab(world, ada, ben):
    await share(ada, ben)
    home = await open_home(ada, "staging database")
    await ada.click(home, label="Burn")
    await sees(ada, "Burned")

    calls = [one for one in world.workspace.export() if '"home"' in str(one.payload).replace("'", '"')]

    assert {one.method for one in calls} == {PUBLISH}


async def test_what_was_shared_with_somebody_else_opens_from_nobodys_home(world, ada, ben, cleo):
    """A click in Home names no message, so only its recipient may make it."""
    await share(ada, ben)
    home = await open_home(ben, "staging database")
    (button,) = [
        one for block in home.blocks for one in block.get("elements", ()) if one.get("action_id") == "share_open_now"
    ]
    row = {"type": "actions", "elements": [button]}
    cleo.has_home_open = True
    forged = world.workspace.state.publish(cleo.id, {"type": "home", "blocks": [row]})

    await cleo.click(forged, action_id="share_open_now")

    await cleo.until(lambda: cleo.view and "is not available to you" in cleo.view.text)
    assert secret_of(world).state != "received"
