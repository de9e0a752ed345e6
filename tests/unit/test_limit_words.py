"""What a person reads who reached a limit: what they did how often, and when they may go on."""

from __future__ import annotations

import pytest

from bot.errors import LimitReached
from bot.interaction.limits import Limits, NamedLimit, requests_in_a_day, requests_to
from bot.person import Person
from bot.screen.pieces import say
from bot.storage.limits import DAY, HOUR, Limit, LimitUses
from tests.support.english import english

ADA, BEN = Person(None, "T1", "U1"), Person(None, "T1", "U2")


class Full(LimitUses):
    """Stands in for the counter in the database, which is tested elsewhere: nobody may do anything for some seconds."""

    def __init__(self, limit: Limit, wait: float) -> None:
        self.limit, self.wait = limit, wait

    async def consume(self, _person, *limits, idempotency_key=None):
        assert self.limit in limits
        raise LimitReached(self.limit.kind, self.wait)


SHARED_OFTEN = say("You shared 3 times within an hour, which is the limit.")


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (3600, "Please try again in 60 minutes."),
        (1800, "Please try again in 30 minutes."),
        (200, "Please try again in 4 minutes."),
        (0.5, "Please try again in 1 minute."),
        (22.5 * HOUR, "Please try again in 23 hours."),
    ],
    ids=["an hour", "half an hour", "rounded up to minutes", "nearly over", "hours"],
)
async def test_it_says_when_to_try_again(wait, said):
    one = NamedLimit(Limit("share", 3, HOUR), SHARED_OFTEN)

    with pytest.raises(LimitReached, match="share") as refused:
        await Limits(Full(one.limit, wait)).consume(ADA, one)

    assert english(refused.value.tell) == f"You shared 3 times within an hour, which is the limit. {said}"
    assert refused.value.wait == wait


async def test_of_several_limits_it_says_which_was_reached():
    to_ben = requests_to(BEN)

    with pytest.raises(LimitReached) as refused:
        await Limits(Full(to_ben.limit, 60)).consume(ADA, requests_in_a_day(), to_ben)

    assert english(refused.value.tell).startswith("You requested secrets from this person 3 times within a day, ")


def test_the_numbers_are_those_of_the_settings():
    limits = Limits(Full(Limit("share", 1, HOUR), 1), shares_per_hour=2, opens_per_hour=7)

    assert (limits.share.limit, limits.open.limit) == (Limit("share", 2, HOUR), Limit("open", 7, HOUR))
    assert english(limits.share.reached) == "You shared 2 times within an hour, which is the limit."
    assert english(limits.open.reached) == "You opened secrets 7 times within an hour, which is the limit."
    assert requests_in_a_day().limit == Limit("request", 20, DAY)
