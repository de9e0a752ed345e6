"""“Make a one-time link” on a message: its text goes into the window for sharing, and the thread gets the secret."""

import itertools
import sqlite3
from contextlib import closing

import pytest

from tests.journeys.conftest import somebody
from tests.journeys.test_share_card import remind

_numbers = itertools.count(1)
SHARE = "Share a secret"


@pytest.fixture
def channel(world, ada, ben):
    number = next(_numbers)
    return world.workspace.channel(f"C0MAKE{number}", f"make{number}", [ada, ben, world.workspace.bot_user_id])


def rich(text):
    """The blocks that Slack makes of a message that is one code block."""
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return [{"type": "rich_text", "elements": [inner]}]


async def made(person, message):
    """The window that the shortcut opens."""
    await person.message_shortcut("make_link", message)
    return await person.until(lambda: person.view and person.view.submit == "Share" and person.view)


def typed(view):
    """What stands in the text fields, in their order."""
    names = [name for name in view.values if name.startswith("text")]
    return [view.values[name]["typed"]["value"] for name in sorted(names, key=lambda name: int(name[4:]))]


def what_was_made(world):
    (held,) = world.onetime.everything()
    return world.onetime.open_as_outsider(held.secret_key)


async def shared(person):
    return await person.until(lambda: person.view and person.view.title == "Shared" and person.view)


async def test_the_text_of_the_message_is_in_the_window_and_is_what_is_shared(world, ada, ben, channel):
    text = '  key = "a<b>&amp;"\n\tand `more`  '
    message = ada.say("not this", channel=channel, blocks=rich(text))

    view = await made(ada, message)
    assert view.title == SHARE
    assert typed(view) == [text]
    await ada.submit(view, {"to": [ben.id]})

    await shared(ada)
    assert what_was_made(world) == text
    assert message.shows == text  # the message itself stays


async def test_a_long_text_is_spread_over_as_many_fields_as_it_needs(world, ada, ben, channel):
    text = "".join(f"{number:05}" for number in range(1_400)) + "😀" * 50
    message = ada.say("x", channel=channel, blocks=rich(text))

    view = await made(ada, message)
    assert [len(part) for part in typed(view)] == [3_000, 3_000, 1_050]
    await ada.click(view, label="More options")
    await ada.until(lambda: ada.view and "ttl" in ada.view.values)
    await ada.submit(ada.view, {"to": [ben.id]})

    await shared(ada)
    assert what_was_made(world) == text


@pytest.mark.parametrize("reply", [True, False], ids=["on a reply", "outside of threads"])
async def test_a_share_in_the_channel_goes_into_the_thread_of_the_message(world, ada, ben, channel, reply):
    first = ben.say("how do I log in?", channel=channel)
    message = ada.say("hunter2 it is", channel=channel, thread=first if reply else None)

    view = await made(ada, message)
    await ada.click(view, action_id="share_change", option="channel")
    await ada.until(lambda: ada.view and "channel" in ada.view.values)
    assert ada.view.values["channel"]["picked"]["selected_conversation"] == channel.id
    await ada.submit(ada.view)

    posted = await ben.until(
        lambda: next((one for one in ben.messages if one.by_bot and one.channel == channel.id), None)
    )
    assert posted.thread_ts == (first.ts if reply else None)


async def test_a_share_in_another_channel_is_in_no_thread(world, ada, ben, channel):
    other = world.workspace.channel(f"C0OTHER{next(_numbers)}", "other", [ada, ben, world.workspace.bot_user_id])
    message = ada.say("hunter2 it is", channel=channel, thread=ben.say("?", channel=channel))

    view = await made(ada, message)
    await ada.click(view, action_id="share_change", option="channel")
    await ada.until(lambda: ada.view and "channel" in ada.view.values)
    await ada.submit(ada.view, {"channel": other.id})

    posted = await ben.until(
        lambda: next((one for one in ben.messages if one.by_bot and one.channel == other.id), None)
    )
    assert posted.thread_ts is None


