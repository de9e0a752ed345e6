"""What commit 8a783c1 put into Slack goes on working after the upgrade: its buttons, windows and unsent messages.

The bot starts on the upgraded database of that commit, between a Slack that still shows the old messages and a
Onetime Secret server with the old secrets. Each test presses what one person had in front of them. Old messages hold
the names of buttons and windows, so these names can never change: the lists below are frozen.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import pytest_asyncio

from bot.features import Registry
from bot.interaction.feature import Kind
from tests.contract.upgrade import fixture
from tests.contract.upgrade.emulators import WorkspaceMember, World, old_world
from tests.contract.upgrade.old import (
    Old,
    elements,
    is_told,
    names_on,
    pressed,
    presses,
    reads,
    sees,
    shows_secret,
    window,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTIONS = frozenset({
    "account_default", "account_disconnect", "burn", "burn_with_passphrase", "connect_open", "metadata_refresh",
    "recent_newer", "recent_older", "request_answer", "request_decline", "request_withdraw", "retrieve_again",
    "retrieve_in_browser", "retrieve_open", "retrieve_page_back", "retrieve_page_on", "retrieve_try_again",
    "retrieve_with_passphrase", "share_burn", "share_burn_all", "share_burn_all_ask", "share_burn_ask", "share_copy",
    "share_link", "share_more", "share_open", "share_passphrase", "share_remind", "track", "tracked_burn",
    "tracked_burn_with_passphrase", "tracked_list_burn", "tracked_list_stop", "tracked_newer", "tracked_older",
    "tracked_refresh", "tracked_stop",
})  # fmt: skip
FORMS = frozenset({
    "burn", "connect", "generate", "request", "retrieve", "retrieve_done", "retrieve_link", "settings", "share",
    "share_burn", "share_burn_all",
})  # fmt: skip
CLOSED = frozenset({"retrieve_done"})

# The bot's message ids are made in this namespace, for ever. A message that may have arrived before the upgrade is sent
# again with the same id.
NAMESPACE = uuid.UUID("5b7f0f2e-5c1e-4c0b-9a4e-3b8f6d3e7a11")

TEXT = "a shared secret"
PASSPHRASE = "correct horse"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def old_bot():
    async with old_world() as world:
        yield world


@pytest.fixture
def old(old_bot: World) -> Old:
    return Old(old_bot)


# --- the names


async def test_every_old_name_is_pressed_by_a_test_here():
    expected = {("action", one) for one in ACTIONS} | {("form", one) for one in FORMS}

    assert pressed == expected | {("closed", one) for one in CLOSED}


async def test_every_old_name_is_one_that_the_bot_knows():
    known = Registry()

    assert known.names(Kind.ACTION) >= ACTIONS
    assert known.names(Kind.FORM) >= FORMS
    assert known.names(Kind.CLOSED) >= CLOSED


async def test_the_old_messages_and_windows_have_exactly_these_names():
    fields = {"typed", "chosen", "checked", "picked"}
    shown = fixture.everything_shown()
    inert = {"burned", "generated", "note", "requested", "settings_saved", "shared", "connected"}

    assert {one["action_id"] for kept in shown for one in elements(kept["blocks"])} - fields == ACTIONS
    assert {kept["callback_id"] for kept in shown if "callback_id" in kept} - inert == FORMS


# --- accounts


@presses("account_default")
async def test_another_account_becomes_the_default(old):
    message, other = old.thing("make default"), fixture.read("onetime.json")["other_url"].removeprefix("http://")

    await old.press("make default", "account_default")

    await reads(old.person("make default"), message, f"*{other}* · default")


@presses("account_disconnect")
async def test_an_account_is_disconnected(old):
    for story, nth in (("disconnect", 1), ("disconnect the chosen", 0)):
        person = old.person(story)

        await old.press(story, "account_disconnect", nth)

        await reads(person, old.thing(story), "is disconnected, and its token is erased")
    await person.command("/ots", "accounts")
    await is_told(person, "You have not connected an account")


@presses("connect_open")
async def test_connecting_is_offered_by_old_messages(old):
    for story in ("connect from help", "reconnect"):
        await old.press(story, "connect_open")

        assert (await sees(old.person(story), "API token")).submit == "Connect"


@presses(submits=("connect",))
async def test_an_account_is_connected_in_an_old_window(old):
    await old.submit("connect window", old.told("connect window")["fields"])

    await sees(old.person("connect window"), "is connected. It is your default account.")


# --- looking and burning


@presses("burn")
async def test_a_card_burns(old):
    await old.press("metadata burn", "burn")

    await reads(old.person("metadata burn"), old.thing("metadata burn"), "Burned.")
    assert old.held(old.told("metadata burn")["key"]).state == "burned"


@presses("burn")
async def test_a_list_burns_and_stays(old):
    person, story = old.person("recent burn"), "recent burn"
    before = len(person.messages)

    await old.press(story, "burn")

    await is_told(person, "Burned.", before)
    assert old.held(old.told(story)["key"]).state == "burned"
    assert "1 secret" in old.thing(story).shows


@presses("metadata_refresh")
async def test_a_card_is_looked_at_again(old):
    for story in ("metadata refresh", "private link metadata"):
        old.world.onetime.open_as_outsider(old.held(old.told(story)["key"]).secret_key)

        await old.press(story, "metadata_refresh")

        await reads(old.person(story), old.thing(story), "Opened")


@presses("track")
async def test_a_card_is_tracked(old):
    person = old.person("metadata track")

    await old.press("metadata track", "track")

    card = await person.until(lambda: next((one for one in person.dm if "Not opened yet" in one.shows), None))
    old.world.onetime.open_as_outsider(old.held(old.told("metadata track")["key"]).secret_key)
    await person.click(card, label="Refresh")
    await is_told(person, "was opened")


@presses("burn_with_passphrase", submits=("burn",))
async def test_burning_asks_for_the_passphrase(old):
    for story in ("metadata burn with passphrase", "private link burn"):
        person, told = old.person(story), old.told(story)
        await old.press(story, "burn_with_passphrase")
        form = await window(person, "Burn it")

        await person.submit(form, {"passphrase": told["passphrase"]} if "passphrase" in told else {})

        await sees(person, "Burned.")
        assert old.held(told["key"]).state == "burned"
    for story in ("burn window", "burn window with passphrase"):
        told = old.told(story)

        await old.submit(story, {"passphrase": told["passphrase"]} if "passphrase" in told else {})

        await sees(old.person(story), "Burned.")
        assert old.held(told["key"]).state == "burned"


async def lists(old: Old, story: str, *counts: int) -> None:
    """The old list has one of these numbers of rows, in the form of now: the page has room for all."""

    def rows() -> list[str]:
        """The texts of the rows. Each begins with the sign of its state, and has a line for its name."""
        texts = [one["text"]["text"] for one in old.thing(story).blocks if one["type"] == "section" and "text" in one]
        return [one for one in texts if one.startswith(":") and "*\n" in one]

    await old.person(story).until(lambda: len(rows()) in counts)


@presses("recent_older")
async def test_a_list_is_turned_to_what_is_older(old):
    await old.press("recent older", "recent_older")

    await reads(old.person("recent older"), old.thing("recent older"), "7 secrets")
    await lists(old, "recent older", 7)


@presses("recent_newer")
async def test_a_list_is_turned_to_what_is_newer_and_keeps_its_filter(old):
    await old.press("recent newer", "recent_newer")

    await reads(old.person("recent newer"), old.thing("recent newer"), "7 unopened secrets")
    await lists(old, "recent newer", 7)


# --- tracking


@presses("tracked_burn")
async def test_a_tracked_secret_is_burned(old):
    for story in ("tracked burn", "tracked reminder"):
        person = old.person(story)

        await old.press(story, "tracked_burn")

        await person.until(lambda p=person: any("Burned before anybody opened it" in one.shows for one in p.dm))
    assert old.held(old.told("tracked burn")["key"]).state == "burned"


@presses("tracked_burn_with_passphrase")
async def test_a_tracked_secret_with_a_passphrase_is_burned(old):
    story = "tracked burn with passphrase"
    person = old.person(story)

    await old.press(story, "tracked_burn_with_passphrase")

    form = await window(person, "Burn it")
    await person.submit(form, {"passphrase": PASSPHRASE})
    await sees(person, "Burned.")
    assert old.held(old.told(story)["key"]).state == "burned"
    await reads(person, old.thing(story), "Burned before anybody opened it", "with a passphrase")


@presses("tracked_refresh")
async def test_a_tracked_secret_is_looked_at_now(old):
    person = old.person("tracked refresh")
    old.world.onetime.open_as_outsider(old.told("tracked refresh")["secret"])

    await old.press("tracked refresh", "tracked_refresh")

    await reads(person, old.thing("tracked refresh"), "Opened")
    await is_told(person, "“tracked refresh”")
    await person.until(lambda: sum("was opened" in one.shows for one in person.dm) == 1)


@presses("tracked_stop")
async def test_tracking_is_stopped(old):
    person = old.person("tracked stop")

    await old.press("tracked stop", "tracked_stop")

    await reads(person, old.thing("tracked stop"), "is not tracked any more")
    await person.command("/ots", "tracked")
    await is_told(person, "You are not tracking any secret.")


@presses("tracked_list_burn", "tracked_list_stop", "tracked_older")
async def test_the_list_of_what_is_tracked_burns_stops_and_turns(old):
    person, message = old.person("tracked list"), old.thing("tracked list")
    before = len(person.ephemerals)

    await old.press("tracked list", "tracked_list_burn", 0)
    await old.press("tracked list", "tracked_list_stop", 1)

    await person.until(lambda: any("Burned." in one.shows for one in person.ephemerals[before:]))
    await person.until(lambda: any("is not tracked any more" in one.shows for one in person.ephemerals[before:]))
    assert "7 secrets" in message.shows
    await old.press("tracked list", "tracked_older")
    await reads(person, message, "6 secrets")
    await lists(old, "tracked list", 6)


@presses("tracked_newer")
async def test_the_list_of_what_is_tracked_is_turned_back(old):
    await old.press("tracked newer", "tracked_newer")

    await lists(old, "tracked newer", 6, 7)  # the test before this one stops one of the same person
    assert "What you track" in old.thing("tracked newer").shows


# --- settings


@presses(submits=("settings",))
async def test_old_settings_hold_and_an_old_window_changes_them(old):
    for user, expected in old.told("preferences")["people"].items():
        person = old.member(user)
        await person.command("/ots", "settings")
        view = await window(person, "Save")
        chosen = {name: [one["value"] for one in view.values[name]["checked"]["selected_options"]]
                  for name in ("news", "reminders")}  # fmt: skip
        assert chosen == {"news": expected["news"], "reminders": ["on"] if expected["reminders"] else []}

    await old.submit("settings window", {"news": ["burned"], "reminders": []})
    await sees(old.person("settings window"), "a secret that you track is burned", "not reminded")
    await old.submit("settings window of a chooser")
    await sees(old.person("settings window of a chooser"), "a secret that you track expires", "not reminded")


# --- opening


@presses("retrieve_open")
async def test_a_pasted_link_is_opened(old):
    for story in ("pasted link", "bare key"):
        person, told = old.person(story), old.told(story)
        await old.press(story, "retrieve_open")

        await person.submit(await window(person, "Open"))

        await shows_secret(person, told["text"])
        assert old.world.onetime.claims_of(told["secret"]) == 1


@presses("retrieve_with_passphrase", submits=("retrieve",))
async def test_an_old_window_opens(old):
    await old.submit("open window")
    await shows_secret(old.person("open window"), old.told("open window")["text"])

    story = "open window with passphrase"
    await old.press(story, "retrieve_with_passphrase")
    await old.person(story).until(lambda: "typed" in names_on(old.thing(story)))
    await old.submit(story, {"passphrase": PASSPHRASE})
    await shows_secret(old.person(story), old.told(story)["text"])


@presses(submits=("retrieve_link",))
async def test_a_link_is_typed_into_an_old_window(old):
    person, told = old.person("link window"), old.told("link window")

    await old.submit("link window", {"link": told["link"]})

    await person.submit(await window(person, "Open"))
    await shows_secret(person, told["text"])


@presses("retrieve_page_on", "retrieve_page_back")
async def test_pages_are_turned(old):
    """The old windows had small pages. Today the whole text fits into one page."""
    for story, action in (("page on", "retrieve_page_on"), ("page back", "retrieve_page_back")):
        await old.press(story, action)

        await shows_secret(old.person(story), old.told(story)["text"])


@presses(submits=("retrieve_done",))
async def test_what_was_read_to_its_end_is_not_held_any_more(old):
    """The secret is held when the bot starts, so the person gets a message. Afterwards that message shows nothing."""
    person = old.person("pages done")
    offer = await is_told(person, "It is kept encrypted until")

    await old.submit("pages done")

    await person.until(lambda: person.view is None)
    await person.click(offer, label="Show again")
    await reads(person, offer, "There is nothing left to show here")


@presses(closes=("retrieve_done",))
async def test_a_window_of_several_pages_that_is_closed_is_offered_again(old):
    person = old.person("pages closed")
    await is_told(person, "It is kept encrypted until")
    before = len(person.dm)

    await old.close("pages closed")

    await person.until(lambda: person.dm[before:])
    await person.click(person.dm[-1], label="Show again")
    await shows_secret(person, old.told("pages closed")["text"])


@presses("retrieve_again")
async def test_what_was_held_is_shown_again(old):
    person = old.person("show again")

    await old.press("show again", "retrieve_again")

    await shows_secret(person, old.told("show again")["text"])
    await reads(person, old.thing("show again"), "was shown to you")


@presses("retrieve_try_again")
async def test_an_opening_that_was_interrupted_is_tried_again(old):
    person, told = old.person("try again"), old.told("try again")

    await old.press("try again", "retrieve_try_again")

    await person.submit(await window(person, "Open"))
    await shows_secret(person, told["text"])
    assert old.world.onetime.claims_of(told["secret"]) == 1


# --- sharing


async def opens_here(person: WorkspaceMember, text: str = TEXT, **fields: str) -> None:
    """Opens the secret in the window that “Open” has opened."""
    await person.submit(await window(person, "Show here"), fields)
    await shows_secret(person, text)


async def sender_knows(old: Old, story: str) -> None:
    """The sender's card says who opened the secret."""
    told = old.told(story)
    await reads(old.member(told["sender"]), old.message(told["card"]), f"opened by @{told['person']}")


