"""The window with the details of a secret: all that the server says, and nothing else."""

import re

import pytest

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect

HOUR = 3_600  # seconds


def rows(view):
    """Labels with their values. Moments are “when”."""
    found = [field["text"].split("\n", 1) for block in view.blocks for field in block.get("fields", [])]
    return {label.strip("*"): re.sub(r"<!date[^>]*>", "when", value) for label, value in found}


async def details(person, link):
    await person.command("/ots", f"metadata {link}")
    await person.until(lambda: "Looking does not open" in person.sees())
    await person.click(person.ephemerals[-1], label="Details…")
    return await person.until(
        lambda: person.view and person.view.title == "Details" and rows(person.view) and person.view
    )


def link(world, held):
    return f"{world.onetime.url}/private/{held.metadata_key}"


@pytest.mark.parametrize("version", ["0.18", "0.23", "0.26"])
async def test_details_are_all_that_the_server_says_of_a_secret_that_waits(version):
    async with World(version=version, own_clock=True) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada = await connect(world.workspace.person("U0ADA", "ada"))
        held = world.onetime.share(EMAIL, "text", ttl=2 * HOUR, passphrase="a passphrase", recipient="ben@example.com")
        world.clock.move(HOUR)

        view = await details(ada, link(world, held))

        shown = {label: value.replace("\u200b", "") for label, value in rows(view).items()}
        maker = shown.pop("Account that made it", None)
        assert (maker or "") == ("" if version == "0.26" else EMAIL)
        assert ("does not say whose account" in view.text) == (version == "0.26")
        assert re.fullmatch(r"1 hour, until when|59 minutes, 5\d seconds, until when", shown.pop("Time left"))
        assert re.fullmatch(
            r"3 hours, until when|2 hours, 59 minutes, until when", shown.pop("The server keeps its status for")
        )
        assert shown == {
            "Server": world.onetime.url.removeprefix("http://"),
            "Sent to": "be***@e***.com" if version == "0.26" else "be*****@e*****.com",
            "Created": "when",
            "Last changed": "when",
            "Lifetime": "2 hours",
            "Passphrase": "Needed to open or burn it",
        }
        assert world.onetime.find_secret(held.metadata_key).has_plaintext


async def test_details_of_a_secret_that_is_over_say_nothing_of_its_life(world, ada):
    held = world.onetime.share(EMAIL, "text")
    world.onetime.open_as_outsider(held.secret_key)

    shown = rows(await details(ada, link(world, held)))

    assert shown["Opened"] == "when"
    assert not shown.keys() & {"Time left", "Passphrase", "Sent to"}


async def test_what_was_made_without_an_account_is_said_to_be_nobodys():
    async with World(version="0.23") as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "text")

        shown = rows(await details(ada, link(world, held)))

        assert shown["Account that made it"] == "None: it was made without an account"


async def test_details_of_a_secret_that_the_server_forgot_say_so(world, ada):
    held = world.onetime.share(EMAIL, "text", ttl=60)
    await ada.command("/ots", f"metadata {link(world, held)}")
    await ada.until(lambda: "Looking does not open" in ada.sees())
    world.onetime.forget()

    await ada.click(ada.ephemerals[-1], label="Details…")

    await ada.until(lambda: ada.view and "does not know" in ada.view.text)
