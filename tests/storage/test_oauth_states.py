"""The states of installations: each works once, within its time, and the table holds none that could be used."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from bot.errors import LimitReached
from bot.storage import oauth_states as module
from bot.storage.engine.database import now
from bot.storage.oauth_states import OAuthStates
from bot.storage.tables import oauth_states


async def test_each_state_works_once_and_takes_no_other_with_it(database):
    states = OAuthStates(database)
    first, second = [await states.issue() for _ in range(2)]

    assert not await states.consume("forged")
    assert [await states.consume(one) for one in (first, first, second, second)] == [True, False, True, False]


async def test_a_state_is_over_after_its_time(database):
    states = OAuthStates(database)
    state = await states.issue()
    async with database.writing() as connection:
        await connection.execute(update(oauth_states).values(expires_at=now - 1))

    assert not await states.consume(state)
    await states.issue()
    async with database.reading() as connection:
        assert len((await connection.execute(select(oauth_states))).all()) == 1  # what is over is deleted


async def test_what_is_stored_is_no_state(database):
    state = await OAuthStates(database).issue()
    async with database.reading() as connection:
        stored = (await connection.execute(select(oauth_states.c.digest))).scalar_one()

    assert state.encode() not in stored
    assert not await OAuthStates(database).consume(stored.hex())


async def test_nobody_fills_the_table(database, monkeypatch):
    monkeypatch.setattr(module, "MAX_STATES", 3)
    async with database.writing() as connection:
        rows = [{"digest": bytes([n]) * 32} for n in range(3)]
        await connection.execute(insert(oauth_states).values(expires_at=now + 60), rows)

    with pytest.raises(LimitReached):
        await OAuthStates(database).issue()
