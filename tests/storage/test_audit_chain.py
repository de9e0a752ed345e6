"""The chains of the audit: what was changed, removed, added or moved is found, and erasing a person breaks nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.person import Person
from bot.storage.audit.chain import ChainHead
from bot.storage.audit.entry import AuditEntry, of_workspace
from bot.storage.audit.heads import count_heads, sign_heads
from bot.storage.audit.store import DAY, AuditStore
from bot.storage.audit.verify import verify_chains
from bot.storage.engine.database import Database
from bot.storage.people import PeopleRows
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import audit_chains, audit_counts, audit_entries, audit_keys

NOW = 1_800_000_000.0  # seconds since 1970
OTHER = Person("E0000001", "T0000002", "U0000ADA")


@pytest.fixture
def store(database, sealer) -> AuditStore:
    return AuditStore(database, sealer)


def entry(person: Person, act: str = "burn", at: float = NOW, **given) -> AuditEntry:
    return replace(AuditEntry(person=person, act=act, outcome="done", at=at, surface="command"), **given)


async def written(store, *people, count=3):
    """So many entries of each of these people, in turns."""
    await store.write([entry(person, at=NOW + number) for number in range(count) for person in people])


async def broken(database, sealer) -> dict[str, str]:
    """What is broken, by the team."""
    found = [report async for report in verify_chains(database, sealer)]
    return {report.workspace[1]: report.broken for report in found if report.broken is not None}


async def change(database, *statements):
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(statement)


async def rows_of(database, table=audit_entries):
    async with database.reading() as connection:
        return (await connection.execute(select(table).order_by(*table.primary_key))).all()


def numbered(sequence, team="T0000001"):
    return (audit_entries.c.sequence == sequence) & (audit_entries.c.team_id == team)


async def test_what_was_noted_is_read_back_and_its_chain_is_intact(database, sealer, store, ada, ben):
    said = entry(
        ada, name="burn_confirm", place="C0000001", ref="row", secret="k1:ab", rule="not_theirs", outcome="refused"
    )
    await store.write([entry(ben), said])
    await store.write([entry(ada)])

    latest, total = await store.latest_of(ada, 0, 10)

    assert (latest, total) == ([entry(ada), said], 2)
    assert (await store.latest_of(ada, 1, 10))[0] == [said]
    assert await broken(database, sealer) == {}


async def test_each_workspace_has_a_chain_of_its_own(database, sealer, store, ada):
    await written(store, ada, OTHER)

    assert [(row.enterprise_id, row.team_id, row.sequence) for row in await rows_of(database, audit_chains)] == [
        ("-", "T0000001", 3),
        ("E0000001", "T0000002", 3),
    ]
    assert await broken(database, sealer) == {}


async def test_who_did_it_and_what_is_not_in_clear(database, store, ada):
    await written(store, ada)

    for row in await rows_of(database):
        assert ada.user_id not in str(row)
        assert b"burn" not in row.sealed


# --- tampering


async def test_a_changed_time_key_or_content_is_found(database, sealer, store, ada, ben):
    await written(store, ada, ben)
    first, second = (await rows_of(database))[:2]

    for values in ({"at": first.at + 1}, {"key_id": second.key_id}, {"sealed": first.sealed[:-1] + b"x"}):
        await change(database, update(audit_entries).where(numbered(1)).values(**values))
        assert await broken(database, sealer) == {"T0000001": "entry 1: it was changed"}
        back = {name: getattr(first, name) for name in values}
        await change(database, update(audit_entries).where(numbered(1)).values(**back))
    assert await broken(database, sealer) == {}


async def test_a_changed_entry_is_found_whatever_else_is_computed_anew(database, sealer, store, ada, ben):
    """Commitments and links need no key, so whoever can write to the database computes them. The head needs one."""
    await written(store, ada)
    head = ChainHead.first(("-", "T0000001"))
    key = (await rows_of(database, audit_keys))[0]
    forged = AuditStore(database, sealer)
    await change(database, delete(audit_entries), delete(audit_chains))
    await forged.write([entry(ada, act="harmless", at=NOW + number) for number in range(3)])
    (made,) = await rows_of(database, audit_chains)
    await change(database, update(audit_chains).values(signature=head.signed(sealer)))

    assert key.id == (await rows_of(database, audit_keys))[0].id
    assert made.sequence == 3
    assert "its signature is wrong" in (await broken(database, sealer))["T0000001"]


async def test_a_removed_entry_is_found(database, sealer, store, ada):
    await written(store, ada, count=5)

    await change(database, delete(audit_entries).where(numbered(3)))

    assert await broken(database, sealer) == {"T0000001": "entry 3: it is missing"}


async def test_a_removed_entry_is_found_when_the_others_are_numbered_anew(database, sealer, store, ada):
    await written(store, ada, count=5)
    await change(database, delete(audit_entries).where(numbered(3)))
    for number in (4, 5):
        await change(database, update(audit_entries).where(numbered(number)).values(sequence=number - 1))

    assert await broken(database, sealer) == {
        "T0000001": "entry 5: it is missing, and the head says that it was the last one"
    }


async def test_the_first_entry_cannot_be_left_out(database, sealer, store, ada):
    await written(store, ada)
    (first, *_) = await rows_of(database)

    await change(database, delete(audit_entries).where(numbered(1)))
    assert await broken(database, sealer) == {"T0000001": "entry 1: it is missing"}

    await change(database, update(audit_chains).values(anchor_sequence=1, anchor_hash=first.hash))
    assert "its signature is wrong" in (await broken(database, sealer))["T0000001"]


async def test_an_inserted_entry_is_found(database, sealer, store, ada):
    await written(store, ada)
    last = (await rows_of(database))[-1]._asdict()

    await change(database, insert(audit_entries).values(last | {"sequence": 4}))

    assert await broken(database, sealer) == {"T0000001": "entry 4: it was added behind the head, which is entry 3"}


async def test_reordered_entries_are_found(database, sealer, store, ada):
    await written(store, ada)

    for before, after in ((1, 99), (2, 1), (99, 2)):
        await change(database, update(audit_entries).where(numbered(before)).values(sequence=after))

    assert await broken(database, sealer) == {"T0000001": "entry 1: it is not linked to the one before it"}


async def test_a_chain_that_is_cut_at_its_end_is_found(database, sealer, store, ada):
    await written(store, ada, count=5)
    (fourth,) = [row for row in await rows_of(database) if row.sequence == 4]

    await change(database, delete(audit_entries).where(numbered(5)))
    assert "entry 5: it is missing" in (await broken(database, sealer))["T0000001"]

    await change(database, update(audit_chains).values(sequence=4, hash=fourth.hash))
    assert "its signature is wrong" in (await broken(database, sealer))["T0000001"]


async def test_a_chain_that_was_changed_stays_broken_when_more_is_appended_and_signed(
    database, sealer, store, ada, caplog
):
    await written(store, ada, count=5)
    (fourth,) = [row for row in await rows_of(database) if row.sequence == 4]
    await change(
        database,
        delete(audit_entries).where(numbered(5)),
        update(audit_chains).values(sequence=4, hash=fourth.hash),
    )

    await written(store, ada)
    await written(store, ada)

    assert [record.message for record in caplog.records].count("audit_chain_broken") == 1
    assert await store.heads.sign_all() == (0, 1)
    assert "it was not signed" in (await broken(database, sealer))["T0000001"]
    assert (await store.latest_of(ada, 0, 10))[1] == 10


async def test_chains_that_were_swapped_between_workspaces_are_found(database, sealer, store, ada):
    await written(store, ada, OTHER)

    for table in (audit_entries, audit_chains):
        for before, after in (("T0000001", "T9"), ("T0000002", "T0000001"), ("T9", "T0000002")):
            enterprise = "E0000001" if after == "T0000002" else "-"
            moved = update(table).where(table.c.team_id == before)
            await change(database, moved.values(team_id=after, enterprise_id=enterprise))

    found = await broken(database, sealer)
    assert found.keys() == {"T0000001", "T0000002"}
    assert all("its signature is wrong" in said for said in found.values())


async def test_an_entry_of_another_workspace_is_found(database, sealer, store, ada):
    await written(store, ada, OTHER)
    (theirs,) = [row for row in await rows_of(database) if (row.team_id, row.sequence) == ("T0000002", 2)]

    values = {name: getattr(theirs, name) for name in ("at", "key_id", "sealed", "commitment", "hash")}
    await change(database, update(audit_entries).where(numbered(2)).values(**values))

    assert await broken(database, sealer) == {"T0000001": "entry 2: it was changed"}


async def test_entries_without_a_head_are_found(database, sealer, store, ada):
    await written(store, ada)

    await change(database, delete(audit_chains))

    assert await broken(database, sealer) == {"T0000001": "there are entries, and no head"}


async def test_a_key_that_was_taken_away_by_hand_is_found(database, sealer, store, ada, ben):
    await written(store, ada, ben)

    await change(database, delete(audit_keys).where(audit_keys.c.user_id == ben.user_id))

    assert await broken(database, sealer) == {"T0000001": "entry 2: its key is gone, though nobody was erased"}


# --- erasing


async def test_of_an_erased_person_nothing_can_be_opened_and_the_chain_still_verifies(
    database, sealer, store, ada, ben
):
    await written(store, ada, ben)
    (theirs,) = [row for row in await rows_of(database, audit_keys) if row.user_id == ben.user_id]

    await PeopleRows(database, store).erase(ben)

    assert await store.latest_of(ben, 0, 10) == ([], 0)
    assert (await store.latest_of(ada, 0, 10))[1] == 3
    assert ben.user_id not in str([await rows_of(database, table) for table in (audit_entries, audit_keys)])
    assert theirs.id not in store.keys._open
    async with database.reading() as connection:
        assert await store.keys.find_ids(connection, [theirs.id]) == {}
        assert await AuditStore(database, sealer).keys.find_ids(connection, [theirs.id]) == {}
    reports = [report async for report in verify_chains(database, sealer)]
    assert [(one.broken, one.entries, one.erased) for one in reports] == [(None, 7, 3)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_not_even_the_sealed_key_of_an_erased_person_is_left_in_the_files(database, store, ada, ben, tmp_path):
    await written(store, ada, ben)
    (theirs,) = [row for row in await rows_of(database, audit_keys) if row.user_id == ben.user_id]

    def files() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert theirs.key[-40:] in files()
    await PeopleRows(database, store).erase(ben)

    assert theirs.key[-40:] not in files()


async def test_erasing_somebody_of_whom_nothing_was_noted_makes_no_chain(database, store, ada):
    await PeopleRows(database, store).erase(ada)

    assert await rows_of(database, audit_chains) == []


async def test_a_workspace_is_forgotten_as_a_whole_and_no_other(database, sealer, store, ada):
    await written(store, ada, OTHER)

    async with database.writing() as connection:
        await store.forget_workspace(connection, None, ada.team_id)

    for table in (audit_chains, audit_keys, audit_entries, audit_counts):
        assert {row.team_id for row in await rows_of(database, table)} == {OTHER.team_id}
    assert await broken(database, sealer) == {}


# --- retention, rotation


async def test_old_entries_are_deleted_from_the_front_and_the_rest_verifies(database, sealer, store, ada, monkeypatch):
    await store.write([entry(ada, at=NOW + number * DAY) for number in range(10)])
    monkeypatch.setattr("bot.clock.now", lambda: entry(ada, at=NOW + 9.5 * DAY).moment)

    assert await store.purge(5) == 5

    assert {row.sequence for row in await rows_of(database)} == {6, 7, 8, 9, 10}
    assert await broken(database, sealer) == {}
    await written(store, ada)
    assert await broken(database, sealer) == {}
    (chain,) = await rows_of(database, audit_chains)
    assert (chain.anchor_sequence, chain.sequence) == (5, 13)
    await change(database, update(audit_chains).values(anchor_hash=chain.hash))
    assert "its signature is wrong" in (await broken(database, sealer))["T0000001"]


async def test_the_key_of_somebody_all_of_whose_entries_are_old_is_deleted_too(
    database, sealer, store, ada, ben, monkeypatch
):
    await store.write([entry(ben), entry(ada, at=NOW + 9 * DAY)])
    await change(database, update(audit_keys).values(created_at=NOW))
    monkeypatch.setattr("bot.clock.now", lambda: entry(ada, at=NOW + 9.5 * DAY).moment)

    await store.purge(5)

    assert [row.user_id for row in await rows_of(database, audit_keys)] == [ada.user_id]
    assert await broken(database, sealer) == {}


async def test_a_chain_of_which_all_is_old_is_deleted_with_its_keys(database, sealer, store, ada, ben, monkeypatch):
    await written(store, ada, ben)
    monkeypatch.setattr("bot.clock.now", lambda: entry(ada, at=NOW + 400 * DAY).moment)

    assert await store.purge(365) == 6

    assert [await rows_of(database, table) for table in (audit_chains, audit_keys, audit_entries)] == [[], [], []]
    assert await rows_of(database, audit_counts) == []


async def test_a_new_primary_key_signs_all_heads_again(database, sealer, store, ada):
    await written(store, ada, OTHER)
    old, new = sealer.keyring.root("k1"), KeyRing.read(generate_line("k2")).root("k2")
    rotated = Sealer(KeyRing({"k2": new, "k1": old}))

    assert await sign_heads(database, rotated) == (2, 0)

    async with database.reading() as connection:
        assert await count_heads(connection) == {"k2": 2}
    assert await broken(database, rotated) == {}
    (said, _) = (await broken(database, Sealer(KeyRing({"k1": old})))).values()
    assert said == "the head: the key k2 that signed it is missing"


# --- many at once


async def test_batches_of_several_processes_make_one_chain(url, database, sealer, ada, ben):
    async def work(number):
        db = Database.open(url)
        try:
            for _ in range(5):
                people = (ada, OTHER, ben) if number % 2 else (OTHER, ben, ada)
                await AuditStore(db, sealer).write([entry(person) for person in people])
        finally:
            await db.close()

    await asyncio.gather(*(work(number) for number in range(4)))

    assert await broken(database, sealer) == {}
    assert {(row.team_id, row.sequence) for row in await rows_of(database, audit_chains)} == {
        ("T0000001", 40),
        ("T0000002", 20),
    }
    assert len(await rows_of(database, audit_keys)) == 3


async def test_counts_say_what_happened_in_thirty_days_without_who(database, store, ada, ben, monkeypatch):
    monkeypatch.setattr("bot.clock.now", lambda: entry(ada, at=NOW + 10).moment)
    await store.write([entry(ada), entry(ben), entry(ben, outcome="refused"), entry(ada, at=NOW - 31 * DAY)])
    await store.write([entry(ben), entry(OTHER)])

    assert await store.counts_in(ada) == {("burn", "done"): 3, ("burn", "refused"): 1}
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(audit_counts)) == 4


def test_what_no_person_did_belongs_to_nobody(ada):
    assert of_workspace(ada) == replace(ada, user_id="-")
