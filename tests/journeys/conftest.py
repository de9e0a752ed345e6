"""The real bot process between the two emulators, and a person to use it."""

import pytest

from bot.sandbox.world import World

EMAIL = "ada@example.com"
TOKEN = "token-of-ada-0123456789"


@pytest.fixture
async def world():
    async with World() as started:
        started.onetime.add_account(EMAIL, TOKEN)
        yield started


@pytest.fixture
def ada(world):
    return world.workspace.person("U0ADA", "ada")


@pytest.fixture
async def connected(world, ada):
    """Ada, with her account connected."""
    await ada.command("/ots", "connect")
    await ada.until(lambda: ada.view and "Connect an account" in ada.view.title)
    await ada.submit(ada.view, {"username": EMAIL, "token": TOKEN})
    await ada.until(lambda: ada.view and ada.view.title == "Connected")
    await ada.close()
    return ada
