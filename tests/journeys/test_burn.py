"""Burning, from the command and from a button."""

import asyncio

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.journeys.conftest import EMAIL, choose


async def _ask(world, ada, held):
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    return await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)


async def test_the_command_shows_what_it_burns_and_asks_first(world, ada):
    held = world.onetime.share(EMAIL, "text")

    view = await _ask(world, ada, held)

    assert "Not opened yet" in view.text
    assert world.onetime.find_secret(held.metadata_key).has_plaintext
    await ada.submit(view)
    await ada.until(lambda: "Burned" in ada.view.text)
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param("", "Paste the private link of the secret", id="nothing"),
        pytest.param("the old password", "There is no link in that", id="text"),
        pytest.param(f"https://eu.onetimesecret.com/secret/{'abcdefgh' * 4}", "needs the private link", id="other"),
    ],
)
async def test_without_a_private_link_the_command_says_what_to_paste_and_opens_no_window(ada, pasted, said):
    await ada.command("/ots", "help")  # from then on nobody has to ask Slack who ada is
    await ada.until(lambda: ada.messages)

    await ada.command("/ots", f"burn {pasted}".strip())

    await ada.until(lambda: said in ada.messages[-1].shows.replace("*", ""))
    assert ada.view is None


async def test_a_passphrase_is_asked_for_where_there_is_one(world, ada):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")
    view = await _ask(world, ada, held)

    await ada.submit(view, {"passphrase": "the wrong one"})
    assert "not its passphrase, 4 tries left" in view.errors["passphrase"]
    await ada.submit(view, {"passphrase": "the right one"})

    await ada.until(lambda: "Burned" in ada.view.text)
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def _card(world, person, held):
    await person.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
    return await person.until(lambda: "Not opened yet" in person.sees() and person.ephemerals[-1])


async def test_the_button_on_a_card_burns_after_its_dialog(world, connected):
    held = world.onetime.share(EMAIL, "text")
    card = await _card(world, connected, held)

    await connected.click(card, label="Burn", confirm=False)
    assert world.onetime.find_secret(held.metadata_key).has_plaintext
    await connected.click(card, label="Burn")

    await connected.until(lambda: "Burned" in connected.sees())
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_the_menu_in_a_list_asks_before_it_burns_and_for_a_passphrase_too(world, connected):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")
    await connected.command("/ots", "recent")
    listed = await connected.until(lambda: "1 secret" in connected.sees() and connected.ephemerals[-1])

    await choose(connected, listed, "Burn")
    view = await connected.until(lambda: connected.view and connected.view.submit and connected.view)
    assert held.metadata_key[:8] in view.text
    await connected.submit(view, {"passphrase": "the right one"})

    await connected.until(lambda: "Burned" in connected.view.text)
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


@pytest.mark.parametrize(
    ("became", "said"),
    [
        ("received", "it was opened already"),
        ("burned", "Burned"),
        ("expired", "expired unopened"),
        ("forgotten", "no longer knows this secret"),
    ],
)
async def test_what_cannot_be_burned_any_more_is_told_apart(world, ada, became, said):
    held = world.onetime.share(EMAIL, "text", ttl=600)
    view = await _ask(world, ada, held)
    match became:
        case "received":
            world.onetime.open_as_outsider(held.secret_key)
        case "burned":
            world.onetime.burn_as_owner(held.metadata_key)
        case "expired":
            world.onetime.move_clock(700)
        case "forgotten":
            world.onetime.move_clock(1300)

    await ada.submit(view)

    await ada.until(lambda: said in ada.view.text)


async def test_a_button_for_what_the_server_has_forgotten_says_so(world, connected):
    held = world.onetime.share(EMAIL, "text", ttl=600)
    card = await _card(world, connected, held)
    world.onetime.move_clock(1300)

    await connected.click(card, label="Burn")

    await connected.until(lambda: "Onetime Secret no longer knows this secret" in connected.ephemerals[-1].text)
    assert "It was burned, opened or expired a while ago" in connected.sees()


async def test_two_clicks_at_once_end_in_the_same_words(world, connected):
    held = world.onetime.share(EMAIL, "text")
    message = await _card(world, connected, held)

    await asyncio.gather(connected.click(message, label="Burn"), connected.click(message, label="Burn"))

    await connected.until(lambda: "Burned" in connected.sees())
    assert "Too late" not in connected.sees()
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_a_burn_whose_answer_was_lost_is_found_out(world, ada):
    held = world.onetime.share(EMAIL, "text")
    view = await _ask(world, ada, held)
    world.onetime.plan("/api/v1/private/{key}/burn", OnetimeFault("drop after"), None)

    await ada.submit(view)

    await ada.until(lambda: "Burned" in ada.view.text)


async def test_a_host_in_trouble_is_not_taken_for_a_burn(world, ada):
    held = world.onetime.share(EMAIL, "text")
    view = await _ask(world, ada, held)
    world.onetime.plan("/api/v1/private", OnetimeFault("html"), None)

    await ada.submit(view)

    await ada.until(lambda: "could not be reached" in ada.view.text)
    assert world.onetime.find_secret(held.metadata_key).has_plaintext


