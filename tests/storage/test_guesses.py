"""Guesses of a passphrase by burning: one count with those by opening, for each person and secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from bot.errors import LimitReached
from bot.secret import MetadataKey, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.reveals.guesses import Guesses
from bot.storage.reveals.rows import MAX_WRONG_TRIES
from bot.storage.reveals.store import Reveals
from bot.storage.tables import new_id
from bot.storage.tables import reveals as table

HOST = "https://eu.onetimesecret.com"
KEY, ANOTHER_KEY = SecretKey("secret-key-of-ada"), MetadataKey("metadata-key-of-ada")


@pytest.fixture
def guesses(database, sealer) -> Guesses:
    return Guesses(database, sealer)


@pytest.fixture
def reveals(database, sealer) -> Reveals:
    return Reveals(database, sealer)


@pytest.fixture
async def others(url, sealer) -> AsyncIterator[list[Guesses]]:
    """Of two processes."""
    pools = [Database.open(url) for _ in range(2)]
    yield [Guesses(pool, sealer) for pool in pools]
    for pool in pools:
        await pool.close()


async def guess(guesses, person, key=KEY, *, with_passphrase=True):
    return await guesses.begin(person, HOST, guesses.names_of(HOST, key), with_passphrase=with_passphrase)


async def is_allowed(guesses, person, key=KEY) -> bool:
    try:
        await guess(guesses, person, key)
    except LimitReached:
        return False
    return True


async def test_of_thirty_guesses_at_once_at_two_processes_five_are_allowed(others, ada):
    allowed = await asyncio.gather(*(is_allowed(others[number % 2], ada) for number in range(30)))

    assert sum(allowed) == MAX_WRONG_TRIES


async def test_each_person_and_each_secret_has_a_count_of_its_own(guesses, ada, ben):
    while await is_allowed(guesses, ada):
        pass

    assert await is_allowed(guesses, ben)
    assert await is_allowed(guesses, ada, ANOTHER_KEY)


async def test_an_hour_later_the_count_begins_anew(guesses, database, ada):
    while await is_allowed(guesses, ada):
        pass
    async with database.writing() as connection:
        await connection.execute(update(table).values(expires_at=now))

    assert (await guess(guesses, ada)).tries == 1


async def test_what_is_given_back_is_not_counted(guesses, ada):
    await guess(guesses, ada)
    for _ in range(MAX_WRONG_TRIES):
        await guesses.give_back(await guess(guesses, ada))

    assert (await guess(guesses, ada)).tries == 2


async def test_only_the_first_without_a_passphrase_is_free(guesses, ada):
    tries = [(await guess(guesses, ada, with_passphrase=False)).tries for _ in range(MAX_WRONG_TRIES + 1)]

    assert tries == [*range(MAX_WRONG_TRIES + 1)]
    assert not await is_allowed(guesses, ada)


async def test_windows_that_are_open_have_the_same_count(guesses, reveals, ada):
    ref = new_id()
    await reveals.begin(ada, ref, HOST, KEY)
    while await is_allowed(guesses, ada):
        pass

    assert not await reveals.claim(ref)
    assert (await reveals.find(ada, ref)).state == "over"
    assert await reveals.begin(ada, new_id(), HOST, KEY) == MAX_WRONG_TRIES


async def test_a_try_to_open_that_is_under_way_counts(guesses, reveals, ada):
    ref = new_id()
    await reveals.begin(ada, ref, HOST, KEY)
    assert await reveals.claim(ref)
    allowed = [await is_allowed(guesses, ada) for _ in range(MAX_WRONG_TRIES)]

    assert allowed == [True] * (MAX_WRONG_TRIES - 1) + [False]
    assert await reveals.release(ref, tried="passphrase") == MAX_WRONG_TRIES
