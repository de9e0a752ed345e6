"""Opening what was shared: by those it is for, once, from the message that brought it, and everybody knows who did."""

import asyncio
import itertools
import json
import re
from typing import Any

import pytest

from bot.errors import NotAllowed, NotYours
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.slack.payloads import interaction
from tests.journeys.conftest import EMAIL, after_the_lines_so_far, somebody
from tests.support.english import english
from tests.support.share_window import submit_share
from tests.support.waiting import PATIENCE

TEXT = "the database password: c0rrect-h0rse"
SECRET_ROUTE = "/api/v1/secret/{key}"

_numbers = itertools.count(1)


def channel(world, *people):
    return world.workspace.channel(f"C1OPS{next(_numbers):04}", "ops", [*people, world.workspace.bot_user_id])


async def share(sender, **fields):
    """Through the window; returns when the sender's card is there."""
    before = len(cards(sender))
    await sender.command("/ots", "share")
    view = await sender.until(lambda: sender.view and sender.view.submit == "Share" and sender.view)
    await submit_share(sender, view, {"text1": TEXT, **fields})
    await sender.until(lambda: sender.view and sender.view.title == "Shared")
    await sender.close()
    return await sender.until(lambda: cards(sender)[before:] and cards(sender)[before])


def cards(sender):
    return [one for one in sender.dm if "What you shared" in one.shows]


def done(world):
    """How many calls to Onetime Secret there were that people cause: not the looks of the watcher."""
    return sum(not one.route.startswith("/api/v1/private/") for one in world.onetime.calls)


def message_for(person, place=None):
    """The message with the Open button: the newest in the channel, or in their own conversation."""
    there = person.dm if place is None else [one for one in person.messages if one.channel == place.id]
    return next(one for one in reversed(there) if "one-time secret" in one.shows)


async def window(person, place=None):
    await person.until(lambda: any("Open" in one.shows for one in person.messages))
    await person.click(message_for(person, place), action_id="share_open")
    return await person.until(lambda: person.view and person.view.submit == "Show here" and person.view)


async def sees(person, *words):
    await person.until(lambda: person.view and all(word in person.view.text for word in words))


def news(person):
    return [one.shows for one in person.dm if re.search("(?<!You) opened (your one-time secret|“)", one.shows)]


async def open_at_once(person, place=None, **answers):
    """Press Open on the message, and confirm. Returns when something came of it."""
    await person.until(lambda: any("Open" in one.shows for one in person.messages))
    there = person.dm if place is None else [one for one in person.messages if one.channel == place.id]
    await person.click(next(one for one in there if "shares a one-time secret" in one.shows), label="Open", **answers)


# --- the usual way


async def test_two_clicks_show_the_text_and_where_it_is_from(world, ada, ben):
    await share(ada, to=[ben.id], note="staging database")
    message = await ben.until(lambda: message_for(ben))
    (button,) = [one for block in message.blocks for one in block.get("elements", [])
                 if one.get("action_id") == "share_open_now"]  # fmt: skip
    assert "works once" in button["confirm"]["text"]["text"]
    before = done(world)
    await open_at_once(ben, confirm=False)
    assert (ben.view, done(world)) == (None, before)

    await open_at_once(ben)

    await ben.until(lambda: ben.view and ben.view.secret_text() == TEXT)
    above = ben.view.text.partition(TEXT)[0]
    for said in (f"@{ada.id}", "staging database", world.onetime.url.removeprefix("http://")):
        assert said in above
    await ben.until(lambda: "You opened “staging database” from" in message.shows)
    (held,) = world.onetime.everything()
    assert world.onetime.posts_of(held.secret_key) == 1


async def test_of_two_quick_clicks_the_second_covers_nothing(world, ada, ben):
    await share(ada, to=[ben.id])
    fault = OnetimeFault("hang")
    world.onetime.plan(SECRET_ROUTE, fault)
    await open_at_once(ben)
    await world.onetime.wait_for_call(SECRET_ROUTE)
    view = ben.view

    await open_at_once(ben)

    await ben.until(lambda: "being opened, or was opened" in ben.sees() or "opening it right now" in ben.sees())
    assert ben.view is view
    fault.release()
    await ben.until(lambda: ben.view.secret_text() == TEXT)
    assert len(ben.views) == 1


