"""The database: that it is there, has the tables of this version, takes writes, and belongs to the keys."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bot.doctor.finding import Finding, failed, failed_by, ok, warning
from bot.errors import CannotStart
from bot.secret import Secret
from bot.storage import diagnosis
from bot.storage.diagnosis import HEAD, DatabaseFacts
from bot.storage.engine.database import Database
from bot.storage.sealing.key_checks import compare_keys
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.watch.single_instance import is_locked

NAME = "database"
MOUNTS = Path("/proc/self/mountinfo")
# File systems whose files other machines may have open too: their locks are not those that SQLite's log needs.
# Source: sqlite.org/wal.html, “all processes using a database must be on the same host computer”.
NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ncpfs|ceph|glusterfs|lustre|beegfs|gfs2?|ocfs2|fuse\.(?:sshfs|glusterfs|ceph.*|"
    r"s3fs|rclone|gcsfuse|mount-s3|davfs.*|smbnetfs)|davfs.*"
)
_ESCAPED = re.compile(r"\\([0-7]{3})")  # blanks in a path of mountinfo


def check_place(url: Secret) -> tuple[Path | None, list[Finding]]:
    """The SQLite file, and what is wrong with where it is. Nothing is opened. Raises `CannotStart`."""
    path = diagnosis.locate_checked(url).path
    if path is None:
        return None, []
    findings = [] if path.exists() else [ok(NAME, f"{path} is made at the first start of `run`")]
    if kind := find_network_filesystem(path.parent):
        findings.append(judge_filesystem(path.parent, kind))
    owned = path if path.exists() else path.parent
    if (owner := owned.stat().st_uid) != os.geteuid():
        findings.append(
            warning(
                NAME, f"{owned} belongs to another user (number {owner})", "Run the bot and the doctor as one user."
            )
        )
    return path, findings


def judge_filesystem(folder: Path, kind: str) -> Finding:
    """`kind` is that of a network file system."""
    return failed(
        NAME,
        f"{folder} is on a network file system ({kind}), where SQLite loses data",
        "Put the database on a disk of this machine, or use PostgreSQL.",
    )


async def check_contents(url: Secret, ring: KeyRing | None) -> list[Finding]:
    """What is in a database that exists. Raises `CannotStart` if it does not answer."""
    async with diagnosis.opened(url) as db:
        facts = await diagnosis.examine(db)
        findings = _judge_version(db, facts)
        if any(one.result == "failed" for one in findings):
            return findings
        if why := await diagnosis.find_write_problem(db) if facts.version else None:
            return [failed(NAME, f"{db.where} takes no writes: {why}", _write_remedy(db))]
        if facts.version == HEAD and ring is not None:
            findings += await _compare(db, ring)
    return findings


def _judge_version(db: Database, facts: DatabaseFacts) -> list[Finding]:
    schema = f"{db.where} has schema {facts.version}" if facts.version else f"{db.where} has no tables"
    if facts.is_newer:
        remedy = "Start the newer version of the bot, or restore the backup from before it."
        return [failed(NAME, f"{schema}, which this version of the bot ({HEAD}) does not know", remedy)]
    if facts.version != HEAD and not db.is_sqlite:
        return [failed(NAME, f"{schema}, and this version needs {HEAD}", "Run `python -m bot migrate`.")]
    found = f"{schema}, {facts.server}"
    if facts.version != HEAD:
        found += f"; `run` brings it to {HEAD}"
    if facts.pooling is not None:
        found += f", behind PgBouncer with {facts.pooling} pooling"
    if db.where.path is not None and is_locked(db.where.path):
        found += "; a bot is running on it"
    return [ok(NAME, found)]


def _write_remedy(db: Database) -> str:
    if db.is_sqlite:
        return "Make file and folder belong to the bot's user, and make room on the disk."
    return "Name the primary server in DATABASE_URL, with a user who may change the tables."


async def _compare(db: Database, ring: KeyRing) -> list[Finding]:
    """Whether these keys sealed this database. Writes nothing, unlike a start."""
    try:
        await compare_keys(db, Sealer(ring))
    except CannotStart as error:
        return [failed_by(NAME, str(error))]
    if await diagnosis.uses_data_keys(db):
        return []
    remedy = "When every process runs this version, run `python -m bot keys rotate`."
    return [warning(NAME, "not everything is encrypted under the data keys of workspaces, since the upgrade", remedy)]


def find_network_filesystem(folder: Path) -> str | None:
    """The kind of the network file system that a folder is on; None for a disk, or where Linux does not say."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best: tuple[int, str] = (-1, "")
    real = folder.resolve()
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:  # noqa: PLR2004 - the mount point is the fifth field (man 5 proc)
            continue
        point = Path(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        if real.is_relative_to(point) and len(point.parts) >= best[0]:  # a later mount hides an earlier one
            best = len(point.parts), after.split(" ")[0]
    return best[1] if NETWORK.fullmatch(best[1]) else None
