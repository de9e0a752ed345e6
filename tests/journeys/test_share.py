"""Sharing: a window, a secret for each recipient, a message with a button, and one card for the sender."""

import asyncio
import itertools
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault, OnetimeServer
from bot.sandbox.slack import CannotDo, SlackFault
from bot.sandbox.world import World
from bot.slack.dispatcher import FORM_DEADLINE
from tests.journeys.conftest import EMAIL, TOKEN, connect, somebody
from tests.support.share_window import choose_whom, fill_share, submit_share, unfold

SHARE_ROUTE = "/api/v1/share"
YEAR = 365 * 86_400  # seconds
TEXT = "the secret itself"

_numbers = itertools.count(1)


async def window(person, text=""):
    await person.command("/ots", f"share {text}".strip())
    return await person.until(lambda: person.view and person.view.submit == "Share" and person.view)


async def press_share(person, **fields):
    view = await window(person)
    return await submit_share(person, view, {"text1": TEXT, **fields})


async def share(person, **fields):
    """Fill the window and press Share; the window that says what came of it, when the card is there, too."""
    await press_share(person, **fields)
    await person.until(lambda: any("What you shared" in one.shows for one in person.dm))
    return await person.until(lambda: person.view and person.view.title == "Shared" and person.view)


def typed(view, name="text1"):
    return view.values[name]["typed"]["value"]


def made(world):
    return sum(call.route == SHARE_ROUTE for call in world.onetime.calls)


def posted(world):
    """All that was ever sent as a message."""
    return json.dumps([sent.payload for sent in world.workspace.export() if sent.method.startswith("chat.")])


# --- for whom


async def test_each_recipient_gets_a_secret_and_a_message_of_their_own(world, connected, people):
    ben, cleo = people

    await share(connected, to=[ben.id, cleo.id], note="for the *staging* host")

    card = await connected.until(lambda: connected.dm and connected.dm[0])
    assert "0 of 2 opened" in card.shows
    for one in people:
        (message,) = one.dm
        assert "for the *\u200bstaging*\u200b host" in message.shows.replace("\\", "")
        assert TEXT not in message.shows
    held = world.onetime.everything()
    assert [(one.state, one.owner) for one in held] == [("new", EMAIL)] * 2
    assert len({one.secret_key for one in held}) == 2
    assert not [key for one in held for key in (one.secret_key, one.metadata_key) if key in posted(world)]


async def test_somebody_named_twice_gets_one(world, ada, people):
    ben, _ = people

    await share(ada, to=[ben.id, ben.id])

    assert len(world.onetime.everything()) == 1
    assert len(ben.dm) == 1


async def test_without_an_account_it_is_made_anonymously(world, ada, people):
    await share(ada, to=[people[0].id])

    (held,) = world.onetime.everything()
    assert held.owner is None


async def test_a_channel_gets_one_secret_and_one_message(world, ada, people):
    number = next(_numbers)
    channel = world.workspace.channel(f"C0S{number:04}", "ops", [ada, *people, world.workspace.bot_user_id])

    await share(ada, channel=channel.id)

    (message,) = [one for one in people[0].messages if one.channel == channel.id]
    assert "the first person who opens it gets it" in message.shows
    assert len(world.onetime.everything()) == 1


async def test_just_the_link_is_shown_to_its_sender_and_stands_in_no_message(world, ada):
    view = await share(ada)

    (held,) = world.onetime.everything()
    link = f"{world.onetime.url}/secret/{held.secret_key}"
    assert link in json.dumps(view.blocks)
    await ada.until(lambda: ada.dm)
    assert held.secret_key not in posted(world)
    assert world.onetime.open_as_outsider(held.secret_key) == TEXT