async def test_a_reminder_goes_into_the_thread_too(world, ada, ben, channel):
    first = ben.say("how do I log in?", channel=channel)
    view = await made(ada, ada.say("hunter2 it is", channel=channel, thread=first))
    await ada.click(view, action_id="share_change", option="channel")
    await ada.until(lambda: ada.view and "channel" in ada.view.values)
    await ada.submit(ada.view)
    card = await ada.until(lambda: next((one for one in ada.dm if "Remind" in str(one.blocks)), None))

    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        connection.execute("DELETE FROM button_contexts")  # as a day later
    await remind(ada, card)

    await ben.until(lambda: len([one for one in ben.messages if one.by_bot and one.thread_ts == first.ts]) == 2)


async def test_what_to_do_with_an_own_message_is_said_afterwards(world, ada, ben, channel):
    await ada.submit(await made(ada, ada.say("hunter2 it is", channel=channel)), {"to": [ben.id]})

    view = await shared(ada)
    assert "still there" in view.text
    assert "Change the secret too" in view.text
    assert "Delete it." in view.text
    assert view.secret_text() == ""


async def test_for_somebody_elses_message_there_are_words_to_send_and_the_bot_writes_to_nobody(
    world, ada, ben, cleo, channel
):
    message = ben.say("hunter2 it is", channel=channel)

    await ada.submit(await made(ada, message), {"to": [cleo.id]})

    view = await shared(ada)
    assert f"Ask @{ben.id} to delete it and to change the secret" in view.text
    assert "Please delete that message and change the secret." in view.secret_text()
    assert [one for one in ben.messages if one.by_bot] == []
    assert not message.deleted


async def test_of_an_apps_message_its_operator_is_asked(world, ada, ben, channel):
    message = world.workspace.state.post(channel, {"text": "deployed with token hunter2"})

    await ada.submit(await made(ada, message), {"to": [ben.id]})

    assert "ask whoever runs that app" in (await shared(ada)).text


async def test_who_closes_the_window_too_early_is_told_in_a_direct_message(world, ada, ben, channel):
    view = await made(ada, ben.say("hunter2 it is", channel=channel))
    closing = world.onetime.subscribe(lambda _seen: world.workspace.state.close([ada.view] if ada.view else []))

    await ada.submit(view, {"to": [ben.id]})

    advice = await ada.until(lambda: next((one for one in ada.dm if "Please delete that message" in one.shows), None))
    closing()
    assert "The message with the secret is still there." in advice.shows
    assert "hunter2" not in advice.shows


async def test_what_looks_like_a_credential_is_called_by_its_kind_and_not_repeated(world, ada, channel):
    token = "ghp" + "_" + "a1" * 18

    view = await made(ada, ada.say(f"use {token} there", channel=channel))

    assert "This seems to contain a GitHub token." in view.text
    assert view.text.count(token) == 1  # in the text field
    assert typed(view) == [f"use {token} there"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "no text in that message"), ("x" * 10_001, "10,001 bytes")], ids=["none", "too long"]
)
async def test_a_message_that_cannot_be_shared_is_refused_in_a_window(world, ada, channel, text, said):
    await ada.message_shortcut("make_link", ada.say(text, channel=channel))

    await ada.until(lambda: ada.view and said in ada.view.text)
    assert ada.view.submit is None


async def test_in_a_direct_message_no_channel_is_chosen(world, ada):
    message = ada.say("hunter2 it is")

    view = await made(ada, message)
    await ada.click(view, action_id="share_change", option="channel")

    await ada.until(lambda: ada.view and "channel" in ada.view.values)
    assert ada.view.values["channel"]["picked"]["selected_conversation"] is None


async def test_a_guest_is_told_in_a_window(world, channel):
    guest = somebody(world, "gina", guest=True)
    channel.members.add(guest.id)

    await guest.message_shortcut("make_link", guest.say("hunter2", channel=channel))

    await guest.until(lambda: guest.view and "for full members of this workspace" in guest.view.text)
    assert "hunter2" not in str(guest.view.payload)