@presses(submits=("share",))
async def test_old_windows_share(old):
    for story, fields in (
        ("share window with accounts", {"to": [old.told("share window with accounts")["to"]], "account": "anonymous"}),
        ("share window for somebody", {}),
        ("share window for a channel", {}),
        ("share window again", {}),
    ):
        person, to = old.person(story), old.told(story)["to"]
        recipients = [old.member(user) for user in (to if isinstance(to, list) else [to])]
        before = [len(one.messages) for one in recipients]

        await old.submit(story, {"text1": f"by the {story}", **fields})

        await sees(person, "has a message with an Open button")
        for one, count in zip(recipients, before, strict=True):
            await one.click(await is_told(one, "shares a one-time secret", count), action_id="share_open")
            await opens_here(one, f"by the {story}")
            await is_told(person, f"opened by @{one.id}")
    connected = old.person("share window with accounts").name
    assert not [one for one in old.world.onetime.everything() if one.owner == f"{connected}@example.com"]


@presses(submits=("share",))
async def test_an_old_window_shares_with_a_passphrase_that_is_made_up_and_sent_apart(old):
    person, to = old.person("share window"), old.member(old.told("share window")["to"])

    await old.submit("share window", {"text1": "apart", "to": [to.id], "options": ["generate", "apart"], "ttl": "3600"})

    await sees(person, "has a message with an Open button")
    apart = await is_told(to, "This is the passphrase")
    (passphrase,) = re.findall(r"\b\w{4}(?:-\w{4}){4}\b", apart.shows)
    await to.click(await is_told(to, "shares a one-time secret"), action_id="share_open")
    await opens_here(to, "apart", passphrase=passphrase)
    assert old.world.onetime.everything()[-1].ttl == 3600


