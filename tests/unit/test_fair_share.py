"""How much each person may start at once."""

import asyncio

from bot.person import Person
from bot.slack.fair_share import BURST, FREE, PER_SECOND, TELL_EVERY, FairShare

ADA, BEN = (Person(None, "T1", name) for name in ("ADA", "BEN"))


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def begun(share, person, tries=1000):
    """How many of so many things a person may begin, while nothing of it ends."""
    count = 0
    for _ in range(tries):
        if share.may_begin(person):
            share.begin(person)
            count += 1
    return count


def test_whoever_does_one_thing_after_the_other_is_never_refused():
    share = FairShare(Clock())

    for _ in range(1000):
        assert share.may_begin(ADA)
        share.begin(ADA)
        share.end(ADA)


def test_each_person_has_a_share_of_their_own():
    share = FairShare(Clock())

    assert begun(share, ADA) == FREE + BURST
    assert begun(share, BEN) == FREE + BURST


def test_a_share_fills_up_again_with_time_and_not_beyond():
    clock = Clock()
    share = FairShare(clock)
    begun(share, ADA)

    clock.now += 5
    assert begun(share, ADA) == 5 * PER_SECOND
    clock.now += 86_400
    assert begun(share, ADA) == BURST


def test_whoever_goes_on_trying_gets_no_less():
    clock = Clock()
    share = FairShare(clock)
    begun(share, ADA)

    got = 0
    for _ in range(100):
        clock.now += 0.1
        got += begun(share, ADA, 10)

    assert abs(got - 10 * PER_SECOND) <= 1


async def test_what_is_refused_counts_as_under_way_while_it_is_held():
    share = FairShare(Clock(), hold=3600.0)
    begun(share, ADA)
    held = [asyncio.create_task(share.hold(ADA)) for _ in range(FREE)]
    await asyncio.sleep(0)
    for _ in range(FREE + BURST):
        share.end(ADA)

    assert not share.may_begin(ADA)
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert share.may_begin(ADA)


def test_a_person_is_told_once_in_a_while():
    clock = Clock()
    share = FairShare(clock)

    assert [share.is_due_to_tell(who) for who in (ADA, ADA, BEN)] == [True, False, True]
    clock.now += TELL_EVERY + 0.1
    assert share.is_due_to_tell(ADA)


async def test_only_so_many_refusals_wait():
    share = FairShare(hold=3600.0)
    waiting = [asyncio.create_task(share.hold(ADA)) for _ in range(2000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    held = [one for one in waiting if not one.done()]

    assert 0 < len(held) < 1000
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    await asyncio.wait_for(FairShare(hold=0.0).hold(ADA), 60)
