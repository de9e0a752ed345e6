"""Where keys come from: one source, which gives nothing away, and says what is wrong with it."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.sealing.key_command import ring_of_command
from bot.storage.sealing.key_source import KeySource
from bot.storage.sealing.keyring import MAX_FILE_BYTES, KeyRing, generate_line

K1, K2 = generate_line("k1").reveal(), generate_line("k2").reveal()


def program(tmp_path: Path, code: str) -> Secret:
    """A command that runs this code."""
    file = tmp_path / "a vault.py"
    file.write_text(code)
    return Secret(shlex.join([sys.executable, "-S", "-E", str(file)]))


def test_the_lines_that_a_command_prints_are_the_keys(tmp_path):
    command = program(tmp_path, f"print('# from the vault'); print({K2!r}); print({K1!r})")

    assert KeySource(command=command).read().kids == ("k2", "k1")


def test_no_shell_reads_the_command(tmp_path):
    seen = tmp_path / "seen"
    command = program(tmp_path, f"import sys; open({str(seen)!r}, 'w').write(repr(sys.argv[1:])); print({K1!r})")

    ring_of_command(Secret(f"{command.reveal()} '$HOME' ; touch `id`"))

    assert seen.read_text() == repr(["$HOME", ";", "touch", "`id`"])


def test_a_command_runs_once_for_all_tries_to_start(tmp_path):
    count = tmp_path / "count"
    keys = KeySource(command=program(tmp_path, f"open({str(count)!r}, 'a').write('.'); print({K1!r})"))

    assert keys.read() is keys.read()
    assert count.read_text() == "."


FAILED = {
    "it fails": ("import sys; print({line!r}); print({line!r}, file=sys.stderr); sys.exit(3)", "exit code 3"),
    "it is killed": ("import os; print({line!r}, flush=True); os.kill(os.getpid(), 9)", "exit code -9"),
    "it prints nothing": ("", "printed nothing"),
    "it prints blank lines": ("print('\\n \\n')", "printed nothing"),
    "it prints something else": ("print('token=canary-token')", "line 1: should be name:key"),
    "it prints a sample": ("print('k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8')", "sample"),
    "it prints bytes": ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", "not text"),
    "it prints without an end": ("while True: print({line!r})", f"{MAX_FILE_BYTES} bytes are the most"),
    "it does not end": ("import time; print({line!r}, flush=True); time.sleep(600)", "within 1.5 seconds"),
    "it closes its output and does not end": (
        "import os, time; print({line!r}, flush=True); os.close(1); time.sleep(600)",
        "within 1.5 seconds",
    ),
    "a child of it does not end": (
        "import subprocess, sys; print({line!r}, flush=True); subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
        "within 1.5 seconds",
    ),
}


@pytest.mark.parametrize(("code", "why"), FAILED.values(), ids=FAILED.keys())
def test_a_command_that_gives_no_keys_is_told_with_the_reason_and_nothing_that_it_printed(
    tmp_path, capfd, caplog, code, why
):
    canary = generate_line("k1").reveal()
    command = program(tmp_path, code.replace("{line!r}", repr(canary)))
    began = time.monotonic()

    with pytest.raises(CannotStart, match=why) as refused:
        ring_of_command(command, timeout=1.5 if "1.5" in why else 30)

    said = f"{refused.value}{caplog.text}{''.join(capfd.readouterr())}"
    assert canary.partition(":")[2] not in said
    assert "canary-token" not in said
    assert "vault.py" not in said
    assert refused.value.__cause__ is None
    assert time.monotonic() - began < 25


COMMANDS = {
    "a program that is not there": ("no-such-program-here k1", "not found"),
    "a file that is no program": ("{file}", "cannot be run"),
    "quotation marks that do not end": ("vault 'read", "do not end"),
    "nothing": (" ", "no program"),
    "the keys themselves": (K1, "not found"),
}


@pytest.mark.parametrize(("command", "why"), COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_that_cannot_be_run_is_told_with_the_fix(tmp_path, command, why):
    file = tmp_path / "text"
    file.write_text("no program")

    with pytest.raises(CannotStart, match=why) as refused:
        ring_of_command(Secret(command.format(file=file)))

    assert K1.partition(":")[2] not in str(refused.value)


@pytest.mark.parametrize(
    "two",
    [
        {"lines": Secret(K1), "file": Path("/keys")},
        {"lines": Secret(K1), "command": Secret("vault")},
        {"file": Path("/keys"), "command": Secret("vault")},
    ],
    ids=["file and lines", "lines and command", "file and command"],
)
def test_two_sources_at_once_stop_the_start(two):
    with pytest.raises(CannotStart, match=r"ENCRYPTION_KEYS.* and ENCRYPTION_KEYS.* are set. Keep one"):
        KeySource(**two).read()


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    made = tmp_path / "credentials" / "encryption.keys"
    made.parent.mkdir(mode=0o500)
    made.parent.chmod(0o700)
    made.write_text(f"{K1}\n")
    return made


@pytest.mark.parametrize("mode", [0o400, 0o440], ids=["the service's own", "root's, with an ACL"])
def test_a_credential_of_systemd_is_read_as_systemd_makes_it(credential, mode):
    credential.chmod(mode)

    assert KeySource(credentials_directory=credential.parent).read().kids == ("k1",)


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o404, 0o644])
def test_a_credential_that_others_can_read_or_change_is_refused_with_the_fix(credential, mode):
    credential.chmod(mode)

    with pytest.raises(CannotStart, match=r"not as systemd makes it.*LoadCredential="):
        KeySource(credentials_directory=credential.parent).read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_credential_of_another_user_is_refused(credential):
    credential.chmod(0o400)
    os.chown(credential, 12_345, -1)

    with pytest.raises(CannotStart, match="not as systemd makes it"):
        KeySource(credentials_directory=credential.parent).read()


def test_a_credential_is_used_only_if_nothing_else_is_set(credential):
    credential.chmod(0o400)
    keys = KeySource(lines=Secret(K2), credentials_directory=credential.parent)

    assert keys.read().kids == ("k2",)


def test_without_any_source_there_are_no_keys(tmp_path):
    assert KeySource(credentials_directory=tmp_path).read() is None
    with pytest.raises(CannotStart, match="No encryption key is configured"):
        KeySource().require()


def test_a_key_ring_of_a_command_shows_names_only(tmp_path):
    assert repr(KeySource(command=program(tmp_path, f"print({K1!r})")).read()) == repr(KeyRing.read(K1))
