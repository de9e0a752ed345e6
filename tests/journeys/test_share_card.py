"""The sender's card: what became of each recipient's secret, and what can still be done about it."""

import json
import re

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.journeys.test_share import TEXT, share

BURN_ROUTE = "/api/v1/private/{key}/burn"


async def shared(ada, people, **fields):
    """The card, after sharing with these people."""
    await share(ada, to=[one.id for one in people], **fields)
    await ada.close()
    return ada.dm[0]


def states(world):
    return [one.state for one in world.onetime.everything()]


async def test_burning_one_leaves_the_others(world, ada, people):
    card = await shared(ada, people)
    first = next(block for block in card.blocks if block["type"] == "actions")

    await ada.click(card, label="Burn", value=first["elements"][0]["value"])

    await ada.until(lambda: "burned before anybody opened it" in card.shows)
    assert states(world) == ["burned", "new"]
    await people[0].until(lambda: "burned this one-time secret" in people[0].dm[0].shows)
    assert "Open" not in str([block for block in people[0].dm[0].blocks if block["type"] == "actions"])
    assert "shares a one-time secret" in people[1].dm[0].shows
    assert len(ada.dm) == 1  # one's own doing is no news


async def test_burning_all_burns_what_nobody_has_opened(world, ada, people):
    card = await shared(ada, people)

    await ada.click(card, label="Burn all")

    await ada.until(lambda: card.shows.count("burned before anybody opened it") == 2)
    assert states(world) == ["burned", "burned"]
    assert "Nothing more will happen" in card.shows
    assert [one["action_id"] for one in buttons(card)] == ["share_again"]


async def test_thinking_better_of_it_burns_nothing(world, ada, people):
    card = await shared(ada, people)

    await ada.click(card, label="Burn all", confirm=False)

    assert states(world) == ["new", "new"]


async def test_one_with_a_passphrase_is_burned_with_it(world, ada, people):
    card = await shared(ada, people[:1], passphrase="correct horse")
    await ada.click(card, label="Burn…")
    await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    await ada.submit(None, {"passphrase": "wrong horse"})
    assert "not its passphrase, 4 tries left" in ada.view.errors["passphrase"]
    assert states(world) == ["new"]

    await ada.submit(None, {"passphrase": "correct horse"})

    await ada.until(lambda: ada.view.title == "Burn a secret" and "burned before" in ada.view.text)
    assert states(world) == ["burned"]
    await ada.until(lambda: "burned before anybody opened it" in card.shows)


async def test_all_with_a_passphrase_are_burned_with_it(world, ada, people):
    card = await shared(ada, people, passphrase="correct horse")
    await ada.click(card, label="Burn all…")
    await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    await ada.submit(None, {"passphrase": "wrong horse"})
    assert "not its passphrase" in ada.view.errors["passphrase"]

    await ada.submit(None, {"passphrase": "correct horse"})

    await ada.until(lambda: "burned before" in ada.view.text)
    assert states(world) == ["burned", "burned"]


