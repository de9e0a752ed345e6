"""The commands that change the key file: at once, for our eyes only, and no other key with it."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from bot import logs
from bot.__main__ import main
from bot.errors import CannotStart
from bot.message_ref import MessageRef
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.audit.heads import count_heads
from bot.storage.audit.journal import Audit
from bot.storage.audit.store import AuditStore
from bot.storage.engine.database import Database, migrate
from bot.storage.link_cards import LinkCards, PostedLink
from bot.storage.link_warnings import LinkWarnings
from bot.storage.sealing import changing, commands, key_file
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.key_source import KeySource
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.workspace_rows import WorkspaceRows

HOST = "https://eu.onetimesecret.com"
K1, K2 = generate_line("k1").reveal(), generate_line("k2").reveal()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    made = folder / "encryption.keys"
    made.write_text(f"# the keys\n{K1}\n")
    made.chmod(0o600)
    return made


def source(file: Path) -> KeySource:
    return KeySource(file=file)


def test_a_new_key_stands_last_and_the_first_still_seals(file):
    said = changing.append(source(file), None)

    ring = KeyRing.load(file)
    assert (ring.primary, ring.kids) == ("k1", ("k1", "k2"))
    assert file.read_text().startswith(f"# the keys\n{K1}\nk2:")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(part.partition(":")[2] not in said for part in file.read_text().split()[3:])


def test_a_promoted_key_stands_first_and_comments_stay(file):
    changing.append(source(file), "new")

    changing.promote(source(file), "new")

    assert KeyRing.load(file).kids == ("new", "k1")
    assert file.read_text().splitlines()[0] == "# the keys"
    assert "already" in changing.promote(source(file), "new")


def test_commas_of_a_file_become_lines(file):
    file.write_text(f"{K1}, {K2}\n")

    changing.promote(source(file), "k2")

    assert file.read_text() == f"{K2}\n{K1}\n"


def test_a_name_is_not_used_twice(file):
    with pytest.raises(CannotStart, match=r"a key k1 in .* already"):
        changing.append(source(file), "k1")

    assert file.read_text() == f"# the keys\n{K1}\n"


@pytest.mark.parametrize("command", [changing.append, changing.promote], ids=["append", "promote"])
def test_a_file_that_others_can_read_is_not_changed(file, command):
    file.write_text(f"{K1}\n{K2}\n")
    file.chmod(0o644)

    with pytest.raises(CannotStart, match="chmod 600"):
        command(source(file), "k2" if command is changing.promote else "k3")

    assert file.read_text() == f"{K1}\n{K2}\n"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_change_that_is_cut_off_leaves_the_old_file_whole(file, monkeypatch, step):
    before = file.read_text()

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(CannotStart, match="cannot be changed"):
        changing.append(source(file), None)

    monkeypatch.undo()
    assert file.read_text() == before
    changing.append(source(file), None)  # what was left over is in nobody's way
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_the_content_is_on_the_disk_before_the_file_is_replaced(file, monkeypatch):
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        done.append("fsync")
        sync(descriptor)

    def note_replace(one: Path, to: Path) -> Path:
        done.append("replace")
        return replace(one, to)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)

    key_file.append_key(file, None)

    assert done == ["fsync", "replace", "fsync"]


SOURCES = {
    "the setting": (lambda _file: KeySource(lines=Secret(f"{K1},{K2}")), "ENCRYPTION_KEYS by hand"),
    "a command": (
        lambda file: KeySource(command=Secret(f"cat {file}")),
        "the place that ENCRYPTION_KEYS_COMMAND reads by hand",
    ),
    "a secret mount": (lambda file: KeySource(file=file, allow_shared=True), "the secret that is mounted"),
    "a credential": (lambda file: KeySource(credentials_directory=file.parent), "LoadCredential=encryption.keys"),
}


@pytest.mark.parametrize(("made_of", "where"), SOURCES.values(), ids=SOURCES.keys())
def test_keys_that_are_not_in_a_file_of_ours_are_changed_by_hand(file, made_of, where):
    file.write_text(f"{K1}\n{K2}\n")

    with pytest.raises(CannotStart, match=f"put k2 first in .*{where}"):
        changing.promote(made_of(file), "k2")
    with pytest.raises(CannotStart, match="generate --kid NAME FILE"):
        changing.append(made_of(file), None)

    assert file.read_text() == f"{K1}\n{K2}\n"


@pytest.mark.parametrize("given", ["", "k9", K1.partition(":")[2]], ids=["none", "another", "the key itself"])
def test_a_key_that_is_not_there_is_answered_with_those_that_are(file, given):
    with pytest.raises(CannotStart, match=r"There are: k1\.") as refused:
        changing.promote(source(file), given)

    assert K1.partition(":")[2] not in str(refused.value)


async def test_a_key_is_pruned_only_when_nothing_uses_it(database, url, file, ada):
    sealer = Sealer(KeyRing.read(K1))
    await check_keys(database, sealer)
    account = await Accounts(database, sealer).connect(ada, HOST, Secret("name"), Secret("token"))
    await LinkWarnings(database, sealer).claim(ada, HOST, MetadataKey("posted"))
    file.write_text(f"{K2}\n{K1}\n")

    with pytest.raises(CannotStart, match=r"k1 is still needed\. It sealed 1 in data_keys\. Run `keys rotate`"):
        await changing.prune(url, source(file), "k1")
    await Accounts(database, sealer).disconnect(ada, account.id)
    await WorkspaceRows(database).destroy_unused_keys()
    with pytest.raises(CannotStart, match=r"blind indexes of 1 in link_warnings.*expire by themselves"):
        await changing.prune(url, source(file), "k1")
    assert KeyRing.load(file).kids == ("k2", "k1")
    await LinkWarnings(database, sealer).give_back(ada, HOST, MetadataKey("posted"))

    said = await changing.prune(url, source(file), "k1")

    assert said.startswith("Removed k1")
    assert file.read_text() == f"{K2}\n"
    assert await commands.list_keys(url, KeyRing.load(file)) == "k2  primary  0 values need it  not in use yet"
    with pytest.raises(CannotStart, match="There is no key k1"):
        await changing.prune(url, source(file), "k1")


async def test_a_key_that_the_audit_needs_is_not_pruned(database, url, file, ada):
    old, new = (KeyRing.read(lines) for lines in (f"{K1}\n{K2}", f"{K2}\n{K1}"))
    await check_keys(database, Sealer(old))
    audit = Audit(AuditStore(database, Sealer(old)), Sealer(old))
    audit.note(ada, "burn", "done")
    await audit.flush()
    file.write_text(f"{K2}\n{K1}\n")

    with pytest.raises(CannotStart, match=r"It sealed 1 in audit_chains, 1 in audit_keys"):
        await changing.prune(url, source(file), "k1")
    await changing.rotate(url, new, lambda _: None, 10)
    assert (await changing.prune(url, source(file), "k1")).startswith("Removed k1")

    async with database.reading() as connection:
        assert (await count_heads(connection)) == {"k2": 1}


async def test_the_key_that_seals_is_not_pruned(url, file):
    with pytest.raises(CannotStart, match="Promote another one first"):
        await changing.prune(url, source(file), "k1")


async def test_of_a_key_that_is_gone_from_the_file_already_the_check_is_forgotten(database, url, file):
    await check_keys(database, Sealer(KeyRing.read(f"{K1}\n{K2}")))

    assert "forgotten" in await changing.prune(url, source(file), "k2")

    # another key may have the name now
    await check_keys(database, Sealer(KeyRing.read(f"{K1}\n{generate_line('k2').reveal()}")))


async def test_keys_of_the_setting_are_pruned_by_hand(database, url):
    keys = KeySource(lines=Secret(f"{K1},{K2}"))

    assert "Remove its line from ENCRYPTION_KEYS by hand" in await changing.prune(url, keys, "k2")


def test_the_steps_of_the_documents_replace_the_key(tmp_path, monkeypatch, capsys, ada):
    """As docs/operations.md has them, by the command line, and then the bot's values open with the new key alone."""
    (tmp_path / "keys").mkdir(mode=0o700)
    file, url = tmp_path / "keys" / "encryption.keys", f"sqlite:///{tmp_path}/data/bot.db"
    (tmp_path / "data").mkdir(mode=0o700)
    monkeypatch.setattr(logs, "set_up", lambda *_: None)

    def run(*words: str) -> str:
        monkeypatch.setenv("ENCRYPTION_KEYS_FILE", str(file))
        monkeypatch.setenv("DATABASE_URL", url)
        code = main(["keys", *words])
        assert code == 0, capsys.readouterr().err
        return str(capsys.readouterr().out)

    async def store() -> None:
        db = Database.open(url)
        sealer = await check_keys(db, Sealer(KeyRing.load(file)))
        await Accounts(db, sealer).connect(ada, HOST, Secret("name"), Secret("token"))
        link = PostedLink(
            Secret(f"{HOST}/secret/abcdefghijklmnopqrstuvwxyz"), HOST, SecretKey("abcdefghijklmnopqrstuvwxyz")
        )
        await LinkCards(db, sealer).keep(ada, MessageRef("T0000001", "C0000001", "1700000000.000100"), [link])
        await db.close()

    async def stored() -> Secret:
        db = Database.open(url)
        (account,) = await Accounts(db, await check_keys(db, Sealer(KeyRing.load(file)))).all_of(ada)
        await db.close()
        return account.token

    run("generate")
    migrate(url)
    asyncio.run(store())

    assert "promote k2" in run("generate", "--append")
    assert "k2 is the first key" in run("promote", "k2")
    assert run("rotate").startswith("Sealed 1 value anew with k2.\nNothing is left.")
    assert run("verify") == "k2  4 open  0 do not\nEvery sealed value opens.\n"
    assert "Removed k1" in run("prune", "k1")

    assert asyncio.run(stored()) == Secret("token")
    assert run("list").startswith("k2  primary  4 values need it  in use since 20")
    assert len(run("list").splitlines()) == 1


@pytest.mark.parametrize("terminal", [True, False], ids=["a terminal", "no terminal"])
def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    progress = changing.Progress(width=4, apart=60)

    for done in (0, 1, 2):
        progress.tell(done, 2)
    progress.end()

    bar = "\r[....] 0 of 2\r[##..] 1 of 2\r[####] 2 of 2\n"
    assert capsys.readouterr().err == (bar if terminal else "0 of 2 sealed anew\n")
