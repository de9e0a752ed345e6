from __future__ import annotations

import base64
import os
import pickle
import re
from pathlib import Path

import pytest

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.sealing.keyring import SAMPLE_LINE, KeyRing, generate_line
from tests.support.rows import each_row


def encoded(root: bytes) -> str:
    return base64.urlsafe_b64encode(root).rstrip(b"=").decode()


def line(kid: str = "k1") -> str:
    return generate_line(kid).reveal()


ONE = line("k1")
PASSPHRASE = b"The quick brown fox jumps over 1"

REFUSED = {
    "no key at all": ("", "holds no key"),
    "only a comment": ("# nothing here\n", "holds no key"),
    "0 bytes": ("k1:", "not 32 bytes"),
    "15 bytes": (f"k1:{encoded(os.urandom(15))}", "not 32 bytes"),
    "16 bytes": (f"k1:{encoded(os.urandom(16))}", "not 32 bytes"),
    "31 bytes": (f"k1:{encoded(os.urandom(31))}", "not 32 bytes"),
    "33 bytes": (f"k1:{encoded(os.urandom(33))}", "not 32 bytes"),
    "a length no base64 has": ("k1:AAAAA", "not 32 bytes"),
    "all zero": (f"k1:{encoded(bytes(32))}", "not random"),
    "few distinct bytes": (f"k1:{encoded(bytes(range(15)) * 2 + bytes(2))}", "not random"),
    "a passphrase": (f"k1:{encoded(PASSPHRASE)}", "passphrase"),
    "the documented sample": (SAMPLE_LINE, "sample"),
    "a name twice": (f"{ONE}\n{line('k1')}", "there twice"),
    "one key under two names": (f"{ONE}\nk2:{ONE.partition(':')[2]}", "same key"),
    "Windows line ends": (f"{ONE}\r\n", "Windows"),
    "a byte order mark": (f"\ufeff{ONE}", "byte order mark"),
    "no name": (ONE.partition(":")[2], "name:key"),
    "key and name exchanged": (":".join(reversed(ONE.split(":"))), "name:key"),
    "a name of 17 characters": (ONE.replace("k1", "k" * 17), "name:key"),
    "the other base64 alphabet": (f"k1:{base64.b64encode(b'+/' * 4 + bytes(range(60, 84))).decode()}", "base64url"),
    "15 distinct bytes": (f"k1:{encoded(bytes([*range(100, 115)] * 2 + [100, 100]))}", "not random"),
    "a no-break space behind it": (f"{ONE}\u00a0", "base64url"),
    "a stray bit at the end": (f"k1:{encoded(bytes(range(40, 72)))[:-1]}9", "mistyped"),
}


@each_row(("text", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_key_is_refused_with_a_reason_and_never_repeated(text, why):
    with pytest.raises(CannotStart, match=why) as refused:
        KeyRing.read(text)

    keys = [entry.partition(":")[2] for entry in text.split() if len(entry.partition(":")[2]) > 8]
    assert all(key not in str(refused.value) for key in [*keys, ONE.partition(":")[2]])
    assert refused.value.__cause__ is None


def test_the_first_line_is_the_primary_key():
    ring = KeyRing.read(f"# rotated\n\n{line('k2')}\n{line('k1')}\n")

    assert (ring.primary, ring.kids) == ("k2", ("k2", "k1"))


def test_commas_separate_as_lines_do():
    assert KeyRing.read(Secret(f"{line('k2')}, {line('k1')}")).kids == ("k2", "k1")


def test_padding_does_not_matter():
    assert KeyRing.read(f"{ONE}=").root("k1") == KeyRing.read(ONE).root("k1")


def test_sixteen_distinct_bytes_are_enough():
    assert KeyRing.read(f"k1:{encoded(bytes(range(200, 216)) * 2)}").kids == ("k1",)


def test_a_generated_line_is_a_name_and_43_characters():
    assert re.fullmatch(r"k7:[A-Za-z0-9_-]{43}", line("k7"))


@pytest.mark.parametrize("kid", ["", "k" * 17, "k 1", "k/1", "-k", "é"])
def test_no_key_is_generated_under_an_unusable_name(kid):
    with pytest.raises(CannotStart, match="1 to 16 letters, digits, dots, dashes or underscores"):
        generate_line(kid)


def test_generated_keys_are_usable_and_differ():
    lines = {line() for _ in range(50)}

    assert len(lines) == 50
    assert all(KeyRing.read(text).primary == "k1" for text in lines)


def test_a_key_ring_shows_names_only_and_is_never_pickled():
    ring = KeyRing.read(ONE)

    assert repr(ring) == str(ring) == "KeyRing(primary='k1', kids=('k1',))"
    with pytest.raises(TypeError):
        pickle.dumps(ring)
    assert not hasattr(ring, "__dict__")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def file(folder: Path) -> Path:
    made = folder / "bot.storage.sealing.commands"
    made.write_text(f"{ONE}\n")
    made.chmod(0o600)
    return made


def test_a_private_file_is_read(file):
    assert KeyRing.load(file).kids == ("k1",)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused_with_the_fix(file, mode):
    file.chmod(mode)

    with pytest.raises(CannotStart, match=f"chmod 600 {file}"):
        KeyRing.load(file)

    assert KeyRing.load(file, allow_shared=True).kids == ("k1",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused_with_the_fix(file):
    os.chown(file, 12_345, -1)

    with pytest.raises(CannotStart, match="chown"):
        KeyRing.load(file)

    assert KeyRing.load(file, allow_shared=True).kids == ("k1",)


def test_a_symbolic_link_is_refused_with_the_fix(file, folder):
    link = folder / "link"
    link.symlink_to(file)

    with pytest.raises(CannotStart, match=r"symbolic link.*ALLOW_SHARED_KEY_FILE=true"):
        KeyRing.load(link)

    assert KeyRing.load(link, allow_shared=True).kids == ("k1",)


def test_a_directory_that_everybody_can_write_is_refused_with_the_fix(file, folder):
    folder.chmod(0o777)

    with pytest.raises(CannotStart, match="written by everybody"):
        KeyRing.load(file)

    assert KeyRing.load(file, allow_shared=True).kids == ("k1",)


@pytest.mark.parametrize("allow_shared", [False, True], ids=["strict", "shared"])
@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_what_is_no_file_is_always_refused(folder, kind, allow_shared):
    path = folder / "it"
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "directory":
        path.mkdir(mode=0o700)
    else:
        path = Path("/dev/null")

    with pytest.raises(CannotStart, match="not a regular file"):
        KeyRing.load(path, allow_shared=allow_shared)


def test_a_missing_file_is_named_and_the_command_that_makes_one(folder):
    with pytest.raises(CannotStart, match=r"none\.keys does not exist.*keys generate"):
        KeyRing.load(folder / "none.keys")


def test_a_file_of_bytes_is_refused_without_showing_them(file):
    file.write_bytes(b"\xff\xfe" + bytes(range(256)))

    with pytest.raises(CannotStart, match="not text") as refused:
        KeyRing.load(file)

    assert refused.value.__suppress_context__


def test_a_huge_file_is_refused(file):
    file.write_text("#" * 70_000)

    with pytest.raises(CannotStart, match="too big"):
        KeyRing.load(file)


def test_an_unusable_key_in_a_file_is_reported_with_the_file_and_line(file):
    file.write_text(f"# first\nk7:{encoded(bytes(32))}\n")

    with pytest.raises(CannotStart, match=rf"{file}, line 2: the key k7 is not random"):
        KeyRing.load(file)
