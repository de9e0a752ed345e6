"""What people do is in the audit, as the commands export it, and nothing of their secrets is."""

import asyncio
import json

import pytest

from bot.sandbox.world import World
from bot.secret import Secret
from bot.storage.audit.commands import export_audit, read_moment, verify_audit
from bot.storage.sealing.keyring import KeyRing
from tests.journeys.conftest import EMAIL, TOKEN, connect, somebody
from tests.support.share_window import submit_share
from tests.support.waiting import PATIENCE


class Lines:
    """What an export writes."""

    def __init__(self):
        self.text = ""

    def write(self, text, /):
        self.text += text


async def exported(world, *, user=None):
    """The entries so far, of this person."""
    lines = Lines()
    url, ring = f"sqlite:///{world.directory}/bot.db", KeyRing.read(Secret(f"k1:{world.encryption_key}"))
    await export_audit(url, ring, "ndjson", since=read_moment("2020-01-01", "--since"), output=lines)
    entries = [json.loads(line) for line in lines.text.splitlines()]
    return [one for one in entries if user is None or one["user"] == user.id]


async def noted(world, person, **wanted):
    """The first entry of this person that has these values, as soon as it is written."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for one in await exported(world, user=person):
                if wanted.items() <= one.items():
                    return one
            await asyncio.sleep(0.1)


async def test_a_command_is_noted_with_who_where_and_what_came_of_it(world, ada):
    held = world.onetime.share(EMAIL, "the text")
    await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")

    entry = await noted(world, ada, act="metadata")

    assert {name: entry[name] for name in ("name", "surface", "outcome", "rule", "workspace", "erased")} == {
        "name": "metadata",
        "surface": "command",
        "outcome": "shown",
        "rule": None,
        "workspace": world.workspace.state.team_id,
        "erased": False,
    }
    assert entry["place"]


async def test_a_button_names_the_row_and_the_secret_by_a_hash_that_nobody_can_guess(world, ada, ben):
    held = world.onetime.share(EMAIL, "the text")
    for person in (ada, ben):
        await person.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await person.until(lambda person=person: person.ephemerals)
        await person.click(person.ephemerals[-1], label="Refresh")

    first, second = [await noted(world, person, surface="action") for person in (ada, ben)]

    assert first["secret"] == second["secret"]
    assert first["secret"].startswith("k1:")
    assert first["ref"] != second["ref"]
    assert held.metadata_key[:8] not in json.dumps([first, second])


async def test_sharing_and_opening_are_noted_for_each_of_both(world, ada, ben):
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view and ada.view.submit == "Share")
    await submit_share(ada, ada.view, {"text1": "what was shared", "to": [ben.id]})
    await ada.until(lambda: ada.view.title == "Shared")
    await ben.click(action_id="share_open")
    await ben.until(lambda: ben.view and ben.view.submit == "Show here")
    await ben.submit()
    await ben.until(lambda: ben.view.secret_text() == "what was shared")

    shared = await noted(world, ada, act="share", surface="form")
    opened = await noted(world, ben, outcome="opened")

    assert shared["outcome"] == "done"
    assert (opened["act"], opened["surface"], opened["place"]) == ("retrieve", "form", None)
    assert (await noted(world, ben, name="share_open"))["place"] == "direct"


async def test_connecting_is_noted(world, ada):
    await connect(ada)

    assert (await noted(world, ada, act="connect", surface="form"))["outcome"] == "done"


@pytest.mark.parametrize("flags", [{"guest": True}, {"stranger": True}], ids=["guest", "stranger"])
async def test_a_denial_is_noted_with_its_rule_in_the_chain_of_this_workspace(world, ada, flags):
    other = somebody(world, "eve", stranger="stranger" in flags)
    for flag in flags:
        setattr(other.person, flag, True)
    await other.shortcut("share_secret")

    entry = await noted(world, other, outcome="refused")

    assert (entry["rule"], entry["workspace"]) == ("not_a_member", world.workspace.state.team_id)


async def test_every_chain_is_intact(world, ada):
    await ada.command("/ots", "accounts")
    await noted(world, ada, act="accounts")
    said: list[str] = []

    ring = KeyRing.read(Secret(f"k1:{world.encryption_key}"))
    assert await verify_audit(f"sqlite:///{world.directory}/bot.db", ring, said.append) == 0

    assert " intact " in said[0]


# --- in Home


async def opens_activity(person):
    await person.open_home()
    await person.until(lambda: person.home and "What I did here" in str(person.home.blocks))
    await person.click(person.home, label="What I did here")
    await person.until(lambda: person.view and person.view.title == "What I did here" and "record" in person.view.text)
    return person.view


async def test_a_person_sees_what_they_did_and_nothing_of_others(world, ada, ben):
    await ben.command("/ots", "settings")
    await ada.command("/ots", "accounts")
    await noted(world, ben, act="settings")
    await noted(world, ada, act="accounts")

    view = await opens_activity(ada)

    assert "Manage accounts" in view.text
    assert "Change settings" not in view.text
    assert "In this workspace" not in view.text


async def test_it_says_in_which_channel_it_was_done(world, ada):
    channel = world.workspace.channel("C0AUDIT", "audit", [ada])
    await ada.command("/ots", "accounts", channel=channel)
    await noted(world, ada, act="accounts")

    view = await opens_activity(ada)

    assert "in <#C0AUDIT>" in str(view.blocks)


async def test_what_a_person_did_has_pages(world, ada):
    for _ in range(11):
        seen = len(ada.ephemerals)
        await ada.command("/ots", "accounts")
        await ada.until(lambda: len(ada.ephemerals) > seen)  # noqa: B023 - awaited right here
    await ada.command("/ots", "tracked")
    await noted(world, ada, act="track")

    view = await opens_activity(ada)
    assert "Track a secret" in view.text
    await ada.click(view, label="Older")
    await ada.until(lambda: "Page 2 of 2" in ada.view.text)

    assert "Track a secret" not in ada.view.text
    await ada.click(ada.view, label="Newer")
    await ada.until(lambda: "Track a secret" in ada.view.text)


async def test_an_admin_sees_counts_as_long_as_slack_calls_them_one(world, ada, ben):
    await ben.command("/ots", "settings")
    await noted(world, ben, act="settings")
    ada.person.admin = True

    view = await opens_activity(ada)
    await ada.until(lambda: "In this workspace" in view.text)

    assert "Change settings" in view.text
    assert ben.id not in view.text
    await ada.close()
    ada.person.admin = False
    assert "In this workspace" not in (await opens_activity(ada)).text


# --- what the bot does by itself


async def test_what_becomes_of_a_tracked_secret_and_the_message_about_it_are_noted():
    async with World(settings={"WATCH_EVERY": "5"}) as quick:
        quick.onetime.add_account(EMAIL, TOKEN)
        ada = await connect(quick.workspace.person("U0ADA", "ada"))
        held = quick.onetime.share(EMAIL, "the text")
        await ada.command("/ots", f"track {quick.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: ada.dm)

        quick.onetime.open_as_outsider(held.secret_key)

        seen = await noted(quick, ada, act="seen")
        told = await noted(quick, ada, act="notification")
        assert (seen["outcome"], seen["surface"]) == ("received", "app")
        assert (told["outcome"], told["name"], told["ref"]) == ("sent", "received", seen["ref"])
