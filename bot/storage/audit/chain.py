"""The chain as hashes: commitments, links, and what the signature of a head covers. No I/O happens here.

    commitment = SHA-256("commitment" | workspace | at | key id | sealed entry)
    hash       = SHA-256("link" | previous hash | sequence | commitment)
    first      = SHA-256("genesis" | workspace)
    signature  = HMAC-SHA256(workspace | sequence | hash | anchor sequence | anchor hash)

Every part has its length before it. The sealed entry has a random nonce in it, so a commitment gives nothing away that
could be guessed, and it can be checked also when the key of the entry is destroyed.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from bot.storage.sealing.sealer import Sealer

_DOMAIN: Final = b"ots-bot/audit/v1"

AuditWorkspace = tuple[str, str]  # enterprise id ("-" outside Grid) and team id


def genesis(workspace: AuditWorkspace) -> bytes:
    """What the first entry of a chain is linked to: no entry of another workspace fits there."""
    return _hash(b"genesis", *_of(workspace))


def commit(workspace: AuditWorkspace, at: float, key_id: str, sealed: bytes) -> bytes:
    return _hash(b"commitment", *_of(workspace), struct.pack(">d", at), key_id.encode(), sealed)


def link(previous: bytes, sequence: int, commitment: bytes) -> bytes:
    return _hash(b"link", previous, _number(sequence), commitment)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain ends, and its anchor: the last entry that was deleted because of its age."""

    workspace: AuditWorkspace
    sequence: int
    hash: bytes
    anchor_sequence: int
    anchor_hash: bytes
    kid: str = ""
    signature: bytes = b""

    @classmethod
    def first(cls, workspace: AuditWorkspace) -> ChainHead:
        start = genesis(workspace)
        return cls(workspace, 0, start, 0, start)

    @property
    def is_new(self) -> bool:
        return self.sequence == 0

    def signed(self, sealer: Sealer) -> bytes:
        """The signature by the primary key."""
        return sealer.mac(sealer.keyring.primary, "audit_head", *self._covered())

    def is_intact(self, sealer: Sealer) -> bool:
        """Whether the key that it names has signed exactly this."""
        if self.kid not in sealer.keyring.kids:
            return False
        return hmac.compare_digest(sealer.mac(self.kid, "audit_head", *self._covered()), self.signature)

    def _covered(self) -> tuple[bytes, ...]:
        begin, end = _number(self.anchor_sequence), _number(self.sequence)
        return *_of(self.workspace), end, self.hash, begin, self.anchor_hash

    def values(self) -> Mapping[str, Any]:
        """The columns of the row, without the workspace and the signature."""
        return {
            "sequence": self.sequence,
            "hash": self.hash,
            "anchor_sequence": self.anchor_sequence,
            "anchor_hash": self.anchor_hash,
        }


def _of(workspace: AuditWorkspace) -> tuple[bytes, bytes]:
    return workspace[0].encode(), workspace[1].encode()


def _number(number: int) -> bytes:
    return struct.pack(">Q", number)


def _hash(*parts: bytes) -> bytes:
    digest = sha256(_DOMAIN)
    for part in parts:
        digest.update(struct.pack(">I", len(part)) + part)
    return digest.digest()
