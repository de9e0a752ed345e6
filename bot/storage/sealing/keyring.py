"""The encryption keys: where they come from and what makes one unusable.

A key ring is a list of `kid:base64url(32 random bytes)`, one a line or with commas. The first key is the primary key,
which seals new values. All keys open values. Errors name the line, the key's name and the fix, never a key.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NoReturn, Self

from bot.errors import CannotStart
from bot.secret import Secret

KEY_BYTES = 32
MAX_FILE_BYTES = 65_536
MIN_DISTINCT_BYTES = 16  # 32 random bytes have fewer about once in 10^14
GENERATE = "Make one with `python -m bot keys generate`."

# The bytes 0 to 31: documentation shows this key, so it is never accepted.
SAMPLE_LINE = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,15}")
_ENCODED = re.compile(r"[A-Za-z0-9_-]*={0,2}")


def is_kid(text: str) -> bool:
    """Whether the text can be a key's name: 1 to 16 letters, digits, dots, dashes, underscores."""
    return _KID.fullmatch(text) is not None


def generate_line(kid: str = "k1") -> Secret:
    """A new key as a line of the key file, without line end. Raises `CannotStart` for an unusable name."""
    if not is_kid(kid):
        raise CannotStart("A key's name has 1 to 16 letters, digits, dots, dashes or underscores, such as k1.")
    return Secret(f"{kid}:{base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b'=').decode()}")


