from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, select, text

from bot.errors import CannotStart
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import METADATA, REVEAL_PAGE, ButtonContexts, NewButtonContext
from bot.storage.engine.database import Database
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.key_checks import CONSTANT, _leave_check, check_keys, keys_open
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Binding, Sealer
from bot.storage.tables import metadata, new_id
from tests.support.without_data_keys import seal_without_data_keys

HOST = "https://eu.onetimesecret.com"
K1, K2 = generate_line("k1").reveal(), generate_line("k2").reveal()


def with_keys(*lines: str) -> Sealer:
    return Sealer(KeyRing.read("\n".join(lines)))


async def everything(db: Database) -> dict[str, Any]:
    """All rows of all tables."""
    async with db.reading() as connection:
        return {t.name: (await connection.execute(select(t))).all() for t in metadata.sorted_tables}


async def fill(db: Database, sealer: Sealer, ada) -> None:
    """Five sealed values: an account's two, a handle's one, a reveal's one, and the data key that sealed them."""
    await Accounts(db, sealer).connect(ada, HOST, Secret("ada@example.com"), Secret("token"))
    await ButtonContexts(db, sealer).keep(
        ada, NewButtonContext(METADATA, HOST, MetadataKey("key")), NewButtonContext(REVEAL_PAGE, "-", None)
    )
    await Reveals(db, sealer).begin(ada, new_id(), HOST, SecretKey("key"))


async def test_the_first_start_leaves_a_check_for_each_key(database):
    await check_keys(database, with_keys(K2, K1))

    assert [row.kid for row in (await everything(database))["key_checks"]] == ["k2", "k1"]


async def test_a_check_opens_under_the_names_that_it_is_bound_to_for_ever(database):
    await check_keys(database, sealer := with_keys(K1))

    ((_, sealed, *_),) = (await everything(database))["key_checks"]
    binding = Binding("key_checks", "sealed", "-", "-", "-", "-", "k1")
    assert sealer.open("key_check", binding, sealed) == CONSTANT


async def test_a_key_with_the_longest_name_is_counted_and_missed_by_name(database, ada):
    longest = generate_line("k" * 16).reveal()
    await fill(database, with_keys(longest), ada)

    await check_keys(database, with_keys(longest))
    with pytest.raises(CannotStart, match="5 sealed values need kkkkkkkkkkkkkkkk"):
        await check_keys(database, with_keys(K1))


async def test_a_second_start_changes_nothing(database, ada):
    sealer = with_keys(K1)
    await check_keys(database, sealer)
    await fill(database, sealer, ada)
    before = await everything(database)
    written: list[str] = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_rest):
        written.append(statement)

    await check_keys(database, sealer)

    assert not [statement for statement in written if "INSERT" in statement]
    assert await everything(database) == before


async def test_many_starts_at_once_agree(database):
    sealer = with_keys(K1)

    await asyncio.gather(*(check_keys(database, sealer) for _ in range(5)))

    assert len((await everything(database))["key_checks"]) == 1


async def test_without_a_key_nothing_starts_and_none_is_made(database):
    with pytest.raises(CannotStart, match=r"python -m bot keys generate"):
        await check_keys(database, None)

    assert (await everything(database))["key_checks"] == []


async def test_without_a_key_and_with_rows_the_missing_key_is_named_instead(database, ada):
    await fill(database, with_keys(K1), ada)

    with pytest.raises(CannotStart, match=r"5 sealed values need k1") as refused:
        await check_keys(database, None)

    assert "generate" not in str(refused.value)


async def test_another_key_of_the_same_name_is_found_at_the_start(database, ada):
    right, wrong = with_keys(K1), with_keys(generate_line("k1").reveal())
    await check_keys(database, right)
    await fill(database, right, ada)
    before = await everything(database)

    with pytest.raises(CannotStart, match=r"k1 is not the k1 .* 5 sealed values need it"):
        await check_keys(database, wrong)

    assert await everything(database) == before
    await check_keys(database, right)


async def test_another_key_of_the_same_name_is_found_before_there_are_rows(database):
    await check_keys(database, with_keys(K1))

    with pytest.raises(CannotStart, match="k1 is not the k1"):
        await check_keys(database, with_keys(generate_line("k1").reveal()))


async def test_of_two_first_starts_with_different_keys_of_one_name_the_later_is_refused(database):
    """The later one has found no check, and then finds the other's."""
    await _leave_check(database, with_keys(K1), "k1")

    with pytest.raises(CannotStart, match=r"k1 is not the k1 .* 0 sealed values need it"):
        await _leave_check(database, with_keys(generate_line("k1").reveal()), "k1")

    await check_keys(database, with_keys(K1))


async def test_whether_the_primary_key_still_opens_can_be_asked_at_any_time(database):
    assert not await keys_open(database, with_keys(K1))

    await check_keys(database, with_keys(K1, K2))

    assert await keys_open(database, with_keys(K1))
    assert await keys_open(database, with_keys(K2, K1))
    assert not await keys_open(database, with_keys(generate_line("k1").reveal()))


async def test_a_key_that_rows_need_is_missed_by_name_and_number(database, ada):
    old = with_keys(K1)
    await check_keys(database, old)
    await fill(database, old, ada)
    before = await everything(database)

    with pytest.raises(CannotStart, match=r"5 sealed values need k1\. Restore the key file"):
        await check_keys(database, with_keys(K2))

    assert await everything(database) == before
    await check_keys(database, with_keys(K2, K1))


async def test_one_missing_value_is_counted_as_one(database, ada):
    await seal_without_data_keys(database)
    await ButtonContexts(database, with_keys(K1)).keep(ada, NewButtonContext(METADATA, HOST, MetadataKey("key")))

    with pytest.raises(CannotStart, match="1 sealed value needs k1"):
        await check_keys(database, with_keys(K2))


async def test_a_key_that_no_row_needs_any_more_may_go(database):
    await check_keys(database, with_keys(K1))

    await check_keys(database, with_keys(K2))


async def test_values_of_an_unknown_format_are_counted_and_kept(database, ada):
    await fill(database, with_keys(K1), ada)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE accounts SET token = :new"), {"new": b"O3\x02k1 of the future"})
    before = await everything(database)

    with pytest.raises(CannotStart, match=r"1 sealed value needs \(unknown format\)"):
        await check_keys(database, with_keys(K1))

    assert await everything(database) == before