async def test_a_burn_whose_window_was_closed_meanwhile_is_told_by_a_direct_message(world, ada):
    held = world.onetime.share(EMAIL, "text")
    view = await _ask(world, ada, held)
    fault = OnetimeFault("hang after")
    world.onetime.plan("/api/v1/private/{key}/burn", fault)
    delivery = asyncio.create_task(ada.submit(view))
    await world.onetime.wait_for_call("/api/v1/private/{key}/burn")
    await delivery
    await ada.close()

    fault.release()

    await ada.until(lambda: any("Burned" in message.shows for message in ada.dm))


async def test_the_list_stays_when_one_of_it_is_burned(world, connected):
    world.onetime.share(EMAIL, "text")
    world.onetime.move_clock(5)
    world.onetime.share(EMAIL, "text")
    await connected.command("/ots", "recent")
    listed = await connected.until(lambda: "2 secrets" in connected.sees() and connected.ephemerals[-1])

    await choose(connected, listed, "Burn")
    await connected.submit(await connected.until(lambda: connected.view and connected.view.submit and connected.view))

    await connected.until(lambda: "Burned" in connected.view.text)
    assert "2 secrets" in connected.sees()


async def test_a_card_made_with_an_account_is_dead_when_the_account_is_gone(world, connected):
    held = world.onetime.share(EMAIL, "text")
    await connected.command("/ots", f"metadata {held.metadata_key}")
    card = await connected.until(lambda: "Not opened yet" in connected.sees() and connected.ephemerals[-1])
    await connected.command("/ots", "disconnect")
    await connected.until(lambda: "Which account" in connected.sees())
    await connected.click(action_id="account_disconnect")
    await connected.until(lambda: "is disconnected" in connected.sees())

    await connected.click(card, label="Burn")

    await connected.until(lambda: "is not available to you" in connected.sees())
    assert world.onetime.find_secret(held.metadata_key).has_plaintext


BURN = "/api/v1/private/{key}/burn"


def calls_to(world, route):
    return [call.route for call in world.onetime.calls].count(route)


async def _guess(world, ada, held, passphrase):
    """In a window of its own. Returns what was said of it."""
    await ada.submit(await _ask(world, ada, held), {"passphrase": passphrase})
    ends = ("not its passphrase", "Stopped after 5 tries", "limiting requests", "Burned")
    said = await ada.until(lambda: next((end for end in ends if end in ada.view.text), None))
    await ada.close(all_of_them=True)
    return said


async def test_five_wrong_passphrases_reach_the_host_in_whatever_windows(world, ada):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")

    said = [await _guess(world, ada, held, f"wrong {number}") for number in range(6)]
    said.append(await _guess(world, ada, held, "the right one"))

    assert said == ["not its passphrase"] * 4 + ["Stopped after 5 tries"] * 3
    assert calls_to(world, BURN) == 5
    assert world.onetime.find_secret(held.metadata_key).has_plaintext


async def test_guesses_by_burning_and_by_opening_have_one_count(world, ada):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")
    for number in range(4):
        await _guess(world, ada, held, f"wrong {number}")

    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view))
    await ada.until(lambda: "Stopped after 5 tries" in ada.view.text)
    await ada.close(all_of_them=True)

    assert await _guess(world, ada, held, "the right one") == "Stopped after 5 tries"
    assert (calls_to(world, BURN), world.onetime.posts_of(held.secret_key)) == (4, 1)


def _add_earlier_button(listed):
    """A button that burns at once, which each row of a list had in earlier versions."""
    menu = next(one["accessory"] for one in listed.blocks if one.get("accessory", {}).get("type") == "overflow")
    ref = menu["options"][0]["value"].partition(":")[2]
    button = {
        "type": "button",
        "action_id": "burn",
        "value": f"ref:{ref}",
        "text": {"type": "plain_text", "text": "Burn"},
    }
    listed.blocks.append({"type": "actions", "block_id": "earlier", "elements": [button]})


async def test_a_button_without_a_passphrase_is_no_guess_the_first_time_only(world, connected):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")
    await connected.command("/ots", "recent")
    await connected.until(lambda: "1 secret" in connected.sees())
    message = connected.ephemerals[-1]
    _add_earlier_button(message)

    for _ in range(7):
        said = len(connected.ephemerals)
        await connected.click(message, label="Burn")
        await connected.until(lambda before=said: len(connected.ephemerals) > before)

    assert "Stopped after 5 tries" in connected.sees()
    assert calls_to(world, BURN) == 1 + 5
    assert world.onetime.find_secret(held.metadata_key).has_plaintext


async def test_what_the_host_did_not_look_at_is_no_guess(world, ada):
    held = world.onetime.share(EMAIL, "text", passphrase="the right one")
    world.onetime.plan(BURN, OnetimeFault("answer", status=429), None)
    for _ in range(6):
        assert await _guess(world, ada, held, "the right one") == "limiting requests"
    world.onetime.clear_faults()

    assert await _guess(world, ada, held, "the right one") == "Burned"