@presses("share_more", submits=("share",))
async def test_an_old_window_gets_more_room_and_keeps_what_was_typed(old):
    story = "share window with more room"
    person, typed = old.person(story), old.told(story)["typed"]

    await old.press(story, "share_more")

    await person.until(lambda: "text2" in old.thing(story).values)
    await old.submit(story, {"text2": "and the rest"})
    view = await sees(person, "The link.")
    (key,) = re.findall(r"/secret/(\w+)", str(view.blocks))
    assert old.world.onetime.open_as_outsider(key) == f"{typed}and the rest"


@presses("share_burn", "share_burn_all")
async def test_a_card_burns_what_was_shared(old):
    for story, action in (("share burn", "share_burn"), ("share burn all", "share_burn_all"),
                          ("shared reminder", "share_burn")):  # fmt: skip
        person, to = old.person(story), old.told(story)["to"]
        recipients = to if isinstance(to, list) else [to]

        await old.press(story, action)

        for user in recipients:
            await is_told(old.member(user), "before it was opened")
        card = await is_told(person, "Nothing more will happen")
        assert card.shows.count("burned before anybody opened it") == len(recipients)


@presses("share_burn_ask", "share_burn_all_ask", submits=("share_burn", "share_burn_all"))
async def test_what_was_shared_with_a_passphrase_is_burned_with_it(old):
    for story, action in (("share burn ask", "share_burn_ask"), ("share burn all ask", "share_burn_all_ask")):
        person = old.person(story)
        await old.press(story, action)
        form = await window(person, "Burn it")

        await person.submit(form, {"passphrase": PASSPHRASE})

        await sees(person, "burned before anybody opened it")
    for story in ("share burn window", "share burn all window"):
        await old.submit(story, {"passphrase": PASSPHRASE})

        await sees(old.person(story), "burned before anybody opened it")


