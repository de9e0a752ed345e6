"""What is said about a share, in every state: Slack takes it, and nothing in it opens anything."""

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from bot.language import Language
from bot.message_ref import MessageRef
from bot.person import Person
from bot.sandbox.slack.rules import check_message, check_view
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing import recipient_messages, result_window, sender_card
from bot.sharing.form_state import MAX_NOTE
from bot.slack import blocks
from bot.storage.shares.rows import Delivery, DeliveryState, Recipient, Share
from tests.support.english import plain_english
from tests.support.rows import each_row

ADA, BEN, CLEO = (Person(None, "T1", f"U0{name}") for name in ("ADA", "BEN", "CLEO"))
HOST = "https://eu.onetimesecret.com"
KEY, METADATA_KEY, PASSPHRASE = "k" * 62, "m" * 62, "the passphrase"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STATES = get_args(DeliveryState)
SHARE = Share("s" * 22, ADA, HOST, None, quiet=False, note="a <note> & *more*", card=None, created_at=NOON)
DELIVERY = Delivery(
    id="p" * 22,
    share_id=SHARE.id,
    sender=ADA,
    recipient=Recipient(BEN),
    host=HOST,
    state="sent",
    secret_key=SecretKey(KEY),
    metadata_key=MetadataKey(METADATA_KEY),
    passphrase=Secret(PASSPHRASE),
    passphrase_required=True,
    expires_at=NOON,
    message=MessageRef("T1", "D1", "1.1"),
    opener=None,
    opened_at=None,
    tracked_id=None,
)
TO = {"a person": Recipient(BEN), "a channel": Recipient(channel="C0OPS"), "nobody": Recipient()}
EVERY = list(itertools.product(STATES, TO))
every_state = each_row(("state", "to"), EVERY, ids=[f"{state} for {to}" for state, to in EVERY])


def delivery(state, recipient="a person", **more):
    opener = CLEO if state in {"opening", "link_shown", "opened"} else None
    opened_at = NOON if state == "opened" else None
    reason = {"failed": "RateLimited", "undeliverable": "not_in_channel"}.get(state)
    return replace(
        DELIVERY, state=state, recipient=TO[recipient], opener=opener, opened_at=opened_at, reason=reason, **more
    )


def drawn(message):
    payload = blocks.message(message, Language.EN)
    assert check_message(payload) == []
    return json.dumps(payload)


@every_state
def test_every_message_about_a_share_is_taken_by_slack_and_opens_nothing(state, to):
    one = delivery(state, to)
    said = [
        sender_card.sender_card(SHARE, [one]),
        sender_card.opened_or_over_notification(SHARE, one),
        recipient_messages.reminder(SHARE, one),
    ]
    said += [sender_card.expires_soon_message(SHARE, one)]
    said += [] if to == "nobody" else [recipient_messages.recipient_message(SHARE, one)]

    for message in said:
        shown = drawn(message)
        assert not [hidden for hidden in (KEY, METADATA_KEY, PASSPHRASE) if hidden in shown]
        assert "<note>" not in shown


@every_state
def test_only_what_can_be_opened_has_a_button_that_opens_or_burns_it(state, to):
    one = delivery(state, to)

    shown = drawn(sender_card.sender_card(SHARE, [one]))

    assert ("share_burn" in shown) == one.can_be_opened
    if to != "nobody":
        assert ("share_open" in drawn(recipient_messages.recipient_message(SHARE, one))) == (not one.is_over)


def test_the_largest_share_fits_into_one_message():
    share = replace(SHARE, note="&" * MAX_NOTE, passphrase_to="sender", unknown_tries=99)
    ten = [delivery("sent", id=f"{number:022}") for number in range(10)]

    shown = drawn(sender_card.sender_card(share, ten))

    assert shown.count('"share_burn_ask"') == 10
    assert drawn(recipient_messages.recipient_message(share, ten[0]))


def test_the_card_counts_who_has_opened_it():
    three = [delivery("opened"), delivery("sent"), delivery("opened", "a channel")]

    assert "2 of 3 opened" in drawn(sender_card.sender_card(SHARE, three))


