"""Who wants no names in push notifications gets messages whose `text` names no secret: Slack shows it there."""

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect, somebody
from tests.journeys.test_settings import opened, saved, stored, ticked
from tests.journeys.test_share import share
from tests.journeys.test_share_card import remind

VPN = "the VPN"
HOUR = 3_600  # seconds


async def hide_names(person):
    said = await saved(person, await opened(person), {"names": []})
    await person.close()
    return said


def texts(person):
    return [one.text for one in person.dm]


def shown(person):
    return " ".join(one.shows for one in person.dm)


async def test_the_setting_is_kept_and_says_what_it_does(world, ada):
    view = await opened(ada)
    assert ticked(view, "names") == {"on"}
    assert "push notifications say “a secret”" in view.text
    await ada.close()

    said = await hide_names(ada)

    assert "Push notifications say “a secret”" in said
    assert ticked(await opened(ada), "names") == set()


async def test_a_window_of_before_leaves_the_choice_as_it_was(world, ada):
    await hide_names(ada)
    view = await opened(ada)
    view.payload["blocks"] = [block for block in view.blocks if block.get("block_id") != "names"]
    del view.values["names"]

    await saved(ada, view, {"news": []})

    assert stored(world, ada) == (set(), True)
    await ada.close()
    assert ticked(await opened(ada), "names") == set()


async def test_the_texts_of_both_people_say_a_secret_and_the_messages_name_it(world, connected, ben):
    await hide_names(connected)
    await hide_names(ben)
    await share(connected, to=[ben.id], note=VPN)
    await connected.close()

    await remind(connected, connected.dm[-1])
    await ben.until(lambda: len(ben.dm) == 2)
    await ben.click(ben.dm[0], label="Open")
    await ben.until(lambda: ben.view and ben.view.secret_text())
    await connected.until(lambda: any("opened a secret" in text for text in texts(connected)))
    await ben.until(lambda: all("You opened a secret" in text for text in texts(ben)))

    assert not [text for text in (*texts(connected), *texts(ben)) if "VPN" in text]
    assert VPN in shown(ben)
    assert f"opened “{VPN}”" in shown(connected)


async def test_whoever_does_not_hide_names_is_told_them(world, connected, ben):
    await hide_names(connected)
    await share(connected, to=[ben.id], note=VPN)

    await ben.until(lambda: f"Note: “{VPN}”" in ben.dm[0].text)


async def test_a_request_does_not_say_what_for(world, ada, ben):
    await hide_names(ben)
    await ada.command("/ots", f"request <@{ben.id}|ben> {VPN}")
    view = await ada.until(lambda: ada.view and ada.view.submit and ada.view)

    await ada.submit(view)

    await ben.until(lambda: ben.dm)
    assert "asks you for a secret" in ben.dm[0].text
    assert VPN not in ben.dm[0].text
    assert VPN in ben.dm[0].shows


async def test_reminders_and_cards_of_what_is_tracked_do_not_name_it():
    async with World(settings={"WATCH_EVERY": "5"}, own_clock=True) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada = await connect(somebody(world, "ada"))
        await hide_names(ada)
        held = world.onetime.share(EMAIL, "text", ttl=HOUR)
        await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} {VPN}")
        await ada.until(lambda: ada.dm)

        world.clock.move(0.9 * HOUR)
        await ada.until(lambda: any("expires soon" in text for text in texts(ada)))

        assert not [text for text in texts(ada) if "VPN" in text]
        assert sum(VPN in one.shows for one in ada.dm) == 2
