"""What is said about a tracked secret is true at its end too."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.language import Language
from bot.slack import blocks
from bot.status import tracked_card
from tests.unit.test_rare_screens import TRACKED

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def drawn(message):
    return json.dumps(blocks.message(message, Language.EN), ensure_ascii=False)


@pytest.mark.parametrize(
    ("state", "label"), [("new", "Expires"), ("expired", "Expired"), ("burned", "Would have expired")]
)
def test_the_time_of_the_end_is_called_what_it_is(state, label):
    card = drawn(tracked_card.tracked_card(replace(TRACKED, state=state, expires_at=NOON), "eu.onetimesecret.com"))

    assert f"*{label}*" in card


@pytest.mark.parametrize(("state", "expires"), [("new", True), ("burned", False), ("unknown", False)])
def test_in_a_list_only_what_can_still_be_opened_expires(state, expires):
    listed = drawn(tracked_card.listed_message(replace(TRACKED, state=state, expires_at=NOON), "card"))

    assert (", expires" in listed) == expires