async def test_a_link_that_could_not_be_seen_is_shown_from_the_card(world, ada):
    view = await window(ada)
    await fill_share(ada, view, {"text1": TEXT})
    world.workspace.plan("views.update", SlackFault.error("not_found"))
    await ada.submit(view)
    card = await ada.until(lambda: ada.dm and ada.dm[0])

    await ada.click(card, label="Show the link")

    (held,) = world.onetime.everything()
    await ada.until(lambda: ada.view and f"/secret/{held.secret_key}" in json.dumps(ada.view.blocks))


@pytest.mark.parametrize("kind", ["guest", "stranger", "deleted"])
async def test_only_full_members_can_be_addressed(world, ada, kind):
    outsider = somebody(world, "outsider", **{kind: True})

    await press_share(ada, to=[outsider.id])

    assert "Only full members" in ada.view.errors["to"]
    assert typed(ada.view) == TEXT
    assert made(world) == 0
    assert outsider.dm == []


async def test_one_may_share_with_oneself(world, ada):
    await share(ada, to=[ada.id])

    await ada.until(lambda: len(ada.dm) == 2)


# --- what is typed behind the command


async def test_a_mention_behind_the_command_chooses_its_person(world, ada, people):
    view = await window(ada, f"<@{people[0].id}|ben>")

    assert view.values["to"]["picked"]["selected_users"] == [people[0].id]


async def test_other_text_behind_the_command_is_refused_unseen(world, ada):
    delivery = await ada.command("/ots", "share hunter2-canary to my friend")

    await ada.until(lambda: "please" in ada.sees() and "change it" in ada.sees())
    assert ada.view is None or ada.view.submit is None
    assert "hunter2-canary" not in ada.sees()
    assert "hunter2-canary" not in json.dumps([sent.payload for sent in world.workspace.export()])
    assert b"hunter2-canary" not in bytes(world.bot.output)
    assert delivery.error is None


# --- the text


async def test_more_room_keeps_what_is_typed_and_is_joined_exactly(world, ada):
    first, second = "a" * 2_999 + "\n", "  \r\n\t& <b> `:key:` \U0001f511 end \n\n"
    view = await window(ada)
    await ada.fill(view, {"text1": first})

    await ada.click(label="Add a field")
    await ada.until(lambda: "continued" in ada.view.text)
    assert typed(ada.view) == first
    await submit_share(ada, view, {"text2": second})

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key) == first + second


async def test_there_is_room_for_what_the_host_takes_and_not_for_more(world, ada):
    view = await window(ada)

    for room in (2, 3, 4):
        await ada.click(label="Add a field")
        await ada.until(lambda room=room: f"text{room}" in ada.view.values)

    assert view.submit == "Share"
    assert "Add a field" not in ada.view.text


@pytest.mark.parametrize(
    ("parts", "is_taken"),
    [
        (("é" * 3_000, "é" * 2_000), True),
        (("é" * 3_000, "é" * 2_000 + "x"), False),
    ],
    ids=["10,000 bytes", "10,001 bytes"],
)
async def test_a_size_is_checked_in_bytes_before_the_host_is_asked(world, ada, parts, is_taken):
    await window(ada)
    await ada.click(label="Add a field")
    await ada.until(lambda: "text2" in ada.view.values)

    await submit_share(ada, ada.view, {"text1": parts[0], "text2": parts[1]})

    if is_taken:
        await ada.until(lambda: ada.view and ada.view.title == "Shared")
        assert world.onetime.open_as_outsider(world.onetime.everything()[0].secret_key) == "".join(parts)
    else:
        assert "10,001 bytes" in ada.view.errors["text2"]
        assert typed(ada.view, "text2") == parts[1]
    assert made(world) == int(is_taken)


@pytest.mark.parametrize(("mode", "said"), [("generate", "not both"), ("none", "choose “My own”")])
async def test_a_typed_passphrase_that_is_not_to_be_used_is_said_at_its_field_and_stays(world, ada, mode, said):
    view = await window(ada)
    await fill_share(ada, view, {"text1": TEXT, "passphrase": "typed one"})

    await submit_share(ada, view, {"passphrase_mode": mode})

    assert said in view.errors["passphrase"]
    assert (typed(view), typed(view, "passphrase")) == (TEXT, "typed one")
    assert made(world) == 0


