"""A secret has a name, the same everywhere: its note or label, else whom it is for, else its short id."""

import pytest

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, choose, connect, menus, somebody
from tests.journeys.test_share import share

VPN = "the VPN"


def rows(message):
    """The first lines of a list: what its secrets are called."""
    return [one["text"]["text"].splitlines()[0] for one in message.blocks if "accessory" in one]


async def listed(person, text, words):
    """The list that the command shows, once these words are in it."""
    before = len(person.ephemerals)
    await person.command("/ots", text)
    return await person.until(
        lambda: next((one for one in person.ephemerals[before:] if words in one.shows and menus(one)), None)
    )


async def test_one_among_a_hundred_secrets_is_found_by_its_name_in_every_list_and_in_its_notification(world):
    ada, cleo = somebody(world, "ada"), somebody(world, "cleo")
    others = [somebody(world, "ben") for _ in range(10)]
    await connect(ada)
    by_hand = [world.onetime.share(EMAIL, "text") for _ in range(80)][:3]
    world.onetime.move_clock(1)
    for to, note in (([cleo], VPN), (others, "the quarterly figures"), ([cleo, *others[:8]], "the door code")):
        await share(ada, to=[one.id for one in to], note=note)
        await ada.close()
        world.onetime.move_clock(1)
    for number, held in enumerate(by_hand):
        await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} made by hand {number}")
    await ada.until(lambda: sum("made by hand" in one.shows for one in ada.dm) == 3)
    wanted = f"*“{VPN}” for <@{cleo.id}>*"

    recent = await listed(ada, "recent", "100 secrets")
    assert len(rows(recent)) == 10
    block_id = next(one["block_id"] for one in recent.blocks if one["type"] == "actions")
    await ada.click(recent, block_id=block_id, action_id="menu", option="20 secrets shared in Slack")
    await ada.until(lambda: "Page 1 of 2" in ada.sees())
    of_cleo = await listed(ada, f"recent <@{cleo.id}|{cleo.name}>", "2 secrets")
    tracked = await listed(ada, f"tracked <@{cleo.id}|{cleo.name}>", "2 secrets")
    await cleo.click(next(one for one in cleo.dm if VPN in one.shows), label="Open")
    await cleo.until(lambda: cleo.view and cleo.view.secret_text())
    news = await ada.until(lambda: next((one for one in ada.dm if one.text.startswith(f"<@{cleo.id}> opened")), None))

    for message in (of_cleo, tracked):
        assert len(rows(message)) == 2
        assert sum(wanted in row for row in rows(message)) == 1
        assert f"“{VPN}” for <@{cleo.id}>" in message.text
    assert news.text.startswith(f"<@{cleo.id}> opened “{VPN}”")


@pytest.mark.parametrize("version", ["0.23", "0.26"])
async def test_a_secret_without_a_name_is_called_by_its_short_id_in_every_place(version):
    async with World(version=version) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada = await connect(world.workspace.person("U0ADA", "ada"))
        held = world.onetime.share(EMAIL, "text")
        short_id = held.metadata_key[: 6 if version == "0.23" else 8]

        recent = await listed(ada, "recent", "1 secret")
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        card = await ada.until(lambda: len(ada.ephemerals) == 2 and ada.ephemerals[-1])
        await choose(ada, recent, "Burn")
        question = await ada.until(lambda: ada.view and ada.view.submit and ada.view)
        await ada.close()
        await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
        tracked_card = await ada.until(lambda: ada.dm and ada.dm[0])
        tracked = await listed(ada, "tracked", "1 secret")

        said = [recent.text, card.text, tracked.text, tracked_card.text]
        said += [message.shows for message in (recent, card, tracked, tracked_card)]
        assert all(f"Secret {short_id}" in text.replace("`", "") for text in said), said
        assert f"Secret `{short_id}`" in str(question.blocks)
        assert not any(held.metadata_key[:9] in text for text in (*said, str(question.blocks)))


async def test_a_secret_without_a_note_is_called_by_whom_it_is_for(world, connected, ben):
    await share(connected, to=[ben.id])
    await connected.close()

    recent = await listed(connected, "recent", "1 secret")
    tracked = await listed(connected, "tracked", "1 secret")

    assert [rows(recent), rows(tracked)] == [[f":large_green_circle: *Secret for <@{ben.id}>*"]] * 2


async def test_a_recipient_sees_the_note_and_never_the_label_of_the_sender(world, connected, ben):
    await share(connected, to=[ben.id], note="the staging db")
    await connected.close()
    (held,) = world.onetime.everything()
    await connected.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} for the new guy")
    await connected.until(lambda: any("for the new guy" in one.shows for one in connected.dm))
    await connected.click(connected.dm[0], label="Remind…")
    await connected.submit(
        await connected.until(lambda: connected.view and connected.view.submit == "Remind" and connected.view)
    )

    await ben.until(lambda: len(ben.dm) == 2)

    seen = " ".join(f"{one.text} {one.blocks}" for one in ben.dm)
    assert "the staging db" in seen
    assert "the new guy" not in seen


async def test_a_person_for_whom_nothing_is_tracked_has_an_empty_list_that_says_so(world, ada, ben):
    held = world.onetime.share(EMAIL, "text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")

    await ada.command("/ots", f"tracked <@{ben.id}|{ben.name}>")

    await ada.until(lambda: "not tracking any secret for that person or channel" in ada.sees())


async def test_a_secret_keeps_its_name_when_it_is_not_tracked_any_more(world, connected, ben):
    await share(connected, to=[ben.id], note="the staging db")
    await connected.close()
    tracked = await listed(connected, "tracked", "1 secret")
    await choose(connected, tracked, "Stop")
    await connected.until(lambda: "not tracked any more" in connected.sees())

    recent = await listed(connected, "recent", "1 secret")

    assert rows(recent) == [f":large_green_circle: *“the staging db” for <@{ben.id}>*"]
