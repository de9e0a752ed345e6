"""Everything that can be done, by everybody who might try: forged payloads with the owner's real ids.

The matrix is made from the registry, so a handler that is added without a row in tests/support/acts.py fails
`test_every_handler_is_in_the_matrix`.
"""

import asyncio
import json
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.errors import NotAllowed, NotYours
from bot.features import Registry
from bot.storage.button_contexts import (
    METADATA,
    RECENT_PAGE,
    NewButtonContext,
)
from bot.storage.tables import new_id
from tests.support.acts import (
    ACTS,
    ALL_ACTS,
    ASKS_FOR_MORE,
    FOR_ANYBODY,
    LIST,
    MESSAGE,
    NUMBERS,
    OWNER,
    TEXT,
    WITH_ROW,
    Act,
    Actor,
    Owned,
    do,
    meet,
    owned_world,
)
from tests.support.english import english
from tests.support.rows import one_row
from tests.support.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started():
    async with owned_world() as owned:
        yield owned


@pytest.fixture
def place(started):
    started.begin()
    yield started
    started.clear()


all_acts = pytest.mark.parametrize("act", ALL_ACTS, ids=str)
acts_with_row = pytest.mark.parametrize("act", WITH_ROW, ids=str)
acts_of_one_person = pytest.mark.parametrize("act", [act for act in WITH_ROW if not act.is_for_all], ids=str)
acts_on_cards = pytest.mark.parametrize("act", [act for act in WITH_ROW if act.is_for_all], ids=str)


# It would erase what the other acts here are tried on: test_installing.py plays it, with people of its own.
ERASES_ALL = {("action", "erase_me")}


# Whoever runs a workflow comes from Slack's event, and not from a row: test_workflow_step.py plays it.
OF_WORKFLOWS = {("function", "request_secret")}


async def test_every_handler_is_in_the_matrix():
    assert {(act.kind, act.name) for act in ACTS} | FOR_ANYBODY | OF_WORKFLOWS | ERASES_ALL == set(Registry().handlers)


# --- who may


@all_acts
async def test_the_owner_may(place, act):
    await place.account()
    await place.tracked()
    ref = await act.makes(place)

    got = await do(place, act, Actor(OWNER), ref)

    assert got.outcome == ("NotUnderstood" if act.name in ASKS_FOR_MORE else "done")
    assert english(NotYours.tell) not in got.words
    assert english(NotAllowed.tell) not in got.words


@acts_of_one_person
async def test_another_member_is_told_that_it_is_not_available_and_nothing_happens(place, act):
    ref = await act.makes(place)
    before, calls = place.rows(), len(place.world.onetime.calls)

    got = await do(place, act, Actor("U0OTHER"), ref)

    assert got.outcome == "NotYours"
    assert english(NotYours.tell) in got.words
    assert TEXT not in got.words
    assert place.rows() == before
    assert len(place.world.onetime.calls) == calls


@acts_of_one_person
async def test_the_answer_is_the_same_for_not_yours_for_gone_and_for_never_was(place, act):
    theirs, gone = await act.makes(place), await act.makes(place)
    place.change("DELETE FROM {} WHERE id = ?", gone)
    calls = len(place.world.onetime.calls)

    answers = [await do(place, act, Actor("U0OTHER"), ref) for ref in (theirs, gone, new_id())]
    own_and_gone = await do(place, act, Actor(OWNER), gone)

    assert answers[0].outcome == "NotYours"
    assert answers[0] == answers[1] == answers[2] == own_and_gone
    assert len(place.world.onetime.calls) == calls


ONLY_PRIVATE_LINK = "Only the private link"


@acts_on_cards
async def test_another_member_sees_the_card_and_does_not_burn(place, act):
    ref = await act.makes(place)
    before, calls = place.own_rows(), len(place.world.onetime.calls)

    got = await do(place, act, Actor("U0OTHER"), ref)

    assert got.outcome == "done"
    assert (ONLY_PRIVATE_LINK in got.words) == (act.name in {"card_burn", "card_check"})
    assert place.own_rows() == before
    assert len(place.world.onetime.calls) == calls


async def test_whoever_merely_posted_the_link_does_not_burn(place):
    ref = await place.card()
    place.change("DELETE FROM {}", tables=("tracked",))

    got = await do(place, Act("action", "card_burn", on_message=MESSAGE, is_for_all=True), Actor(OWNER), ref)

    assert ONLY_PRIVATE_LINK in got.words
    assert [held.state for held in place.world.onetime.everything()] == ["new"]