@presses("share_remind")
async def test_a_card_reminds(old):
    await old.press("share remind", "share_remind")
    person = old.person("share remind")
    await person.submit(await window(person, "Remind"))

    await sees(person, "Reminded")
    await is_told(old.member(old.told("share remind")["to"]), "has not been opened yet")


@presses("share_copy")
async def test_a_card_shows_instructions_to_copy(old):
    await old.press("share copy", "share_copy")

    person = old.person("share copy")
    await person.until(lambda: person.view and "Press Open" in person.view.secret_text())


@presses("share_link")
async def test_a_card_shows_the_link(old):
    person = old.person("share link")

    await old.press("share link", "share_link")

    view = await sees(person, "Anybody who has it can open the secret, once.")
    assert fixture.read("onetime.json")["url"] in str(view.blocks)


@presses("share_passphrase")
async def test_a_card_shows_the_passphrase_once_and_it_is_the_right_one(old):
    story = "share passphrase"
    person, to = old.person(story), old.member(old.told(story)["to"])

    await old.press(story, "share_passphrase")

    view = await sees(person, "It is shown only this once.")
    passphrase = view.secret_text()
    await person.until(lambda: "share_passphrase" not in names_on(old.thing(story)))
    await to.click(await is_told(to, "shares a one-time secret"), action_id="share_open")
    await opens_here(to, passphrase=passphrase)


