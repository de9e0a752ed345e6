"""Each act is carried out once among all processes, and whoever got no answer is found."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy import update

from bot.person import Person
from bot.storage.acts import DAY, KEPT, MAX_DURATION, Act, Acts, act_key
from bot.storage.engine.database import Database, clock, now
from bot.storage.tables import acts as table

ACT = Act(act_key("trigger:1"), Person(None, "T1", "U1"), "T1", "form", "request", None, "V1")
EVENT = dataclasses.replace(ACT, key=act_key("event:1"), kind="event", name="app_home_opened", is_event=True)


@pytest.fixture
def acts(database) -> Acts:
    return Acts(database)


async def age(database: Database, seconds: float) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(started_at=now - seconds))


async def test_of_many_processes_one_carries_out_an_act(url):
    pools = [Database.open(url) for _ in range(4)]

    begun = await asyncio.gather(*(Acts(pool).begin(ACT) for pool in pools))

    assert sorted(begun) == [False, False, False, True]
    for pool in pools:
        await pool.close()


async def test_an_act_that_has_its_answer_is_not_carried_out_again(acts, database):
    assert await acts.begin(ACT)
    await acts.end(ACT.key)

    assert not await Acts(database).begin(ACT)


async def test_an_event_whose_process_died_is_carried_out_again_and_then_no_more(acts, database):
    """Slack delivers it again, and nobody would press a button again."""
    assert await acts.begin(EVENT)
    assert not await acts.begin(EVENT)  # under way here
    after_a_crash = Acts(database)

    assert await after_a_crash.begin(EVENT)
    await after_a_crash.end(EVENT.key)

    assert not await Acts(database).begin(EVENT)


async def test_an_act_without_an_answer_is_found_unless_it_is_under_way_or_an_event(acts, database):
    for act in (ACT, EVENT):
        await acts.begin(act)
    await age(database, 60)

    assert await acts.unanswered(30) == []
    assert await Acts(database).unanswered(90) == []
    assert await Acts(database).unanswered(30) == [ACT]
    acts.leave(ACT.key)
    assert await acts.unanswered(30) == [ACT]
    await acts.end(ACT.key)
    assert await acts.unanswered(30) == []


async def test_the_first_act_of_a_person_that_has_no_answer_yet_is_known_to_every_process(acts, database):
    elsewhere = Acts(database)
    assert await elsewhere.first_under_way(ACT.person) is None
    await acts.begin(EVENT)
    await acts.begin(dataclasses.replace(ACT, key=act_key("trigger:0"), person=Person(None, "T2", "U1")))
    assert await elsewhere.first_under_way(ACT.person) is None

    await acts.begin(ACT)
    await age(database, 60)
    later = dataclasses.replace(ACT, key=act_key("trigger:2"))
    await acts.begin(later)

    async with database.reading() as connection:
        moment = await clock(connection)
    first = await elsewhere.first_under_way(ACT.person)
    assert first == pytest.approx(moment - 60, abs=30)
    await acts.end(ACT.key)
    second = await elsewhere.first_under_way(ACT.person)
    assert first is not None
    assert second is not None
    assert second > first
    await acts.end(later.key)
    assert await elsewhere.first_under_way(ACT.person) is None


async def test_an_act_that_took_too_long_is_not_under_way_any_more(acts, database):
    await acts.begin(ACT)
    await age(database, MAX_DURATION - 30)
    assert await acts.first_under_way(ACT.person) is not None

    await age(database, MAX_DURATION + 30)
    assert await acts.first_under_way(ACT.person) is None


async def test_a_window_that_shows_a_secret_stays_known_as_such(acts, database):
    await acts.begin(ACT)
    await acts.mark_window(ACT.key, "secret")
    await acts.mark_window(ACT.key, "placeholder")

    assert [act.window for act in await Acts(database).unanswered(0)] == ["secret"]


async def test_what_happened_later_in_the_same_window_of_the_same_person_is_found_in_order(acts):
    opening = dataclasses.replace(ACT, key=act_key("trigger:0"), kind="command")
    second = dataclasses.replace(ACT, key=act_key("trigger:2"))
    elsewhere = dataclasses.replace(ACT, key=act_key("trigger:3"), view_id="V2")
    somebody_else = dataclasses.replace(ACT, key=act_key("trigger:4"), person=Person(None, "T1", "U2"))
    for act in (opening, ACT, second, elsewhere, somebody_else):
        await acts.begin(act)

    assert await acts.later_in_window(opening) == [ACT, second]
    assert await acts.later_in_window(second) == []


async def test_old_acts_are_deleted(acts, database):
    await acts.begin(ACT)
    await age(database, KEPT + 1)
    assert await acts.purge() == 0
    await acts.end(ACT.key)
    assert await acts.purge() == 1

    await acts.begin(ACT)
    await age(database, DAY + 1)
    assert await acts.purge() == 1