# --- passphrases


async def test_a_typed_passphrase_protects_the_secret_and_is_told_to_nobody(world, ada, people):
    await share(ada, to=[people[0].id], passphrase="correct horse")

    (held,) = world.onetime.everything()
    assert held.has_passphrase
    assert "ask for it" in people[0].dm[0].shows
    await ada.until(lambda: ada.dm)
    assert "correct horse" not in posted(world)
    assert "correct horse" not in ada.sees()


async def test_a_passphrase_that_was_made_up_is_shown_to_its_sender_once(world, ada, people):
    view = await share(ada, to=[people[0].id], passphrase_mode="generate")

    passphrase = view.secret_text()
    assert re.fullmatch(r"([a-z]{4}-){4}[a-z]{4}", passphrase)
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key, passphrase) == TEXT
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    assert "Show the passphrase" not in str(card.blocks)
    assert passphrase not in posted(world)


async def test_a_made_up_passphrase_that_could_not_be_seen_is_shown_from_the_card_once(world, ada, people):
    view = await window(ada)
    await fill_share(ada, view, {"text1": TEXT, "to": [people[0].id], "passphrase_mode": "generate"})
    world.workspace.plan("views.update", SlackFault.error("not_found"))
    await ada.submit(view)
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    await ada.close()

    await ada.click(card, label="Show the passphrase")

    view = await ada.until(lambda: ada.view and ada.view.secret_text() and ada.view)
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key, view.secret_text()) == TEXT
    await ada.until(lambda: "Show the passphrase" not in str(ada.dm[0].blocks))


async def test_a_passphrase_is_sent_apart_if_that_is_asked_for(world, ada, people):
    ben, _ = people

    await share(ada, to=[ben.id], passphrase_mode="generate", options=["apart", "news"])

    message, passphrase = await ben.until(lambda: len(ben.dm) == 2 and ben.dm)
    assert "comes in a separate message" in message.shows
    (said,) = re.findall(r"(?:[a-z]{4}-){4}[a-z]{4}", passphrase.shows)
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key, said) == TEXT
    assert said not in ada.sees()


async def test_a_passphrase_that_the_host_ignored_burns_the_secret(world, ada, people):
    held = world.onetime.share(None, TEXT)
    answer = {"secret_key": held.secret_key, "metadata_key": held.metadata_key, "ttl": 60, "passphrase_required": False}
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=200, body=json.dumps(answer).encode()))

    await press_share(ada, to=[people[0].id], passphrase="correct horse")

    assert "ignored the passphrase" in ada.view.errors["passphrase"]
    assert world.onetime.find_secret(held.secret_key).state == "burned"
    assert people[0].dm == []


async def test_a_secret_without_its_passphrase_that_cannot_be_burned_is_reported(world, ada, people):
    held = world.onetime.share(None, TEXT)
    answer = {"secret_key": held.secret_key, "metadata_key": held.metadata_key, "ttl": 60, "passphrase_required": False}
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=200, body=json.dumps(answer).encode()))
    limited = b'{"message":"Rate limit exceeded. Please try again later."}'
    world.onetime.plan("/api/v1/private/", OnetimeFault("answer", status=404, body=limited), None)

    await press_share(ada, to=[people[0].id], passphrase="correct horse")

    await ada.until(lambda: ada.view and "may exist, and nobody has its link" in ada.view.text)
    await ada.until(lambda: ada.dm and "may exist, and nobody has its link" in ada.dm[0].shows)
    assert people[0].dm == []


async def test_a_passphrase_that_is_too_short_for_the_host_is_said_at_its_field(world, ada, people):
    await press_share(ada, to=[people[0].id], passphrase="abc")
    assert ada.view.errors["passphrase"] == "The server wants at least 4 characters."
    assert typed(ada.view) == TEXT

    await ada.submit(None, {"passphrase": "abcd"})

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert len(world.onetime.everything()) == 1
    assert len(people[0].dm) == 1


