"""Which hosts are due: one question for all pollers, and an answer that is never old."""

import asyncio

import pytest

from bot.watch.due_hosts import FRESH_FOR, DueHosts

EU, CA = "https://eu.onetimesecret.com", "https://ca.onetimesecret.com"


class Storage:
    def __init__(self):
        self.now = 0.0
        self.asked = 0
        self.due = {EU}

    async def due_hosts(self):
        await asyncio.sleep(0)
        self.asked += 1
        return set(self.due)


async def test_one_question_serves_all_pollers():
    storage = Storage()
    hosts = DueHosts(storage.due_hosts, lambda: storage.now)

    answers = await asyncio.gather(*(hosts.include(one) for one in (EU, CA, EU)))

    assert answers == [True, False, True]
    assert storage.asked == 1


async def test_the_answer_is_asked_for_again():
    storage = Storage()
    hosts = DueHosts(storage.due_hosts, lambda: storage.now)
    assert not await hosts.include(CA)
    storage.due = {CA}

    assert not await hosts.include(CA)
    storage.now = FRESH_FOR

    assert await hosts.include(CA)
    assert not await hosts.include(EU)


async def test_a_question_that_failed_is_asked_again_at_once():
    storage, failing = Storage(), [ConnectionError("away")]

    async def ask():
        if failing:
            raise failing.pop()
        return await storage.due_hosts()

    hosts = DueHosts(ask, lambda: storage.now)
    with pytest.raises(ConnectionError, match="away"):
        await hosts.include(EU)

    assert await hosts.include(EU)
