"""The lock that people take in turns."""

import asyncio

import pytest

from bot.person import Person
from bot.storage.engine.turns import Turns, acting_person

ADA, BEN, CLEO = (Person(None, "T1", name) for name in ("ADA", "BEN", "CLEO"))


class Order:
    """Tasks that take the lock, and the order in which they got it."""

    def __init__(self):
        self.turns = Turns()
        self.got = []
        self.tasks = []

    async def start(self, person, name):
        async def take():
            acting_person.set(person)
            await self.turns.acquire()
            self.got.append(name)
            await asyncio.sleep(0)
            self.turns.release()

        self.tasks.append(asyncio.create_task(take()))
        await asyncio.sleep(0)  # so that it waits now

    async def end(self):
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.got


@pytest.fixture
async def order():
    made = Order()
    await made.turns.acquire()
    return made


async def test_one_of_many_people_waits_for_one_of_each(order):
    for number in range(50):
        await order.start(ADA, f"ada{number}")
    await order.start(BEN, "ben0")
    await order.start(CLEO, "cleo0")
    await order.start(BEN, "ben1")
    order.turns.release()

    got = await order.end()

    assert got[:6] == ["ada0", "ben0", "cleo0", "ada1", "ben1", "ada2"]
    assert [one for one in got if one.startswith("ada")] == [f"ada{number}" for number in range(50)]


async def test_the_bots_own_work_has_its_turn_too(order):
    for number in range(3):
        await order.start(ADA, f"ada{number}")
    await order.start(None, "watcher")
    order.turns.release()

    assert (await order.end())[:2] == ["ada0", "watcher"]


async def test_who_comes_back_at_once_is_behind_all_others(order):
    await order.start(ADA, "ada0")
    await order.start(BEN, "ben0")
    order.turns.release()
    await asyncio.sleep(0)
    await order.start(ADA, "ada1")

    assert await order.end() == ["ada0", "ben0", "ada1"]


@pytest.mark.parametrize("given_up", [0, 1, 2])
async def test_who_gives_up_loses_nobody_elses_turn(order, given_up):
    for number in range(3):
        await order.start(ADA, number)
    await order.start(BEN, "ben")
    order.tasks[given_up].cancel()
    order.turns.release()

    assert sorted(map(str, await order.end())) == sorted([*({"0", "1", "2"} - {str(given_up)}), "ben"])
    await order.turns.acquire()  # it is free again


async def test_a_turn_that_came_as_its_task_was_cancelled_goes_on_to_the_next(order):
    await order.start(ADA, "ada")
    await order.start(BEN, "ben")
    order.turns.release()
    order.tasks[0].cancel()

    assert await order.end() == ["ben"]