# --- the host


async def test_a_slow_host_leaves_the_window_and_what_is_typed_in_it(world, ada, people):
    slow = OnetimeFault("hang")
    world.onetime.plan(SHARE_ROUTE, slow)
    await press_share(ada, to=[people[0].id], passphrase="abc")
    await ada.until(lambda: ada.view and "Being made" in ada.view.text)
    assert typed(ada.view) == TEXT

    slow.release()

    await ada.until(lambda: "at least 4 characters" in ada.view.text)
    assert typed(ada.view) == TEXT
    await ada.submit(None, {"passphrase": "abcd"})
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert len(people[0].dm) == 1


async def test_keys_that_cannot_be_kept_burn_the_secret_since_nobody_could_find_it_again(world, ada, people):
    with closing(sqlite3.connect(world.directory / "bot.db", isolation_level=None)) as database:
        database.execute(
            "CREATE TRIGGER nothing_is_made BEFORE UPDATE ON deliveries WHEN NEW.state = 'made' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        try:
            await press_share(ada, to=[people[0].id], passphrase="correct horse")
            await ada.until(lambda: ada.view and "database did not answer" in ada.view.text)
        finally:
            database.execute("DROP TRIGGER nothing_is_made")

    assert [one.state for one in world.onetime.everything()] == ["burned"]
    assert typed(ada.view) == TEXT
    assert people[0].dm == []


@pytest.mark.parametrize("kind", ["drop after", "html"], ids=["no answer, made", "no usable answer, not made"])
async def test_without_a_usable_answer_it_may_exist_and_is_not_asked_for_again(world, ada, people, kind):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault(kind), None)

    await press_share(ada, to=[one.id for one in people])

    await ada.until(lambda: ada.view and "may exist, and nobody has its link" in ada.view.text)
    assert made(world) == 1
    assert typed(ada.view) == TEXT
    await ada.until(lambda: ada.dm and "may exist, and nobody has its link" in ada.dm[0].shows)
    assert "not tried" in ada.dm[0].shows
    assert [one.dm for one in people] == [[], []]


async def test_after_a_doubt_pressing_share_makes_a_new_one(world, ada, people):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))
    await press_share(ada, to=[people[0].id])
    await ada.until(lambda: ada.view and "may exist" in ada.view.text)

    await ada.submit()

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert len(people[0].dm) == 1


async def test_the_hosts_own_reason_is_shown_as_plain_text(world, ada):
    body = json.dumps({"message": "Bitte <!channel> *zahlen*"}).encode()
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=404, body=body))

    await press_share(ada)

    await ada.until(lambda: ada.view and "The server refused it" in ada.view.text)
    assert "zahlen" in ada.view.text
    assert "<!channel>" not in str(ada.view.blocks)
    assert typed(ada.view) == TEXT
    assert ada.dm == []


@pytest.mark.parametrize("quoted", [TEXT, TEXT[:9], "the%20secret%20itself", "Geheimer-Satz-1", "heimer satz"])
async def test_a_reason_that_quotes_what_was_sent_is_not_shown(world, ada, quoted):
    body = json.dumps({"message": f"Forbidden: “{quoted}”"}).encode()
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=404, body=body))

    await press_share(ada, passphrase="Geheimer-Satz-1")

    await ada.until(lambda: ada.view and "The server refused it" in ada.view.text)
    assert "Forbidden" not in str(ada.view.blocks)
    assert world.onetime.everything() == []


async def test_an_account_that_is_not_taken_any_more_is_said_and_nothing_is_lost(world, connected):
    world.onetime.change_token(EMAIL, "another")

    await press_share(connected)

    await connected.until(lambda: connected.view and "did not accept" in connected.view.text)
    assert typed(connected.view) == TEXT
    assert world.onetime.everything() == []


