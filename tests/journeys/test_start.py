"""`/ots` alone, the help, and the way on after a typo or a text that should not have been typed."""

import itertools
from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.features import Registry
from tests.journeys.conftest import EMAIL, TOKEN, connect, somebody
from tests.support.english import english

_numbers = itertools.count(1)


def labels(message):
    return [one["text"]["text"] for block in message.blocks if block["type"] == "actions" for one in block["elements"]]


async def says(person, text=""):
    """What the bot answers to a command, privately."""
    before = len(person.messages)
    await person.command("/ots", text)
    return await person.until(lambda: len(person.messages) > before and person.messages[-1])


async def window(person, title):
    return await person.until(lambda: person.view and person.view.submit and person.view.title == title and person.view)


async def test_ots_alone_offers_what_people_come_for(world, ada):
    message = await says(ada)

    assert labels(message) == ["Share", "Request", "Open a link", "All commands"]
    for label, title in (("Share", "Share a secret"), ("Open a link", "Open a one-time link")):
        await ada.click(message, label=label)
        await ada.until(lambda title=title: ada.view and ada.view.submit and ada.view.title == title)
        await ada.close()
    await ada.click(message, label="All commands")
    await ada.until(lambda: "See the status of a secret, or burn it" in ada.sees())


async def test_the_help_offers_an_account_where_it_says_what_for(world, ada):
    message = await says(ada, "help")

    kinds = [block["type"] for block in message.blocks]
    before = message.blocks[kinds.index("actions") - 1]
    assert labels(message) == ["Connect an account"]
    assert "/ots recent" in str(before)


async def test_a_typo_has_a_button_that_goes_on_for_whom_it_named(world, ada):
    ben = somebody(world, "ben")
    message = await says(ada, f"shrae <@{ben.id}|ben> hunter2-canary")
    assert labels(message) == ["Go on with /ots share", "All commands"]

    await ada.click(message, label="Go on with /ots share")

    view = await window(ada, "Share a secret")
    assert view.values["to"]["picked"]["selected_users"] == [ben.id]
    assert "hunter2-canary" not in ada.sees()


async def test_a_typo_of_recent_keeps_its_filter_and_server_and_no_other_word(world, ada):
    server = world.onetime.url.removeprefix("http://")
    message = await says(ada, f"recnt hunter2-canary burned {server} burnedd")

    await ada.click(message, label="Go on with /ots recent")

    said = f"You have not connected an account on {server}"
    await ada.until(lambda: any(said in one.shows for one in ada.ephemerals))
    assert "hunter2-canary" not in ada.sees()
    await connect(ada)
    await ada.click(message, label="Go on with /ots recent")
    await ada.until(lambda: any("0 burned secrets" in one.shows for one in ada.ephemerals))


async def test_a_typo_with_a_key_goes_on_with_it_and_nobody_sees_the_key(world, ada):
    made = world.onetime.share(None, "the secret")
    for typo, verb in (("burnn", "burn"), ("metadta", "metadata"), ("trakc", "track")):
        before = len(world.workspace.export())
        message = await says(ada, f"{typo} {made.metadata_key}")
        assert labels(message) == [f"Go on with /ots {verb}", "All commands"]
        assert made.metadata_key not in str([one.payload for one in world.workspace.export()[before:]])

        await ada.click(message, label=f"Go on with /ots {verb}")

        if verb == "burn":
            await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
            await ada.close()
        else:
            said = {"metadata": "Not opened yet", "track": "You will get a message"}[verb]
            await ada.until(lambda said=said: said in ada.sees())


@pytest.mark.parametrize("typo", ["burnn", "metadta", "trakc"])
async def test_a_typo_with_a_private_link_has_a_button_for_each_thing_that_can_be_done_with_it(world, ada, typo):
    made = world.onetime.share(None, "the secret")
    message = await says(ada, f"{typo} {world.onetime.url}/private/{made.metadata_key}")
    assert labels(message) == ["Show status", "Track", "Burn…"]

    if typo == "burnn":
        await ada.click(message, label="Burn…")
        await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    elif typo == "trakc":
        await ada.click(message, label="Track")
        await ada.until(lambda: "You will get a message" in ada.sees())


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("burnn", "/ots burn <private link>"),
        ("burnn hunter2", "/ots burn <private link>"),
        ("untrakc abcdefghijklmnopqrstuvwxyz12345", "/ots untrack <private link>"),
        ("wathc on", "/ots watch on|off"),
    ],
)
async def test_a_typo_that_cannot_be_gone_on_with_says_what_to_type(world, ada, typed, command):
    message = await says(ada, typed)

    assert labels(message) == ["All commands"]
    assert f"Then type it like this: {command}." in message.shows.replace("`", "")
    assert "hunter2" not in ada.sees()


