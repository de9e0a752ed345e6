"""Global shortcuts open the same windows as the commands, wherever a person is."""

import asyncio

import pytest

from bot.errors import NotAllowed
from bot.features import Registry
from bot.interaction.feature import Kind
from bot.sandbox.slack import SlackFault
from tests.journeys.conftest import after_the_lines_so_far, somebody
from tests.support.english import english

WINDOWS = {
    "share_secret": ("share", "Share a secret"),
    "open_link": ("retrieve", "Open a one-time link"),
    "request_secret": ("request", "Request a secret"),
}
# Of messages: callback id -> the title of the window.
ON_MESSAGES = {"check_link": "Check one-time link", "make_link": "Share a secret"}
each_shortcut = pytest.mark.parametrize("shortcut", WINDOWS)


async def test_every_shortcut_of_the_registry_has_its_row_here():
    assert WINDOWS.keys() == Registry().names(Kind.SHORTCUT)
    assert ON_MESSAGES.keys() == Registry().names(Kind.MESSAGE_SHORTCUT)


async def window(person, title):
    return await person.until(lambda: person.view and person.view.submit and person.view.title == title and person.view)


def shape(view):
    """What a window shows, without the ids of rows and what Slack adds."""
    return view.title, view.submit, view.callback_id, view.text


@each_shortcut
async def test_a_shortcut_opens_the_window_of_the_command(world, ada, shortcut):
    command, title = WINDOWS[shortcut]
    await ada.command("/ots", command)
    expected = shape(await window(ada, title))
    await ada.close()

    delivery = await ada.shortcut(shortcut)

    assert (delivery.status, delivery.answer) == (200, None)
    assert shape(await window(ada, title)) == expected


async def test_a_link_is_opened_from_the_shortcut(world, ada):
    held = world.onetime.share(None, "from a shortcut")
    await ada.shortcut("open_link")
    await ada.submit(
        await window(ada, "Open a one-time link"), {"link": f"{world.onetime.url}/secret/{held.secret_key}"}
    )

    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view))

    await ada.until(lambda: ada.view and ada.view.secret_text() == "from a shortcut")


@each_shortcut
@pytest.mark.parametrize("known", [False, True], ids=["the first time", "known already"])
async def test_a_guest_is_told_in_a_window_what_they_can_do(world, shortcut, known):
    guest = somebody(world, "gina", guest=True)
    if known:
        await guest.command("/ots", "help")
        await guest.until(lambda: english(NotAllowed.tell) in guest.sees())
    messages = len(guest.messages)

    await guest.shortcut(shortcut)

    await guest.until(lambda: guest.view and english(NotAllowed.tell) in guest.view.text)
    assert english(NotAllowed.tell) in guest.view.text
    assert guest.view.submit is None
    assert len(guest.messages) == messages


async def test_where_no_window_can_be_opened_any_more_a_direct_message_says_so(world, ada):
    await ada.command("/ots", "help")
    await ada.until(lambda: ada.messages)
    world.workspace.plan("views.open", SlackFault.error("expired_trigger_id"), None)

    await ada.shortcut("share_secret")

    await ada.until(lambda: any("Slack gives 3 seconds" in one.shows for one in ada.dm))
    assert ada.view is None


@each_shortcut
async def test_a_shortcut_that_slack_delivers_again_opens_one_window(world, ada, shortcut):
    await after_the_lines_so_far(world, ada)
    first = await ada.shortcut(shortcut)
    await window(ada, WINDOWS[shortcut][1])
    opened = [one for one in world.workspace.calls if one.method == "views.open"]

    again = await asyncio.gather(*(ada.replay(first) for _ in range(5)), world.workspace.retry(first))

    assert {one.status for one in again} == {200}
    await after_the_lines_so_far(world, ada)
    assert [one for one in world.workspace.calls if one.method == "views.open"] == opened


@pytest.mark.parametrize("shortcut", ON_MESSAGES)
async def test_a_shortcut_of_a_message_that_slack_delivers_again_opens_one_window(world, ada, shortcut):
    await after_the_lines_so_far(world, ada)
    first = await ada.message_shortcut(shortcut, ada.say("hunter2 at https://eu.onetimesecret.com/secret/" + "a" * 62))
    title = ON_MESSAGES[shortcut]
    await ada.until(lambda: ada.view and ada.view.title == title and "One moment" not in ada.view.text)
    opened = [one for one in world.workspace.calls if one.method == "views.open"]

    again = await asyncio.gather(*(ada.replay(first) for _ in range(5)), world.workspace.retry(first))

    assert {one.status for one in again} == {200}
    await after_the_lines_so_far(world, ada)
    assert [one for one in world.workspace.calls if one.method == "views.open"] == opened
