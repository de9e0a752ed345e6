"""What is said about a share, in every state: Slack takes it, and nothing in it opens anything."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from bot.person import Person
from bot.sandbox.slack.rules import check_message, check_view
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing import card, messages, outcome, words
from bot.slack import blocks
from bot.storage.parcels import Address, Parcel, State
from bot.storage.shares import Share
from tests.support.rows import each_row

ADA, BEN, CLEO = (Person(None, "T1", f"U0{name}") for name in ("ADA", "BEN", "CLEO"))
HOST = "https://eu.onetimesecret.com"
KEY, METADATA_KEY, PASSPHRASE = "k" * 62, "m" * 62, "the passphrase"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STATES = get_args(State)
SHARE = Share("s" * 22, ADA, HOST, None, quiet=False, note="a <note> & *more*", card=None, created_at=NOON)
PARCEL = Parcel(
    id="p" * 22,
    share_id=SHARE.id,
    sender=ADA,
    to=Address(BEN),
    host=HOST,
    state="sent",
    secret_key=SecretKey(KEY),
    metadata_key=MetadataKey(METADATA_KEY),
    passphrase=Secret(PASSPHRASE),
    passphrase_required=True,
    expires_at=NOON,
    message=("D1", "1.1"),
    opener=None,
    opened_at=None,
    tracked_id=None,
)
TO = {"a person": Address(BEN), "a channel": Address(channel="C0OPS"), "nobody": Address()}
EVERY = list(itertools.product(STATES, TO))
every_state = each_row(("state", "to"), EVERY, ids=[f"{state} for {to}" for state, to in EVERY])


def parcel(state, to="a person", **more):
    opener = CLEO if state in {"opening", "handed", "opened"} else None
    opened_at = NOON if state == "opened" else None
    why = {"failed": "RateLimited", "refused": "not_in_channel"}.get(state)
    return replace(PARCEL, state=state, to=TO[to], opener=opener, opened_at=opened_at, why=why, **more)


def drawn(message):
    payload = blocks.message(message)
    assert check_message(payload) == []
    return json.dumps(payload)


@every_state
def test_every_message_about_a_share_is_taken_by_slack_and_opens_nothing(state, to):
    one = parcel(state, to)
    said = [card.sender_card(SHARE, [one]), card.news(SHARE, one), messages.reminder(SHARE, one)]
    said += [card.expires_soon(SHARE, one)]
    said += [] if to == "nobody" else [messages.addressee_message(SHARE, one)]

    for message in said:
        shown = drawn(message)
        assert not [hidden for hidden in (KEY, METADATA_KEY, PASSPHRASE) if hidden in shown]
        assert "<note>" not in shown


@every_state
def test_only_what_can_be_opened_has_a_button_that_opens_or_burns_it(state, to):
    one = parcel(state, to)

    shown = drawn(card.sender_card(SHARE, [one]))

    assert ("share_burn" in shown) == one.can_be_opened
    if to != "nobody":
        assert ("share_open" in drawn(messages.addressee_message(SHARE, one))) == (not one.is_over)


def test_the_largest_share_fits_into_one_message():
    share = replace(SHARE, note="&" * words.NOTE_MOST, passphrase_to="sender")
    ten = [parcel("sent", id=f"{number:022}") for number in range(10)]

    shown = drawn(card.sender_card(share, ten))

    assert shown.count('"share_burn_ask"') == 10
    assert drawn(messages.addressee_message(share, ten[0]))


def test_the_card_counts_who_has_opened_it():
    three = [parcel("opened"), parcel("sent"), parcel("opened", "a channel")]

    assert "2 of 3 opened" in drawn(card.sender_card(SHARE, three))


def test_one_that_was_made_without_a_passphrase_burns_at_once_and_one_with_asks_for_it():
    without = parcel("sent", passphrase_required=False)

    assert '"action_id": "share_burn"' in drawn(card.sender_card(SHARE, [without]))
    assert '"action_id": "share_burn_ask"' in drawn(card.sender_card(SHARE, [parcel("sent")]))


@pytest.mark.parametrize(("goes_to", "is_offered"), [("nobody", False), ("sender", True), ("addressee", False)])
def test_a_passphrase_is_offered_to_its_sender_only_where_it_waits_for_them(goes_to, is_offered):
    share = replace(SHARE, passphrase_to=goes_to)

    assert ("share_passphrase" in drawn(card.sender_card(share, [parcel("sent")]))) == is_offered
    assert "share_passphrase" not in drawn(card.sender_card(share, [parcel("sent", passphrase=None)]))


def test_the_message_that_holds_a_passphrase_holds_nothing_else():
    shown = drawn(messages.passphrase_message(SHARE, PARCEL))

    assert PASSPHRASE in shown
    assert not [hidden for hidden in (KEY, METADATA_KEY, PARCEL.id, "share_open", SHARE.note) if hidden in shown]


@pytest.mark.parametrize("to", TO)
def test_instructions_say_how_and_hold_no_key(to):
    words = card.instructions(SHARE, [parcel("sent", to)])

    assert "works once" in words
    assert "passphrase" in words
    assert not [hidden for hidden in (KEY, METADATA_KEY, PASSPHRASE, "http") if hidden in words]


@every_state
def test_every_outcome_is_a_window_that_slack_takes(state, to):
    window = outcome.window([parcel(state, to)], asked=600, ttl=300, passphrase=Secret(PASSPHRASE))
    view = blocks.modal(window)

    assert check_view(view) == []
    assert (KEY in json.dumps(view)) == (to == "nobody" and state == "made")
    assert METADATA_KEY not in json.dumps(view)
    assert "keeps it for 5 minutes, not 10 minutes" in json.dumps(view)
