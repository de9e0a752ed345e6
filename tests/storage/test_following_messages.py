"""Messages that are true only while a secret can be opened are found when that is over, and not before."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import Secret, SecretKey
from bot.storage.following_messages import FollowingMessages
from bot.storage.reveals.store import Reveals
from bot.storage.tables import following_messages as table
from bot.storage.tables import new_id

HOST = "https://eu.onetimesecret.com"
KEY = SecretKey("the secret key")
MESSAGE, OTHER = (MessageRef("T0000001", "D1", ts) for ts in ("1.0", "2.0"))


@pytest.fixture
def messages(database) -> FollowingMessages:
    return FollowingMessages(database)


@pytest.fixture
def reveals(database, sealer) -> Reveals:
    return Reveals(database, sealer)


async def interrupted(reveals: Reveals, person: Person, key: SecretKey = KEY, *, delivery_id: str | None = None) -> str:
    """A reveal whose outcome nobody knows. Returns its id."""
    ref = new_id()
    await reveals.begin(person, ref, HOST, key)
    assert await reveals.reserve(ref)
    assert await reveals.claim(ref)
    await reveals.release(ref, outcome_unknown=True)
    return ref


async def show(reveals: Reveals, person: Person, key: SecretKey = KEY) -> None:
    ref = new_id()
    await reveals.begin(person, ref, HOST, key)
    assert await reveals.claim(ref)
    await reveals.keep(await reveals.find(person, ref), Secret("the text"))
    await reveals.mark_shown(ref)


async def outdated(messages: FollowingMessages) -> list[MessageRef]:
    return [one.message for one in await messages.outdated_of_reveals()]


async def test_the_same_message_twice_is_one_row_and_tells_the_latest(messages, database, reveals, ada):
    first, second = await interrupted(reveals, ada), await interrupted(reveals, ada, SecretKey("another"))
    await messages.add("may_be_opened", first, MESSAGE, ada)
    await messages.add("may_be_opened", second, MESSAGE, ada)
    await messages.add("may_be_opened", first, OTHER, ada)

    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(table)) == 2
    found = await messages.find_unknown_outcome(second)
    assert found is not None
    assert found.message == MESSAGE


async def test_try_again_is_outdated_once_a_later_try_of_the_same_person_has_shown_the_secret(
    messages, reveals, ada, ben
):
    await messages.add("may_be_opened", await interrupted(reveals, ada), MESSAGE, ada)
    await show(reveals, ben)
    await show(reveals, ada, SecretKey("another"))
    assert await outdated(messages) == []

    await show(reveals, ada)

    assert await outdated(messages) == [MESSAGE]


async def test_show_again_waits_for_its_own_secret_alone(messages, reveals, ada):
    ref = new_id()
    await reveals.begin(ada, ref, HOST, KEY)
    assert await reveals.claim(ref)
    await reveals.keep(await reveals.find(ada, ref), Secret("the text"))
    await messages.add("show_again", ref, MESSAGE, ada)
    await show(reveals, ada)
    assert await outdated(messages) == []

    await reveals.mark_shown(ref)

    assert await outdated(messages) == [MESSAGE]


async def test_the_message_of_an_unknown_outcome_is_found_by_any_try_of_the_same_person(messages, reveals, ada, ben):
    await messages.add("may_be_opened", await interrupted(reveals, ada), MESSAGE, ada)
    again, of_ben, another = (
        await interrupted(reveals, ada), await interrupted(reveals, ben), await interrupted(reveals, ada, SecretKey("x"))
    )  # fmt: skip

    found = await messages.find_unknown_outcome(again)
    assert found is not None
    assert (found.message, found.reader) == (MESSAGE, ada)
    assert await messages.find_unknown_outcome(of_ben) is None
    assert await messages.find_unknown_outcome(another) is None