@pytest.mark.parametrize("verb", [verb for verb in Registry().verbs if not verb.needs_text], ids=lambda verb: verb.name)
async def test_a_button_that_goes_on_never_ends_in_a_request_to_type_something(world, ada, verb):
    await says(ada, "help")  # from then on nobody has to ask Slack who ada is
    message = await says(ada, f"{verb.name[:2]}q{verb.name[2:]} hunter2")
    assert labels(message)[0] == f"Go on with /ots {verb.name}"
    before = (len(ada.messages), ada.messages[-1].text, ada.view)

    await ada.click(message, label=f"Go on with /ots {verb.name}")

    await ada.until(lambda: (len(ada.messages), ada.messages[-1].text, ada.view) != before)
    assert not ada.messages[-1].text.startswith(("Paste", "Type"))


async def test_a_secret_behind_the_verb_has_a_button_that_goes_on_without_it(world, ada):
    ben = somebody(world, "ben")
    await says(ada, "help")  # from then on nobody has to ask Slack who ada is
    for verb, title in (("share", "Share a secret"), ("generate", "Generate a password")):
        message = await says(ada, f"{verb} <@{ben.id}|ben> hunter2-canary")

        await ada.click(message, label="Go on without that text")

        view = await window(ada, title)
        assert view.values["to"]["picked"]["selected_users"] == [ben.id]
        assert "hunter2-canary" not in ada.sees()
        await ada.close()


async def test_who_names_too_many_gets_a_window_to_choose_in(world, ada):
    await says(ada, "help")  # from then on nobody has to ask Slack who ada is
    everybody = " ".join(f"<@{somebody(world, 'many').id}>" for _ in range(11))
    for named in (everybody, f"{everybody.split()[0]} <#C0TEAM|team>"):
        for verb, title in (("share", "Share a secret"), ("generate", "Generate a password")):
            message = await says(ada, f"{verb} {named}")

            await ada.click(message, label="Choose in the window")

            assert await window(ada, title)
            await ada.close()


async def test_what_is_no_command_at_all_gets_the_start(world, ada):
    message = await says(ada, "xyzzyxyzzy plugh")

    assert labels(message) == ["Share", "Request", "Open a link", "All commands"]
    assert "xyzzy" not in ada.sees()


OUTSIDERS: dict[str, dict[str, Any]] = {
    "a guest": {"guest": True},
    "a single-channel guest": {"ultra_guest": True},
    "somebody of another workspace": {"stranger": True},
}
FIRST_WORDS = ["", "shrae", "https://eu.onetimesecret.com/secret/abcdefghijklmnopqrstuvwxyz12345"]
FIRST_WORDS += [verb.name for verb in Registry().verbs]


def all_blocks(person):
    """Everything that the person is shown, in messages and windows."""
    shown = [*person.messages, *person.dm, *([person.view] if person.view else [])]
    return [block for one in shown for block in one.blocks]


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_an_outsider_is_told_once_what_they_can_do_and_sees_no_button(world, who):
    told = english(NotAllowed.tell)
    for text in FIRST_WORDS:
        outsider = somebody(world, "gina", **OUTSIDERS[who])

        await outsider.command("/ots", text)

        await outsider.until(lambda outsider=outsider: told in outsider.sees())
        assert outsider.sees().count(told) == 1
        assert {block["type"] for block in all_blocks(outsider)} == {"section"}
        assert not any("accessory" in block for block in all_blocks(outsider))
        assert not (outsider.view and outsider.view.submit)


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_an_outsider_whom_the_bot_knows_is_told_the_same(world, who):
    outsider = somebody(world, "gina", **OUTSIDERS[who])
    told = english(NotAllowed.tell)
    await says(outsider, "help")

    for text in ("help", "", "share", "xyzzy"):
        message = await says(outsider, text)

        assert message.text == told
        assert outsider.view is None
    assert {block["type"] for block in all_blocks(outsider)} == {"section"}


async def test_a_message_in_a_channel_says_that_it_is_not_for_guests(world, ada):
    place = world.workspace.channel(f"C0START{next(_numbers):04}", "ops", [ada, world.workspace.bot_user_id])
    guest = somebody(world, "gina", guest=True)
    place.members.add(guest.id)
    await ada.command("/ots", f"share <#{place.id}|ops>")
    view = await window(ada, "Share a secret")

    await ada.submit(view, {"text1": "the secret"})

    await guest.until(lambda: "only for the first full member of this workspace: no guests" in guest.sees())


async def test_after_connecting_the_next_thing_is_to_share(world, ada):
    await ada.command("/ots", "connect")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)
    await ada.submit(view, {"username": EMAIL, "token": TOKEN})
    await ada.until(lambda: ada.view and ada.view.title == "Connected")

    await ada.click(label="Share a secret")

    await window(ada, "Share a secret")


async def test_of_several_people_those_who_cannot_get_it_are_named(world, ada):
    ben, gina = somebody(world, "ben"), somebody(world, "gina", guest=True)
    await ada.command("/ots", f"share <@{ben.id}> <@{gina.id}>")
    view = await window(ada, "Share a secret")

    await ada.submit(view, {"text1": "the secret"})

    await ada.until(lambda: f"@{gina.id} cannot get it" in view.text)
    assert view.values["text1"]["typed"]["value"] == "the secret"
    assert world.onetime.everything() == []
