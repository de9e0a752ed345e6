"""Each workspace has a key of its own. What it sealed opens for nobody when the workspace has been erased."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cachetools import TTLCache
from sqlalchemy import delete, event, insert, select, true, update

from bot.errors import CannotStart, StorageRefused, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import METADATA, ButtonContexts, NewButtonContext
from bot.storage.engine.database import Database
from bot.storage.forget import forget_workspace
from bot.storage.installations import Installations, NewInstallation
from bot.storage.link_cards import LinkCards, PostedLink
from bot.storage.people import PeopleRows
from bot.storage.reveals.store import Reveals
from bot.storage.sealing import changing, commands, key_checks
from bot.storage.sealing.data_keys import DataKeys, destroy_keys, kids_of_data_keys
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.key_uses import count_uses
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.rotation import Rotated, Rotation
from bot.storage.sealing.sealer import DATA_KEY_KEPT, Binding, Sealer, ValueSealer, data_key_of, kid_of
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import SEALED, SEALED_KEYS, accounts, data_keys, metadata, new_id, owner, workspace_values
from bot.storage.workspace_rows import WorkspaceRows
from tests.support import full_database
from tests.support.postgres import Cluster
from tests.support.waiting import eventually
from tests.support.without_data_keys import seal_without_data_keys

HOST = "https://eu.onetimesecret.com"
CLEO = Person(None, "T0000002", "U000CLEO")
K1, K2 = generate_line("k1").reveal(), generate_line("k2").reveal()
OLD, NEW, ONLY_NEW = (KeyRing.read(lines) for lines in (K1, f"{K2}\n{K1}", K2))


async def connect(db: Database, sealer: Sealer, person: Person, token: str = "token") -> None:
    await Accounts(db, sealer).connect(person, HOST, Secret("name"), Secret(token))


async def token_of(db: Database, sealer: Sealer, person: Person) -> str | None:
    """What is stored for this person. None: nothing, "": it does not open."""
    found = await Accounts(db, sealer).all_of(person)
    return found[0].token.reveal() if found else None


async def keys_in(db: Database) -> list[Any]:
    async with db.reading() as connection:
        return list((await connection.execute(select(data_keys).order_by(data_keys.c.team_id))).all())


async def blobs_in(db: Database) -> list[bytes]:
    """The sealed values of all accounts."""
    async with db.reading() as connection:
        return [blob for row in await connection.execute(select(accounts.c.username, accounts.c.token)) for blob in row]


def account(person: Person, values: ValueSealer) -> dict[str, Any]:
    """A row, sealed in the middle of a transaction."""
    row_id, host = new_id(), "https://us.onetimesecret.com"
    blob = values.seal("token", Binding.of("accounts", "token", person, host, row_id), b"late")
    row = {"id": row_id, **owner(person), "host": host, "is_default": False, "created_at": 0.0}
    return row | {"username": blob, "token": blob}


def installation(person: Person, token: str) -> NewInstallation:
    given: Any = {"enterprise_id": person.enterprise_id, "team_id": person.team_id, "installed_by": person.user_id}
    given |= {"app_id": "A1", "bot_id": "B1", "bot_user_id": "U9", "scopes": (), "token": Secret(token)}
    return NewInstallation(**given)


@contextmanager
def queries(db: Database) -> Iterator[list[str]]:
    """The statements about data keys."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "data_keys" in statement:
            seen.append(statement)

    event.listen(db._engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(db._engine.sync_engine, "before_cursor_execute", note)


async def test_each_workspace_has_one_key_and_its_values_name_that_key(database, sealer, ada, ben):
    for person in (ada, ben, CLEO):
        await connect(database, sealer, person)

    one, other = await keys_in(database)
    named = Counter(data_key_of(blob) for blob in await blobs_in(database))
    assert named == {one.id: 4, other.id: 2}
    assert {kid_of(one.key), kid_of(other.key)} == {"k1"}
    assert [await token_of(database, sealer, person) for person in (ada, ben, CLEO)] == ["token"] * 3


async def test_a_process_that_starts_opens_what_another_one_sealed(database, sealer, ada):
    await connect(database, sealer, ada)

    assert await token_of(database, Sealer(sealer.keyring), ada) == "token"


async def test_a_key_that_was_used_lately_is_not_asked_for_again_and_is_forgotten_after_a_while(database, sealer, ada):
    await connect(database, sealer, ada)
    own = Accounts(database, sealer)

    with queries(database) as seen:
        await own.all_of(ada)
        assert seen == []
        sealer.data_keys.expire(time.monotonic() + DATA_KEY_KEPT + 1)
        await own.all_of(ada)
        assert len(seen) == 1


async def test_of_many_processes_that_begin_a_workspace_at_once_one_makes_its_key(database, url, sealer, ada):
    served = [Database.open(url) for _ in range(6)]
    people = [Person(None, ada.team_id, f"U000000{n}") for n in range(len(served))]

    await asyncio.gather(
        *(connect(db, Sealer(sealer.keyring), person) for db, person in zip(served, people, strict=True))
    )

    for db in served:
        await db.close()
    assert len(await keys_in(database)) == 1
    assert [await token_of(database, Sealer(sealer.keyring), person) for person in people] == ["token"] * len(served)


async def test_when_another_process_erased_the_workspace_nothing_is_sealed_under_the_key_that_is_gone(
    database, url, sealer, ada
):
    other = Database.open(url)
    await connect(database, sealer, ada, "before")  # this process holds the key
    (before,) = await keys_in(database)
    await WorkspaceRows(other).erase(ada.team_id)
    await other.close()

    await connect(database, sealer, ada, "after")

    (after,) = await keys_in(database)
    assert after.id != before.id
    assert before.id in sealer.data_keys
    assert await token_of(database, Sealer(sealer.keyring), ada) == "after"  # as after a restart


async def erase_while_sealing(database: Database, url: str, sealer: Sealer, person: Person) -> None:
    """Another process erases the workspace of somebody who is sealing something, and waits for it."""
    other = Database.open(url)
    async with database.writing() as connection:
        values = await DataKeys(database, sealer).sealer_for(connection, person)
        erasing = asyncio.create_task(WorkspaceRows(other).erase(person.team_id))
        await asyncio.sleep(0.3)
        assert not erasing.done()
        await connection.execute(insert(accounts).values(account(person, values)))
    await erasing
    await other.close()


async def test_erasing_waits_for_who_is_sealing_and_takes_what_they_sealed(database, url, sealer, ada):
    await connect(database, sealer, ada)

    await erase_while_sealing(database, url, sealer, ada)

    assert await Accounts(database, sealer).all_of(ada) == []
    assert await keys_in(database) == []


async def test_who_seals_while_the_workspace_is_being_erased_gets_a_new_key(database, url, sealer, ada):
    await connect(database, sealer, ada)
    (before,) = await keys_in(database)
    other = Database.open(url)
    async with other.writing() as connection:
        await destroy_keys(other, connection, true())
        await connection.execute(accounts.delete())
        sealing = asyncio.create_task(connect(database, sealer, ada, "after"))
        await asyncio.sleep(0.3)
        assert not sealing.done()
    await sealing
    await other.close()

    (after,) = await keys_in(database)
    assert after.id != before.id
    assert await token_of(database, Sealer(sealer.keyring), ada) == "after"


async def test_erasing_waits_for_who_makes_the_first_key_and_takes_what_they_sealed(database, url, sealer, ada):
    await erase_while_sealing(database, url, sealer, ada)

    assert await blobs_in(database) == []
    assert await keys_in(database) == []


async def test_a_workspace_that_installs_while_its_organisation_is_erased_keeps_its_key(
    database, url, sealer, monkeypatch
):
    cleo = Person("E0000001", "T0000002", "U000CLEO")
    await connect(database, sealer, cleo)
    other, goes_on = Database.open(url), asyncio.Event()
    sealer_for = DataKeys.sealer_for

    async def slowly(self: DataKeys, connection: Any, person: Person) -> Any:
        found = await sealer_for(self, connection, person)
        await goes_on.wait()
        return found

    monkeypatch.setattr(DataKeys, "sealer_for", slowly)
    installing = asyncio.create_task(Installations(database, sealer).save(installation(cleo, "xoxb-1")))
    await asyncio.sleep(0.2)
    erasing = asyncio.create_task(WorkspaceRows(other).erase("E0000001"))
    await asyncio.sleep(0.3)
    assert not erasing.done()
    goes_on.set()
    await asyncio.gather(installing, erasing)
    await other.close()

    assert await token_of(database, Sealer(sealer.keyring), cleo) == "token"
    found = await Installations(database, Sealer(sealer.keyring)).find("T0000002")
    assert found is not None
    assert found.token == Secret("xoxb-1")


async def test_a_key_that_is_left_without_anything_is_destroyed_and_no_other_one(database, sealer, ada):
    await connect(database, sealer, CLEO)
    async with database.writing() as connection:
        await DataKeys(database, sealer).sealer_for(connection, ada)
    assert len(await keys_in(database)) == 2

    assert await WorkspaceRows(database).destroy_unused_keys() == 1
    assert await WorkspaceRows(database).destroy_unused_keys() == 0

    assert [key.team_id for key in await keys_in(database)] == [CLEO.team_id]


@pytest.mark.parametrize("table", sorted({one.table.name for one in SEALED if one not in SEALED_KEYS}))
async def test_a_workspace_keeps_its_key_for_as_long_as_a_single_row_is_left(database, sealer, table):
    own = metadata.tables[table]
    # A row cannot be there without those that it must refer to.
    parents = {key.column.table for column in own.columns if not column.nullable for key in column.foreign_keys}
    async with database.writing() as connection:
        for other in reversed(metadata.sorted_tables):
            await connection.execute(delete(other))
        await full_database.fill(connection, sealer)
        if without := {column.name: None for column in own.columns if column.nullable and column.foreign_keys}:
            await connection.execute(update(own).values(without))
        for other in metadata.sorted_tables:
            if other not in {own, data_keys, *parents}:
                await connection.execute(delete(other))
        left = (await connection.execute(select(own.c.enterprise_id, own.c.team_id))).all()
    assert left

    await WorkspaceRows(database).destroy_unused_keys()

    kept = {(key.enterprise_id, key.team_id) for key in await keys_in(database)}
    assert kept >= {(row.enterprise_id, row.team_id) for row in left}


async def test_a_card_is_sealed_under_the_key_of_the_workspace_that_it_is_in(database, ada):
    """Whoever posted the link may be of another workspace, which shares a channel with this one."""
    sealer = Sealer(OLD)
    link = PostedLink(Secret(f"{HOST}/secret/key"), HOST, SecretKey("key"))
    message = MessageRef(ada.team_id, "C0000001", "1700000000.000100")
    await seal_without_data_keys(database)
    await LinkCards(database, sealer).keep(CLEO, message, [link])

    await rotate(database, OLD)

    assert [key.team_id for key in await keys_in(database)] == [ada.team_id]
    await LinkCards(database, sealer).keep(CLEO, message._replace(ts="1700000000.000200"), [link])
    assert [key.team_id for key in await keys_in(database)] == [ada.team_id]
    assert await WorkspaceRows(database).destroy_unused_keys() == 0
    assert {card.link for card in await LinkCards(database, sealer).unposted()} == {link.link}
    await WorkspaceRows(database).erase(ada.team_id)
    assert await keys_in(database) == []


async def test_an_opened_key_is_forgotten_by_a_process_that_does_nothing_more(database, sealer, ada, monkeypatch):
    time_now = [0.0]
    sealer.data_keys = TTLCache(10, DATA_KEY_KEPT, timer=lambda: time_now[0])
    monkeypatch.setattr("bot.storage.sealing.data_keys.DATA_KEY_KEPT", 1.0)  # it is looked at a second after that
    await connect(database, sealer, ada)
    held = sealer.data_keys._Cache__data
    assert len(held) == 1

    time_now[0] = DATA_KEY_KEPT + 1

    await eventually(lambda: len(held) == 0)


async def test_a_workspace_that_begins_while_values_are_counted_lacks_no_key(database, url, sealer, ada, monkeypatch):
    await connect(database, sealer, ada)
    other, count = Database.open(url), kids_of_data_keys

    async def and_another_begins(connection: Any) -> dict[str, str]:
        found = await count(connection)
        await connect(other, sealer, CLEO)
        return found

    for module in (key_checks, commands):
        monkeypatch.setattr(module, "kids_of_data_keys", and_another_begins)

    await check_keys(database, sealer)
    assert (await commands.verify(url, sealer.keyring))[1] == 0
    await other.close()


async def test_erasing_a_person_leaves_the_key_to_the_others(database, sealer, ada, ben):
    await connect(database, sealer, ada)
    await connect(database, sealer, ben)

    await PeopleRows(database).erase(ada)

    assert await token_of(database, Sealer(sealer.keyring), ada) is None
    assert await token_of(database, Sealer(sealer.keyring), ben) == "token"
    assert len(await keys_in(database)) == 1


async def test_a_copy_of_a_row_opens_for_nobody_when_its_workspace_was_erased(database, sealer, ada):
    """As an old page, a log, or a backup of single tables has it."""
    await connect(database, sealer, ada)
    await connect(database, sealer, CLEO)
    async with database.reading() as connection:
        (copy,) = (await connection.execute(select(accounts).where(accounts.c.team_id == ada.team_id))).mappings()
    await WorkspaceRows(database).erase(ada.team_id)

    async with database.writing() as connection:
        await connection.execute(insert(accounts).values(**copy))

    later = Sealer(sealer.keyring)  # the same encryption key
    assert await token_of(database, later, ada) == ""
    with pytest.raises(Unsealable):
        await Accounts(database, later).default_of(ada)
    await connect(database, later, Person(None, ada.team_id, "U0000NEW"))  # with a new key of the same workspace
    assert await token_of(database, later, ada) == ""
    assert await token_of(database, later, CLEO) == "token"


async def test_a_whole_backup_opens_as_long_as_the_encryption_key_is_there(database, sealer, ada):
    """This is what the documents say: destroying is worth as much as the oldest backup."""
    await connect(database, sealer, ada)
    async with database.reading() as connection:
        backup = {one: (await connection.execute(select(one))).mappings().all() for one in (data_keys, accounts)}
    await WorkspaceRows(database).erase(ada.team_id)

    async with database.writing() as connection:
        for table, rows in backup.items():
            await connection.execute(insert(table), [dict(row) for row in rows])

    assert await token_of(database, Sealer(sealer.keyring), ada) == "token"


async def fill(db: Database, sealer: Sealer, person: Person, canary: str) -> None:
    """A row of each kind that has something sealed and that one person can make alone."""
    await connect(db, sealer, person, f"token-{canary}")
    await ButtonContexts(db, sealer).keep(
        person, NewButtonContext(METADATA, HOST, MetadataKey(f"key-{canary}"), data={"note": canary})
    )
    await Reveals(db, sealer).begin(person, new_id(), HOST, SecretKey(f"key-{canary}"))
    await Shares(db, sealer).begin(person, NewShare(canary, HOST, None, False, canary, canary), [Recipient(person)])
    await Installations(db, sealer).save(installation(person, f"xoxb-{canary}"))


async def sealed_in(db: Database, sealer: Sealer) -> list[bytes]:
    """All bytes of the workspaces' keys, open and sealed, and all that they sealed."""
    async with db.reading() as connection:
        found = [
            value
            for table in metadata.sorted_tables
            for row in (await connection.execute(select(table))).all()
            for value in row
            if isinstance(value, bytes) and (table is data_keys or data_key_of(value))
        ]
        rows = (await connection.execute(select(data_keys))).all()
    roots = [
        sealer.open("data_key", Binding("data_keys", "key", "-", row.team_id, "-", "-", row.id), row.key)
        for row in rows
    ]
    return [*found, *roots]


def are_in(content: bytes, parts: list[bytes]) -> list[bytes]:
    """Those of the parts of which something is in the content: their last bytes, or all of them in hexadecimal."""
    return [part for part in parts if part[-24:] in content or part[-24:].hex().encode() in content]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_files_of_sqlite_hold_nothing_of_an_erased_workspace(database, sealer, ada, tmp_path, canary):
    await fill(database, sealer, ada, canary)
    parts = await sealed_in(database, sealer)
    assert len(parts) > 8
    assert len(are_in(files(tmp_path), parts)) == len(parts) - 1  # all but the open key

    await WorkspaceRows(database).erase(ada.team_id)

    after = files(tmp_path)
    assert are_in(after, parts) == []
    assert canary.encode() not in after
    assert ada.team_id.encode() not in after


def files(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(directory.iterdir()))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_dump_of_postgresql_holds_nothing_of_an_erased_workspace(
    database, url, sealer, ada, postgres: Cluster, canary
):
    await fill(database, sealer, ada, canary)
    parts = await sealed_in(database, sealer)
    assert len(are_in(dump(postgres, url), parts)) == len(parts) - 1  # all but the open key

    await WorkspaceRows(database).erase(ada.team_id)

    after = dump(postgres, url)
    assert are_in(after, parts) == []
    assert canary.encode() not in after
    assert ada.team_id.encode() not in after


def dump(cluster: Cluster, url: str) -> bytes:
    program = shutil.which("pg_dump", path=f"{cluster.programs}{os.pathsep}{os.environ['PATH']}")
    command = [str(program), "--data-only", "--inserts", url]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


# --- before and after the first `keys rotate`


async def test_after_an_upgrade_the_encryption_key_seals_as_before_until_rotate_has_run(database, url, ada):
    sealer = Sealer(OLD)
    await check_keys(database, sealer)
    await seal_without_data_keys(database)
    await connect(database, sealer, ada)
    assert [kid_of(blob) for blob in await blobs_in(database)] == ["k1", "k1"]
    assert await keys_in(database) == []

    said, left = await changing.rotate(url, OLD, lambda link: link, 200)

    assert (said.splitlines()[0], left) == ("Sealed 2 values anew with k1.", 0)
    (key,) = await keys_in(database)
    assert [data_key_of(blob) for blob in await blobs_in(database)] == [key.id] * 2
    assert await token_of(database, sealer, ada) == "token"
    await connect(database, sealer, CLEO)
    assert len(await keys_in(database)) == 2


async def test_a_first_start_on_an_empty_database_begins_with_data_keys(database, ada):
    await check_keys(database, Sealer(OLD))
    await connect(database, Sealer(OLD), ada)

    assert len(await keys_in(database)) == 1


async def rotate(db: Database, ring: KeyRing = NEW) -> Rotated:
    return await Rotation(db, Sealer(ring), lambda link: link, lambda _done, _total: None, 3).run()


async def test_a_rotation_seals_the_keys_anew_and_leaves_what_they_sealed(database, url, ada, ben):
    for person in (ada, ben, CLEO):
        await connect(database, Sealer(OLD), person)
    before = await blobs_in(database)

    done = await rotate(database)

    assert done == Rotated(resealed=2, left=0, unreadable=0)
    assert await blobs_in(database) == before
    assert {kid_of(row.key) for row in await keys_in(database)} == {"k2"}
    assert (await commands.verify(url, ONLY_NEW)) == ("k2  8 open  0 do not\nEvery sealed value opens.", 0)
    assert await token_of(database, Sealer(ONLY_NEW), ben) == "token"
    async with database.reading() as connection:
        assert [sum(counts.values()) for counts in await count_uses(connection, "k1")] == [0, 0]


async def test_a_rotation_makes_an_index_anew_whose_key_only_a_delivery_has(database, ada, ben):
    sealer = Sealer(OLD)
    shares, made = Shares(database, sealer), Deliveries(database, sealer)
    _, (delivery,), _ = await shares.begin(ada, NewShare("once", HOST, None, False, None, None), [Recipient(ben)])
    await made.begin_request(delivery.id)
    await made.mark_made(
        delivery, secret_key=SecretKey("secret"), metadata_key=MetadataKey("metadata"), passphrase=None,
        passphrase_required=None, expires_at=None,
    )  # fmt: skip
    await Reveals(database, sealer).begin(ben, new_id(), HOST, SecretKey("secret"), delivery_id=delivery.id)

    await rotate(database)

    async with database.reading() as connection:
        assert [sum(counts.values()) for counts in await count_uses(connection, "k1")] == [0, 0]


async def test_what_the_keys_commands_count_includes_what_data_keys_sealed(database, url, ada):
    await connect(database, Sealer(OLD), ada)

    assert "k1  MISSING  3 values need it" in await commands.list_keys(url, ONLY_NEW)
    with pytest.raises(CannotStart, match=r"3 sealed values need k1\. Restore the key file"):
        await check_keys(database, Sealer(ONLY_NEW))


# --- what does not open


async def test_without_its_data_key_a_value_stops_the_start_and_is_counted(database, url, ada):
    await connect(database, Sealer(OLD), ada)
    async with database.writing() as connection:
        await connection.execute(data_keys.delete())

    with pytest.raises(CannotStart, match=r"2 sealed values need a data key that is not in the database"):
        await check_keys(database, Sealer(OLD))
    assert (await commands.verify(url, OLD))[1] == 2


async def test_a_start_without_a_data_key_names_the_workspace_and_erasing_that_one_is_a_way_on(database, url, ada):
    for person in (ada, CLEO):
        await connect(database, Sealer(OLD), person)
    async with database.writing() as connection:
        await connection.execute(data_keys.delete().where(data_keys.c.team_id == CLEO.team_id))

    with pytest.raises(CannotStart) as refused:
        await check_keys(database, Sealer(OLD))
    assert f"They belong to: {CLEO.team_id}." in str(refused.value)
    assert str(refused.value).endswith(f"`python -m bot forget workspace {CLEO.team_id}`.")

    await forget_workspace(url, CLEO.team_id)
    await check_keys(database, Sealer(OLD))
    assert await token_of(database, Sealer(OLD), ada) == "token"


async def test_a_start_names_a_few_of_many_workspaces_without_their_data_keys(database):
    for number in range(7):
        await connect(database, Sealer(OLD), Person(None, f"T{number}", "U0ADA"))
    async with database.writing() as connection:
        await connection.execute(data_keys.delete())

    with pytest.raises(CannotStart, match=r"They belong to: T0, T1, T2, T3, T4 and 2 more\."):
        await check_keys(database, Sealer(OLD))


async def test_with_a_data_key_that_does_not_open_nothing_is_sealed_and_no_other_key_is_made(database, ada):
    await connect(database, Sealer(OLD), ada)
    async with database.writing() as connection:
        await connection.execute(update(data_keys).values(key=b"O1\x02k1 damaged"))

    with pytest.raises(StorageRefused):
        await connect(database, Sealer(OLD), ada)

    assert await token_of(database, Sealer(OLD), ada) == ""
    assert len(await keys_in(database)) == 1


async def test_a_workspace_whose_data_key_does_not_open_keeps_no_other_from_rotating(database, ada):
    await check_keys(database, Sealer(OLD))
    await seal_without_data_keys(database)
    for person in (ada, CLEO):
        await connect(database, Sealer(OLD), person)
    async with database.writing() as connection:
        damaged = {"id": new_id(), "key": b"O1\x02k1 damaged", "created_at": 0.0}
        await connection.execute(insert(data_keys).values(**workspace_values(ada), **damaged))

    done = await rotate(database)

    assert done == Rotated(resealed=2, left=3, unreadable=3)  # the key, and the two values of its workspace
    assert await token_of(database, Sealer(NEW), ada) == "token"  # as it was
    assert await token_of(database, Sealer(ONLY_NEW), CLEO) == "token"


async def test_the_keys_of_two_workspaces_that_were_exchanged_open_nothing(database, ada):
    await connect(database, Sealer(OLD), ada)
    await connect(database, Sealer(OLD), CLEO)
    one, other = await keys_in(database)
    async with database.writing() as connection:
        for row, key in ((one, other.key), (other, one.key)):
            await connection.execute(update(data_keys).where(data_keys.c.id == row.id).values(key=key))

    assert [await token_of(database, Sealer(OLD), person) for person in (ada, CLEO)] == ["", ""]


async def test_a_value_of_another_workspace_is_refused_under_either_key(database, sealer, ada):
    await connect(database, sealer, ada)
    await connect(database, sealer, CLEO)
    async with database.writing() as connection:
        stolen = select(accounts.c.token).where(accounts.c.team_id == CLEO.team_id).scalar_subquery()
        await connection.execute(update(accounts).where(accounts.c.team_id == ada.team_id).values(token=stolen))

    assert await token_of(database, sealer, ada) == ""


async def test_a_data_key_is_bound_for_ever_to_the_names_that_it_has_now(database, sealer, ada):
    await connect(database, sealer, ada)

    (row,) = await keys_in(database)
    binding = Binding("data_keys", "key", "-", ada.team_id, "-", "-", row.id)
    assert len(sealer.open("data_key", binding, row.key)) == 32
