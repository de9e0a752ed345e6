"""Sealing: encrypts stored values, so that a copy of the database alone gives nothing away.

    blob = header | nonce[12] | ciphertext | tag[16]
    header = "O1" | len(kid) | kid     sealed by an encryption key
           = "O2" | id[16]             sealed by a data key (see data_keys.py)
    AAD  = header | for each part of the binding, and of its audience if there is one: uint32_be(len) | utf8(part)
    key  = HKDF-SHA256(root, salt="onetime-bot/v1", info=purpose)

AES-256-GCM (NIST SP 800-38D) with random nonces allows 2^32 seals with one key; the bot stays far below that. The
associated data names table, column, owner, host and row, so a blob does not open if it was copied elsewhere or if
its row was edited.
"""

from __future__ import annotations

import base64
import functools
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeVar, get_args

from cachetools import TTLCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.sealing.keyring import KEY_BYTES, KeyRing, is_kid

Purpose = Literal["token", "metadata_key", "escrow", "slack_token", "key_check", "audit_key", "audit_entry", "data_key"]
MacPurpose = Literal["audit_head", "audit_secret"]

VERSION: Final = b"O1"
DATA_VERSION: Final = b"O2"
DATA_ID_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
MIN_DATA_BLOB: Final = len(DATA_VERSION) + DATA_ID_BYTES + NONCE_BYTES + TAG_BYTES
INDEX_BYTES = 16
MAX_HEADER = len(VERSION) + 1 + 16  # bytes: version, length, the longest kid
MAX_DATA_KEYS = 10_000  # opened data keys that are held in memory
DATA_KEY_KEPT = 300.0  # seconds that an opened data key is held, so that no process uses a destroyed one for longer
NOBODY = "-"  # in place of a part that a row does not have, such as the enterprise outside Grid

_SALT = b"onetime-bot/v1"
_PURPOSES = frozenset(get_args(Purpose))

AnySecret = TypeVar("AnySecret", bound=Secret)


@dataclass(frozen=True, slots=True)
class Binding:
    """The place that a blob belongs to. The blob opens in no other place. No part may be empty."""

    table: str
    column: str
    enterprise_id: str  # "-" outside Enterprise Grid
    team_id: str
    user_id: str
    base_url: str  # canonical, as allowlisted
    row_id: str
    audience: tuple[str, ...] = ()  # who may get it besides the owner; empty: this is not bound

    @classmethod
    def of(
        cls, table: str, column: str, person: Person, base_url: str, row_id: str, audience: tuple[str, ...] = ()
    ) -> Binding:
        enterprise = NOBODY if person.enterprise_id is None else person.enterprise_id
        return cls(table, column, enterprise, person.team_id, person.user_id, base_url, row_id, audience)

    def associated_data(self) -> bytes:
        """Every part with its length before it, so that no two bindings look alike. `ValueError` if a part is empty."""
        named = (self.table, self.column, self.enterprise_id, self.team_id, self.user_id, self.base_url, self.row_id)
        parts = (*named, *self.audience)
        if not all(isinstance(part, str) and part for part in parts):
            raise ValueError("a part of the binding is empty")
        encoded = [part.encode() for part in parts]
        return b"".join(map(_with_length, encoded))


class ValueSealer(ABC):
    """Seals values."""

    __slots__ = ()

    @abstractmethod
    def seal(self, purpose: Purpose, binding: Binding, plaintext: bytes) -> bytes:
        """Raises `ValueError` for an empty part or an unknown purpose, before any key is used."""

    def seal_text(self, purpose: Purpose, binding: Binding, text: Secret) -> bytes:
        return self.seal(purpose, binding, text.reveal().encode("utf-8", "surrogatepass"))