@acts_on_cards
async def test_a_card_works_on_its_own_message_alone_and_not_on_a_copy(place, act):
    ref = await act.makes(place)
    calls = len(place.world.onetime.calls)

    for channel, ts in (("D0ANY", "9.0"), ("D0OTHER", "1.0")):
        got = await do(place, replace(act, on_message=(channel, ts)), Actor(OWNER), ref)
        assert got.outcome == "NotYours"
    gone = await do(place, act, Actor(OWNER), new_id())

    assert gone.outcome == "NotYours"
    assert len(place.world.onetime.calls) == calls


NOT_MEMBERS = {
    # A command names one team only, and is ignored when that is not ours: see test_dispatcher.py.
    "the same user id in another team": Actor(OWNER, "T0ANOTHER"),
    "a stranger of Slack Connect": Actor("U0STRANGER"),
    "a stranger by our own team's name": Actor("U0STRANGER", "T0SANDBOX0"),
    "a multi-channel guest": Actor("U0GUEST"),
    "a single-channel guest": Actor("U0ULTRA"),
    "somebody deactivated": Actor("U0GONE"),
    "the bot itself": Actor("U0SANDBOXB"),
}


@all_acts
async def test_who_is_no_member_is_told_so_and_nothing_happens(place, act, subtests):
    ref = await act.makes(place)
    before, calls = place.rows(), len(place.world.onetime.calls)

    for name, actor in NOT_MEMBERS.items():
        if (act.kind, actor.team) == ("command", "T0ANOTHER"):
            continue
        with one_row(subtests, f"{act} by {name}"):
            got = await do(place, act, actor, ref)

            assert got.outcome == "NotAllowed"
            assert english(NotYours.tell) not in got.words
            if act.kind != "closed" and actor.user not in CANNOT_BE_TOLD:
                assert english(NotAllowed.tell) in got.words
            assert TEXT not in got.words
            assert place.rows() == before
            assert len(place.world.onetime.calls) == calls


CANNOT_BE_TOLD = ("U0GONE", "U0SANDBOXB")


@pytest.mark.parametrize("act", [act for act in ACTS if act.kind == "command"], ids=str)
async def test_another_members_commands_show_nothing_of_the_owners(place, act):
    await place.account()
    await place.tracked()
    before = place.own_rows()

    got = await do(place, act, Actor("U0OTHER"), None)

    assert got.outcome in (("NotUnderstood",) if act.name == "untrack" else ("done", "NotConnected"))
    assert not any(words in got.words for words in ("Your accounts", "Your secrets", "What you track"))
    assert place.own_rows() == before


ODD = {
    "SQL": "ref:' OR 1=1--",
    "2000 characters": "ref:" + "a" * 1996,
    "other letters": "ref:" + "é" * 22,
    "NUL": "ref:" + "\0" * 22,
    "a line break after it": "ref:{real}\n",
    "a blank before it": "ref: {real}",
    "no prefix": "{real}",
    "other prefix": "key:{real}",
    "twice": "ref:ref:{real}",
    "nothing": "ref:",
    "missing": None,
    "a list": ["ref:{real}"],
    "an object": {"ref": "{real}"},
    "a number": 7,
    "a wildcard": "ref:%",
}


def without_updates(got):
    """Recovery may change an older message in the same moment. What an act changes is in the rows."""
    return replace(got, sent=[one for one in got.sent if one[0] != "chat.update"])


@acts_with_row
async def test_an_odd_value_is_no_id_and_does_no_harm(place, act):
    ref = await act.makes(place)
    before, calls = place.rows(), len(place.world.onetime.calls)
    usual = without_updates(await do(place, act, Actor(OWNER), new_id()))

    for name, odd in ODD.items():
        value = odd.format(real=ref) if isinstance(odd, str) else odd

        assert without_updates(await do(place, act, Actor(OWNER), None, raw=value)) == usual, name

    assert usual.outcome == "NotYours"
    assert place.rows() == before
    assert len(place.world.onetime.calls) == calls