def for_a_year(server):
    """The server keeps secrets for a year, as an operator may set it."""
    server._version_facts = replace(server._version_facts, max_ttl=YEAR, max_ttl_anonymous=YEAR)
    server.forget()
    return server


def lives_in(view):
    (menu,) = [block["element"] for block in view.blocks if block.get("block_id") == "ttl"]
    return [option["text"]["text"] for option in menu["options"]]


async def test_a_life_as_long_as_the_host_allows_can_be_chosen():
    async with World(onetime=for_a_year(OnetimeServer("0.26"))) as world:
        ada = world.workspace.person("U0ADA", "ada")
        assert lives_in(await unfold(ada, await window(ada)))[-1] == "365 days"

        await submit_share(ada, ada.view, {"text1": TEXT, "ttl": "365 days"})

        await ada.until(lambda: ada.view and ada.view.title == "Shared")
        assert "keeps it for" not in ada.view.text
        (held,) = world.onetime.everything()
        assert held.ttl == YEAR


async def test_a_shorter_life_than_was_asked_for_is_said():
    """And offered from then on in the place of what is longer."""
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        await share(ada, ttl="30 days")
        assert "keeps it for 7 days, not 30 days" in ada.view.text
        await ada.close()

        view = await unfold(ada, await window(ada))

        assert lives_in(view)[-1] == "7 days"


async def test_the_operator_says_for_how_long_secrets_are_shared():
    async with World(settings={"SHARE_LIVES": "2h, 30m 10d"}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        view = await unfold(ada, await window(ada))
        assert lives_in(view) == ["30 minutes", "2 hours", "10 days"]

        await submit_share(ada, view, {"text1": TEXT})

        await ada.until(lambda: ada.view and ada.view.title == "Shared")
        (held,) = world.onetime.everything()
        assert held.ttl == 2 * 3600


async def test_a_host_in_trouble_after_the_first_leaves_the_others_reported(world, ada, people):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("delay", seconds=0))
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop after"))

    await press_share(ada, to=[one.id for one in people])

    await ada.until(lambda: ada.view and "may exist, and nobody has its link" in ada.view.text)
    assert "has a message with an Open button" in ada.view.text
    assert [len(one.dm) for one in people] == [1, 0]
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    assert "To share it with those who did not get it, share it again" in card.shows


async def test_who_got_nothing_can_be_sent_it_without_typing_it_again(world, ada, people):
    ben, cleo = people
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("delay", seconds=0))
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))
    await press_share(ada, to=[ben.id, cleo.id], passphrase="correct horse", note="for staging")
    await ada.until(lambda: ada.view and "for the people below only" in ada.view.text)
    assert f"Only for @{cleo.id}." in ada.view.text
    assert typed(ada.view) == TEXT

    await ada.submit()

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert f"@{ben.id}" not in ada.view.text
    assert [len(one.dm) for one in people] == [1, 1]
    texts = [world.onetime.open_as_outsider(one.secret_key, "correct horse") for one in world.onetime.everything()]
    assert texts == [TEXT, TEXT]
    assert TEXT not in posted(world)


async def test_the_passphrase_of_those_that_were_made_is_on_the_card(world, ada, people):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("delay", seconds=0))
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop"))
    await press_share(ada, to=[one.id for one in people], passphrase_mode="generate")
    await ada.until(lambda: ada.view and "is with their status" in ada.view.text)
    await ada.close()

    await ada.click(ada.dm[0], label="Show the passphrase")

    view = await ada.until(lambda: ada.view and ada.view.secret_text() and ada.view)
    (held,) = world.onetime.everything()
    assert world.onetime.open_as_outsider(held.secret_key, view.secret_text()) == TEXT


# --- Slack