@presses("share_open")
async def test_what_was_shared_is_opened_from_its_old_message(old):
    for story in ("open shared with passphrase", "open in channel"):
        told = old.told(story)

        await old.press(story, "share_open")

        await opens_here(
            old.person(story), told["text"], **({"passphrase": PASSPHRASE} if "passphrase" in told else {})
        )
        await sender_knows(old, story)


@presses("share_open")
async def test_whom_the_link_was_shown_to_opens_it_here_after_all(old):
    await old.press("open handed", "share_open")

    await opens_here(old.person("open handed"))
    await sender_knows(old, "open handed")


@presses("retrieve_in_browser", submits=("retrieve",))
async def test_the_old_window_of_something_shared(old):
    story = "in browser window"
    person, told = old.person(story), old.told(story)
    await old.press(story, "retrieve_in_browser")
    await sees(person, "This is the link", fixture.read("onetime.json")["url"])
    await reads(old.member(told["sender"]), old.message(told["card"]), f"the link was shown to @{person.id}")

    await old.submit("show here window")
    await shows_secret(old.person("show here window"), TEXT)
    await sender_knows(old, "show here window")


# --- asking, generating


@presses("request_answer", submits=("share",))
async def test_a_request_is_answered(old):
    story = "request answer"
    person, told = old.person(story), old.told(story)
    await old.press(story, "request_answer")
    form = await window(person, "Share")
    await person.submit(form, {"text1": "an answer"})

    await old.submit("answer window", {"text1": "an answer"})

    for one in ("request answer", "answer window"):
        told = old.told(one)
        asker = old.member(told["other"])
        await reads(asker, old.message(told["card"]), "Answered")
        await asker.click(await is_told(asker, "shares a one-time secret"), action_id="share_open")
        await opens_here(asker, "an answer")


