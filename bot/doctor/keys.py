"""The encryption keys: that there are some, and that they are safe where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.doctor.finding import Finding, failed, ok, warning
from bot.settings import Settings
from bot.storage.sealing.keyring import GENERATE, KeyRing

NAME = "keys"


def check_keys_given(
    settings: Settings, load: Callable[[Settings], KeyRing | None], database: Path | None
) -> tuple[KeyRing | None, list[Finding]]:
    """`database` is the SQLite file. Raises `CannotStart` for keys that are not usable."""
    ring = load(settings)
    if ring is None:
        remedy = f"{GENERATE} Then set ENCRYPTION_KEYS_FILE to the file, and keep a copy apart from the database."
        return None, [failed(NAME, "No encryption key is configured", remedy)]
    file = settings.encryption_keys_file
    if file is not None and database is not None and file.absolute().parent == database.parent:
        return ring, [
            warning(
                NAME,
                f"The key file is in the folder of the database: whoever copies {database.parent} can open everything",
                "Move the key file to a folder of its own, and set ENCRYPTION_KEYS_FILE.",
            )
        ]
    others = f", {len(ring.kids) - 1} more can open" if len(ring.kids) > 1 else ""
    return ring, [ok(NAME, f"{ring.primary} seals{others}")]
