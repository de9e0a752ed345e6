"""The lives that are offered: the operator's, up to what a host was seen to give."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bot.interaction.lives import Lives, usual
from bot.sharing.form_options import life_of
from bot.sharing.form_state import FormState
from bot.storage.share_choices import ShareChoices
from tests.support.rows import each_row

DAY = 86_400
HERE, THERE = ("https://here.example", "account"), ("https://there.example", None)


def test_everything_that_the_operator_offers_is_offered_before_a_limit_is_known():
    assert Lives([365 * DAY, DAY, DAY]).possible([HERE]) == (DAY, 365 * DAY)


def test_a_limit_that_was_seen_takes_the_place_of_what_is_longer():
    lives = Lives([DAY, 30 * DAY, 365 * DAY])
    lives.note(HERE, 365 * DAY, 14 * DAY)

    assert lives.possible([HERE]) == (DAY, 14 * DAY)
    assert lives.possible([THERE]) == (DAY, 30 * DAY, 365 * DAY)
    assert lives.possible([HERE, THERE]) == (DAY, 30 * DAY, 365 * DAY)


def test_a_limit_that_was_raised_is_forgotten():
    lives = Lives([DAY, 365 * DAY])
    lives.note(HERE, 365 * DAY, 14 * DAY)
    lives.note(HERE, DAY, DAY)
    assert lives.possible([HERE]) == (DAY, 14 * DAY)

    lives.note(HERE, 30 * DAY, 30 * DAY)

    assert lives.possible([HERE]) == (DAY, 365 * DAY)


@each_row(
    ("lives", "chosen"),
    [((300, 7 * DAY, 30 * DAY), 7 * DAY), ((300, DAY), DAY), ((14 * DAY, 30 * DAY), 14 * DAY), ((8 * DAY,), 8 * DAY)],
)
def test_seven_days_or_the_nearest_is_chosen_beforehand(lives, chosen):
    assert usual(lives) == chosen


def test_a_life_that_one_process_offered_is_taken_by_another_that_knows_of_a_shorter_limit():
    offered = FormState(lives=Lives([DAY, 365 * DAY]).possible([HERE]))
    stored: Any = SimpleNamespace(data=offered.data())

    taken_by_another = FormState.of(stored)

    assert life_of(replace(taken_by_another, choices=ShareChoices(ttl=365 * DAY))) == 365 * DAY
    assert life_of(replace(taken_by_another, choices=ShareChoices(ttl=14 * DAY))) == DAY