async def test_whom_slack_refuses_is_said_and_their_secret_is_burned(world, ada, people):
    ben, cleo = people
    await share(cleo, to=[ben.id])
    await cleo.close()
    ben.person.deleted = True  # and the bot was told so lately that he is a member

    view = await share(ada, to=[ben.id, cleo.id])

    assert "*not sent*: that person's account is deactivated" in view.text
    assert [one.state for one in world.onetime.everything()] == ["new", "burned", "new"]
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    assert "Its secret was burned" in card.shows


async def test_a_channel_without_the_bot_is_said_and_can_be_tried_again(world, ada):
    number = next(_numbers)
    channel = world.workspace.channel(f"C0S{number:04}", "ops", [ada])
    await press_share(ada, channel=channel.id, passphrase="correct horse")
    await ada.until(lambda: ada.view and "Invite it there" in ada.view.text)
    assert typed(ada.view) == TEXT
    assert [one.state for one in world.onetime.everything()] == ["burned"]

    channel.members.add(world.workspace.bot_user_id)
    await ada.submit()

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert [one.state for one in world.onetime.everything()] == ["burned", "new"]


@pytest.mark.parametrize(
    ("kind", "said"), [("archived", "is archived"), ("read_only", "may not write in that channel")]
)
async def test_a_channel_that_takes_nothing_is_said_and_the_secret_is_burned(world, ada, kind, said):
    number = next(_numbers)
    channel = world.workspace.channel(f"C0S{number:04}", "ops", [ada, world.workspace.bot_user_id])
    view = await window(ada)
    await fill_share(ada, view, {"text1": TEXT, "channel": channel.id})
    setattr(channel, kind, True)

    await ada.submit()

    await ada.until(lambda: ada.view and said in ada.view.text)
    assert [one.state for one in world.onetime.everything()] == ["burned"]


async def test_a_passphrase_that_cannot_arrive_is_told_to_the_sender(world, ada, people):
    ben, _ = people
    await window(ada)
    world.workspace.plan("chat.postMessage", SlackFault.meanwhile(lambda: None), about=ada.id)
    world.workspace.plan("chat.postMessage", SlackFault.error("messages_tab_disabled"), about=ada.id)

    await submit_share(
        ada, ada.view, {"text1": TEXT, "to": [ben.id], "passphrase_mode": "generate", "options": ["apart", "news"]}
    )

    await ada.until(lambda: any("passphrase of your one-time secret could not be sent" in one.shows for one in ada.dm))
    assert len(ben.dm) == 1


async def test_a_message_whose_answer_is_lost_is_sent_again_once(world, ada, people):
    """Slack drops no repeated message, so the recipient has it twice. Both open the one secret."""
    await window(ada)
    world.workspace.plan("chat.postMessage", SlackFault.drop_after(), about=ada.id)

    await submit_share(ada, ada.view, {"text1": TEXT, "to": [people[0].id]})

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert len({one.client_msg_id for one in people[0].dm}) == 1
    assert len(people[0].dm) == 2
    assert made(world) == 1


# --- once


async def test_of_many_clicks_one_makes_a_secret(world, ada, people):
    view = await window(ada)
    await ada.fill(view, {"text1": TEXT, "to": [people[0].id]})
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("delay", seconds=0.2))

    first = asyncio.create_task(ada.submit(view))
    await world.onetime.wait_for_call(SHARE_ROUTE)
    delivery = await first
    await ada.replay(delivery)

    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert made(world) == 1
    assert len(people[0].dm) == 1


async def test_a_window_that_was_sent_already_says_what_came_of_it(world, ada, people):
    """As after a crash: the window is still there, and the bot has forgotten that it saw it."""
    view = await window(ada)
    ref = view.private_metadata
    await submit_share(ada, view, {"text1": TEXT, "to": [people[0].id]})
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    await ada.close()
    again = await window(ada)
    again.payload["private_metadata"] = ref

    await submit_share(ada, again, {"text1": TEXT, "to": [people[1].id]})

    await ada.until(lambda: ada.view and "sent this form already" in ada.view.text)
    assert made(world) == 1
    assert people[1].dm == []


