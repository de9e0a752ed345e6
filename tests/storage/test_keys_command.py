from __future__ import annotations

import base64
import os
import stat

import pytest
from sqlalchemy import text

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.accounts import Accounts
from bot.storage.sealing import commands
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares

HOST = "https://eu.onetimesecret.com"


def test_a_generated_file_is_ours_alone_and_usable(tmp_path):
    path = tmp_path / "bot.storage.sealing.commands"
    before = os.umask(0)
    try:
        said = commands.generate(path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load(path).primary == "k1"
    assert str(path) in said
    assert path.read_text().strip().partition(":")[2] not in said


def test_an_existing_file_is_never_overwritten(tmp_path):
    path = tmp_path / "bot.storage.sealing.commands"
    commands.generate(path)
    before = path.read_bytes()

    with pytest.raises(CannotStart, match="not overwritten"):
        commands.generate(path)

    assert path.read_bytes() == before


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    (tmp_path / "bot.storage.sealing.commands").symlink_to(target)

    with pytest.raises(CannotStart):
        commands.generate(tmp_path / "bot.storage.sealing.commands")

    assert not target.exists()


@pytest.mark.parametrize(
    "place",
    [
        "data/bot.storage.sealing.commands",
        "data/below/bot.storage.sealing.commands",
        "alias/bot.storage.sealing.commands",
        "data/below/../bot.storage.sealing.commands",
    ],
)
def test_a_key_never_lies_beside_the_database(tmp_path, place):
    (tmp_path / "data" / "below").mkdir(parents=True)
    (tmp_path / "alias").symlink_to(tmp_path / "data")

    with pytest.raises(CannotStart, match="directory of the database"):
        commands.generate(tmp_path / place, Secret(f"sqlite:///{tmp_path}/data/bot.db"))

    assert not list(tmp_path.rglob("*.keys"))


@pytest.mark.parametrize("url", ["sqlite:///{}/data/bot.db", "postgresql://host/name"])
def test_a_key_may_lie_elsewhere(tmp_path, url):
    (tmp_path / "keys").mkdir()
    (tmp_path / "data").mkdir()

    commands.generate(tmp_path / "keys" / "bot.storage.sealing.commands", url.format(tmp_path))

    assert (tmp_path / "keys" / "bot.storage.sealing.commands").exists()


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(CannotStart, match="nowhere does not exist"):
        commands.generate(tmp_path / "nowhere" / "bot.storage.sealing.commands")


@pytest.fixture
def lines() -> list[str]:
    return [generate_line(kid).reveal() for kid in ("k2", "k1")]


async def test_listing_says_names_and_counts_and_no_key(database, url, ada, lines):
    old, both = KeyRing.read(lines[1]), KeyRing.read("\n".join(lines))
    await check_keys(database, Sealer(old))
    await Accounts(database, Sealer(old)).connect(ada, HOST, Secret("name"), Secret("token"))

    said = await commands.list_keys(url, both)

    first, second = said.splitlines()
    assert first == "k2  primary  0 values need it  not in use yet"
    assert second.startswith("k1  opens  3 values need it  in use since 20")
    for line in lines:
        encoded = line.partition(":")[2]
        root = base64.urlsafe_b64decode(f"{encoded}=")
        assert not any(shown in said for shown in (encoded, root.hex(), repr(root)))


async def test_listing_names_a_key_that_is_missing(database, url, ada, lines):
    await Accounts(database, Sealer(KeyRing.read(lines[1]))).connect(ada, HOST, Secret("name"), Secret("token"))

    assert "k1  MISSING  3 values need it" in await commands.list_keys(url, KeyRing.read(lines[0]))


async def test_verifying_opens_everything(database, url, ada, ben, lines):
    accounts = Accounts(database, Sealer(KeyRing.read(lines[1])))
    await accounts.connect(ada, HOST, Secret("name"), Secret("token"))
    await accounts.connect(ben, HOST, Secret("name"), Secret("token"))

    said, bad = await commands.verify(url, KeyRing.read("\n".join(lines)))

    assert (said, bad) == ("k1  5 open  0 do not\nEvery sealed value opens.", 0)


async def test_verifying_counts_what_does_not_open(database, url, ada, lines):
    ring = KeyRing.read(lines[1])
    await Accounts(database, Sealer(ring)).connect(ada, HOST, Secret("name"), Secret("token"))
    async with database.writing() as connection:
        await connection.execute(text("UPDATE accounts SET token = username"))

    said, bad = await commands.verify(url, ring)

    assert bad == 1
    assert said.startswith("k1  2 open  1 do not\nSome do not open")


@pytest.mark.parametrize("change", ["recipient_user_id = 'U0EVE'", "recipient = NULL"])
async def test_verifying_counts_who_was_put_in_the_place_of_a_recipient(database, url, ada, ben, lines, change):
    ring = KeyRing.read(lines[1])
    await Shares(database, Sealer(ring)).begin(ada, NewShare("once", HOST, None, False, None, None), [Recipient(ben)])
    assert (await commands.verify(url, ring))[1] == 0

    async with database.writing() as connection:
        await connection.execute(text(f"UPDATE deliveries SET {change}"))

    assert (await commands.verify(url, ring))[1] == 1


@pytest.mark.parametrize("command", [commands.list_keys, commands.verify])
async def test_a_database_that_is_not_there_is_not_made(tmp_path, lines, command):
    with pytest.raises(CannotStart, match="does not exist yet"):
        await command(f"sqlite:///{tmp_path}/bot.db", KeyRing.read(lines[0]))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [commands.list_keys, commands.verify])
async def test_a_database_that_is_away_is_one_line(lines, command):
    with pytest.raises(CannotStart, match="does not answer"):
        await command("postgresql://ada:p4ssw0rd@127.0.0.1:1/none", KeyRing.read(lines[0]))
