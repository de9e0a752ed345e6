"""The hour after an upgrade: what is sealed for processes of the version before, and what becomes of it afterwards."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text, update

from bot.errors import Unsealable
from bot.message_ref import MessageRef
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage import upgrades
from bot.storage.engine.database import HEAD, Database, migrate
from bot.storage.engine.migrate import SCRIPTS, migrating, version_of
from bot.storage.readiness import check_database
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Binding, Sealer
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.rows import Delivery, NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import deliveries as delivery_table
from bot.storage.upgrades import NO_OLDER_PROCESSES, OlderProcesses, find_older_processes, migrate_beside
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
KEY, METADATA_KEY, PASSPHRASE = SecretKey("secret-key-of-ada"), MetadataKey("metadata-key-of-ada"), Secret("passphrase")
NEW = NewShare("once", HOST, None, quiet=False, note=None, label=None, passphrase_to="recipient")


@pytest.fixture
def older() -> OlderProcesses:
    return OlderProcesses(time.monotonic() + upgrades.OLDER_MAY_RUN)


@pytest.fixture
async def delivery(database, sealer, older, deliveries, ada, ben) -> Delivery:
    """Of ada for ben, made and sent while processes of the version before may run."""
    _, [begun], _ = await Shares(database, sealer, older).begin(ada, NEW, [Recipient(ben)])
    assert await deliveries.begin_request(begun.id)
    made = await deliveries.mark_made(
        begun,
        secret_key=KEY,
        metadata_key=METADATA_KEY,
        passphrase=PASSPHRASE,
        passphrase_required=True,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    assert await deliveries.mark_sent(made.id, MessageRef(ben.team_id, "D1", "1.1"))
    assert isinstance(made, Delivery)
    return made


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(delivery_table).values(values))


async def test_in_the_hour_a_delivery_is_sealed_as_the_version_before_opens_it(database, sealer, ada, ben, delivery):
    async with database.reading() as connection:
        (row,) = (await connection.execute(select(delivery_table))).all()

    for name, text_ in (("secret_key", KEY), ("metadata_key", METADATA_KEY), ("passphrase", PASSPHRASE)):
        binding = Binding.of("parcels", name, ada, HOST, delivery.id)
        assert sealer.open("metadata_key", binding, getattr(row, name)).decode() == text_.reveal()
    assert row.passphrase_to is None


async def test_when_the_hour_is_over_it_is_bound_to_who_it_is_for(
    database, sealer, older, deliveries, shares, ada, ben, delivery
):
    assert await InterruptedShares(database, sealer, older).bind_recipients() == 0
    after = InterruptedShares(database, sealer, NO_OLDER_PROCESSES)

    assert await after.bind_recipients() == 1

    found = await deliveries.find_for_recipient(ben, delivery.id)
    assert (found.secret_key, found.metadata_key, found.passphrase) == (KEY, METADATA_KEY, PASSPHRASE)
    assert found.passphrase_to == "recipient"
    assert await after.bind_recipients() == 0
    for changed in ({"recipient_user_id": "U0EVE"}, {"passphrase_to": None, "recipient_user_id": "U0EVE"}):
        await set_all(database, **changed)
        with pytest.raises(Unsealable):
            await shares.own_delivery(ada, delivery.id)


@SLOW_TWIN
async def test_one_that_cannot_be_decrypted_keeps_no_other_from_being_bound(
    database, sealer, older, ada, ben, delivery
):
    async with database.writing() as connection:
        await connection.execute(update(delivery_table).values(secret_key=b"O1\x02k1 damaged"))
    await Shares(database, sealer, older).begin(
        ada, NewShare("another", HOST, None, quiet=False, note=None, label=None), [Recipient(ben)]
    )

    assert await InterruptedShares(database, sealer).bind_recipients() == 1


@pytest.fixture
def before(postgres) -> str:
    """A PostgreSQL database with the schema of code that binds nothing to a recipient."""
    url: str = postgres.new_database()
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with migrating(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
    return url


async def may_run(url: str, sealer: Sealer) -> bool:
    db = Database.open(url)
    try:
        return (await find_older_processes(db, sealer)).may_run
    finally:
        await db.close()


async def test_the_hour_begins_with_an_upgrade_from_the_version_before_alone(before, sealer, postgres, tmp_path):
    said = migrate_beside(before, sealer)

    assert said is not None
    assert "may go on until" in said
    assert await may_run(before, sealer)
    assert migrate_beside(before, sealer) is None  # nothing to do
    for new in (postgres.new_database(), f"sqlite:///{tmp_path}/bot.db"):
        assert migrate_beside(new, sealer) is None
        assert not await may_run(new, sealer)


async def test_an_upgrade_without_a_key_gives_no_hour_and_says_so(before, sealer):
    said = migrate_beside(before, None)

    assert said is not None
    assert "no usable encryption key" in said
    assert not await may_run(before, sealer)


async def test_the_hour_ends(before, sealer, monkeypatch):
    monkeypatch.setattr(upgrades, "OLDER_MAY_RUN", -1.0)
    migrate_beside(before, sealer)
    monkeypatch.undo()

    assert not await may_run(before, sealer)


async def test_nobody_without_the_key_can_begin_an_hour(before, sealer):
    stranger = Sealer(KeyRing.read(generate_line("k1")))

    migrate_beside(before, stranger)

    assert not await may_run(before, sealer)


async def test_an_hour_of_another_upgrade_cannot_be_used_for_this_one(before, sealer):
    migrate_beside(before, sealer)
    with migrating(before) as connection:
        connection.execute(text("UPDATE upgrades SET revision = '0008'"))

    assert not await may_run(before, sealer)


async def test_a_process_stays_ready_in_the_hour_after_an_upgrade_to_a_newer_version(postgres, sealer):
    url = postgres.new_database()
    migrate(url)
    db = Database.open(url)
    await check_keys(db, sealer)
    newer = str(int(HEAD) + 1).zfill(4)
    with migrating(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :newer"), {"newer": newer})
        assert version_of(connection) == newer
    why = await check_database(db, sealer)
    assert why is not None
    assert "python -m bot migrate" in why

    with migrating(url) as connection:
        upgrades._let_older_run(connection, sealer, HEAD)

    assert await check_database(db, sealer) is None
    await db.close()
