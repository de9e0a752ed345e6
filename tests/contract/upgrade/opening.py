"""Opens what the bot seals, without the bot: the format, and the names that a value is bound to, as 8a783c1 had them.

blob = "O1" | len(kid) | kid | nonce[12] | ciphertext | tag[16]
AAD  = header | for each part of the binding: uint32_be(len) | utf8(part)
key  = HKDF-SHA256(root[kid], salt="onetime-bot/v1", info=purpose)
"""

from __future__ import annotations

import base64
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.contract.upgrade.fixture import KEY_LINE, Row

# Table and column of revision 0006, and what its keys are derived for. Frozen: every sealed value is bound to these.
SEALED = (
    ("accounts", "username", "token"),
    ("accounts", "token", "token"),
    ("handles", "key", "metadata_key"),
    ("handles", "facts", "metadata_key"),
    ("reveals", "secret_key", "metadata_key"),
    ("reveals", "escrow", "escrow"),
    ("tracked", "key", "metadata_key"),
    ("tracked", "label", "metadata_key"),
    ("shares", "note", "metadata_key"),
    ("shares", "label", "metadata_key"),
    ("parcels", "secret_key", "metadata_key"),
    ("parcels", "metadata_key", "metadata_key"),
    ("parcels", "passphrase", "metadata_key"),
    ("requests", "note", "metadata_key"),
)
HEADER = b"O1\x02k1"


def opened(row: Row, table: str, column: str, purpose: str) -> bytes:
    """The plain value of a column of a row of revision 0006. Raises `InvalidTag` if it is bound to another place."""
    host = row.get("host", "-")
    bound = (table, column, row["enterprise_id"], row["team_id"], row["user_id"], host, row["id"])
    parts = [part.encode() for part in bound]
    data = HEADER + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    blob = bytes(row[column])
    assert blob.startswith(HEADER)
    nonce, sealed = blob[len(HEADER) :][:12], blob[len(HEADER) + 12 :]
    return AESGCM(_key(purpose)).decrypt(nonce, sealed, data)


def _key(purpose: str) -> bytes:
    root = base64.urlsafe_b64decode(KEY_LINE.partition(":")[2] + "=")
    return HKDF(algorithm=SHA256(), length=32, salt=b"onetime-bot/v1", info=purpose.encode()).derive(root)