@presses("request_decline")
async def test_a_request_is_declined(old):
    told = old.told("request decline")
    asker = old.member(told["other"])

    await old.press("request decline", "request_decline")
    person = old.person("request decline")
    await person.submit(await window(person, "Decline"), {"reason": "ask Cleo"})

    await reads(old.person("request decline"), old.thing("request decline"), "You declined")
    await reads(asker, old.message(told["card"]), "Declined")
    await is_told(asker, "declined your request “note of request decline”: ask Cleo")


@presses("request_withdraw")
async def test_a_request_is_withdrawn(old):
    told = old.told("request withdraw")

    await old.press("request withdraw", "request_withdraw")

    await reads(old.person("request withdraw"), old.thing("request withdraw"), "Withdrawn")
    await reads(old.member(told["other"]), old.message(told["their_message"]), "withdrawn")


@presses(submits=("request",))
async def test_an_old_window_asks(old):
    await old.submit("request window")

    await sees(old.person("request window"), "was asked")
    await is_told(old.member(old.told("request window")["other"]), "what for")


@presses(submits=("generate",))
async def test_old_windows_generate(old):
    person = old.person("generate window")
    await old.submit("generate window")
    await person.until(lambda: person.view and person.view.title == "Your password" and person.view.secret_text())

    story = "generate window for somebody"
    to = old.member(old.told(story)["to"])
    await old.submit(story)
    await sees(old.person(story), "has a message with an Open button")
    await is_told(to, "shares a one-time secret")


# --- what the old bot had not sent yet


def message_id(once: str) -> str:
    return str(uuid.uuid5(NAMESPACE, once))


def kept(table: str) -> list[dict[str, Any]]:
    """The rows of the old database."""
    found = fixture.read("0006.json")["tables"][table]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def posted(old: Old) -> dict[str, str]:
    """Message id -> conversation, of all that the new bot has posted."""
    sent = [one.payload for one in old.world.workspace.export() if one.method == "chat.postMessage"]
    return {one["client_msg_id"]: one["channel"] for one in sent if one.get("client_msg_id")}


