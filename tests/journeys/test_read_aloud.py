"""What a notification and a screen reader say: who, which secret, and nothing that becomes a link."""

import re

from tests.journeys.conftest import EMAIL, connect, menus
from tests.support.share_window import submit_share

NOTE = "the staging db, see https://evil.example/login"


async def share_with(sender, *people, note=""):
    await sender.command("/ots", "share " + " ".join(f"<@{one.id}|{one.name}>" for one in people))
    view = await sender.until(lambda: sender.view and sender.view.submit == "Share" and sender.view)
    await submit_share(sender, view, {"text1": "the text", "note": note})
    await sender.until(lambda: sender.view and sender.view.title == "Shared")
    await sender.close()
    return await sender.until(lambda: sender.dm and sender.dm[-1])


def labels(*messages):
    """What a screen reader says for each button, and for each item of the menus of rows."""
    found = []
    for message in messages:
        for block in message.blocks:
            elements = block.get("elements", []) if block["type"] == "actions" else []
            found += [
                one.get("accessibility_label", one["text"]["text"]) for one in elements if one["type"] == "button"
            ]
        found += [label for _, items in menus(message) for label in items]
    return found


def written(*messages):
    """All that was sent of these messages."""
    return " ".join(f"{message.text} {message.blocks}" for message in messages)


def _list(person, text):
    """The answer to the command that lists secrets, once it is there."""
    words = {"recent": " secrets on ", "tracked": "What you track"}[text]
    return next((one for one in person.ephemerals if words in one.text), None)


async def test_a_notification_says_who_shares_or_asks_and_what_for(world, ada, ben, cleo):
    await share_with(ada, ben, note=NOTE)
    shared = await ben.until(lambda: ben.dm and ben.dm[0])
    await ada.command("/ots", f"request <@{cleo.id}|{cleo.name}> {NOTE}")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Ask" and ada.view))
    asked = await cleo.until(lambda: cleo.dm and cleo.dm[0])
    await ada.until(lambda: len(ada.dm) == 2)

    assert shared.text.startswith(f"<@{ada.id}> shares a one-time secret with you")
    assert asked.text.startswith(f"<@{ada.id}> asks you for a secret")
    assert ada.dm[1].text.startswith(f"You asked <@{cleo.id}> for a secret")
    assert all("the staging db" in message.text for message in (shared, asked))


async def test_a_notification_says_whose_opening_it_is_about(world, ada, ben):
    await share_with(ada, ben, note="the staging db")
    await ben.until(lambda: ben.dm and "Open" in ben.dm[0].shows)
    await ben.click(ben.dm[0], action_id="share_open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))

    news = await ada.until(lambda: len(ada.dm) > 1 and ada.dm[-1])

    assert news.text.startswith(f"<@{ben.id}> opened “the staging db”")


async def test_an_address_in_a_note_is_no_link_in_any_message(world, ada, ben, cleo):
    card = await share_with(ada, ben, note=NOTE)
    shared = await ben.until(lambda: ben.dm and ben.dm[0])
    await ada.command("/ots", f"request <@{cleo.id}|{cleo.name}> {NOTE}")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Ask" and ada.view))
    asked = await cleo.until(lambda: cleo.dm and cleo.dm[0])
    held = world.onetime.share(None, "text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} see https://evil.example/login")
    tracked = await ada.until(lambda: len(ada.dm) == 3 and ada.dm[2])

    everything = written(card, shared, asked, *ada.dm, tracked)

    assert "hxxps[:]//evil[.]example/login" in everything
    assert not re.search(r"https?://|evil\.example", everything)


async def test_each_button_of_a_list_is_read_aloud_with_its_secret(world, ada, ben, cleo):
    await connect(ada)
    card = await share_with(ada, ben, cleo, note="the staging db")
    for _ in range(3):
        world.onetime.share(EMAIL, "text")
        held = world.onetime.share(None, "text")
        await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: len(ada.dm) >= 4)

    lists = []
    for text in ("recent", "tracked"):
        await ada.command("/ots", text)
        lists.append(await ada.until(lambda text=text: _list(ada, text)))

    for message in (card, *lists):
        spoken = labels(message)
        assert len(spoken) >= 4
        assert len(set(spoken)) == len(spoken), spoken
    assert any("the staging db" in label for label in labels(card))
    named = re.compile(r"the staging db|the secret [0-9a-z]{8}\b|^Newer$|^Older$")
    assert all(named.search(label) for label in labels(*lists))
