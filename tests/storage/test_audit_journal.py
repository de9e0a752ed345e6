"""The audit is written in batches: nothing waits for it, and what waits is written when the process ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot.errors import StorageUnavailable
from bot.secret import MetadataKey, SecretKey
from bot.storage.audit import journal
from bot.storage.audit.journal import Audit
from bot.storage.audit.store import AuditStore
from bot.storage.tables import audit_entries

HOST = "https://eu.onetimesecret.com"
ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


class Batches(AuditStore):
    """Counts the batches, and keeps what each entry was about; `fails` of them first."""

    sizes: list[int]
    refs: list[str | None]
    fails = 0

    def __init__(self, *given):
        super().__init__(*given)
        self.sizes, self.refs = [], []

    async def write(self, entries):
        if self.fails:
            self.fails -= 1
            raise StorageUnavailable("busy")
        self.sizes.append(len(entries))
        self.refs += [entry.ref for entry in entries]
        await super().write(entries)


@pytest.fixture
def store(database, sealer):
    return Batches(database, sealer)


@pytest.fixture
def audit(store, sealer):
    return Audit(store, sealer)


async def stored(database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(audit_entries)) or 0


@ON_SQLITE
async def test_entries_of_a_second_go_into_one_batch(audit, store, database, ada, monkeypatch):
    monkeypatch.setattr(journal, "WRITE_DELAY", 0.1)
    async with audit.writing():
        for _ in range(20):
            audit.note(ada, "burn", "done")
        assert await stored(database) == 0
        await asyncio.sleep(0.5)

        assert (store.sizes, await stored(database)) == ([20], 20)


@ON_SQLITE
async def test_a_hundred_entries_do_not_wait(audit, store, database, ada, monkeypatch):
    monkeypatch.setattr(journal, "WRITE_DELAY", 60.0)
    async with audit.writing():
        for _ in range(100):
            audit.note(ada, "burn", "done")
        async with asyncio.timeout(10):
            while await stored(database) < 100:  # noqa: ASYNC110 - nothing reports it
                await asyncio.sleep(0.01)

    assert store.sizes == [100]


@ON_SQLITE
async def test_more_than_a_batch_is_written_in_order_and_once_each(audit, store, database, ada):
    refs = [str(number) for number in range(250)]
    for ref in refs:
        audit.note(ada, "burn", "done", ref=ref)

    await audit.flush()

    assert (store.sizes, await stored(database)) == ([100, 100, 50], 250)
    assert store.refs == refs


@ON_SQLITE
async def test_two_who_write_at_once_write_nothing_twice(audit, store, database, ada):
    for _ in range(20):
        audit.note(ada, "burn", "done")

    await asyncio.gather(audit.flush(), audit.flush())

    assert (store.sizes, await stored(database)) == ([20], 20)


@ON_SQLITE
async def test_what_waits_is_written_at_the_end(audit, database, ada, monkeypatch):
    monkeypatch.setattr(journal, "WRITE_DELAY", 60.0)
    async with audit.writing():
        audit.note(ada, "burn", "done")
        await asyncio.sleep(0)

    assert await stored(database) == 1


@ON_SQLITE
async def test_what_the_database_did_not_take_at_the_end_is_tried_once_more(audit, store, database, ada, monkeypatch):
    monkeypatch.setattr(journal, "WRITE_DELAY", 60.0)
    store.fails = 1
    async with audit.writing():
        audit.note(ada, "burn", "done")
        await asyncio.sleep(0)

    assert await stored(database) == 1


@ON_SQLITE
async def test_what_the_database_did_not_take_is_written_later_once_each(audit, store, database, ada, monkeypatch):
    monkeypatch.setattr(journal, "WRITE_DELAY", 0.02)
    store.fails = 3
    async with audit.writing():
        for _ in range(150):
            audit.note(ada, "burn", "done")
        await asyncio.sleep(1)

        assert (store.sizes, await stored(database)) == ([100, 50], 150)


@ON_SQLITE
async def test_while_the_database_takes_none_memory_is_bounded(audit, store, ada, monkeypatch, caplog):
    monkeypatch.setattr(journal, "MAX_WAITING", 10)
    for _ in range(25):
        audit.note(ada, "burn", "done")

    await audit.flush()

    assert store.sizes == [10]
    assert "audit_entries_lost" in [record.message for record in caplog.records]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_an_id_that_has_no_room_keeps_no_other_entry_back(audit, database, ada):
    for person in (replace(ada, user_id="U" * 33), replace(ada, team_id="T" * 33), replace(ada, team_id=""), ada):
        audit.note(person, "burn", "refused")

    await audit.flush()

    assert await stored(database) == 1


@ON_SQLITE
async def test_without_retention_nothing_is_noted(database, sealer, ada):
    off = Audit(None, sealer)
    async with off.writing():
        off.note(ada, "burn", "done")

    assert await stored(database) == 0


@ON_SQLITE
async def test_a_secret_has_one_hash_in_a_workspace_and_none_that_could_be_guessed(audit, sealer, ada, ben):
    said = audit.hash_secret(ada, HOST, MetadataKey("the key"))

    assert said == audit.hash_secret(ben, HOST, SecretKey("the key"))
    others = {
        audit.hash_secret(ada, HOST, MetadataKey("another")),
        audit.hash_secret(ada, "https://us.onetimesecret.com", MetadataKey("the key")),
        audit.hash_secret(type(ada)(None, "T0000002", ada.user_id), HOST, MetadataKey("the key")),
        f"k1:{sealer.blind_index(HOST, MetadataKey('the key')).hex()}",
    }
    assert said not in others
    assert len(others) == 4
