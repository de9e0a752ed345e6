"""Limits are counted for each person, by all processes alike, and say when they are over."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy import func, select, update

from bot.errors import LimitReached
from bot.interaction.card_queue import MAX_CALLS, PERIOD
from bot.interaction.limits import Limits
from bot.policy.decide import Layers, acting
from bot.policy.rules import Policy
from bot.storage.engine.database import Database, now
from bot.storage.limits import DAY, HOUR, Limit, LimitUses
from bot.storage.tables import limit_uses

THREE = Limit("share", 3, HOUR)


@pytest.fixture
def limits(database) -> LimitUses:
    return LimitUses(database)


async def age(database: Database, seconds: float) -> None:
    """Make all that was counted so much older."""
    async with database.writing() as connection:
        await connection.execute(update(limit_uses).values(at=limit_uses.c.at - seconds))


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(limit_uses)) or 0


async def test_so_many_are_let_through_and_not_one_more(limits, database, ada):
    for _ in range(3):
        await limits.consume(ada, THREE)

    with pytest.raises(LimitReached):
        await limits.consume(ada, THREE)

    assert await count(database) == 3


async def test_the_limit_is_each_persons_own(limits, ada, ben):
    others = [ben, dataclasses.replace(ada, team_id="T2"), dataclasses.replace(ada, enterprise_id="E1")]
    for _ in range(3):
        await limits.consume(ada, THREE)

    for other in others:
        await limits.consume(other, THREE)


async def test_what_is_given_back_is_one_use_and_nobody_elses(limits, database, ada, ben):
    for person in (ada, ben):
        for key in ("one", "two"):
            await limits.consume(person, THREE, idempotency_key=key)

    await limits.give_back(ada, "one")

    async with database.reading() as connection:
        left = (await connection.execute(select(limit_uses.c.user_id, limit_uses.c.idempotency_key))).all()
    assert sorted(left) == sorted([(ada.user_id, "two"), (ben.user_id, "one"), (ben.user_id, "two")])


async def test_what_is_of_another_kind_does_not_count(limits, ada):
    for _ in range(3):
        await limits.consume(ada, THREE)

    await limits.consume(ada, dataclasses.replace(THREE, kind="open"))


async def test_it_says_how_long_to_wait_until_the_oldest_use_leaves_the_window(limits, database, ada):
    for gone in (3400 - 3300, 3300, 0):
        await limits.consume(ada, THREE)
        await age(database, gone)

    with pytest.raises(LimitReached, match="share") as refused:
        await limits.consume(ada, THREE)

    assert refused.value.kind == "share"
    assert refused.value.wait == pytest.approx(HOUR - 3400, abs=2)


async def test_the_window_slides(limits, database, ada):
    await limits.consume(ada, THREE)
    await age(database, HOUR - 5)
    for _ in range(2):
        await limits.consume(ada, THREE)
    await age(database, 6)

    await limits.consume(ada, THREE)
    with pytest.raises(LimitReached):
        await limits.consume(ada, THREE)


async def test_of_several_limits_all_are_counted_or_none(limits, database, ada):
    one = Limit("request:U1", 1, DAY)
    await limits.consume(ada, THREE, one)

    with pytest.raises(LimitReached, match="request:U1"):
        await limits.consume(ada, THREE, one)

    assert await count(database) == 2


async def test_the_same_act_counts_once_and_is_let_through_again(limits, database, ada):
    for _ in range(5):
        await limits.consume(ada, THREE, idempotency_key="V1")
    assert await count(database) == 1
    await limits.consume(ada, THREE, idempotency_key="V2")
    await limits.consume(ada, THREE, idempotency_key="V3")

    await limits.consume(ada, THREE, idempotency_key="V1")

    with pytest.raises(LimitReached):
        await limits.consume(ada, THREE, idempotency_key="V4")


async def test_the_same_act_of_somebody_else_is_another(limits, database, ada, ben):
    await limits.consume(ada, THREE, idempotency_key="V1")

    await limits.consume(ben, THREE, idempotency_key="V1")

    assert await count(database) == 2


async def test_many_at_once_in_several_processes_do_not_get_past_it(database, url, ada):
    others = [Database.open(url) for _ in range(3)]

    async def take(number: int) -> bool:
        try:
            await LimitUses(others[number % 3]).consume(ada, THREE)
        except LimitReached:
            return False
        return True

    try:
        got = await asyncio.gather(*map(take, range(12)))
    finally:
        for other in others:
            await other.close()

    assert sum(got) == 3
    assert await count(database) == 3


async def test_the_same_key_of_another_kind_is_another_use(limits, database, ada):
    await limits.consume(ada, THREE, idempotency_key="one")
    await limits.consume(ada, Limit("open", 3, HOUR), idempotency_key="one")
    await limits.consume(ada, THREE, idempotency_key="one")

    assert await count(database) == 2


async def test_purging_forgets_what_does_not_count_any_more_and_nothing_else(limits, database, ada):
    await limits.consume(ada, THREE)
    await age(database, DAY + 1)
    await limits.consume(ada, THREE)

    assert await limits.purge() == 1

    async with database.reading() as connection:
        assert (await connection.execute(select(limit_uses.c.at > now - 60))).scalars().all() == [True]


async def test_uses_of_a_clock_that_was_ahead_do_not_lock_anybody_out(limits, database, ada):
    for _ in range(3):
        await limits.consume(ada, THREE)
    await age(database, -7_200)

    await limits.consume(ada, THREE)


async def test_all_processes_together_make_no_more_calls_for_cards_than_slack_takes(database):
    one, other = Limits(LimitUses(database)), Limits(LimitUses(database))

    waits = [await process.count_card_call("T1") for process in (one, other) * (MAX_CALLS // 2)]

    assert waits == [0.0] * MAX_CALLS
    assert 0 < await one.count_card_call("T1") <= PERIOD
    assert 0 < await other.count_card_call("T1") <= PERIOD


@pytest.mark.parametrize("idempotency_key", ["the act", None])
async def test_what_the_limit_of_the_workspace_refuses_is_not_counted_for_the_person(
    database, ada, ben, idempotency_key
):
    limits = Limits(LimitUses(database), shares_per_hour=2)
    token = acting.set(Layers(workspace=Policy(workspace_shares_per_hour=1)))
    await limits.consume(ben, limits.share)

    with pytest.raises(LimitReached):
        await limits.consume(ada, limits.share, idempotency_key=idempotency_key)

    acting.reset(token)
    for _ in range(2):
        await limits.consume(ada, limits.share)
