from __future__ import annotations

import contextlib
import dataclasses

import pytest
from sqlalchemy import event, func, select, update

from bot.errors import NotYours, StorageUnavailable, Unsealable
from bot.secret import MetadataKey, SecretKey
from bot.storage.button_contexts import METADATA, REVEAL_PAGE, SECRET, ButtonContexts, NewButtonContext
from bot.storage.engine.database import Database, now
from bot.storage.tables import button_contexts as table
from bot.storage.tables import new_id
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
NEW = NewButtonContext(METADATA, HOST, MetadataKey("metadata-key"), data={"name": "ä “x”", "page": "2"})


@pytest.fixture
def button_contexts(database, sealer) -> ButtonContexts:
    return ButtonContexts(database, sealer)


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def test_what_was_kept_is_found_by_its_owner(button_contexts, ada):
    (ref,) = await button_contexts.keep(ada, NEW)

    found = await button_contexts.find(ada, METADATA, ref)

    assert (found.kind, found.host, found.account_id, found.person) == (METADATA, HOST, None, ada)
    assert found.key == MetadataKey("metadata-key")
    assert found.data == {"name": "ä “x”", "page": "2"}


async def test_a_handle_without_key_and_facts_has_none(button_contexts, ada):
    (ref,) = await button_contexts.keep(ada, NewButtonContext(REVEAL_PAGE, "-", None))

    found = await button_contexts.find(ada, REVEAL_PAGE, ref)

    assert (found.key, found.data) == (None, {})


async def test_many_are_kept_in_order_in_one_transaction(button_contexts, database, ada):
    transactions: list[str] = []
    event.listen(database._engine.sync_engine, "commit", transactions.append)

    refs = await button_contexts.keep(ada, *(dataclasses.replace(NEW, data={"n": str(n)}) for n in range(30)))

    assert len(transactions) == 1
    assert [(await button_contexts.find(ada, METADATA, ref)).data["n"] for ref in refs] == [str(n) for n in range(30)]


async def test_keeping_nothing_is_nothing(button_contexts, ada):
    assert await button_contexts.keep(ada) == []


async def test_all_are_kept_or_none(button_contexts, database, ada):
    with pytest.raises(StorageUnavailable):
        await button_contexts.keep(ada, NEW, NewButtonContext(METADATA, HOST, MetadataKey("key"), account_id=new_id()))

    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_a_handle_is_its_owners_alone(button_contexts, ada, ben):
    (ref,) = await button_contexts.keep(ada, NEW)
    others = [ben, dataclasses.replace(ada, team_id="T2"), dataclasses.replace(ada, enterprise_id="E1")]

    for other in others:
        with pytest.raises(NotYours):
            await button_contexts.find(other, METADATA, ref)


async def test_a_handle_of_another_kind_is_not_found(button_contexts, ada):
    (ref,) = await button_contexts.keep(ada, NEW)

    with pytest.raises(NotYours):
        await button_contexts.find(ada, SECRET, ref)


async def test_an_expired_handle_is_not_found(button_contexts, database, ada):
    (ref,) = await button_contexts.keep(ada, NEW)

    await set_all(database, expires_at=now)

    with pytest.raises(NotYours):
        await button_contexts.find(ada, METADATA, ref)


async def test_a_handle_lives_a_day_unless_told_otherwise(database, sealer, ada):
    (day,) = await ButtonContexts(database, sealer).keep(ada, NEW)
    (minute,) = await ButtonContexts(database, sealer, ttl=60).keep(ada, NEW)

    async with database.reading() as connection:
        rows = await connection.execute(select(table.c.id, table.c.expires_at - table.c.created_at))
        lives = {row[0]: row[1] for row in rows}

    assert lives == {day: pytest.approx(86_400, abs=1), minute: pytest.approx(60, abs=1)}


@SLOW_TWIN
@pytest.mark.parametrize("what", ["unknown", "not an id", "a list", "somebody else's", "expired", "found"])
async def test_every_answer_takes_the_same_one_query(button_contexts, database, ada, ben, what):
    (ref,) = await button_contexts.keep(ada, NEW)
    if what == "expired":
        await set_all(database, expires_at=0)
    asked = {"unknown": new_id(), "not an id": "' OR 1=1--", "a list": [ref]}.get(what, ref)
    statements: list[str] = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    with contextlib.nullcontext() if what == "found" else pytest.raises(NotYours, match=r"^NotYours$"):
        await button_contexts.find(ben if what == "somebody else's" else ada, METADATA, asked)

    queries = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(queries) == 1
    assert all(f"button_contexts.{name} = " in queries[0] for name in ("id", "enterprise_id", "team_id", "user_id"))


async def test_a_row_copied_to_another_person_does_not_open(button_contexts, database, ada, ben):
    (ref,) = await button_contexts.keep(ada, NEW)

    await set_all(database, user_id=ben.user_id)

    with pytest.raises(Unsealable):
        await button_contexts.find(ben, METADATA, ref)


async def test_a_row_moved_to_another_host_does_not_open(button_contexts, database, ada):
    (ref,) = await button_contexts.keep(ada, NEW)

    await set_all(database, host="https://evil.example")

    with pytest.raises(Unsealable):
        await button_contexts.find(ada, METADATA, ref)


async def test_a_key_stored_as_facts_does_not_open(button_contexts, database, ada):
    (ref,) = await button_contexts.keep(ada, NEW)

    await set_all(database, data=table.c.key)

    with pytest.raises(Unsealable):
        await button_contexts.find(ada, METADATA, ref)


@pytest.mark.parametrize(
    ("kind", "name"), [(REVEAL_PAGE, "metadata"), (METADATA, "page")], ids=["a key too many", "no key"]
)
async def test_a_row_has_a_key_exactly_if_its_kind_has_one(button_contexts, database, ada, kind, name):
    new = NEW if name == "metadata" else NewButtonContext(REVEAL_PAGE, HOST, None)
    (ref,) = await button_contexts.keep(ada, new)

    await set_all(database, kind=kind.name)

    with pytest.raises(Unsealable):
        await button_contexts.find(ada, kind, ref)


async def test_purging_deletes_what_expired_and_nothing_else(button_contexts, database, ada):
    await button_contexts.keep(ada, NEW, NEW)
    await set_all(database, expires_at=0)
    (fresh,) = await button_contexts.keep(ada, NEW)

    assert await button_contexts.purge() == 2

    async with database.reading() as connection:
        assert (await connection.execute(select(table.c.id))).scalars().all() == [fresh]


async def test_a_context_shows_no_key(button_contexts, ada):
    (ref,) = await button_contexts.keep(ada, NewButtonContext(SECRET, HOST, SecretKey("secret-key-xyz")))

    assert "xyz" not in repr(await button_contexts.find(ada, SECRET, ref))