# --- how much

MUCH = ('"quoted" \\ \u00e9\t\n' * 7_000)[:92_000]  # one that grows on its way


def in_bytes(text):
    return len(text.encode())


async def type_in(person, view, text):
    """Into as many fields of 3,000 characters as it takes."""
    for number, start in enumerate(range(0, len(text), 3_000), 1):
        while f"text{number}" not in view.values:
            rooms = sum(name.startswith("text") for name in view.values)
            await person.click(view, label="Add a field")
            await person.until(lambda rooms=rooms: sum(name.startswith("text") for name in view.values) > rooms)
        await person.fill(view, {f"text{number}": text[start : start + 3_000]})


@pytest_asyncio.fixture(loop_scope="session")
async def of_two_hosts():
    """Ada, with accounts on a host that takes what Slack has room for, by its operator's word, and on a usual one."""
    async with OnetimeServer("0.23") as large, World() as several:
        for server in (several.onetime, large):
            server.add_account(EMAIL, TOKEN)
        await several.bot.stop()
        hosts = {
            "ONETIME_HOSTS": f"{several.onetime.url},{large.url}",
            "ONETIME_MAX_SECRET_BYTES": f"{large.url}=100000",
        }
        await several.start_bot(**hosts)
        ada = await connect(several.workspace.person("U0ADA", "ada"))
        await connect(ada, on=large.url)
        yield several, large, ada


