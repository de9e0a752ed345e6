"""Policy: admins set rules in Home, which hold at once on every surface; a denial says which rule and whose."""

import sqlite3
from contextlib import closing

import pytest_asyncio

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, somebody
from tests.support.share_window import submit_share

ADMINS = "Your workspace's admins do not allow"


@pytest_asyncio.fixture(loop_scope="session")
async def own_world():
    async with World() as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world


def rules_of(world):
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        row = connection.execute("SELECT rules FROM workspace_policies").fetchone()
    return row and row[0]


async def open_policy(admin):
    await admin.open_home()
    await admin.until(lambda: admin.home and "policy_open" in str(admin.home.blocks))
    await admin.click(admin.home, action_id="policy_open")
    return await admin.until(lambda: admin.view and admin.view.submit == "Save" and admin.view)


async def test_only_admins_are_offered_the_policy(own_world):
    ben = somebody(own_world, "ben")
    await ben.open_home()
    await ben.until(lambda: ben.home and "Settings and language" in str(ben.home.blocks))

    assert "policy_open" not in str(ben.home.blocks)


async def test_who_is_no_admin_any_more_saves_nothing(own_world):
    ada = somebody(own_world, "ada", admin=True)
    view = await open_policy(ada)
    own_world.workspace.state.people[ada.id].admin = False

    await ada.submit(view, {"allowed": []})

    await ada.until(lambda: "Only admins and owners" in ada.sees())
    assert rules_of(own_world) is None


async def test_a_rule_that_an_admin_saves_is_not_offered_and_refused_at_its_field(own_world):
    ada, ben = somebody(own_world, "ada", admin=True), somebody(own_world, "ben")
    await ben.command("/ots", "share")
    old = await ben.until(lambda: ben.view and ben.view.submit == "Share" and ben.view)
    view = await open_policy(ada)
    await ada.submit(view, {"allowed": ["bare_links", "guests", "escrow"]})
    await ada.until(lambda: "Saved" in ada.sees())
    assert "channels" in rules_of(own_world)
    assert "retrieve" in rules_of(own_world)

    await ben.command("/ots", "share")
    new = await ben.until(lambda: ben.view and ben.view.id != old.id and ben.view.submit == "Share" and ben.view)

    assert "A channel" not in new.text
    await ben.command("/ots", "retrieve")
    await ben.until(lambda: ADMINS in ben.sees())


async def test_a_window_from_before_a_rule_is_refused_with_the_rule(own_world):
    ada, ben, cleo = (somebody(own_world, name, admin=name == "ada") for name in ("ada", "ben", "cleo"))
    await ben.command("/ots", "share")
    old = await ben.until(lambda: ben.view and ben.view.submit == "Share" and ben.view)
    view = await open_policy(ada)
    await ada.submit(view, {"allowed": ["channels", "bare_links", "retrieve", "escrow"], "passphrase": ["on"]})
    await ada.until(lambda: "Saved" in ada.sees())

    await submit_share(ben, old, {"text1": "s3cret", "to": [cleo.id]})

    await ben.until(lambda: f"{ADMINS} secrets without a passphrase" in ben.sees())
    assert [one for one in own_world.onetime.calls if one.route.endswith("/share")] == []


async def test_a_rule_of_the_deployment_is_said_to_be_its(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text("retrieve = false\nguests = true\n")
    async with World(settings={"POLICY_FILE": str(file)}) as world:
        dora = somebody(world, "dora", guest=True)
        await dora.command("/ots", "retrieve")
        await dora.until(lambda: "Whoever runs this app does not allow secrets to be opened here" in dora.sees())


async def test_what_cannot_be_a_rule_is_said_at_its_field(own_world):
    ada = somebody(own_world, "ada", admin=True)
    view = await open_policy(ada)

    wrong = {"hosts": "eu.onetimesecret.com", "default_host": "https://ca.onetimesecret.com", "shares_per_hour": "31"}
    await ada.submit(view, wrong)
    await ada.until(lambda: ada.view.errors)

    assert ada.view.errors == {
        "default_host": "This server is not among those that are allowed.",
        "shares_per_hour": "A whole number from 1 to 30, please.",
    }
    assert rules_of(own_world) is None
