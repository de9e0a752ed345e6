"""`/ots` alone, the help, and the way on after a typo or a text that should not have been typed."""

import itertools

from tests.journeys.conftest import EMAIL, TOKEN

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
    ben = world.workspace.person(f"U0TYPO{next(_numbers):04}", "ben")
    message = await says(ada, f"shrae <@{ben.id}|ben> hunter2-canary")
    assert labels(message) == ["Go on with /ots share", "All commands"]

    await ada.click(message, label="Go on with /ots share")

    view = await window(ada, "Share a secret")
    assert view.values["to"]["picked"]["selected_users"] == [ben.id]
    assert "hunter2-canary" not in ada.sees()


async def test_a_secret_behind_the_verb_has_a_button_that_goes_on_without_it(world, ada):
    ben = world.workspace.person(f"U0TYPO{next(_numbers):04}", "ben")
    await says(ada, "help")  # from then on nobody has to ask Slack who ada is
    for verb, title in (("share", "Share a secret"), ("generate", "Generate a password")):
        message = await says(ada, f"{verb} <@{ben.id}|ben> hunter2-canary")

        await ada.click(message, label="Go on without that text")

        view = await window(ada, title)
        assert view.values["to"]["picked"]["selected_users"] == [ben.id]
        assert "hunter2-canary" not in ada.sees()
        await ada.close()


async def test_what_is_no_command_at_all_gets_the_start(world, ada):
    message = await says(ada, "xyzzyxyzzy plugh")

    assert labels(message) == ["Share", "Request", "Open a link", "All commands"]
    assert "xyzzy" not in ada.sees()


async def test_a_guest_is_told_at_the_first_word_and_sees_no_button(world):
    guest = world.workspace.person(f"U0GUEST{next(_numbers):04}", "gina", guest=True)

    for text in ("", "help", "shrae", "share"):
        before = guest.sees()
        await guest.command("/ots", text)
        await guest.until(lambda before=before: guest.sees() != before)

    assert "This app is for members" in guest.sees()
    assert not [block for message in guest.messages for block in message.blocks if block["type"] == "actions"]


async def test_after_connecting_the_next_thing_is_to_share(world, ada):
    await ada.command("/ots", "connect")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)
    await ada.submit(view, {"username": EMAIL, "token": TOKEN})
    await ada.until(lambda: ada.view and ada.view.title == "Connected")

    await ada.click(label="Share a secret")

    await window(ada, "Share a secret")


async def test_of_several_people_those_who_cannot_get_it_are_named(world, ada):
    ben, gina = (
        world.workspace.person(f"U0{name.upper()}{next(_numbers):04}", name, guest=name == "gina")
        for name in ("ben", "gina")
    )
    await ada.command("/ots", f"share <@{ben.id}> <@{gina.id}>")
    view = await window(ada, "Share a secret")

    await ada.submit(view, {"text1": "the secret"})

    await ada.until(lambda: f"@{gina.id} cannot get it" in view.text)
    assert view.values["text1"]["typed"]["value"] == "the secret"
    assert world.onetime.everything() == []
