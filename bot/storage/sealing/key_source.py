"""Where the encryption keys come from: one file, setting, credential of systemd, or command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage.sealing.key_command import ring_of_command
from bot.storage.sealing.keyring import GENERATE, KeyRing

CREDENTIAL: Final = "encryption.keys"  # the name of the credential in a unit of systemd


@dataclass(frozen=True, slots=True)
class KeySource:
    """What the settings say about the keys. At most one of them is used."""

    file: Path | None = None
    allow_shared: bool = False  # the file is a secret mount
    lines: Secret | None = None
    command: Secret | None = None
    credentials_directory: Path | None = None  # systemd sets it for a unit with `LoadCredential=`

    def read(self) -> KeyRing | None:
        """The keys; None if there is no source. Raises `CannotStart`, also for two sources at once."""
        given = {
            "ENCRYPTION_KEYS_FILE": self.file, "ENCRYPTION_KEYS": self.lines, "ENCRYPTION_KEYS_COMMAND": self.command,
        }  # fmt: skip
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise CannotStart(f"{' and '.join(names)} are set. Keep one of them: the keys come from one source.")
        if self.file is not None:
            return KeyRing.load(self.file, allow_shared=self.allow_shared)
        if self.lines is not None:
            return KeyRing.read(self.lines)
        if self.command is not None:
            return ring_of_command(self.command)
        return None if self.credential is None else KeyRing.load_credential(self.credential)

    def require(self) -> KeyRing:
        """`read`, where the keys cannot be done without. Raises `CannotStart`."""
        ring = self.read()
        if ring is None:
            raise CannotStart(f"No encryption key is configured: ENCRYPTION_KEYS_FILE is not set. {GENERATE}")
        return ring

    @property
    def credential(self) -> Path | None:
        """The file that systemd made; None if there is none."""
        path = None if self.credentials_directory is None else self.credentials_directory / CREDENTIAL
        return path if path is not None and path.is_file() else None

    @property
    def own_file(self) -> Path | None:
        """The file, if the commands for keys may change it: others make secret mounts and credentials."""
        return None if self.allow_shared else self.file

    @property
    def place(self) -> str:
        """Where to change the keys by hand."""
        if self.file is not None:
            return f"the secret that is mounted as {self.file}"
        if self.lines is not None:
            return "ENCRYPTION_KEYS"
        if self.command is not None:
            return "the place that ENCRYPTION_KEYS_COMMAND reads"
        return f"the file that `LoadCredential={CREDENTIAL}:` names in the unit"
