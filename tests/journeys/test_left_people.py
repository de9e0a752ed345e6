"""Secrets of people who have left: an admin of the workspace burns them, and nobody else."""

import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from tests.journeys.conftest import somebody
from tests.support.share_window import submit_share


@pytest_asyncio.fixture(loop_scope="session")
async def own_world():
    async with World() as world:
        yield world


async def share_and_leave(world, **more):
    """Cleo shares something with Ben, and leaves the workspace."""
    ben, cleo = somebody(world, "ben"), somebody(world, "cleo")
    await cleo.command("/ots", "share")
    view = await cleo.until(lambda: cleo.view and cleo.view.submit == "Share" and cleo.view)
    await submit_share(cleo, view, {"text1": "s3cret", "to": [ben.id], **more})
    await ben.until(lambda: ben.dm)
    cleo.person.deleted = True
    await world.workspace.emit({"type": "user_change", "user": {"id": cleo.id, "deleted": True}})
    return ben, cleo


async def list_of(admin):
    await admin.open_home()
    await admin.until(lambda: admin.home and "left_open" in str(admin.home.blocks))
    await admin.click(admin.home, action_id="left_open")
    return await admin.until(lambda: admin.view and "One moment" not in admin.view.text and admin.view)


async def test_an_admin_burns_what_somebody_left(own_world):
    ben, cleo = await share_and_leave(own_world)
    ada = somebody(own_world, "ada", admin=True)

    view = await list_of(ada)
    assert f"<@{cleo.id}> left 1 secret" in str(view.blocks)
    await ada.click(view, action_id="left_burn")

    await ada.until(lambda: "1 secret was burned" in ada.view.text)
    assert "Nobody who left" in ada.view.text
    assert [held.state for held in own_world.onetime.everything()] == ["burned"]
    await ben.until(lambda: "burned" in ben.dm[0].shows)


async def test_what_a_server_does_not_burn_stays_in_the_list(own_world):
    _, cleo = await share_and_leave(own_world)
    ada = somebody(own_world, "ada", admin=True)
    view = await list_of(ada)
    own_world.onetime.plan("/api/v1/private/{key}/burn", OnetimeFault("answer", status=502), None)

    await ada.click(view, action_id="left_burn")

    await ada.until(lambda: "1 secret could not be burned" in ada.view.text)
    assert f"<@{cleo.id}> left 1 secret" in str(ada.view.blocks)


async def test_a_secret_with_a_passphrase_that_only_the_sender_knew_is_said_to_be_left(own_world):
    await share_and_leave(own_world, passphrase="only cleo knows")
    ada = somebody(own_world, "ada", admin=True)

    await ada.click(await list_of(ada), action_id="left_burn")

    await ada.until(lambda: "wants a passphrase that only the sender knew" in ada.view.text)
    assert [held.state for held in own_world.onetime.everything()] == ["new"]


async def test_who_is_back_is_not_burned(own_world):
    _, cleo = await share_and_leave(own_world)
    ada = somebody(own_world, "ada", admin=True)
    view = await list_of(ada)
    cleo.person.deleted = False

    await ada.click(view, action_id="left_burn")

    await ada.until(lambda: "is a member of this workspace again" in ada.view.text)
    assert [held.state for held in own_world.onetime.everything()] == ["new"]


async def test_who_is_no_admin_any_more_sees_and_burns_nothing(own_world):
    _, cleo = await share_and_leave(own_world)
    ada = somebody(own_world, "ada", admin=True)
    view = await list_of(ada)
    ada.person.admin = False

    await ada.click(view, action_id="left_burn")
    await ada.until(lambda: "Only admins and owners" in ada.sees())
    again = await list_of(ada)

    assert cleo.id not in str(again.blocks)
    assert [held.state for held in own_world.onetime.everything()] == ["new"]