async def test_of_many_who_press_open_at_once_one_gets_it(world, ada):
    people = [somebody(world, "one") for _ in range(10)]
    ops = channel(world, ada, *people)
    await share(ada, channel=ops.id)
    (held,) = world.onetime.everything()

    await asyncio.gather(*(open_at_once(person, ops) for person in people))

    (winner,) = await ada.until(lambda: [one for one in people if one.view and one.view.secret_text() == TEXT])
    assert world.onetime.posts_of(held.secret_key) == 1
    for loser in people:
        if loser is not winner:
            await loser.until(lambda loser=loser: f"@{winner.id}" in loser.sees())


async def test_a_window_that_slack_does_not_open_leaves_the_secret_unopened(world, ada, ben):
    await share(ada, to=[ben.id])
    before = done(world)
    world.workspace.plan("views.open", SlackFault.error("expired_trigger_id"))

    await open_at_once(ben)

    await ben.until(lambda: any("*not* opened" in one.shows for one in ben.dm))
    assert done(world) == before
    await open_at_once(ben)
    await ben.until(lambda: ben.view and ben.view.secret_text() == TEXT)


async def test_the_link_is_behind_a_button_of_a_window(world, ada, ben):
    await share(ada, to=[ben.id])
    (held,) = world.onetime.everything()

    await ben.click(await window(ben), label="Show the link")

    await sees(ben, "This is the link")
    (button,) = [one for block in ben.view.blocks for one in block.get("elements", []) if one["type"] == "button"]
    assert button["text"]["text"] == "Open in the browser"
    assert button["url"] == f"{world.onetime.url}/secret/{held.secret_key}"
    await ben.click(label="Open in the browser")
    assert held.secret_key not in json.dumps([one.payload for one in world.workspace.export()
                                              if one.method.startswith("chat.")])  # fmt: skip


async def test_the_one_it_is_for_opens_it_here_and_the_sender_knows_at_once(world, ada, ben):
    card = await share(ada, to=[ben.id])
    before = done(world)
    view = await window(ben)
    assert "works once" in view.text
    assert world.onetime.url.removeprefix("http://") in view.text
    assert done(world) == before

    await ben.submit(view)

    await ben.until(lambda: ben.view.secret_text() == TEXT)
    await ada.until(lambda: news(ada))
    assert news(ada)[0].startswith(f":white_check_mark: @{ben.id} opened your one-time secret")
    await ada.until(lambda: f"opened by @{ben.id}" in card.shows)
    assert "Burn" not in card.shows
    await ben.until(lambda: "You opened this one-time secret from" in message_for(ben).shows)
    assert "Open" not in [element["text"]["text"] for block in message_for(ben).blocks
                          for element in block.get("elements", []) if element["type"] == "button"]  # fmt: skip
    (held,) = world.onetime.everything()
    assert world.onetime.posts_of(held.secret_key) == world.onetime.claims_of(held.secret_key) == 1


async def test_the_watcher_does_not_announce_again_what_was_opened_here(world, connected, ben):
    """It looks at the whole account at once, and finds another one opened, in a browser."""
    ada = connected
    await share(ada, to=[ben.id])
    await ben.submit(await window(ben))
    await ada.until(lambda: news(ada))
    other = world.onetime.share(EMAIL, "another")
    before = len(ada.dm)
    await ada.command("/ots", f"track {world.onetime.url}/private/{other.metadata_key} another")
    await ada.until(lambda: ada.dm[before:])
    world.onetime.open_as_outsider(other.secret_key)

    await ada.click(ada.dm[-1], label="Refresh")

    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm[before + 1 :]))
    assert ["another" in one.shows for one in ada.dm if "was opened" in one.shows] == [True]


async def test_who_wants_to_hear_nothing_hears_nothing_and_has_a_card_all_the_same(world, ada, ben):
    card = await share(ada, to=[ben.id], options=[])

    await ben.submit(await window(ben))

    await ada.until(lambda: f"opened by @{ben.id}" in card.shows)
    assert news(ada) == []


async def test_senders_who_open_their_own_are_not_told_what_they_did(world, ada, ben):
    ops = channel(world, ada, ben)
    card = await share(ada, channel=ops.id)

    await ada.submit(await window(ada, ops))

    await ada.until(lambda: ada.view.secret_text() == TEXT)
    await ada.until(lambda: f"opened by @{ada.id}" in card.shows)
    assert news(ada) == []


async def test_each_of_several_opens_their_own(world, ada, ben, cleo):
    card = await share(ada, to=[ben.id, cleo.id])

    for person in (ben, cleo):
        await person.submit(await window(person))
        await person.until(lambda person=person: person.view.secret_text() == TEXT)

    await ada.until(lambda: "2 of 2 opened" in card.shows and len(news(ada)) == 2)