async def test_what_one_host_takes_is_shared_there_and_refused_unseen_elsewhere(of_two_hosts):
    world, large, ada = of_two_hosts
    text = MUCH + "x" * (100_000 - in_bytes(MUCH))
    view = await window(ada)
    await type_in(ada, view, text)
    assert "Add a field" not in view.text
    calls = len(world.onetime.calls)

    where = world.onetime.url.removeprefix("http://")
    await submit_share(ada, view, {"account": where})

    await ada.until(lambda: f"100,000 bytes together. {where} takes at most 10,000" in view.text)
    assert len(world.onetime.calls) == calls
    ben = world.workspace.person("U0BEN", "ben")
    await submit_share(ada, view, {"account": large.url.removeprefix("http://"), "to": [ben.id]})
    await ada.until(lambda: ada.view and ada.view.title == "Shared")
    assert "quoted" not in posted(world)
    await ben.click(ben.dm[0], action_id="share_open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
    await ben.until(ben.view.secret_text)
    assert ben.view.secret_text() == text


async def test_one_byte_more_than_its_host_takes_is_refused_unseen(of_two_hosts):
    world, large, ada = of_two_hosts
    for server, size in ((large, 100_001), (world.onetime, 10_001)):
        view = await window(ada)
        await type_in(ada, view, "x" * size)
        calls = len(server.calls)

        await submit_share(ada, view, {"account": server.url.removeprefix("http://")})

        await ada.until(lambda view=view, size=size: f"{size:,} bytes together" in view.text)
        assert len(server.calls) == calls
        await ada.close()


@pytest.mark.parametrize(("version", "said"), [("0.26", "10,000 bytes"), ("0.25", "10,000 characters")])
async def test_a_host_that_takes_less_than_its_operator_says_is_told_at_the_field_and_nothing_is_lost(version, said):
    async with World(version=version, settings={"ONETIME_MAX_SECRET_BYTES": "15000"}) as world:
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        view = await window(ada)
        await type_in(ada, view, "x" * 10_001)

        await submit_share(ada, view, {"to": [ben.id]})

        await ada.until(lambda: f"That is too long for the server. Its limit is {said}." in view.text)
        assert "".join(typed(view, f"text{number}") for number in range(1, 5)) == "x" * 10_001
        assert (world.onetime.everything(), ben.dm) == ([], [])
        await ada.submit(view, {"text4": "x" * 1_000})
        await ada.until(lambda: ada.view and ada.view.title == "Shared")
        assert world.onetime.open_as_outsider(world.onetime.everything()[0].secret_key) == "x" * 10_000


# --- which account


async def test_one_of_several_accounts_is_chosen(world):
    async with OnetimeServer() as other, World() as several:
        for server in (several.onetime, other):
            server.add_account(EMAIL, TOKEN)
        await several.bot.stop()
        await several.start_bot(ONETIME_HOSTS=f"{several.onetime.url},{other.url}")
        ada = await connect(several.workspace.person("U0ADA", "ada"))
        await connect(ada, on=other.url)

        for account in (other.url.removeprefix("http://"), "Without an account"):
            await share(ada, account=account)
            await ada.close()

        assert [one.owner for one in other.everything()] == [EMAIL]
        assert [one.owner for one in several.onetime.everything()] == [None]
        assert "It is made without an account." in (await window(ada)).text
        await ada.close()


async def test_who_has_several_accounts_is_told_of_the_others(of_two_hosts):
    _, large, ada = of_two_hosts
    name = large.url.removeprefix("http://")
    await ada.command("/ots", f"connect {large.url}")
    await ada.until(lambda: ada.view and ada.view.submit == "Connect")
    await ada.submit(ada.view, {"username": EMAIL, "token": TOKEN})
    await ada.until(lambda: ada.view and ada.view.title == "Connected")
    assert "`/ots accounts` shows all of yours." in ada.view.text
    await ada.close()

    await ada.command("/ots", "recent")

    await ada.until(lambda: f"Your other accounts: `/ots recent {name}`" in ada.sees())


# --- where a secret can be shared


async def test_nobody_can_choose_a_direct_message_in_the_menu_of_channels(world, ada):
    dm = world.workspace.state.open_dm(ada.id)
    private = world.workspace.channel(f"C0P{next(_numbers):04}", "private", [ada], private=True)
    view = await window(ada)
    await choose_whom(ada, view, "channel")

    with pytest.raises(CannotDo):
        await ada.fill(view, {"channel": dm.id})

    await ada.fill(view, {"channel": private.id})


async def test_a_direct_message_in_the_place_of_a_channel_is_refused_at_its_field(world, ada):
    """Slack does not offer one. A payload may name one all the same."""
    dm = world.workspace.state.open_dm(ada.id)
    view = await window(ada)
    await choose_whom(ada, view, "channel")
    await ada.fill(view, {"text1": TEXT})
    view.values["channel"] = {"picked": {"type": "conversations_select", "selected_conversation": dm.id}}

    await ada.submit()

    assert "not a channel" in ada.view.errors["channel"]
    assert typed(ada.view) == TEXT
    assert made(world) == 0


@pytest.mark.slow
async def test_who_closes_the_window_while_it_is_made_is_told_that_nothing_was_made():
    async with World() as own:
        own.onetime.add_account(EMAIL, TOKEN)
        ada = own.workspace.person("U0ADA", "ada")
        await connect(ada)
        view = await window(ada)
        await choose_whom(ada, view, "link")
        await own.bot.kill()
        calls = len(own.workspace.calls)
        await own.start_bot()  # it asks Slack anew who ada is: at its start, and when she shares
        await ada.until(lambda: any(call.method == "users.info" for call in own.workspace.calls[calls:]))
        own.workspace.plan("users.info", SlackFault.delay(FORM_DEADLINE + 0.5))
        fault = OnetimeFault("hang")
        own.onetime.plan(SHARE_ROUTE, fault)

        await ada.submit(view, {"text1": TEXT})
        await ada.close()
        await own.onetime.wait_for_call(SHARE_ROUTE)
        await ada.until(lambda: [one for one in own.workspace.calls if one.error == "not_found"])
        own.onetime.remove_account(EMAIL)
        fault.release()

        await ada.until(lambda: any("did not accept your account" in one.shows for one in ada.dm))
        assert b'"level": "error"' not in own.bot.output