class ValueOpener(ABC):
    """Opens values."""

    __slots__ = ()

    @abstractmethod
    def open(self, purpose: Purpose, binding: Binding, blob: bytes) -> bytes:
        """Raises `Unsealable`, with the same text for everything that can be wrong with the blob."""

    def open_text(
        self,
        purpose: Purpose,
        binding: Binding,
        blob: bytes,
        kind: type[AnySecret] = Secret,  # type: ignore[assignment]
    ) -> AnySecret:
        """The text that `seal_text` sealed, as a secret of this `kind`. Raises `Unsealable`."""
        try:
            return kind(self.open(purpose, binding, blob).decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            raise Unsealable from None


class RootKey(ValueSealer, ValueOpener):
    """A key, from which the key for each purpose is made. Its blobs begin with `header`. It cannot be printed."""

    __slots__ = ("__keys", "__root", "_header")

    def __init__(self, header: bytes, root: bytes) -> None:
        self._header = header
        self.__root = root
        self.__keys: dict[Purpose, bytes] = {}

    def seal(self, purpose: Purpose, binding: Binding, plaintext: bytes) -> bytes:
        _check_purpose(purpose)
        return _encrypt(self._cipher(purpose), self._header, binding.associated_data(), plaintext)

    def open(self, purpose: Purpose, binding: Binding, blob: bytes) -> bytes:
        _check_purpose(purpose)
        bound = binding.associated_data()
        if not blob.startswith(self._header):
            raise Unsealable
        return _decrypt(self._cipher(purpose), self._header, bound, blob)

    def _cipher(self, purpose: Purpose) -> AESGCM:
        key = self.__keys.get(purpose)
        if key is None:
            key = self.__keys[purpose] = _derive(self.__root, purpose)
        return AESGCM(key)  # not kept: it is made in a microsecond, and takes 2 kB for each of thousands of workspaces

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a RootKey is never pickled")


class Sealer(ValueSealer, ValueOpener):
    """Seals with the primary key. Opens with the encryption key that the blob names.

    It also holds the data keys that were opened with it; `DataKeys` uses them.
    """

    def __init__(self, keyring: KeyRing) -> None:
        self.keyring = keyring
        self.data_keys: TTLCache[str, RootKey] = TTLCache(MAX_DATA_KEYS, DATA_KEY_KEPT)  # by id
        self._cipher = functools.cache(self._make_cipher)
        self._indexing = functools.cache(self._make_index)
        self._authenticating = functools.cache(self._make_mac)

    def __repr__(self) -> str:
        return f"Sealer({self.keyring!r})"

    def seal(self, purpose: Purpose, binding: Binding, plaintext: bytes) -> bytes:
        return self.seal_with(self.keyring.primary, purpose, binding, plaintext)

    def seal_with(self, kid: str, purpose: Purpose, binding: Binding, plaintext: bytes) -> bytes:
        """`seal` with a key that need not be the primary one."""
        _check_purpose(purpose)
        bound = binding.associated_data()
        return _encrypt(self._cipher(kid, purpose), header_of(kid), bound, plaintext)

    def open(self, purpose: Purpose, binding: Binding, blob: bytes) -> bytes:
        _check_purpose(purpose)
        bound = binding.associated_data()
        kid = kid_of(blob)
        if kid is None or kid not in self.keyring.kids:
            raise Unsealable
        return _decrypt(self._cipher(kid, purpose), header_of(kid), bound, blob)

    def mac(self, kid: str, purpose: MacPurpose, *parts: str | bytes | Secret) -> bytes:
        """HMAC-SHA256 over these parts with the key of this name. Raises `KeyError` if the key is not there."""
        begun = self._authenticating(kid, purpose).copy()
        for part in parts:
            text = part.reveal() if isinstance(part, Secret) else part
            begun.update(_with_length(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")))
        return begun.finalize()

    def blind_index(self, host_url: str, key: Secret) -> bytes:
        """16 bytes, equal for equal keys on one host. Without our encryption key they reveal nothing about the key."""
        return self.indexer(host_url)(key)

    def blind_indexes(self, host_url: str, key: Secret) -> list[bytes]:
        """The blind index by each of our encryption keys: finds a row that was written before a new primary key too."""
        return [self._indexer(kid, host_url)(key) for kid in self.keyring.kids]

    def named_indexes(self, host_url: str, key: Secret) -> dict[str, bytes]:
        """`blind_indexes` by the names of our encryption keys, the primary one first."""
        return {kid: self._indexer(kid, host_url)(key) for kid in self.keyring.kids}

    def indexer(self, host_url: str) -> Callable[[Secret], bytes]:
        """`blind_index` for many keys of one host: four times as fast, since the common part is hashed once."""
        return self._indexer(self.keyring.primary, host_url)

    def _indexer(self, kid: str, host_url: str) -> Callable[[Secret], bytes]:
        begun = self._indexing(kid).copy()
        begun.update(_with_length(host_url.encode()))

        def index(key: Secret) -> bytes:
            one = begun.copy()
            one.update(_with_length(key.reveal().encode("utf-8", "surrogatepass")))
            return one.finalize()[:INDEX_BYTES]

        return index

    def _make_cipher(self, kid: str, purpose: Purpose) -> AESGCM:
        return AESGCM(_derive(self.keyring.root(kid), purpose))

    def _make_index(self, kid: str) -> HMAC:
        return self._make_mac(kid, "blind_index")

    def _make_mac(self, kid: str, purpose: str) -> HMAC:
        return HMAC(_derive(self.keyring.root(kid), purpose), SHA256())


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=_SALT, info=purpose.encode()).derive(root)


def _encrypt(cipher: AESGCM, header: bytes, bound: bytes, plaintext: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)  # from the kernel: it has no state that threads or forks could share
    return header + nonce + cipher.encrypt(nonce, plaintext, header + bound)


def _decrypt(cipher: AESGCM, header: bytes, bound: bytes, blob: bytes) -> bytes:
    """Raises `Unsealable`."""
    nonce, sealed = blob[len(header) : len(header) + NONCE_BYTES], blob[len(header) + NONCE_BYTES :]
    if len(sealed) < TAG_BYTES:
        raise Unsealable
    try:
        return cipher.decrypt(nonce, sealed, header + bound)
    except InvalidTag:
        raise Unsealable from None


def _with_length(part: bytes) -> bytes:
    return struct.pack(">I", len(part)) + part


def header_of(kid: str) -> bytes:
    """The first bytes of every blob that was sealed with this key."""
    return VERSION + bytes([len(kid)]) + kid.encode()


def data_header_of(key_id: str) -> bytes:
    """The first bytes of every blob that was sealed with the data key of this id: 22 characters of base64url."""
    return DATA_VERSION + base64.urlsafe_b64decode(f"{key_id}==")


def data_key_of(blob: bytes) -> str | None:
    """The id of the data key that a blob says it was sealed with; None if the blob has another format."""
    if blob[: len(DATA_VERSION)] != DATA_VERSION or len(blob) < MIN_DATA_BLOB:
        return None
    return data_id_of(blob[len(DATA_VERSION) : len(DATA_VERSION) + DATA_ID_BYTES])


def data_id_of(raw: bytes) -> str:
    """The id of a data key, of the 16 bytes that are in blobs."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def kid_of(blob: bytes) -> str | None:
    """The name of the key that a blob says it was sealed with; None if the blob does not have our format."""
    if blob[: len(VERSION)] != VERSION or len(blob) <= len(VERSION):
        return None
    start, length = len(VERSION) + 1, blob[len(VERSION)]
    try:
        kid = blob[start : start + length].decode("ascii")
    except UnicodeDecodeError:
        return None
    return kid if len(kid) == length and is_kid(kid) else None


def _check_purpose(purpose: str) -> None:
    if purpose not in _PURPOSES:
        raise ValueError(f"no such purpose: {purpose}")