class KeyRing:
    """Named keys. When printed, only the names are shown."""

    __slots__ = ("__roots", "primary")

    def __init__(self, roots: dict[str, bytes]) -> None:
        self.__roots = dict(roots)
        self.primary = next(iter(roots))  #: the name of the key that seals

    @classmethod
    def read(cls, text: str | Secret, source: str = "ENCRYPTION_KEYS") -> Self:
        """Read the keys from text. Errors call the text `source`. Raises `CannotStart`."""
        text = text.reveal() if isinstance(text, Secret) else text
        if text.startswith("\ufeff"):
            raise CannotStart(f"{source} starts with a byte order mark: save it as plain UTF-8 without one.")
        if "\r" in text:
            raise CannotStart(f"{source} has Windows line ends (CR): save it with Unix line ends.")
        entries = [entry.strip(" \t") for entry in text.replace(",", "\n").split("\n")]
        numbered = [(n, entry) for n, entry in enumerate(entries, 1) if entry and not entry.startswith("#")]
        if not numbered:
            raise CannotStart(f"{source} holds no key. {GENERATE}")
        roots: dict[str, bytes] = {}
        for number, entry in numbered:
            kid, root = _parse(entry, f"{source}, line {number}")
            if kid in roots:
                raise CannotStart(f"{source}, line {number}: the name {kid} is there twice. Names are never reused.")
            if root in roots.values():
                raise CannotStart(f"{source}, line {number}: {kid} is the same key as one before it. Remove one.")
            roots[kid] = root
        return cls(roots)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, allow_shared: bool = False) -> Self:
        """Keys from a file that only we can read. Raises `CannotStart`.

        `allow_shared` is for secret mounts of Docker and Kubernetes: the file may be a symbolic link, belong to
        somebody else and be readable by others. Even then it must be a file.
        """
        return cls.decode_and_read(read_private(Path(path), allow_shared=allow_shared), f"The key file {path}")

    @classmethod
    def load_credential(cls, path: Path) -> Self:
        """Keys from a file that systemd made for this service (`LoadCredential=`). Raises `CannotStart`."""
        return cls.decode_and_read(read_private(path, is_credential=True), f"The key file {path}")

    @classmethod
    def decode_and_read(cls, raw: bytes, source: str) -> Self:
        """Read the keys from bytes. Errors call them `source`. Raises `CannotStart`."""
        return cls.read(cls.decode(raw, source), source)

    @staticmethod
    def decode(raw: bytes, source: str) -> str:
        """The bytes as text. Raises `CannotStart`."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise CannotStart(f"{source} is not text. Put back the right one. {GENERATE}") from None

    @property
    def kids(self) -> tuple[str, ...]:
        return tuple(self.__roots)

    def root(self, kid: str) -> bytes:
        """The 32 bytes of a key, to derive other keys from. Raises `KeyError` with the name."""
        return self.__roots[kid]

    def __repr__(self) -> str:
        return f"KeyRing(primary={self.primary!r}, kids={self.kids!r})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a KeyRing is never pickled")


def _parse(entry: str, where: str) -> tuple[str, bytes]:
    kid, colon, encoded = entry.partition(":")
    if not colon or not is_kid(kid):
        # The error does not repeat the text before the colon: it may be the key.
        raise CannotStart(f"{where}: should be name:key, such as k1:… with 43 characters for the key. {GENERATE}")
    if not _ENCODED.fullmatch(encoded):
        raise CannotStart(f"{where}: the key {kid} is not base64url (A-Z a-z 0-9 - _). {GENERATE}")
    bare = encoded.rstrip("=")
    try:
        root = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        root = b""
    if len(root) != KEY_BYTES:
        raise CannotStart(f"{where}: the key {kid} is not {KEY_BYTES} bytes (43 characters of base64url). {GENERATE}")
    if base64.urlsafe_b64encode(root).rstrip(b"=").decode() != bare:
        raise CannotStart(f"{where}: the key {kid} was mistyped at its end. Put back the right one.")
    if weakness := _weakness(root):
        raise CannotStart(f"{where}: the key {kid} {weakness}. {GENERATE}")
    return kid, root


def _weakness(root: bytes) -> str | None:
    if root == bytes(range(KEY_BYTES)):
        return "is the sample from the documentation, which everybody knows"
    if len(set(root)) < MIN_DISTINCT_BYTES:
        return "is not random: it repeats itself"
    if root.isascii() and root.decode().isprintable():
        return "is a passphrase, not 32 random bytes"
    return None


def read_private(path: Path, *, allow_shared: bool = False, is_credential: bool = False) -> bytes:
    """The content of a key file, if nobody else can read it. Raises `CannotStart`."""
    # The file is opened once and checked by its descriptor, so nobody can replace it in between.
    # O_NONBLOCK, because opening a named pipe would wait for a writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if allow_shared else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise CannotStart(_why_not_opened(path, error)) from None
    try:
        _check_private(path, os.fstat(descriptor), allow_shared=allow_shared, is_credential=is_credential)
        raw = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(raw) > MAX_FILE_BYTES:
        raise CannotStart(f"The key file {path} is too big to be one. Put back the right file.")
    return raw


def _why_not_opened(path: Path, error: OSError) -> str:
    if path.is_symlink() and path.exists():
        return (
            f"The key file {path} is a symbolic link. Name the file itself, or start with "
            "ALLOW_SHARED_KEY_FILE=true if it is a secret mount."
        )
    if isinstance(error, FileNotFoundError):
        return f"The key file {path} does not exist. Set ENCRYPTION_KEYS_FILE to yours. {GENERATE}"
    return f"The key file {path} cannot be opened ({error.strerror}). Make it readable for the bot's user only."


def _check_private(path: Path, status: os.stat_result, *, allow_shared: bool, is_credential: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CannotStart(f"The key file {path} is not a regular file. Name the file that holds the keys.")
    if allow_shared:
        return
    if is_credential:
        _check_credential(path, status)
        return
    shared = "or start with ALLOW_SHARED_KEY_FILE=true if it is a secret mount"
    if status.st_uid != os.geteuid():
        raise CannotStart(f"The key file {path} belongs to another user. `chown` it to the bot's user, {shared}.")
    if status.st_mode & 0o077:
        raise CannotStart(f"The key file {path} can be read by others. Run `chmod 600 {path}`, {shared}.")
    folder = path.absolute().parent
    if folder.stat().st_mode & stat.S_IWOTH:
        raise CannotStart(f"The key file's directory {folder} can be written by everybody. Move the file, {shared}.")


def _check_credential(path: Path, status: os.stat_result) -> None:
    """Systemd gives the file to the service's user, or keeps it as root's and lets that user read it by an ACL.

    The mode then shows the ACL as rights of the group.
    """
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o037:
        raise CannotStart(
            f"The key file {path} is not as systemd makes it: others can read or change it. Let systemd make it, by "
            "`LoadCredential=` in the unit, or set ENCRYPTION_KEYS_FILE."
        )