async def test_a_card_that_was_drawn_too_late_is_drawn_again(world, ada, ben, cleo):
    """Cleo opens hers just when the card is on its way that knows only of ben."""
    card = await share(ada, to=[ben.id, cleo.id])
    of_ben, of_cleo = await window(ben), await window(cleo)
    logged = await after_the_lines_so_far(world, ada)

    async def cleo_is_faster():
        await cleo.submit(of_cleo)
        await ada.until(lambda: "2 of 2 opened" in card.shows)

    for hook in (lambda: None, cleo_is_faster):  # the first is ben's message, the second the card
        world.workspace.plan("chat.update", SlackFault.meanwhile(hook))

    await ben.submit(of_ben)

    async with asyncio.timeout(PATIENCE):
        while world.bot.output.count(b'"form": "retrieve"', logged) < 2:  # noqa: ASYNC110 - a pipe tells nobody
            await asyncio.sleep(0.005)
    assert "2 of 2 opened" in card.shows


async def test_in_a_channel_everybody_sees_who_opened_it(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)

    await ben.submit(await window(ben, ops))

    await ben.until(lambda: ben.view.secret_text() == TEXT)
    await cleo.until(lambda: f"@{ben.id} opened this one-time secret" in message_for(cleo, ops).shows)
    await ada.until(lambda: any(f"@{ben.id} opened your one-time secret" in one and f"#{ops.id}" in one
                                for one in news(ada)))  # fmt: skip


# --- the link instead


async def test_the_link_appears_in_the_browsers_window_only_and_the_others_know_who_has_it(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)
    (held,) = world.onetime.everything()
    before, calls = len(world.workspace.export()), done(world)
    of_cleo, of_ben = await window(cleo, ops), await window(ben, ops)

    await ben.click(of_ben, label="Show the link")

    await sees(ben, f"{world.onetime.url}/secret/{held.secret_key}")
    holding = [one for one in world.workspace.export()[before:] if held.secret_key in json.dumps(one.payload)]
    assert [one.method for one in holding] == ["views.update"]
    await cleo.submit(of_cleo)
    await sees(cleo, f"@{ben.id} took its link")
    assert done(world) == calls


async def test_a_link_that_could_not_be_shown_is_in_no_message_either(world, ada, ben):
    await share(ada, to=[ben.id])
    view = await window(ben)
    (held,) = world.onetime.everything()
    before = len(world.workspace.export())
    world.workspace.plan("views.update", SlackFault.error("not_found"))

    await ben.click(view, label="Show the link")
    await world.workspace.wait_for_call("views.update")
    await ben.close()

    await ben.click(await window(ben), label="Show the link")
    await sees(ben, held.secret_key)
    holding = [one.method for one in world.workspace.export()[before:] if held.secret_key in json.dumps(one.payload)]
    assert set(holding) == {"views.update"}


async def test_who_has_the_link_can_see_it_here_after_all(world, ada, ben):
    await share(ada, to=[ben.id])
    await ben.click(await window(ben), label="Show the link")
    await sees(ben, "This is the link")
    await ben.close()

    await ben.submit(await window(ben))

    await ben.until(lambda: ben.view.secret_text() == TEXT)
    await ada.until(lambda: news(ada))


async def test_opened_in_the_browser_it_is_said_to_be_gone_here(world, ada, ben):
    await share(ada, to=[ben.id])
    (held,) = world.onetime.everything()
    view = await window(ben)
    world.onetime.open_as_outsider(held.secret_key)

    await ben.submit(view)

    await sees(ben, "It was opened", "is gone")
    assert "Passphrase" not in ben.view.text


# --- passphrases


async def test_a_passphrase_is_asked_for_at_once_and_a_wrong_one_leaves_it_to_the_others(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id, passphrase="open sesame")
    of_ben, of_cleo = await window(ben, ops), await window(cleo, ops)
    assert "Passphrase" in of_ben.text

    await ben.submit(of_ben, {"passphrase": "wrong"})
    await sees(ben, "Wrong passphrase", "4 tries left")
    await cleo.submit(of_cleo, {"passphrase": "open sesame"})

    await cleo.until(lambda: cleo.view.secret_text() == TEXT)
    await ben.submit(ben.view, {"passphrase": "open sesame"})
    await sees(ben, f"@{cleo.id} opened it")


