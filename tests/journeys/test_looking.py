"""Metadata and recent: looking without opening."""

import pytest

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect


async def test_metadata_shows_the_state_without_opening(world, ada):
    held = world.onetime.share(EMAIL, "text", passphrase="a passphrase")

    await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")

    await ada.until(lambda: "Not opened yet" in ada.sees())
    assert "Needed to open or burn it" in ada.sees()
    assert world.onetime.find_secret(held.metadata_key).has_plaintext


async def test_refresh_shows_what_happened_since(world, ada):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"status {held.metadata_key}")
    await ada.until(lambda: "Not opened yet" in ada.sees())
    world.onetime.open_as_outsider(held.secret_key)

    await ada.click(label="Refresh")

    await ada.until(lambda: "Opened" in ada.sees())
    assert "Not opened yet" not in ada.sees()


async def test_the_secret_link_is_told_apart_from_the_private_one(world, ada):
    held = world.onetime.share(EMAIL, "text")

    await ada.command("/ots", f"metadata {world.onetime.url}/secret/{held.secret_key}")

    await ada.until(lambda: "only the person who made the secret has" in ada.sees())
    assert world.onetime.calls == []


@pytest.mark.parametrize("version", ["0.18", "0.23", "0.25", "0.26"])
async def test_recent_lists_newest_first_on_every_server(version):
    async with World(version=version) as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        opened = world.onetime.share(EMAIL, "older")
        world.onetime.move_clock(60)
        world.onetime.share(EMAIL, "newer")
        world.onetime.open_as_outsider(opened.secret_key)
        await connect(ada)

        await ada.command("/ots", "recent")

        await ada.until(lambda: "2 secrets" in ada.sees())
        assert ada.sees().index("Not opened yet") < ada.sees().index("Opened")


async def test_recent_has_pages_of_any_number(world, connected):
    for _ in range(22):
        world.onetime.share(EMAIL, "text")

    await connected.command("/ots", "recent")
    await connected.until(lambda: "Page 1 of 3" in connected.sees())
    await connected.click(label="Older")
    await connected.until(lambda: "Page 2 of 3" in connected.sees())
    await connected.click(label="Older")
    await connected.until(lambda: "Page 3 of 3" in connected.sees())
    await connected.click(label="Newer")

    await connected.until(lambda: "Page 2 of 3" in connected.sees())


@pytest.mark.parametrize(("wanted", "said"), [("new", "1 unopened secret"), ("received", "1 opened secret"),
                                              ("burned", "1 burned secret"), ("expired", "1 expired secret"),
                                              ("all", "4 secrets")])  # fmt: skip
async def test_recent_can_be_filtered(world, connected, wanted, said):
    world.onetime.move_clock(-90)
    world.onetime.share(EMAIL, "expired", ttl=60)
    world.onetime.move_clock(90)
    opened, burned = world.onetime.share(EMAIL, "a"), world.onetime.share(EMAIL, "b")
    world.onetime.share(EMAIL, "c")
    world.onetime.open_as_outsider(opened.secret_key)
    world.onetime.burn_as_owner(burned.metadata_key)

    await connected.command("/ots", f"recent {wanted}")

    await connected.until(lambda: said in connected.sees())


async def test_recent_without_an_account_offers_to_connect_one(world, ada):
    await ada.command("/ots", "recent")

    await ada.until(lambda: "You have not connected an account" in ada.sees())


async def test_a_token_that_was_changed_says_to_reconnect(world, connected):
    world.onetime.change_token(EMAIL, "another-token")

    await connected.command("/ots", "recent")

    await connected.until(lambda: "did not accept your account's API token" in connected.sees())