_REVEALS = {Owned.reveal, Owned.escrowed, Owned.window_of_delivery}
_DELIVERYS = {Owned.shared, Owned.link_of_shared, Owned.passphrase_of_shared}
_WINDOWS = {Owned.window_of_share, Owned.window_of_generate}
SAME = {
    act.makes: next((kind for kind in (_REVEALS, _DELIVERYS, _WINDOWS) if act.makes in kind), set()) for act in WITH_ROW
}


@pytest.mark.parametrize("makes", {act.makes: None for act in WITH_ROW}, ids=lambda makes: makes.__name__)
async def test_an_id_of_another_kind_is_no_id(place, makes, subtests):
    """A handle of a metadata key is none for opening, a reveal none for burning, an account none for either."""
    ref = await makes(place)
    before = place.rows()

    for act in WITH_ROW:
        if makes in {act.makes} | SAME[act.makes]:
            continue
        with one_row(subtests, str(act)):
            got = await do(place, act, Actor(OWNER), ref)

            assert got.outcome == "NotYours"
    assert place.rows() == before


# --- what is gone takes its buttons along


async def test_connecting_again_ends_every_button_of_the_account_before(place):
    old = await place.account()
    card = await place.context(METADATA, account_id=old)
    page = (await place.button_contexts.keep(
        place.person, NewButtonContext(RECENT_PAGE, place.host, None, old, data={"filter": "all", "page": "0"})))[0]  # fmt: skip

    await place.account()

    for kind, name, ref in (
        ("action", "burn", card),
        ("action", "metadata_refresh", card),
        ("action", "metadata_details", card),
        ("action", "burn_with_passphrase", card),
        ("form", "burn", card),
        ("action", "recent_older", page),
        ("action", "account_disconnect", old),
        ("action", "account_default", old),
    ):
        got = await do(place, Act(kind, name), Actor(OWNER), ref)
        assert got.outcome == "NotYours", name


async def test_disconnecting_ends_every_button_of_what_was_tracked_there(place):
    account, tracked = await place.account(), await place.tracked()
    assert (await do(place, Act("action", "account_disconnect"), Actor(OWNER), account)).outcome == "done"

    for name in (
        "tracked_refresh", "tracked_stop", "tracked_burn", "tracked_burn_with_passphrase", "tracked_list_stop",
        "tracked_list_burn",
    ):  # fmt: skip
        got = await do(place, Act("action", name), Actor(OWNER), tracked)
        assert got.outcome == "NotYours", name


async def test_a_member_who_becomes_a_guest_is_noticed_at_the_next_start(place):
    """In between, for the five minutes that are in members.py; the clock there is tested with it."""
    leaver = place.world.workspace.person(f"U0LEAVER{next(NUMBERS)}", "leaver")
    assert (await do(place, LIST, Actor(leaver.id), None)).outcome == "done"

    leaver.person.deleted = True
    await place.world.bot.stop()
    await place.world.start_bot()
    await meet(place)

    assert (await do(place, LIST, Actor(leaver.id), None)).outcome == "NotAllowed"


# --- the Home tab itself, which guests and strangers open too


@pytest.mark.parametrize("name", [*NOT_MEMBERS, "another member"])
async def test_whoever_opens_their_home_sees_nothing_of_the_owners(place, name):
    actor = NOT_MEMBERS.get(name, Actor("U0OTHER"))
    await place.account()
    await place.tracked()
    await place.delivery()
    before, calls = place.own_rows(), len(place.world.onetime.calls)
    workspace, sent = place.world.workspace, len(place.world.workspace.export())
    event = {"type": "app_home_opened", "user": actor.user, "tab": "home", "event_ts": f"{next(NUMBERS)}.0"}

    await workspace.emit(event | ({"user_team": actor.team} if actor.team else {}))

    def drawn_homes():
        return [one.payload for one in workspace.export()[sent:] if one.method == "views.publish"]

    if actor.user == "U0SANDBOXB":  # the bot does not react to itself
        await asyncio.sleep(0.4)
        drawn = drawn_homes()
        assert drawn == []
    else:
        drawn = await eventually(drawn_homes)
        assert [payload["user_id"] for payload in drawn] == [actor.user]
        assert (english(NotAllowed.tell) in json.dumps(drawn)) == (name in NOT_MEMBERS)
    assert not any(words in json.dumps(drawn) for words in ("Not opened yet", "Waiting for you", "Disconnect"))
    assert place.own_rows() == before
    assert len(place.world.onetime.calls) == calls