async def test_who_guessed_five_times_is_stopped_and_the_others_are_not(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id, passphrase="open sesame")
    await window(ben, ops)
    for guess in range(5):
        await ben.submit(ben.view, {"passphrase": f"guess {guess}"})
        await ben.until(lambda: "Opening" not in ben.view.text)
    await sees(ben, "Stopped after 5 tries", "press Open again")
    await ben.close()
    (held,) = world.onetime.everything()

    await ben.click(message_for(ben, ops), action_id="share_open")

    await sees(ben, "Stopped after 5 tries")
    assert world.onetime.posts_of(held.secret_key) == 5
    await cleo.submit(await window(cleo, ops), {"passphrase": "open sesame"})
    await cleo.until(lambda: cleo.view.secret_text() == TEXT)


# --- many at once


async def test_of_twenty_people_at_once_one_gets_it_and_nineteen_are_told_who_did(world, ada):
    people = [somebody(world, "one") for _ in range(20)]
    ops = channel(world, ada, *people)
    await share(ada, channel=ops.id)
    (held,) = world.onetime.everything()
    views = [await window(person, ops) for person in people]
    calls = done(world)

    await asyncio.gather(*(person.submit(view) for person, view in zip(people, views, strict=True)))

    (winner,) = await ada.until(lambda: [one for one in people if one.view.secret_text() == TEXT])
    for loser in people:
        if loser is not winner:
            await sees(loser, f"@{winner.id}")
            assert loser.view.secret_text() == ""
    assert done(world) == calls + 1
    assert world.onetime.posts_of(held.secret_key) == 1
    await ada.until(lambda: len(news(ada)) == 1)


async def test_while_somebody_is_at_it_the_others_are_told_who(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)
    of_ben, of_cleo = await window(ben, ops), await window(cleo, ops)
    fault = OnetimeFault("hang")
    world.onetime.plan(SECRET_ROUTE, fault)
    await ben.submit(of_ben)
    await world.onetime.wait_for_call(SECRET_ROUTE)

    await cleo.submit(of_cleo)
    await sees(cleo, f"@{ben.id} is opening it right now")

    fault.release()
    await ben.until(lambda: ben.view.secret_text() == TEXT)


async def test_a_call_that_never_arrived_leaves_it_to_the_others(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)
    of_ben, of_cleo = await window(ben, ops), await window(cleo, ops)
    world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop"))
    await ben.submit(of_ben)
    await sees(ben, "may have been opened")

    await cleo.submit(of_cleo)

    await cleo.until(lambda: cleo.view.secret_text() == TEXT)
    await ben.submit(ben.view)
    await sees(ben, f"@{cleo.id} opened it")


async def test_opened_by_a_try_that_got_no_answer_it_is_said_so(world, ada, ben):
    await share(ada, to=[ben.id])
    view = await window(ben)
    world.onetime.plan(SECRET_ROUTE, OnetimeFault("drop after"))

    await ben.submit(view)
    await sees(ben, "may have been opened")
    await ben.submit(ben.view)

    await sees(ben, "You tried before and got no answer")


# --- windows that close


async def test_a_window_closed_too_early_is_made_up_for_and_the_sender_knows(world, ada, ben):
    await share(ada, to=[ben.id])
    fault = OnetimeFault("hang after")
    world.onetime.plan(SECRET_ROUTE, fault)
    await ben.submit(await window(ben))
    await world.onetime.wait_for_call(SECRET_ROUTE)

    await ben.close()
    fault.release()
    again = await ben.until(lambda: next((one for one in ben.dm if "Show again" in one.shows), None))

    await ada.until(lambda: news(ada))
    await ben.click(again, label="Show again")
    await ben.until(lambda: ben.view and ben.view.secret_text() == TEXT)


async def test_a_window_that_was_gone_before_opens_nothing_and_keeps_it_from_nobody(world, ada, ben, cleo):
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)
    of_ben, of_cleo = await window(ben, ops), await window(cleo, ops)
    world.workspace.plan("views.update", SlackFault.error("not_found"))

    await ben.submit(of_ben)
    await ben.until(lambda: any("still has the Open button" in one.shows for one in ben.dm))
    await cleo.submit(of_cleo)

    await cleo.until(lambda: cleo.view.secret_text() == TEXT)


# --- what is over


async def test_what_its_sender_burned_says_so_in_a_window_that_was_open(world, ada, ben):
    card = await share(ada, to=[ben.id])
    view = await window(ben)
    await ada.click(card, label="Burn")
    await ada.until(lambda: "burned before anybody opened it" in card.shows)
    calls = done(world)

    await ben.submit(view)

    await sees(ben, f"@{ada.id} burned it")
    assert done(world) == calls