async def test_wrong_passphrases_from_the_card_and_from_the_private_link_have_one_count(world, ada, people):
    card = await shared(ada, people[:1], passphrase="correct horse")
    (held,) = world.onetime.everything()
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    await ada.submit(None, {"passphrase": "wrong horse"})
    await ada.until(lambda: "4 tries left" in ada.view.errors["passphrase"])
    await ada.close(all_of_them=True)

    await ada.click(card, label="Burn…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)
    for left in ("3 tries left", "2 tries left", "1 try left"):
        await ada.submit(view, {"passphrase": f"wrong with {left}"})
        await ada.until(lambda left=left: left in view.errors["passphrase"])
    await ada.submit(view, {"passphrase": "wrong the fifth time"})
    await ada.until(lambda: "Stopped after 5 tries" in ada.view.text)
    await ada.close(all_of_them=True)

    await ada.click(card, label="Burn…")
    await ada.submit(
        await ada.until(lambda: ada.view and ada.view.submit and ada.view), {"passphrase": "correct horse"}
    )
    await ada.until(lambda: "Stopped after 5 tries" in ada.view.text)
    assert states(world) == ["new"]
    assert [call.route for call in world.onetime.calls].count(BURN_ROUTE) == 5


async def test_all_stop_after_five_wrong_passphrases(world, ada, people):
    card = await shared(ada, people, passphrase="correct horse")
    await ada.click(card, label="Burn all…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)

    for left in ("4 tries left", "3 tries left", "2 tries left", "1 try left", "Stopped after 5 tries"):
        await ada.submit(view, {"passphrase": f"wrong with {left}"})
        await ada.until(lambda left=left: left in view.errors["passphrase"])
    await ada.submit(view, {"passphrase": "correct horse"})

    await ada.until(lambda: "Stopped after 5 tries" in view.errors["passphrase"])
    assert states(world) == ["new", "new"]
    assert [call.route for call in world.onetime.calls].count(BURN_ROUTE) == 10


async def test_all_of_which_a_part_could_not_be_burned_do_not_say_that_nothing_was(world, ada, people):
    card = await shared(ada, people, passphrase="correct horse")
    await ada.click(card, label="Burn all…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)
    world.onetime.plan(BURN_ROUTE, OnetimeFault("html"), times=2)  # the bot tries twice

    await ada.submit(view, {"passphrase": "correct horse"})

    await ada.until(lambda: "1 secret could not be burned" in view.errors["passphrase"])
    assert "Nothing was burned" not in view.errors["passphrase"]
    assert sorted(states(world)) == ["burned", "new"]


async def test_a_burn_that_comes_too_late_says_that_it_was_opened(world, ada, people):
    card = await shared(ada, people[:1])
    world.onetime.open_as_outsider(world.onetime.everything()[0].secret_key)

    await ada.click(card, label="Burn")

    await ada.until(lambda: "opened" in card.shows and "not opened yet" not in card.shows)


async def test_a_burn_without_an_answer_is_not_told_as_done(world, ada, people):
    card = await shared(ada, people[:1])
    world.onetime.plan("/api/v1/private", OnetimeFault("drop"), None)

    await ada.click(card, label="Burn")

    await ada.until(lambda: "could not be reached" in ada.sees())
    assert "not opened yet" in card.shows
    assert states(world) == ["new"]


async def test_all_that_could_not_be_burned_are_said(world, ada, people):
    card = await shared(ada, people)
    world.onetime.plan("/api/v1/private", OnetimeFault("drop"), None)

    await ada.click(card, label="Burn all")

    await ada.until(lambda: "2 secrets could not be burned" in ada.sees())
    assert states(world) == ["new", "new"]


async def test_reminding_tells_those_who_have_not_opened_it_once_an_hour(world, ada, people):
    card = await shared(ada, people)

    await remind(ada, card)

    await ada.until(lambda: "Reminded" in ada.view.text)
    for one in people:
        assert "has not been opened yet" in (await one.until(lambda one=one: len(one.dm) == 2 and one.dm[1])).shows
    await ada.close()
    await remind(ada, card)
    await ada.until(lambda: "less than an hour ago" in ada.view.text)
    assert [len(one.dm) for one in people] == [2, 2]


async def remind(person, card, **fields):
    """Press *Remind…* on the card and in its window, where Now is chosen beforehand."""
    await person.click(card, label="Remind…")
    view = await person.until(lambda: person.view and person.view.submit == "Remind" and person.view)
    await person.submit(view, fields)
    return view


async def test_instructions_can_be_copied_and_hold_no_key(world, ada, people):
    card = await shared(ada, people, passphrase="correct horse")

    await ada.click(card, label="Show instructions")

    view = await ada.until(lambda: ada.view and ada.view.secret_text() and ada.view)
    assert "Press Open" in view.secret_text()
    assert "passphrase, which you get from me another way" in view.secret_text()
    shown = json.dumps(view.blocks)
    assert TEXT not in shown
    assert not [key for one in world.onetime.everything() for key in (one.secret_key, one.metadata_key) if key in shown]


async def test_a_link_is_shown_again_until_it_is_over(world, ada):
    await share(ada)
    await ada.close()
    card = ada.dm[0]
    await ada.click(card, label="Show the link")
    await ada.until(lambda: ada.view and world.onetime.everything()[0].secret_key in json.dumps(ada.view.blocks))
    await ada.close()

    await ada.click(card, label="Burn")

    await ada.until(lambda: "burned before anybody opened it" in card.shows)
    assert "Show the link" not in str(card.blocks)


async def test_instructions_say_where_a_passphrase_comes_that_is_sent_separately(world, ada, people):
    card = await shared(ada, people, passphrase_mode="generate", options=["apart", "news"])

    await ada.click(card, label="Show instructions")

    view = await ada.until(lambda: ada.view and ada.view.secret_text() and ada.view)
    assert "passphrase, which the app sends in a separate message" in view.secret_text()


async def test_burning_it_by_its_private_link_shows_on_the_card_too(world, ada, people):
    card = await shared(ada, people[:1])
    (held,) = world.onetime.everything()

    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    await ada.submit()

    await ada.until(lambda: "burned before anybody opened it" in card.shows)
    await people[0].until(lambda: "burned this one-time secret" in people[0].dm[0].shows)


def passphrase_in(message):
    (block,) = [block for block in message.blocks if block["type"] == "rich_text"]
    return block["elements"][0]["elements"][0]["text"]


def buttons(message):
    return [one for block in message.blocks for one in block.get("elements", []) if one["type"] == "button"]


async def test_a_reminder_opens_the_secret_and_changes_with_it(world, ada, ben):
    card = await shared(ada, [ben], note="staging database")
    await remind(ada, card)
    message, reminder = await ben.until(lambda: len(ben.dm) == 2 and ben.dm)
    assert "staging database" in reminder.shows

    await ben.click(reminder, action_id="share_open")
    await ben.until(lambda: ben.view and ben.view.submit == "Show here")
    await ben.submit()

    await ben.until(lambda: ben.view.secret_text() == TEXT)
    for one in (message, reminder):
        await ben.until(lambda one=one: "You opened “staging database” from" in one.shows)
        assert f"@{ada.id}" in one.shows
        assert not buttons(one)
        assert not re.search("not (been )?opened yet", one.shows + one.text)
    assert len(ben.dm) == 2


async def test_a_reminder_of_what_is_burned_has_no_button_left(world, ada, ben):
    card = await shared(ada, [ben])
    await remind(ada, card)
    _, reminder = await ben.until(lambda: len(ben.dm) == 2 and ben.dm)

    await ada.click(card, label="Burn")

    await ben.until(lambda: "burned this one-time secret" in reminder.shows)
    assert not buttons(reminder)


async def test_a_passphrase_sent_apart_is_taken_back_when_its_secret_is_opened(world, ada, ben):
    await share(ada, to=[ben.id], passphrase_mode="generate", options=["apart"])
    message, sent = await ben.until(lambda: len(ben.dm) == 2 and ben.dm)
    passphrase = passphrase_in(sent)
    await ben.click(message, action_id="share_open")
    await ben.until(lambda: ben.view and ben.view.submit == "Show here")

    await ben.submit(None, {"passphrase": passphrase})

    await ben.until(lambda: "no longer needed" in sent.shows)
    assert passphrase not in str(sent.blocks) + sent.text


async def test_a_passphrase_that_slack_does_not_change_is_deleted(world, ada, ben):
    await share(ada, to=[ben.id], passphrase_mode="generate", options=["apart"])
    _, sent = await ben.until(lambda: len(ben.dm) == 2 and ben.dm)
    world.workspace.plan("chat.update", SlackFault.error("edit_window_closed"), about=sent.ts)

    await ada.click(ada.dm[0], label="Burn…")
    await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
    passphrase = passphrase_in(sent)
    await ada.submit(None, {"passphrase": passphrase})

    await ben.until(lambda: len(ben.dm) == 1)


async def test_share_again_makes_a_new_secret_for_those_who_did_not_open_theirs(world, ada, people):
    ben, cleo = people
    card = await shared(ada, people, note="staging database")
    await ben.click(label="Open")
    await ben.until(lambda: ben.view and ben.view.secret_text() == TEXT)
    await ada.until(lambda: "1 of 2 opened" in card.shows)
    assert "Share again" not in card.shows
    await ada.click(card, label="Burn")
    await ada.until(lambda: "burned before" in card.shows)

    await ada.click(card, label="Share again…")

    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    assert "type it again" in view.text
    await ada.submit(view, {"text1": "another text"})
    await cleo.until(lambda: len(cleo.dm) == 2)
    await cleo.click(cleo.dm[1], label="Open")
    await cleo.until(lambda: cleo.view and cleo.view.secret_text() == "another text")
    assert len(ben.dm) == 1


async def test_what_everybody_opened_can_be_shared_with_them_again(world, ada, ben):
    card = await shared(ada, [ben])
    await ben.click(label="Open")
    await ben.until(lambda: ben.view and ben.view.secret_text() == TEXT)

    await ada.until(lambda: "Share again" in card.shows)
    await ada.click(card, label="Share again…")

    await ada.until(lambda: ada.view and ada.view.submit == "Share")
    await ada.submit(None, {"text1": "once more"})
    await ben.until(lambda: len(ben.dm) == 2)