async def arrives(old: Old, once: str, user: str, part: str) -> None:
    """The message arrives in this person's conversation, with the id that the old bot would have given it."""
    await eventually(lambda: message_id(once) in posted(old))
    person = old.member(user)
    found = await person.until(lambda: next((one for one in person.dm if one.client_msg_id == message_id(once)), None))
    assert part in found.shows


NEWS = {
    "received": "was opened",
    "burned": "was burned before anybody opened it",
    "expired": "Nobody opened it",
    "orphaned": "was gone before it expired",
    "unknown": "no longer knows",
    "reminder": "has not been opened yet and expires",
    "reconnect": "does not accept your API token",
    "card": "Not opened yet",
}


@pytest.mark.parametrize("kind", NEWS)
async def test_news_that_waited_is_sent_with_the_id_of_the_old_bot(old, kind):
    waiting = [one for one in kept("notices") if one["kind"] == kind and one["sent_at"] is one["parked"] is None]

    assert waiting
    for one in waiting:
        await arrives(old, one["once"], one["user_id"], NEWS[kind])


async def test_news_that_was_sent_or_can_never_be_sent_is_not_sent_again(old):
    over = [one for one in kept("notices") if one["sent_at"] or one["parked"]]
    for one in kept("notices"):
        if one not in over:
            await eventually(lambda one=one: message_id(one["once"]) in posted(old))

    assert len(over) > 10
    assert not {message_id(one["once"]) for one in over} & posted(old).keys()


async def test_the_watcher_finds_what_was_opened_while_the_bot_was_stopped(old):
    told = old.told("opened meanwhile")
    card = next(one for one in kept("tracked") if [one["card_channel"], one["card_ts"]] == told["message"])

    await arrives(old, f"{card['id']}:received", told["person"], "“opened meanwhile”")

    await reads(old.person("opened meanwhile"), old.thing("opened meanwhile"), "Opened")


async def test_openings_that_were_interrupted_are_reported(old):
    left = old.told("unreachable")

    told = left["reveal claiming"]
    await arrives(old, f"{told['id']}:stranded", told["person"], "Trying again is safe")
    told = left["reveal escrowed"]
    await arrives(old, f"{told['id']}:unseen", told["person"], "It is kept encrypted until")
    person = old.member(told["person"])
    await person.click(person.dm[-1], label="Show again")
    await shows_secret(person, told["text"])


async def test_what_was_being_shared_is_finished(old):
    left = old.told("unreachable")

    for name, passphrase in (("share made", "apart words"), ("share made for the sender", None),
                             ("share without a card", None)):  # fmt: skip
        told = left[name]
        for user, delivery in zip(told["to"], told["parcels"], strict=True):
            await arrives(old, f"parcel:{delivery}", user, "shares a one-time secret with you")
            if passphrase:
                await arrives(old, f"passphrase:{delivery}", user, passphrase)
    for name, part in (
        ("share waiting", "the app was interrupted before it asked the server"),
        ("share asking", "may exist, and nobody has its link"),
        ("share made", "0 of 2 opened"),
        ("share made for the sender", "Show the passphrase"),
        ("share refused, not burned", "that person's account is deactivated"),
        ("share being opened", "not opened yet"),
        ("share opened, untold", "opened by"),
    ):
        told = left[name]
        await arrives(old, f"share:{told['id']}", told["person"], part)
    told = left["share opened, untold"]
    await arrives(old, f"{told['tracked']}:received", told["person"], "opened “label of opened, untold”")


async def test_requests_that_were_not_sent_are_sent_and_the_late_ones_told(old):
    left = old.told("unreachable")

    told = left["request waiting"]
    await arrives(old, f"{told['id']}:question", told["asked"], "not asked yet")
    await arrives(old, f"{told['id']}:card", told["person"], "Not answered yet")
    told = left["request out of time"]
    await arrives(old, f"{told['id']}:expired", told["person"], "has not answered your request")