async def test_a_message_that_still_has_its_button_says_who_opened_it(world, ada, ben, cleo):
    """Slack may not take the change of the message."""
    ops = channel(world, ada, ben, cleo)
    await share(ada, channel=ops.id)
    before = message_for(cleo, ops).blocks
    await ben.submit(await window(ben, ops))
    await ada.until(lambda: news(ada))
    await cleo.until(lambda: "opened this" in message_for(cleo, ops).shows)
    message_for(cleo, ops).blocks = before
    calls = done(world)

    await cleo.click(message_for(cleo, ops), action_id="share_open")

    await sees(cleo, f"@{ben.id} opened it")
    assert done(world) == calls


async def test_a_click_before_the_bot_knows_its_own_message_can_be_made_again(world, ada, ben):
    fault = world.workspace.plan("chat.postMessage", SlackFault.hang(after=True), about=ada.id)
    sharing = asyncio.create_task(share(ada, to=[ben.id]))
    message = await ben.until(lambda: ben.dm and message_for(ben))

    await ben.click(message, action_id="share_open")
    await sees(ben, "only just being sent")
    await ben.close()
    fault.release()
    await sharing

    await ben.submit(await window(ben))
    await ben.until(lambda: ben.view.secret_text() == TEXT)


# --- who may not


def click(world, person, message, **more):
    """A click on the message as Slack would tell it, with whatever is to be different."""
    (button,) = [element for block in message.blocks for element in block.get("elements", [])
                 if element.get("action_id") == "share_open"]  # fmt: skip
    action = {"action_id": "share_open", "block_id": "b", "type": "button", "value": button["value"]}
    state = world.workspace.state
    container = {"type": "message", "channel_id": message.channel, "message_ts": message.ts, "is_ephemeral": False}
    payload = interaction(
        state, person.person, "block_actions", actions=[action | {"action_ts": f"{next(_numbers)}.5"}],
        trigger_id=state.new_trigger(person.id), container=container | more,
        response_url=world.workspace.response_url("actions", person.id, message.channel),
    )  # fmt: skip
    return world.workspace.deliver("interactive", payload)


FORWARDED: dict[str, dict[str, Any]] = {
    "a copy in another channel": {"channel_id": "C0ELSEWHERE", "message_ts": "1700000000.000100"},
    "an attachment that quotes it": {"type": "message_attachment", "attachment_id": 1},
    "a window": {"type": "view", "view_id": "V0ANY"},
    "no place": {"channel_id": None, "message_ts": None},
}


@pytest.mark.parametrize("how", FORWARDED)
async def test_a_forwarded_message_opens_nothing(world, ada, ben, how):
    await share(ada, to=[ben.id])
    message = await ben.until(lambda: ben.dm and message_for(ben))
    calls = done(world)

    await click(world, ben, message, **FORWARDED[how])

    await ben.until(lambda: english(NotYours.tell) in ben.sees())
    assert ben.view is None or "works once" not in ben.view.text
    assert done(world) == calls


async def test_somebody_elses_button_opens_nothing(world, ada, ben, cleo):
    await share(ada, to=[ben.id])
    message = await ben.until(lambda: ben.dm and message_for(ben))
    calls = done(world)

    for person in (cleo, ada):  # not its sender either
        await click(world, person, message)
        await person.until(lambda person=person: english(NotYours.tell) in person.sees())

    assert done(world) == calls
    await ben.submit(await window(ben))
    await ben.until(lambda: ben.view.secret_text() == TEXT)


OUTSIDERS: dict[str, dict[str, Any]] = {
    "a guest": {"guest": True},
    "a single-channel guest": {"ultra_guest": True},
    "a stranger": {"stranger": True},
    "a stranger of another workspace": {"team_id": "T0OTHER"},
}


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_in_a_channel_too_it_is_for_members_alone(world, ada, who):
    outsider = somebody(world, "out", **OUTSIDERS[who])
    ops = channel(world, ada)  # the menu offers no channel that strangers are in
    await share(ada, channel=ops.id)
    ops.members.add(outsider.id)
    calls = done(world)

    await outsider.click(message_for(outsider, ops), action_id="share_open")

    await outsider.until(lambda: english(NotAllowed.tell) in outsider.sees())
    assert done(world) == calls
    assert world.onetime.everything()[0].state == "new"


# --- nothing of it in Slack