@each_row("state", ["failed", "unknown_outcome", "undeliverable"], ids=str)
def test_why_nobody_got_it_is_said_in_whole_sentences(state):
    shown = blocks.message(sender_card.sender_card(SHARE, [delivery(state)]), Language.EN)["blocks"]

    (said,) = [one["text"]["text"] for one in shown if "<@U0BEN>:" in one.get("text", {}).get("text", "")]
    assert said.endswith(".")


@each_row("state", ["failed", "unknown_outcome", "undeliverable"], ids=str)
def test_what_was_never_sent_is_not_called_unopened(state):
    assert "Not sent" in drawn(sender_card.sender_card(SHARE, [delivery(state)]))
    assert "Not opened" in drawn(sender_card.sender_card(SHARE, [delivery(state, "nobody")]))  # it was for no one here


@pytest.mark.parametrize("to", ["a person", "a channel"])
def test_of_a_secret_that_was_not_opened_here_only_what_is_known_is_said(to):
    """An opening that was interrupted may have opened it, too, so nobody is named as the one who did."""
    after_its_link = replace(delivery("opened", to), is_by_link=True)
    by_nobody = replace(delivery("opened", to), opener=None)

    for said in (sender_card.opened_or_over_notification, lambda share, one: sender_card.sender_card(share, [one])):
        assert re.search("opened .*[.;] [Ii]ts link was shown to <@U0CLEO>", drawn(said(SHARE, after_its_link)))
        assert re.search("opened .*[.;] [Tt]his app does not know who saw it", drawn(said(SHARE, by_nobody)))
        assert "does not know" not in drawn(said(SHARE, delivery("opened", to)))


def test_nothing_is_said_of_who_opened_what_was_for_nobody_here():
    shown = drawn(sender_card.opened_or_over_notification(SHARE, replace(delivery("opened", "nobody"), opener=None)))

    assert "does not know" not in shown


def test_one_that_was_made_without_a_passphrase_burns_at_once_and_one_with_asks_for_it():
    without = delivery("sent", passphrase_required=False)

    assert '"action_id": "share_burn"' in drawn(sender_card.sender_card(SHARE, [without]))
    assert '"action_id": "share_burn_ask"' in drawn(sender_card.sender_card(SHARE, [delivery("sent")]))


@pytest.mark.parametrize(("goes_to", "is_offered"), [("nobody", False), ("sender", True), ("recipient", False)])
def test_a_passphrase_is_offered_to_its_sender_only_where_it_waits_for_them(goes_to, is_offered):
    share = replace(SHARE, passphrase_to=goes_to)

    assert ("share_passphrase" in drawn(sender_card.sender_card(share, [delivery("sent")]))) == is_offered
    assert "share_passphrase" not in drawn(sender_card.sender_card(share, [delivery("sent", passphrase=None)]))


def test_the_message_that_holds_a_passphrase_holds_nothing_else():
    shown = drawn(recipient_messages.passphrase_message(SHARE, DELIVERY))

    assert PASSPHRASE in shown
    assert not [hidden for hidden in (KEY, METADATA_KEY, DELIVERY.id, "share_open", SHARE.note) if hidden in shown]


@pytest.mark.parametrize("to", TO)
def test_instructions_say_how_and_hold_no_key(to):
    words = "\n".join(map(plain_english, sender_card.instructions(SHARE, [delivery("sent", to)]).lines))

    assert "works once" in words
    assert "passphrase" in words
    assert not [hidden for hidden in (KEY, METADATA_KEY, PASSPHRASE, "http") if hidden in words]


@every_state
def test_every_outcome_is_a_window_that_slack_takes(state, to):
    window = result_window.window([delivery(state, to)], asked=600, ttl=300, passphrase=Secret(PASSPHRASE))
    view = blocks.modal(window, Language.EN)

    assert check_view(view) == []
    assert (KEY in json.dumps(view)) == (to == "nobody" and state == "made")
    assert METADATA_KEY not in json.dumps(view)
    assert "keeps it for 5 minutes, not 10 minutes" in json.dumps(view)
