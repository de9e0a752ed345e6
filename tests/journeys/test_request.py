"""Asking a colleague for a secret: what both see, who may do what, and how often."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import CannotDo, SlackFault
from bot.sandbox.slack.elements import FieldsRefused
from bot.sandbox.slack.payloads import interaction, view_payload
from tests.journeys.conftest import somebody
from tests.support.share_window import submit_share

SHARE_ROUTE = "/api/v1/share"
TEXT = "sesame 7f3a, and nothing else"


async def window(person, text=""):
    await person.command("/ots", f"request {text}")
    return await person.until(lambda: person.view and person.view.submit == "Ask" and person.view)


async def asks(ada, ben, note="the staging password"):
    """Ada asks; the message that ben gets and her card."""
    before, cards = len(ben.dm), len(ada.dm)
    view = await window(ada, f"<@{ben.id}|{ben.name}> {note}")
    await ada.submit(view)
    await ada.until(lambda: ada.view and ada.view.title == "Request a secret" and ada.view.submit is None)
    await ada.close()
    message = await ben.until(lambda: ben.dm[before:] and ben.dm[-1])
    card = await ada.until(lambda: ada.dm[cards:] and ada.dm[-1])
    return message, card


async def test_the_person_and_the_words_of_the_command_stand_in_the_window_already(world, ada, ben):
    view = await window(ada, f"<@{ben.id}|{ben.name}> for &lt;prod&gt; &amp; <#C1|general>")

    assert view.values["people"]["picked"]["selected_users"] == [ben.id]
    assert view.values["note"]["typed"]["value"] == "for <prod> & #general"
    assert ben.dm == []


async def test_who_is_asked_gets_a_message_and_who_asks_a_card(world, ada, ben):
    message, card = await asks(ada, ben)

    assert f"@{ada.id}" in message.shows
    assert "the staging password" in message.shows
    assert "Send" in message.shows
    assert f"@{ben.id}" in card.shows
    assert "Not answered yet" in card.shows
    assert world.onetime.calls == []


async def submits_on_another_device(world, person, view):
    """What the bot answers to a window that is still open where the person also uses Slack."""
    state = world.workspace.state
    more = {"view": view_payload(state, view), "trigger_id": state.new_trigger(person.id), "response_urls": []}
    sent = interaction(state, person.person, "view_submission", **more)
    return (await world.workspace.deliver("interactive", sent)).answer


async def decline_window(ben, message):
    await ben.click(message, label="Decline…")
    return await ben.until(lambda: ben.view and ben.view.submit == "Decline" and ben.view)


@pytest.mark.parametrize(
    ("note", "reason", "said"),
    [
        ("the key", "ask Cleo, she has it", "declined your request “the key”: ask Cleo, she has it"),
        ("the key", "", "declined your request “the key”."),
        ("", "ask Cleo", "declined your request for a secret: ask Cleo"),
        ("", " \u200b ", "declined your request for a secret."),
    ],
    ids=["with a reason", "without a reason", "of no name", "with blanks"],
)
async def test_declining_ends_it_and_is_told_with_the_reason(world, ada, ben, note, reason, said):
    message, card = await asks(ada, ben, note)
    view = await decline_window(ben, message)
    assert "Not answered yet" in card.shows

    await ben.submit(view, {"reason": reason})

    news = await ada.until(lambda: ada.dm[-1] is not card and ada.dm[-1])
    await ada.until(lambda: "Declined" in card.shows)
    await ben.until(lambda: "You declined" in message.shows and "You declined" in ben.view.text)
    assert f"<@{ben.id}> {said}" in str(news.blocks)
    ends = f"eclined: {reason}" if "ask" in reason else "eclined"
    assert all(any(ends in line for line in one.shows.splitlines()) for one in (message, card))
    for person, one in ((ada, card), (ben, message)):
        with pytest.raises(CannotDo):
            await person.click(one)


async def test_a_hostile_reason_is_shown_as_it_is(world, ada, ben):
    message, card = await asks(ada, ben)
    sent = len(world.workspace.export())

    await ben.submit(await decline_window(ben, message), {"reason": "<!here> *now* <https://evil.example|no>"})

    await ada.until(lambda: "Declined" in card.shows)
    calls = str([one.payload for one in world.workspace.export()[sent:]])
    assert "!here" in card.shows
    assert "<!here>" not in calls
    assert "<https://evil" not in calls


async def test_a_window_of_decline_for_a_request_that_was_answered_says_so_and_the_answer_stays(world, ada, ben):
    message, card = await asks(ada, ben)
    late = await decline_window(ben, message)
    await answers(ben, message)
    await ben.until(lambda: "You sent it" in message.shows)

    answer = await submits_on_another_device(world, ben, late)

    assert "That request is closed" in str(answer)
    assert "You sent it" in str(answer)
    assert "Answered" in card.shows
    assert not any("declined" in one.shows for one in ada.dm)


async def test_a_window_of_send_for_a_request_that_was_declined_says_so_and_makes_nothing(world, ada, ben):
    message, _card = await asks(ada, ben)
    await ben.click(message, label="Send…")
    form = await ben.until(lambda: ben.view and ben.view.submit == "Share" and ben.view)
    form.values["text1"]["typed"]["value"] = TEXT
    await ben.submit(await decline_window(ben, message), {"reason": "not here"})
    await ben.until(lambda: "You declined" in message.shows)

    answer = await submits_on_another_device(world, ben, form)

    assert "That request is closed" in str(answer)
    assert "You declined: not here" in str(answer)
    assert world.onetime.everything() == []


@pytest.mark.parametrize(
    ("passphrase", "left"), [("abc", "Declined"), ("long enough", "Answered")], ids=["refused", "made"]
)
async def test_of_declining_and_answering_at_once_one_wins_and_both_see_which(world, ada, ben, passphrase, left):
    message, card = await asks(ada, ben)
    late = await decline_window(ben, message)
    slow = OnetimeFault("hang")
    world.onetime.plan(SHARE_ROUTE, slow)
    await answers(ben, message, passphrase=passphrase)
    await world.onetime.wait_for_call(SHARE_ROUTE)

    late.values["reason"]["typed"]["value"] = "no"
    declining = asyncio.create_task(submits_on_another_device(world, ben, late))
    slow.release()
    await declining

    await ada.until(lambda: left in card.shows)
    await ben.until(lambda: ("You sent it" if left == "Answered" else "You declined: no") in message.shows)
    assert len(world.onetime.everything()) == (left == "Answered")
    assert any("declined" in one.shows for one in ada.dm) == (left == "Declined")


async def test_withdrawing_ends_it_and_is_no_news(world, ada, ben):
    message, card = await asks(ada, ben)

    await ada.click(card, label="Withdraw")

    await ben.until(lambda: "withdrawn" in message.shows)
    await ada.until(lambda: "Withdrawn" in card.shows)
    assert len(ada.dm) == 1
    assert "Send…" not in message.shows


async def test_of_withdrawing_and_declining_at_once_one_counts_and_both_see_which(world, ada, ben):
    message, card = await asks(ada, ben)
    hang = world.workspace.plan("chat.update", SlackFault.hang(), about=ada.id)
    await ben.submit(await decline_window(ben, message))
    await world.workspace.wait_for_call("chat.update")
    await ada.click(card, label="Withdraw")
    hang.release()

    await ben.until(lambda: "You declined" in message.shows)
    await ada.until(lambda: "Declined" in card.shows)
    assert "Withdrawn" not in card.shows


@pytest.mark.parametrize(
    ("pick", "said"),
    [
        (("themselves",), "That is you"),
        (("guest",), "Only members"),
        (("stranger",), "Only members"),
        (("the bot",), "Only members"),
    ],
    ids=["oneself", "a guest", "a stranger", "the bot"],
)
async def test_who_cannot_be_asked_is_said_at_the_field(world, ada, pick, said):
    guest = world.workspace.person("U0AGUEST", "guest")
    guest.person.guest = True
    world.workspace.person("U0ASTRANGER", "stranger", stranger=True)
    ids = {"themselves": ada.id, "guest": "U0AGUEST", "stranger": "U0ASTRANGER", "the bot": "U0SANDBOXB"}
    view = await window(ada)

    await ada.submit(view, {"people": [ids[one] for one in pick], "note": "please"})

    await ada.until(lambda: view.errors)
    assert said in view.errors["people"]
    assert guest.dm == []
    assert ada.dm == []


async def test_slack_itself_wants_somebody_to_be_chosen(ada):
    view = await window(ada)

    with pytest.raises(FieldsRefused):
        await ada.submit(view, {"note": "please"})


async def test_a_window_from_before_that_names_nobody_is_told_so_at_the_field(world, ada):
    view = await window(ada)

    said = await submits_on_another_device(world, ada, view)

    assert said == {"response_action": "errors", "errors": {"people": "Please choose one person."}}
    assert ada.dm == []


async def test_the_fourth_time_in_a_day_the_same_person_is_not_asked(world, ada, ben):
    for _ in range(3):
        await asks(ada, ben)
    view = await window(ada, f"<@{ben.id}>")

    await ada.submit(view)

    await ada.until(lambda: view.errors)
    assert "3 times within a day" in view.errors["people"]
    assert "try again in 24 hours" in view.errors["people"]
    assert len(ben.dm) == 3


async def test_a_hostile_note_is_shown_as_it_is(world, ada, ben):
    note = "<!here> *now* <https://evil.example|https://eu.onetimesecret.com> :key:"
    view = await window(ada, f"<@{ben.id}>")
    await ada.submit(view, {"note": note})
    message = await ben.until(lambda: ben.dm and ben.dm[-1])

    sent = [one.payload for one in world.workspace.export() if one.method == "chat.postMessage"][-2:]
    assert "<!here>" not in str(sent)
    assert "<https://evil" not in str(sent)
    assert "!here" in message.shows


async def test_while_slack_is_in_trouble_nothing_is_lost(world, ada, ben):
    world.workspace.plan("chat.postMessage", SlackFault.http(500), about=ada.id)
    view = await window(ada, f"<@{ben.id}>")

    await ada.submit(view)

    await ada.until(lambda: "has a problem" in ada.view.text)
    card = await ada.until(lambda: ada.dm and ada.dm[-1])
    assert "Not asked yet" in card.shows


async def test_somebody_whom_slack_does_not_let_us_ask_is_said_at_once(world, ada, ben):
    world.workspace.plan("chat.postMessage", SlackFault.error("cannot_dm_bot"), about=ada.id)
    view = await window(ada, f"<@{ben.id}>")

    await ada.submit(view)

    await ada.until(lambda: "does not deliver messages" in ada.view.text)
    assert "withdraw" not in ada.view.text
    assert ben.dm == []


# --- the answer


async def answers(ben, message, **fields):
    await ben.click(message, label="Send…")
    view = await ben.until(lambda: ben.view and ben.view.submit == "Share" and ben.view)
    await submit_share(ben, view, {"text1": TEXT, **fields})
    return view


async def test_what_is_sent_is_for_who_asked_alone_and_ends_the_request(world, ada, ben):
    cleo = somebody(world, "cleo")
    message, card = await asks(ada, ben)

    view = await answers(ben, message)

    assert "to" not in view.values
    brought = await ada.until(lambda: ada.dm[-1] is not card and ada.dm[-1])
    assert f"@{ben.id}" in brought.shows
    assert "the staging password" in brought.shows  # the note of the request goes with it
    await ada.until(lambda: "Answered" in card.shows)
    await ben.until(lambda: "You sent it" in message.shows)
    assert cleo.dm == []
    await ada.click(brought, action_id="share_open")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Show here" and ada.view))
    await ada.until(lambda: ada.view.secret_text() == TEXT)


async def test_no_message_has_what_was_sent(world, ada, ben):
    before = len(world.workspace.export())
    message, card = await asks(ada, ben)
    await answers(ben, message)
    await ada.until(lambda: "Answered" in card.shows)

    (held,) = world.onetime.everything()
    posted = str([one.payload for one in world.workspace.export()[before:]])
    assert not any(part in posted for part in (TEXT, held.secret_key, held.metadata_key))


async def test_a_window_that_was_open_when_it_was_withdrawn_makes_nothing(world, ada, ben):
    message, card = await asks(ada, ben)
    await ben.click(message, label="Send…")
    view = await ben.until(lambda: ben.view and ben.view.submit == "Share" and ben.view)
    await ada.click(card, label="Withdraw")
    await ada.until(lambda: "Withdrawn" in card.shows)

    await ben.submit(view, {"text1": TEXT})

    await ben.until(lambda: "That request is closed" in ben.view.text)
    assert world.onetime.everything() == []


async def test_while_it_is_being_answered_nobody_can_answer_it_again(world, ada, ben):
    message, card = await asks(ada, ben)
    slow = OnetimeFault("hang")
    world.onetime.plan(SHARE_ROUTE, slow)
    answering = asyncio.create_task(answers(ben, message))
    await world.onetime.wait_for_call(SHARE_ROUTE)
    await answering
    await ben.close()

    for label in ("Send…", "Decline…"):
        await ben.click(message, label=label)
        await ben.until(lambda: ben.view and "You are answering it right now" in ben.view.text)
        await ben.close()
    assert "You sent it" not in message.shows
    slow.release()
    await ada.until(lambda: "Answered" in card.shows)
    assert len(world.onetime.everything()) == 1


async def test_an_answer_that_may_exist_and_was_not_sent_leaves_it_open(world, ada, ben):
    message, card = await asks(ada, ben)
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop after"))
    view = await answers(ben, message)
    await ben.until(lambda: "may exist" in ben.view.text)
    assert "Not answered yet" in card.shows
    assert view.values["text1"]["typed"]["value"] == TEXT

    await ben.submit()

    await ada.until(lambda: "Answered" in card.shows)
    assert len([one for one in ada.dm if "shares a one-time secret" in one.shows]) == 1


async def test_when_the_host_refuses_it_can_still_be_answered(world, ada, ben):
    message, card = await asks(ada, ben)
    view = await answers(ben, message, passphrase="abc")
    refusal = "The server wants at least 4 characters."  # at the field, or at the top when the host was slow
    await ben.until(lambda: refusal in view.errors.values() or refusal in view.text)

    await ben.submit(view, {"passphrase": "long enough"})

    await ada.until(lambda: "Answered" in card.shows)
    assert len(world.onetime.everything()) == 1


@pytest.mark.parametrize(
    ("passphrase", "left"), [("abc", "Withdrawn"), ("long enough", "Answered")], ids=["refused", "made"]
)
async def test_withdrawing_while_it_is_being_answered_shows_what_came_of_the_answer(world, ada, ben, passphrase, left):
    """Also if the host refuses the secret after the button was pressed: then it is withdrawn."""
    message, card = await asks(ada, ben)
    slow = OnetimeFault("hang")
    world.onetime.plan(SHARE_ROUTE, slow)
    await answers(ben, message, passphrase=passphrase)
    await world.onetime.wait_for_call(SHARE_ROUTE)

    await ada.click(card, label="Withdraw")
    slow.release()

    await ada.until(lambda: left in card.shows)
    assert len(world.onetime.everything()) == (left == "Answered")


@pytest.mark.slow
async def test_who_asked_and_has_left_since_is_sent_nothing(world, ada, ben):
    message, _card = await asks(ada, ben)
    ada.person.deleted = True
    await restarted(world)  # within five minutes a bot that runs would not have noticed

    await answers(ben, message)

    await ben.until(lambda: "Only full members" in ben.view.text)
    assert world.onetime.everything() == []


# --- time, and interruptions


def change(world, statement):
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection, connection:
        connection.execute(statement)


async def restarted(world):
    await world.bot.stop()
    await world.start_bot()


async def test_after_a_week_it_is_over_and_who_asked_is_told(world, ada, ben):
    message, card = await asks(ada, ben)
    change(world, f"UPDATE requests SET expires_at = 0 WHERE user_id = '{ada.id}'")

    await restarted(world)

    await ben.until(lambda: "7 days have passed" in message.shows)
    await ada.until(lambda: "Not answered within 7 days" in card.shows)
    assert [one for one in ada.dm if "has not answered your request" in one.shows] != []


async def test_a_button_of_one_whose_time_is_over_says_so(world, ada, ben):
    message, _card = await asks(ada, ben)
    change(world, f"UPDATE requests SET expires_at = 0 WHERE user_id = '{ada.id}'")

    await ben.click(message, label="Send…")

    await ben.until(lambda: ben.view and "That request is closed" in ben.view.text)
    assert "Send…" not in message.shows


async def test_what_was_begun_when_the_bot_died_is_asked_after_all(world, ada, ben):
    world.workspace.plan(
        "chat.postMessage", SlackFault.drop_after(), about=ada.id
    )  # it arrives, and the bot does not know
    await ada.submit(await window(ada, f"<@{ben.id}> the staging password"))
    await ada.until(lambda: "has a problem" in ada.view.text)

    await restarted(world)

    await ada.until(lambda: len(ada.dm) == 1 and "Not answered yet" in ada.dm[0].shows)
    assert len(ben.dm) == 2  # one more for the answer that was lost
    await ben.submit(await decline_window(ben, ben.dm[0]))
    await ada.until(lambda: "Declined" in ada.dm[0].shows)
