"""The format of what data keys seal, and what opens it: nothing but the same key, at the same place."""

from __future__ import annotations

import base64
import dataclasses
import os
import pickle
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Unsealable
from bot.secret import MetadataKey, Secret
from bot.storage.sealing.data_keys import RowOpener
from bot.storage.sealing.sealer import NONCE_BYTES, RootKey, ValueOpener, data_header_of, data_key_of, kid_of
from bot.storage.tables import new_id
from tests.support.hostile_blobs import make_hostile_blobs
from tests.unit.test_seal import BINDING, HOST, MOVED, SEALER

ID, OTHER_ID = new_id(), new_id()
ROOT = os.urandom(32)
KEY = RootKey(data_header_of(ID), ROOT)
OPENER = RowOpener(SEALER, {ID: KEY, OTHER_ID: RootKey(data_header_of(OTHER_ID), os.urandom(32))})
BLOB = KEY.seal("token", BINDING, b"an API token of 40 characters, or so....")
HEADER = 18  # bytes


def refused(opener: ValueOpener, purpose: Any, binding: Any, blob: bytes) -> bool:
    """Whether it does not open, and says no more than that."""
    with pytest.raises(Unsealable) as error:
        opener.open(purpose, binding, blob)
    return (str(error.value), error.value.args, error.value.__cause__) == ("Unsealable", ("Unsealable",), None)


@given(st.binary(max_size=4_096))
def test_what_was_sealed_opens(plain):
    blob = KEY.seal("token", BINDING, plain)

    assert (KEY.open("token", BINDING, blob), OPENER.open("token", BINDING, blob)) == (plain, plain)


@given(st.text(max_size=200) | st.just("half a pair: \ud83d, and a NUL: \0"))
def test_any_text_opens_as_the_kind_it_is_asked_for(text):
    blob = KEY.seal_text("metadata_key", BINDING, MetadataKey(text))

    assert OPENER.open_text("metadata_key", BINDING, blob, MetadataKey) == MetadataKey(text)
    assert type(OPENER.open_text("metadata_key", BINDING, blob)) is Secret


def test_the_format_is_the_documented_one():
    assert BLOB[:2] == b"O2"
    assert BLOB[2:HEADER] == base64.urlsafe_b64decode(f"{ID}==")
    assert len(BLOB) == HEADER + NONCE_BYTES + 40 + 16
    assert (data_key_of(BLOB), kid_of(BLOB)) == (ID, None)


def test_what_an_encryption_key_sealed_opens_too():
    blob = SEALER.seal("token", BINDING, b"of before")

    assert OPENER.open("token", BINDING, blob) == b"of before"
    assert refused(KEY, "token", BINDING, blob)
    assert refused(SEALER, "token", BINDING, BLOB)


def test_every_flipped_bit_is_refused():
    for position in range(len(BLOB) * 8):
        changed = bytearray(BLOB)
        changed[position // 8] ^= 1 << position % 8
        assert refused(OPENER, "token", BINDING, bytes(changed)), position


def test_every_truncation_and_every_addition_is_refused():
    assert all(refused(OPENER, "token", BINDING, BLOB[:length]) for length in range(len(BLOB)))
    assert all(refused(OPENER, "token", BINDING, BLOB + bytes(more)) for more in range(1, 20))


@pytest.mark.parametrize("change", MOVED.values(), ids=MOVED.keys())
def test_a_blob_that_was_moved_is_refused(change):
    assert refused(OPENER, "token", dataclasses.replace(BINDING, **change), BLOB)


def test_a_blob_opens_for_its_purpose_only():
    assert refused(OPENER, "metadata_key", BINDING, BLOB)
    assert refused(OPENER, "data_key", BINDING, BLOB)


def test_a_blob_that_names_another_key_is_refused_whether_that_key_is_there_or_not():
    for other in (OTHER_ID, new_id()):
        assert refused(OPENER, "token", BINDING, data_header_of(other) + BLOB[HEADER:])


def test_another_root_under_the_same_id_is_refused():
    assert refused(RootKey(data_header_of(ID), os.urandom(32)), "token", BINDING, BLOB)


def test_the_same_root_under_another_id_is_refused():
    other = RootKey(data_header_of(OTHER_ID), ROOT)

    assert refused(other, "token", BINDING, BLOB)
    assert refused(other, "token", BINDING, data_header_of(OTHER_ID) + BLOB[HEADER:])


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: data_header_of(ID) + tail))
def test_no_bytes_whatever_open_or_raise_anything_else(blob):
    assert refused(OPENER, "token", BINDING, blob)


def test_thousands_of_hostile_blobs_are_refused_in_the_one_way():
    sealed = [BLOB, KEY.seal("token", BINDING, b""), KEY.seal("escrow", BINDING, b"another purpose")]

    for blob in make_hostile_blobs(5_000, sealed):
        assert refused(OPENER, "token", BINDING, blob), blob.hex()


def test_of_many_blobs_with_some_bytes_changed_none_opens():
    source = random.Random(7)
    for _ in range(5_000):
        changed = bytearray(BLOB)
        for _ in range(source.randrange(1, 6)):
            changed[source.randrange(len(changed))] ^= source.randrange(1, 256)
        assert bytes(changed) == BLOB or refused(OPENER, "token", BINDING, bytes(changed))


@pytest.mark.parametrize("changes", [{"table": ""}, {"team_id": ""}, {"row_id": ""}])
def test_an_empty_part_is_refused_also_for_a_blob_of_no_known_key(changes):
    binding = dataclasses.replace(BINDING, **changes)

    with pytest.raises(ValueError, match="empty"):
        KEY.seal("token", binding, b"x")
    for blob in (BLOB, data_header_of(new_id()) + BLOB[HEADER:]):
        with pytest.raises(ValueError, match="empty"):
            OPENER.open("token", binding, blob)


def test_a_purpose_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no such purpose"):
        KEY.seal("blind_index", BINDING, b"x")  # type: ignore[arg-type]


def test_the_same_text_never_looks_the_same():
    blobs = {KEY.seal("token", BINDING, b"same") for _ in range(20_000)}

    assert len({blob[HEADER : HEADER + NONCE_BYTES] for blob in blobs}) == 20_000


def test_the_cipher_is_aes_256_gcm_under_a_key_of_hkdf_sha256():
    """Worked out again by the primitives alone, so that a change of format or derivation is noticed."""
    import hashlib
    import hmac
    import struct

    pseudorandom = hmac.digest(b"onetime-bot/v1", ROOT, hashlib.sha256)
    key = hmac.digest(pseudorandom, b"token\x01", hashlib.sha256)
    header = b"O2" + base64.urlsafe_b64decode(f"{ID}==")
    parts = [b"accounts", b"token", b"-", b"T1", b"U1", HOST.encode(), b"row-1"]
    bound = header + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    blob = header + bytes(12) + AESGCM(key).encrypt(bytes(12), b"plain", bound)

    assert KEY.open("token", BINDING, blob) == b"plain"


def test_a_key_is_neither_shown_nor_pickled():
    shown = repr(KEY) + repr(vars(OPENER))

    assert not any(form in shown for form in (ROOT.hex(), repr(ROOT), base64.b64encode(ROOT).decode()))
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
