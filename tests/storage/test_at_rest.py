"""What a copy of the database's files gives away: nothing, and nothing of what was wiped."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import METADATA, ButtonContexts, NewButtonContext
from bot.storage.engine.database import Database
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.tables import new_id, reveals

HOST = "https://eu.onetimesecret.com"

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def files(tmp_path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))


async def blobs(database: Database, ref: str) -> list[bytes]:
    async with database.reading() as connection:
        query = select(reveals.c.secret_key, reveals.c.escrow).where(reveals.c.id == ref)
        return [blob for blob in (await connection.execute(query)).one() if blob]


async def test_nothing_secret_stands_in_the_files(database, sealer, ada, tmp_path, canary):
    accounts, button_contexts, held = (
        Accounts(database, sealer),
        ButtonContexts(database, sealer),
        Reveals(database, sealer),
    )
    ref = new_id()

    await accounts.connect(ada, HOST, Secret(f"user-{canary}"), Secret(f"token-{canary}"))
    await button_contexts.keep(ada, NewButtonContext(METADATA, HOST, MetadataKey(canary), data={"name": canary}))
    await held.begin(ada, ref, HOST, SecretKey(f"key-{canary}"))
    await held.claim(ref)
    await held.keep(await held.find(ada, ref), Secret(f"text-{canary}"))

    content = files(tmp_path)
    assert ada.user_id.encode() in content  # so that this looks at the right files
    assert canary.encode() not in content


@pytest.mark.parametrize("end", ["mark_shown", "close"])
async def test_of_a_wiped_secret_not_even_the_sealed_bytes_are_left(database, sealer, ada, tmp_path, end):
    held, ref = Reveals(database, sealer), new_id()
    await held.begin(ada, ref, HOST, SecretKey("key"))
    await held.claim(ref)
    await held.keep(await held.find(ada, ref), Secret("text " * 100))
    sealed = await blobs(database, ref)
    before = files(tmp_path)

    await getattr(held, end)(ref)

    after = files(tmp_path)
    assert len(sealed) == 2
    assert all(blob in before and blob[-40:] not in after for blob in sealed)


async def test_of_an_expired_escrow_not_even_the_sealed_bytes_are_left(database, sealer, ada, tmp_path):
    held, ref = Reveals(database, sealer, escrow_minutes=0), new_id()
    await held.begin(ada, ref, HOST, SecretKey("key"))
    await held.claim(ref)
    await held.keep(await held.find(ada, ref), Secret("text"))
    sealed = await blobs(database, ref)

    await InterruptedReveals(database, sealer).purge()

    assert all(blob[-30:] not in files(tmp_path) for blob in sealed)


async def test_of_a_disconnected_account_not_even_the_sealed_bytes_are_left(database, sealer, ada, tmp_path):
    accounts = Accounts(database, sealer)
    account = await accounts.connect(ada, HOST, Secret("name"), Secret("token"))
    before = files(tmp_path)

    await accounts.disconnect(ada, account.id)

    assert account.id.encode() in before
    assert account.id.encode() not in files(tmp_path)


async def test_of_an_expired_button_not_even_the_sealed_bytes_are_left(database, sealer, ada, tmp_path):
    contexts = ButtonContexts(database, sealer, ttl=0)
    (ref,) = await contexts.keep(ada, NewButtonContext(METADATA, HOST, MetadataKey("key"), data={"name": "value"}))
    before = files(tmp_path)

    assert await contexts.purge() == 1

    assert ref.encode() in before
    assert ref.encode() not in files(tmp_path)