async def test_nothing_that_slack_keeps_holds_the_secret_or_what_opens_it(world, connected, ben, cleo):
    """A whole journey: to two people and a channel, with a passphrase, opened here, in the browser, and burned."""
    ops = channel(world, connected, ben, cleo)
    before = len(world.workspace.export())
    await share(connected, to=[ben.id, cleo.id], passphrase="open sesame", note="for the staging host")
    card = await share(connected, channel=ops.id)
    await ben.submit(await window(ben), {"passphrase": "wrong one"})
    await sees(ben, "Wrong passphrase")
    await ben.submit(ben.view, {"passphrase": "open sesame"})
    await ben.until(lambda: ben.view.secret_text() == TEXT)
    await cleo.click(await window(cleo), label="Show the link")
    await sees(cleo, "This is the link")
    await connected.click(card, label="Burn")
    await connected.until(lambda: "burned before" in card.shows)
    await connected.until(lambda: news(connected))

    kept = json.dumps([one.payload for one in world.workspace.export()[before:] if one.method in KEPT])
    views = [one.payload for one in world.workspace.export()[before:] if one.method not in KEPT]
    forbidden = [TEXT, "c0rrect", "open sesame", "wrong one", "/secret/", "/private/", world.onetime.url]
    forbidden += [key for held in world.onetime.everything() for key in (held.secret_key, held.metadata_key)]

    assert [one for one in forbidden if one in kept] == []
    assert json.dumps(views).count("c0rrect") == 1
    assert "for the staging host" in kept


KEPT = ("chat.postMessage", "chat.update", "chat.postEphemeral", "response_url", "ack slash_commands")


# --- exactly


def _bytes(count):
    return ("0123456789abcde\n" * (count // 16 + 1))[:count]


EXACT = {
    "empty lines": "\n\nfirst\n\n\nlast\n\n",
    "CRLF": "one\r\ntwo\r\n\r\nfour\r",
    "tabs and blanks": "\tkey:\t value \n  trailing  \n ",
    "signs of markup": "<&>&amp;&lt; <!channel> <@U0BEN> <https://example.com|x> *b* _i_ ~s~",
    "backticks": "```\n`code`\n``` ````",
    "emoji codes": ":key: :+1: :not-an-emoji: :smile",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u0627\u0644\u0633\u0631",
    "zero-width": "a\u200bb\u200cc\u200dd\ufeffe\u2060f",
    "4-byte characters": "\U0001f511\U0001f469\u200d\U0001f4bb\U00020bb7\U0001d54a",
    "2,999 bytes": _bytes(2_999),
    "3,000 bytes": _bytes(3_000),
    "3,001 bytes": _bytes(3_001),
    "9,999 bytes": _bytes(9_999),
    "10,000 bytes": _bytes(10_000),
    "10,000 bytes of 4": "\U0001f511" * 2_500,
}


async def type_long(person, text):
    """Into as many fields of 3,000 characters as it takes."""
    pieces = [text[start : start + 3_000] for start in range(0, len(text), 3_000)]
    await person.command("/ots", "share")
    view = await person.until(lambda: person.view and person.view.submit == "Share" and person.view)
    for number, piece in enumerate(pieces, 1):
        if number > 1:
            await person.click(view, label="Add a field")
            await person.until(lambda number=number: f"text{number}" in view.values)
        await person.fill(view, {f"text{number}": piece})
    return view


@pytest.mark.parametrize("name", EXACT)
async def test_what_was_typed_is_what_is_shown(world, ada, ben, name):
    view = await type_long(ada, EXACT[name])
    await ada.submit(view, {"to": [ben.id]})
    await ada.until(lambda: ada.view and ada.view.title == "Shared")

    await ben.submit(await window(ben))

    await ben.until(ben.view.secret_text)
    assert ben.view.secret_text() == EXACT[name]
    assert len(EXACT[name].encode()) <= 10_000


@pytest.mark.parametrize("text", [_bytes(10_001), "\U0001f511" * 2_500 + "x"], ids=["of 1", "of 4"])
async def test_10_001_bytes_are_refused_before_anything_is_sent_and_nothing_is_lost(world, ada, ben, text):
    view = await type_long(ada, text)
    calls = done(world)

    await ada.submit(view, {"to": [ben.id]})

    await ada.until(lambda: "10,001 bytes" in view.text)
    assert "".join(view.values[f"text{number}"]["typed"]["value"] for number in range(1, 5)
                   if f"text{number}" in view.values) == text  # fmt: skip
    assert done(world) == calls
    assert ben.dm == []
