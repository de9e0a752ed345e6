"""Everything that is stored is sealed anew with another key while others write, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, delete, select, text, update

from bot import failpoints
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import METADATA, ButtonContexts, NewButtonContext
from bot.storage.engine.database import Database
from bot.storage.link_cards import LinkCards, PostedLink
from bot.storage.link_warnings import LinkWarnings
from bot.storage.reveals.guesses import Guesses
from bot.storage.reveals.store import Reveals
from bot.storage.sealing import changing, commands
from bot.storage.sealing.blind_indexes import INDEXED
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.key_uses import count_uses
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.rotation import Rotated, Rotation
from bot.storage.sealing.sealer import Sealer, data_key_of, header_of, kid_of
from bot.storage.tables import accounts, audit_chains, ignored, key_checks, link_warnings, metadata, new_id, tracked
from bot.storage.tracking.rows import Tracked
from bot.storage.tracking.store import Tracking
from tests.support import full_database
from tests.support.waiting import eventually
from tests.support.without_data_keys import seal_without_data_keys

HOST = "https://eu.onetimesecret.com"
K1, K2 = generate_line("k1").reveal(), generate_line("k2").reveal()
OLD, NEW, ONLY_NEW = (KeyRing.read(lines) for lines in (f"{K1}\n{K2}", f"{K2}\n{K1}", K2))
MADE = datetime(2026, 11, 1, tzinfo=UTC)
MESSAGE = MessageRef("T0000001", "C0000001", "1700000000.000100")
LAUNCHER = Path(__file__).with_name("killed_rotation.py")


def read_link(link: Secret) -> Secret | None:
    return SecretKey(link.reveal().rpartition("/")[2])


@pytest.fixture(autouse=True)
async def values_of_before(database: Database, request: pytest.FixtureRequest) -> None:
    """Everything is sealed by encryption keys themselves, unless a test has False here."""
    if getattr(request, "param", True):
        await seal_without_data_keys(database)


EITHER = pytest.mark.parametrize("values_of_before", [True, False], ids=["before", "data keys"], indirect=True)


def silent(_done: int, _total: int) -> None:
    pass


async def rotate(db: Database, ring: KeyRing = NEW, batch: int = 3) -> Rotated:
    return await Rotation(db, Sealer(ring), read_link, silent, batch).run()


def posted(key: str) -> PostedLink:
    return PostedLink(Secret(f"{HOST}/secret/{key}"), HOST, SecretKey(key))


async def track(
    db: Database, ring: KeyRing, person: Person, key: str, secret_key: str | None = None, label: str = "label"
) -> tuple[Tracked, bool]:
    expires = datetime.now(UTC) + timedelta(days=1)
    secret = None if secret_key is None else SecretKey(secret_key)
    tracking = Tracking(db, Sealer(ring))
    return await tracking.track(
        person, HOST, MetadataKey(key), label=label, made_at=MADE, expires_at=expires, secret_key=secret
    )


async def fill(db: Database, ring: KeyRing, person: Person) -> None:
    """Rows with sealed values, rows with both kinds of indexes, and rows with an index alone."""
    sealer = Sealer(ring)
    await Accounts(db, sealer).connect(person, HOST, Secret("ada@example.com"), Secret("token"))
    contexts = [NewButtonContext(METADATA, HOST, MetadataKey(f"key{n}"), data={"n": str(n)}) for n in range(7)]
    await ButtonContexts(db, sealer).keep(person, *contexts)
    for n in range(5):
        await track(db, ring, person, f"metadata{n}", f"secret{n}")
        await Reveals(db, sealer).begin(person, new_id(), HOST, SecretKey(f"secret{n}"))
    await LinkCards(db, sealer).keep(person, MESSAGE, [posted(f"secret{n}") for n in range(3)])


async def test_everything_is_sealed_anew_and_every_look_up_still_works(database, url, ada):
    await check_keys(database, Sealer(OLD))
    await fill(database, OLD, ada)

    done = await rotate(database)

    assert done == Rotated(resealed=34, left=0, unreadable=0)
    assert (await commands.verify(url, ONLY_NEW))[1] == 0
    sealer = Sealer(ONLY_NEW)
    assert (await Accounts(database, sealer).all_of(ada))[0].token == Secret("token")
    assert await Tracking(database, sealer).find_key(ada, HOST, MetadataKey("metadata4")) is not None
    found = await Tracking(database, sealer).find_by_secret_key(ada, HOST, SecretKey("secret4"))
    assert [(one.key, one.label) for one in found] == [(MetadataKey("metadata4"), "label")]
    assert len(await LinkCards(database, sealer).mark(ada, HOST, SecretKey("secret1"), "opened")) == 1
    assert not (await track(database, ONLY_NEW, ada, "metadata3"))[1]  # no second row


async def test_a_second_rotation_finds_nothing_to_do(database, ada):
    await fill(database, OLD, ada)
    await rotate(database)

    assert await rotate(database) == Rotated(resealed=0, left=0, unreadable=0)


@EITHER
async def test_indexes_without_a_key_are_kept_and_counted_until_they_expire(database, ada):
    sealer = Sealer(OLD)
    await LinkWarnings(database, sealer).claim(ada, HOST, MetadataKey("posted"))
    stopped, _ = await track(database, OLD, ada, "stopped")
    await Tracking(database, sealer).stop(ada, stopped.id)
    await track(database, OLD, ada, "metadata", "secret nobody opens")

    await rotate(database)

    async with database.reading() as connection:
        sealed, indexed = await count_uses(connection, "k1")
    assert (+sealed, dict(indexed)) == ({}, {"ignored": 1, "link_warnings": 1, "tracked": 1})
    assert not await LinkWarnings(database, Sealer(NEW)).claim(ada, HOST, MetadataKey("posted"))


async def test_every_value_and_every_signature_of_a_key_is_counted_in_every_table(database):
    """Each column that holds a sealed value is found by the values themselves, and not by a list."""
    expected = Counter[str]()
    async with database.writing() as connection:
        await connection.execute(delete(key_checks))
        await full_database.fill(connection, Sealer(OLD))
        await connection.execute(update(audit_chains).values(kid="k1"))
        expected["audit_chains"] += full_database.ROWS
        for column in (column for table in metadata.sorted_tables for column in table.columns):
            if not isinstance(column.type, LargeBinary) or column.table is key_checks:
                continue
            for value in (await connection.execute(select(column).where(column.is_not(None)))).scalars().all():
                if kid_of(value) is None and data_key_of(value) is None:
                    continue
                by_k1 = update(column.table).where(column == value)
                await connection.execute(by_k1.values({column.name: header_of("k1") + value}))
                expected[column.table.name] += 1

        sealed, _ = await count_uses(connection, "k1")

    assert sealed == expected
    assert expected.keys() >= {"data_keys", "audit_keys", "accounts", "deliveries", "installations", "link_cards"}


async def test_an_index_of_a_row_from_before_is_counted_for_every_key(database, ada):
    await LinkWarnings(database, Sealer(OLD)).claim(ada, HOST, MetadataKey("posted"))
    async with database.writing() as connection:
        await connection.execute(update(link_warnings).values(blind_index_kid=None))

    async with database.reading() as connection:
        assert [dict((await count_uses(connection, kid))[1]) for kid in ("k1", "k2")] == [{"link_warnings": 1}] * 2


@EITHER
async def test_rows_of_one_secret_change_their_index_together_where_one_of_them_has_the_key(database, ada, ben):
    sealer, ids = Sealer(OLD), [new_id(), new_id()]
    held = Reveals(database, sealer)
    for row_id in ids:
        await held.begin(ada, row_id, HOST, SecretKey("secret"))
    await held.claim(ids[0])
    await held.mark_shown(ids[0])  # its key is wiped
    await track(database, OLD, ben, "metadata", "secret")  # the index of the secret key alone

    await rotate(database)

    async with database.reading() as connection:
        kids = [(await connection.execute(select(one.kid).where(one.kid.is_not(None)))).scalars() for one in INDEXED]
        assert {kid for some in kids for kid in some} == {"k2"}
    assert await Reveals(database, Sealer(NEW)).is_shown(ids[1])


async def test_a_row_that_a_process_with_the_old_first_key_adds_gets_the_index_of_the_others(database, ada, ben):
    await track(database, OLD, ada, "metadata", "secret")
    await rotate(database)
    await track(database, OLD, ben, "other", "secret")  # nobody has it under the new key: the tracked row keeps k1

    cards = LinkCards(database, Sealer(NEW))
    (card,) = await cards.keep(ada, MESSAGE, [posted("secret")])
    await cards.mark_posted([card])

    mine = await Tracking(database, Sealer(NEW)).find_key(ada, HOST, MetadataKey("metadata"))
    assert [one.id for one in await cards.mark_tracked(ada, mine.id, "burned")] == [card.id]


@EITHER
async def test_wrong_tries_count_on_when_another_key_became_the_first(database, ada):
    before, after = Guesses(database, Sealer(OLD)), Guesses(database, Sealer(NEW))
    names = before.names_of(HOST, SecretKey("secret"))
    await Reveals(database, Sealer(OLD)).begin(ada, new_id(), HOST, SecretKey("secret"))
    guess = await before.begin(ada, HOST, names, with_passphrase=True)
    await rotate(database)

    await before.give_back(guess)

    assert (await after.begin(ada, HOST, names, with_passphrase=True)).tries == 1
    again = await after.begin(ada, HOST, after.names_of(HOST, SecretKey("secret")), with_passphrase=True)
    assert again.tries == 2


@EITHER
async def test_with_two_keys_in_use_nothing_is_tracked_ignored_or_warned_of_twice(database, ada):
    for ring in (OLD, NEW, OLD):
        await track(database, ring, ada, "tracked", "secret")
        await LinkWarnings(database, Sealer(ring)).claim(ada, HOST, MetadataKey("posted"))
        await Tracking(database, Sealer(ring)).watch_everything(ada, HOST, True)
        await Tracking(database, Sealer(ring)).settle(ada, HOST, MetadataKey("burned"), "burned")
        await LinkCards(database, Sealer(ring)).keep(ada, MESSAGE, [posted("secret")])

    async with database.reading() as connection:
        counts = [len((await connection.execute(select(one))).all()) for one in (tracked, ignored, link_warnings)]
    assert counts == [1, 1, 1]
    assert len(await LinkCards(database, Sealer(NEW)).unposted()) == 1


async def test_what_was_written_between_reading_and_sealing_is_not_overwritten(database, ada, monkeypatch):
    await fill(database, OLD, ada)
    own = Accounts(database, Sealer(OLD))
    passed = iter((True,))

    async def write_in_between(self, batch, write=Rotation._write):
        if next(passed, False):
            async with database.writing() as connection:
                newer = Sealer(OLD)
                (row,) = (await connection.execute(select(accounts))).all()
                blob = newer.seal_text("token", _binding(row), Secret("newer"))
                await connection.execute(update(accounts).values(username=blob, token=blob))
        return await write(self, batch)

    monkeypatch.setattr(Rotation, "_write", write_in_between)

    done = await rotate(database)

    assert done.left == done.unreadable == 1  # the user name is bound to the token's column
    async with database.reading() as connection:
        row = (await connection.execute(select(accounts))).one()
        opener = await DataKeys(database, Sealer(NEW)).opener(connection, [row])
    assert opener.open_text("token", _binding(row), row.token) == Secret("newer")
    assert len(await own.all_of(ada)) == 1


def _binding(row):
    from bot.storage.tables import SEALED

    return next(one for one in SEALED if (one.table, one.name) == (accounts, "token")).binding(row._asdict())


async def test_what_does_not_open_stays_as_it_is_and_is_counted(database, ada):
    await fill(database, OLD, ada)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE accounts SET token = username"))

    done = await rotate(database)

    assert (done.resealed, done.left, done.unreadable) == (33, 1, 1)


async def test_a_card_whose_host_is_not_allowed_any_more_has_an_index_alone(database, ada):
    await LinkCards(database, Sealer(OLD)).keep(ada, MESSAGE, [posted("secret")])

    done = await Rotation(database, Sealer(NEW), lambda _link: None, silent).run()

    assert done == Rotated(resealed=1, left=0, unreadable=0)
    async with database.reading() as connection:
        assert dict((await count_uses(connection, "k1"))[1]) == {"link_cards": 1}


async def test_a_second_row_of_one_secret_that_slipped_in_stays_and_is_counted(database, url, ada):
    """As a process makes it that does not know the other key: the documents say to give it to all of them first."""
    await track(database, KeyRing.read(K1), ada, "metadata")
    await track(database, KeyRing.read(K2), ada, "metadata")

    said, left = await changing.rotate(url, NEW, read_link, batch=200)

    assert left == 1
    assert said.startswith("Sealed 4 values anew with k2.\nLeft: 1. Most likely a process whose first key is not k2")
    async with database.reading() as connection:
        assert len((await connection.execute(select(tracked))).all()) == 2


@EITHER
@pytest.mark.parametrize("point", ["batch_rotating", "batch_rotated"])
async def test_a_rotation_that_stops_anywhere_goes_on_where_it_stopped(database, url, ada, monkeypatch, point):
    await fill(database, OLD, ada)

    class Stop(Exception):
        pass

    for number in count(1):
        left = iter(range(number))

        def hook(name, left=left):
            if name == point and next(left, None) is None:
                raise Stop

        monkeypatch.setattr(failpoints, "hook", hook)
        with suppress(Stop):
            done = await rotate(database)
            break
        assert (await commands.verify(url, NEW))[1] == 0

    assert (number > 2, done.left) == (True, 0)
    assert (await commands.verify(url, ONLY_NEW))[1] == 0


@EITHER
@pytest.mark.slow
async def test_a_rotation_that_is_killed_at_any_batch_goes_on_where_it_stopped(database, url, ada, tmp_path):
    await fill(database, OLD, ada)
    keys = tmp_path / "keys"
    keys.write_text(f"{K2}\n{K1}\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    for number in count(1):
        command = [sys.executable, str(LAUNCHER), url, str(keys), str(number)]
        code = (await asyncio.to_thread(subprocess.run, command, check=False, env=environment)).returncode
        assert (await commands.verify(url, NEW))[1] == 0
        if code == 0:
            break
        assert code == -9

    assert number > 3
    assert (await commands.verify(url, ONLY_NEW))[1] == 0


SIZES = [pytest.param(300, id="300 rows"), pytest.param(10_000, id="10000 rows", marks=pytest.mark.slow)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rows", SIZES)
async def test_rows_are_sealed_anew_while_eight_writers_work_and_no_update_is_lost(database, url, ada, rows):
    """Half of the writers seal with the old key until they are restarted, as in a deployment."""
    await check_keys(database, Sealer(OLD))
    contexts = [NewButtonContext(METADATA, HOST, MetadataKey(f"key{n}")) for n in range(rows)]
    refs = await ButtonContexts(database, Sealer(OLD)).keep(ada, *contexts)
    served = [Database.open(url) for _ in range(1 if database.is_sqlite else 8)]  # a file belongs to one process
    people = [Person(None, "T0000001", f"U000000{n}") for n in range(8)]
    writers = [Writer(served[n % len(served)], one, OLD if n % 2 else NEW) for n, one in enumerate(people)]
    working = [asyncio.create_task(writer.work()) for writer in writers]

    first = await rotate(database, batch=200)
    for writer in writers:
        writer.ring = NEW
    await asyncio.gather(*(writer.next_but_one() for writer in writers))  # nothing of the old key is under way
    second = await rotate(database, batch=200)
    for writer in writers:
        writer.stopped = True
    await asyncio.gather(*working)
    for db in served:
        await db.close()

    assert first.resealed >= rows
    assert (second.left, second.unreadable) == (0, 0)
    assert (await commands.verify(url, ONLY_NEW))[1] == 0
    for writer in writers:
        assert writer.written > 3
        assert await writer.read(database) == (f"token {writer.written}", f"label {writer.written}")
    kept = ButtonContexts(database, Sealer(ONLY_NEW))
    assert [(await kept.find(ada, METADATA, refs[n])).key for n in (0, rows - 1)] == [contexts[0].key, contexts[-1].key]


class Writer:
    """Replaces the account and the label of one person again and again, as a process of its own would."""

    def __init__(self, db: Database, person: Person, ring: KeyRing) -> None:
        self.db, self.person, self.ring = db, person, ring
        self.stopped, self.written = False, 0

    async def work(self) -> None:
        while not self.stopped:
            n, ring = self.written + 1, self.ring
            await Accounts(self.db, Sealer(ring)).connect(self.person, HOST, Secret("name"), Secret(f"token {n}"))
            await track(self.db, ring, self.person, "key", "secret", label=f"label {n}")
            await Reveals(self.db, Sealer(ring)).begin(self.person, new_id(), HOST, SecretKey("secret"))
            self.written = n
            await asyncio.sleep(0.02)

    async def next_but_one(self) -> None:
        until = self.written + 2
        await eventually(lambda: self.written >= until)

    async def read(self, db: Database) -> tuple[str, str | None]:
        sealer = Sealer(ONLY_NEW)
        (account,) = await Accounts(db, sealer).all_of(self.person)
        (secret,) = await Tracking(db, sealer).list_of(self.person)
        return account.token.reveal(), secret.label
