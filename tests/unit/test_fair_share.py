"""How much each person may start at once."""

import asyncio

from bot.person import Person
from bot.slack.fair_share import BURST, PER_SECOND, TELL_EVERY, FairShare

ADA, BEN = (Person(None, "T1", name) for name in ("ADA", "BEN"))


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def taken(share, person, tries=1000):
    return sum(share.take(person) for _ in range(tries))


def test_each_person_has_a_share_of_their_own():
    share = FairShare(Clock())

    assert taken(share, ADA) == BURST
    assert taken(share, BEN) == BURST


def test_a_share_fills_up_again_with_time_and_not_beyond():
    clock = Clock()
    share = FairShare(clock)
    taken(share, ADA)

    clock.now += 5
    assert taken(share, ADA) == 5 * PER_SECOND
    clock.now += 86_400
    assert taken(share, ADA) == BURST


def test_whoever_goes_on_trying_gets_no_less():
    clock = Clock()
    share = FairShare(clock)
    taken(share, ADA)

    got = 0
    for _ in range(100):
        clock.now += 0.1
        got += taken(share, ADA, 10)

    assert abs(got - 10 * PER_SECOND) <= 1


def test_a_person_is_told_once_in_a_while():
    clock = Clock()
    share = FairShare(clock)

    assert [share.is_due_to_tell(who) for who in (ADA, ADA, BEN)] == [True, False, True]
    clock.now += TELL_EVERY + 0.1
    assert share.is_due_to_tell(ADA)


async def test_only_so_many_refusals_wait():
    share = FairShare(hold=3600.0)
    waiting = [asyncio.create_task(share.hold()) for _ in range(2000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    held = [one for one in waiting if not one.done()]

    assert 0 < len(held) < 1000
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    await asyncio.wait_for(FairShare(hold=0.0).hold(), 60)
