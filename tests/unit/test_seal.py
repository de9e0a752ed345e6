from __future__ import annotations

import base64
import dataclasses
import json
import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import NONCE_BYTES, Binding, Sealer, header_of, kid_of
from tests.support.hostile_blobs import make_hostile_blobs
from tests.support.rows import each_row

ADA = Person(None, "T1", "U1")
HOST = "https://eu.onetimesecret.com"
BINDING = Binding.of("accounts", "token", ADA, HOST, "row-1")
SEALER = Sealer(KeyRing.read(generate_line("k1")))
BLOB = SEALER.seal("token", BINDING, b"an API token of 40 characters, or so....")


def refused(sealer: Sealer, purpose: Any, binding: Binding, blob: bytes) -> bool:
    """Whether it does not open, and says no more than that."""
    with pytest.raises(Unsealable) as error:
        sealer.open(purpose, binding, blob)
    return (str(error.value), error.value.args, error.value.__cause__) == ("Unsealable", ("Unsealable",), None)


@given(st.binary(max_size=4_096))
def test_what_was_sealed_opens(plain):
    assert SEALER.open("token", BINDING, SEALER.seal("token", BINDING, plain)) == plain


def test_a_mebibyte_opens():
    plain = bytes(range(256)) * 4_096

    assert SEALER.open("escrow", BINDING, SEALER.seal("escrow", BINDING, plain)) == plain


@given(st.text(max_size=200) | st.just("half a pair: \ud83d, and a NUL: \0"))
def test_any_text_opens_as_the_kind_it_is_asked_for(text):
    blob = SEALER.seal_text("metadata_key", BINDING, MetadataKey(text))

    assert SEALER.open_text("metadata_key", BINDING, blob, MetadataKey) == MetadataKey(text)
    assert type(SEALER.open_text("metadata_key", BINDING, blob)) is Secret


def test_sealed_bytes_that_are_no_text_do_not_open_as_text():
    blob = SEALER.seal("token", BINDING, b"\xff\xff")

    with pytest.raises(Unsealable):
        SEALER.open_text("token", BINDING, blob)


def test_the_format_is_the_documented_one():
    assert BLOB[:5] == b"O1\x02k1"
    assert len(BLOB) == 5 + NONCE_BYTES + 40 + 16
    assert b"API token" not in BLOB


def test_every_flipped_bit_is_refused():
    for position in range(len(BLOB) * 8):
        changed = bytearray(BLOB)
        changed[position // 8] ^= 1 << position % 8
        assert refused(SEALER, "token", BINDING, bytes(changed)), position


def test_every_truncation_and_every_addition_is_refused():
    assert all(refused(SEALER, "token", BINDING, BLOB[:length]) for length in range(len(BLOB)))
    assert all(refused(SEALER, "token", BINDING, BLOB + bytes(more)) for more in range(1, 20))


MOVED = {
    "to another table": {"table": "handles"},
    "to another column": {"column": "username"},
    "to another enterprise": {"enterprise_id": "E1"},
    "to another team": {"team_id": "T2"},
    "to another user": {"user_id": "U2"},
    "to another host": {"base_url": "https://evil.example"},
    "to another row": {"row_id": "row-2"},
}


@pytest.mark.parametrize("change", MOVED.values(), ids=MOVED.keys())
def test_a_blob_that_was_moved_is_refused(change):
    assert refused(SEALER, "token", dataclasses.replace(BINDING, **change), BLOB)


def test_parts_that_read_alike_when_joined_are_told_apart():
    blob = SEALER.seal("token", dataclasses.replace(BINDING, team_id="T1", user_id="U|1"), b"x")

    assert refused(SEALER, "token", dataclasses.replace(BINDING, team_id="T1|U", user_id="1"), blob)
    assert refused(SEALER, "token", dataclasses.replace(BINDING, team_id="T1U", user_id="|1"), blob)


def test_a_blob_opens_for_its_purpose_only():
    assert refused(SEALER, "metadata_key", BINDING, BLOB)
    assert refused(SEALER, "escrow", BINDING, BLOB)


def test_another_key_of_the_same_name_is_refused():
    assert refused(Sealer(KeyRing.read(generate_line("k1"))), "token", BINDING, BLOB)


def test_a_key_that_is_not_there_is_refused_in_the_same_words():
    assert refused(Sealer(KeyRing.read(generate_line("k2"))), "token", BINDING, BLOB)


def test_an_older_key_still_opens_and_the_primary_seals():
    old, new = generate_line("k1").reveal(), generate_line("k2").reveal()
    blob = Sealer(KeyRing.read(old)).seal("token", BINDING, b"kept")

    both = Sealer(KeyRing.read(f"{new}\n{old}"))

    assert both.open("token", BINDING, blob) == b"kept"
    assert kid_of(both.seal("token", BINDING, b"kept")) == "k2"


def test_what_a_newer_primary_key_sealed_opens_where_the_key_is_known_but_not_primary_yet():
    old, new = generate_line("k1").reveal(), generate_line("k2").reveal()
    promoted, not_yet = Sealer(KeyRing.read(f"{new}\n{old}")), Sealer(KeyRing.read(f"{old}\n{new}"))

    assert not_yet.open("token", BINDING, promoted.seal("token", BINDING, b"kept")) == b"kept"
    assert promoted.open("token", BINDING, not_yet.seal("token", BINDING, b"kept")) == b"kept"


UNKNOWN = {
    "another version": b"O2" + BLOB[2:],
    "another format": b"gAAAAA" + BLOB[6:],
    "no header": BLOB[5:],
    "a name longer than the blob": b"O1\xff" + BLOB[3:],
    "a name that is none": b"O1\x02\xff\xff" + BLOB[5:],
    "a name of no length": b"O1\x00" + BLOB[5:],
    "nothing": b"",
    "nothing behind the header": header_of("k1"),
    "a nonce and no tag": header_of("k1") + bytes(NONCE_BYTES),
}


@pytest.mark.parametrize("blob", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_of_the_format_is_refused(blob):
    assert refused(SEALER, "token", BINDING, blob)


def test_the_key_of_a_blob_is_read_from_its_header():
    assert kid_of(BLOB) == "k1"
    assert [kid_of(blob) for blob in (b"", b"O1", b"O1\x02k", b"O2\x02k1", b"O1\x02k/")] == [None] * 5


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: header_of("k1") + tail))
def test_no_bytes_whatever_open_or_raise_anything_else(blob):
    assert refused(SEALER, "token", BINDING, blob)


def odd_blob(source: random.Random) -> bytes:
    """Random bytes, or a blob of ours that was cut, filled up, changed in places, or joined from two."""
    kind = source.randrange(5)
    if kind == 0:
        return source.randbytes(source.randrange(120))
    if kind == 1:
        return header_of("k1") + source.randbytes(source.randrange(120))
    if kind == 2:
        return BLOB[: source.randrange(len(BLOB))]
    if kind == 3:
        cut = source.randrange(1, len(BLOB))
        return BLOB[:cut] + source.randbytes(source.randrange(1, 20)) + BLOB[cut:]
    changed = bytearray(BLOB)
    for _ in range(source.randrange(1, 6)):
        changed[source.randrange(len(changed))] ^= source.randrange(1, 256)
    return bytes(changed)


@pytest.mark.parametrize("count", [10_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_of_very_many_odd_blobs_none_opens_and_none_raises_anything_else(count):
    source = random.Random(7)
    for _ in range(count):
        blob = odd_blob(source)
        try:
            SEALER.open("token", BINDING, blob)
        except Unsealable:
            continue
        assert blob == BLOB  # changed twice in one place, into itself


@each_row(
    ("part", "value"),
    [
        *(
            (field.name, value)
            for field in dataclasses.fields(Binding)
            if field.name != "audience"
            for value in ("", None)
        ),
        *(("audience", value) for value in (("",), (None,), ("T1", ""))),
    ],
)
def test_an_empty_part_is_refused_before_a_key_is_touched(part, value):
    class Untouchable(KeyRing):
        def root(self, kid: str) -> bytes:
            raise AssertionError("a key was touched")

    sealer = Sealer(Untouchable.read(generate_line()))
    binding = dataclasses.replace(BINDING, **{part: value})

    with pytest.raises(ValueError, match="empty"):
        sealer.seal("token", binding, b"x")
    with pytest.raises(ValueError, match="empty"):
        sealer.open("token", binding, BLOB)


def test_a_value_opens_only_for_the_audience_that_it_was_sealed_for():
    bound = dataclasses.replace(BINDING, audience=("U1", "C1"))
    blob = SEALER.seal("token", bound, b"kept")

    assert SEALER.open("token", bound, blob) == b"kept"
    for audience in ((), ("U1",), ("U1", "C2"), ("U1C1",), ("U1", "C1", "-"), ("C1", "U1")):
        assert refused(SEALER, "token", dataclasses.replace(BINDING, audience=audience), blob)


def test_a_value_that_was_sealed_without_an_audience_opens_for_none():
    assert refused(SEALER, "token", dataclasses.replace(BINDING, audience=("U1",)), BLOB)


def test_an_enterprise_that_is_missing_and_one_that_is_empty_are_not_the_same():
    assert Binding.of("t", "c", ADA, HOST, "r").enterprise_id == "-"
    with pytest.raises(ValueError, match="empty"):
        Binding.of("t", "c", Person("", "T1", "U1"), HOST, "r").associated_data()


def test_a_purpose_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no such purpose"):
        SEALER.seal("blind_index", BINDING, b"x")  # type: ignore[arg-type]


def test_the_same_text_never_looks_the_same():
    blobs = {SEALER.seal("token", BINDING, b"same") for _ in range(20_000)}

    assert len({blob[5 : 5 + NONCE_BYTES] for blob in blobs}) == 20_000


def test_threads_share_no_nonces():
    with ThreadPoolExecutor(8) as pool:
        blobs = list(pool.map(lambda _: SEALER.seal("token", BINDING, b"same"), range(4_000)))

    assert len({blob[5 : 5 + NONCE_BYTES] for blob in blobs}) == 4_000
    assert all(SEALER.open("token", BINDING, blob) == b"same" for blob in blobs)


def _nonces(_number: int) -> list[bytes]:
    return [SEALER.seal("token", BINDING, b"same")[5 : 5 + NONCE_BYTES] for _ in range(200)]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what is tested
def test_forked_processes_share_no_nonces():
    with multiprocessing.get_context("fork").Pool(4) as pool:
        nonces = [nonce for each in pool.map(_nonces, range(8), chunksize=1) for nonce in each]

    assert len(set(nonces)) == 1_600


def test_neither_sealer_nor_binding_shows_a_key():
    text = generate_line().reveal()

    shown = repr(Sealer(KeyRing.read(text))) + repr(vars(Sealer(KeyRing.read(text))))

    assert text.partition(":")[2] not in shown
    assert repr(base64.urlsafe_b64decode(text.partition(":")[2] + "=")) not in shown


def test_a_blind_index_is_stable_and_depends_on_host_key_and_ring():
    other = Sealer(KeyRing.read(generate_line("k1")))
    index = SEALER.blind_index(HOST, MetadataKey("abc"))

    assert index == SEALER.blind_index(HOST, MetadataKey("abc"))
    assert len(index) == 16
    different = [
        SEALER.blind_index("https://us.onetimesecret.com", MetadataKey("abc")),
        SEALER.blind_index(HOST, MetadataKey("abd")),
        SEALER.blind_index(HOST + "a", MetadataKey("bc")),
        other.blind_index(HOST, MetadataKey("abc")),
    ]
    assert len({index, *different}) == 5


def test_a_blind_index_is_made_of_any_key():
    assert len(SEALER.blind_index(HOST, MetadataKey("half a pair: \ud83d"))) == 16


def test_the_cipher_is_aes_256_gcm_under_a_key_of_hkdf_sha256():
    """Worked out again by the primitives alone, so that a change of format or derivation is noticed."""
    import hashlib
    import hmac
    import struct

    root = bytes(range(100, 132))
    sealer = Sealer(KeyRing.read(f"k1:{base64.urlsafe_b64encode(root).decode()}"))
    pseudorandom = hmac.digest(b"onetime-bot/v1", root, hashlib.sha256)
    key = hmac.digest(pseudorandom, b"token\x01", hashlib.sha256)
    parts = [b"accounts", b"token", b"-", b"T1", b"U1", HOST.encode(), b"row-1"]
    bound = b"O1\x02k1" + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    blob = b"O1\x02k1" + bytes(12) + AESGCM(key).encrypt(bytes(12), b"plain", bound)

    assert sealer.open("token", BINDING, blob) == b"plain"


def test_a_blind_index_is_an_hmac_sha256_over_host_and_key_under_a_key_of_its_own():
    """Worked out again by the primitives alone: with another index, no stored row would be found any more."""
    import hashlib
    import hmac
    import struct

    root = bytes(range(100, 132))
    sealer = Sealer(KeyRing.read(f"k1:{base64.urlsafe_b64encode(root).decode()}"))
    pseudorandom = hmac.digest(b"onetime-bot/v1", root, hashlib.sha256)
    key = hmac.digest(pseudorandom, b"blind_index\x01", hashlib.sha256)
    parts = b"".join(struct.pack(">I", len(part)) + part for part in (HOST.encode(), b"abc"))

    assert sealer.blind_index(HOST, MetadataKey("abc")) == hmac.digest(key, parts, hashlib.sha256)[:16]


def flipped(text: bytes, *bits: int) -> bytes:
    changed = bytearray(text)
    for bit in bits:
        changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


def tampered() -> dict[str, bytes]:
    """Ways in which GCM implementations have been wrong, on one of our own blobs.

    Source: the kinds of invalid tags and nonces in Wycheproof's vectors for AES-GCM.
    """
    header, nonce, sealed, tag = BLOB[:5], BLOB[5:17], BLOB[17:-16], BLOB[-16:]
    return {
        "tag all zero": header + nonce + sealed + bytes(16),
        "tag all one": header + nonce + sealed + b"\xff" * 16,
        "first bit of the tag": header + nonce + sealed + bytes([tag[0] ^ 0x80]) + tag[1:],
        "last bit of the tag": header + nonce + sealed + tag[:-1] + bytes([tag[-1] ^ 1]),
        "all bits of the tag": header + nonce + sealed + bytes(b ^ 0xFF for b in tag),
        "tag halves exchanged": header + nonce + sealed + tag[8:] + tag[:8],
        "tag reversed": header + nonce + sealed + tag[::-1],
        "tag cut to 12 bytes": header + nonce + sealed + tag[:12],
        "nonce all zero": header + bytes(12) + sealed + tag,
        "nonce of 8 bytes": header + nonce[:8] + sealed + tag,
        "nonce of 16 bytes": header + nonce + bytes(4) + sealed + tag,
        "no ciphertext": header + nonce + tag,
        "ciphertext of another": header + nonce + SEALER.seal("token", BINDING, b"y" * 40)[17:-16] + tag,
        "first and 65th bit of the tag": header + nonce + sealed + flipped(tag, 0, 64),
        "32nd and 64th bit of the tag": header + nonce + sealed + flipped(tag, 31, 63),
        "64th and last bit of the tag": header + nonce + sealed + flipped(tag, 63, 127),
        "first bit of each byte of the tag": header + nonce + sealed + flipped(tag, *range(0, 128, 8)),
        "last bit of each byte of the tag": header + nonce + sealed + flipped(tag, *range(7, 128, 8)),
        "half of the tag": header + nonce + sealed + flipped(tag, *range(64)),
        "no nonce": header + sealed + tag,
        "nonce of 1 byte": header + nonce[:1] + sealed + tag,
        "nonce of 128 bytes": header + nonce + bytes(116) + sealed + tag,
        "ciphertext and tag exchanged": header + nonce + tag + sealed,
        "tag of another": header + nonce + sealed + SEALER.seal("token", BINDING, b"y" * 40)[-16:],
    }


@each_row("blob", tampered().values(), ids=tampered().keys())
def test_known_ways_to_tamper_are_refused(blob):
    assert refused(SEALER, "token", BINDING, blob)


# The vectors of Project Wycheproof (github.com/C2SP/wycheproof, aes_gcm_test.json) whose key, nonce and tag have the
# lengths of ours.
VECTORS = json.loads(Path(__file__).with_name("aes_gcm_vectors.json").read_text())


class VectorSealer(Sealer):
    """Opens with the key and the associated data of a vector: only these are not of our format."""

    def __init__(self, vector: dict[str, Any]) -> None:
        super().__init__(SEALER.keyring)
        cipher, bound = AESGCM(bytes.fromhex(vector["key"])), bytes.fromhex(vector["aad"])

        class Cipher:
            def decrypt(self, nonce: bytes, sealed: bytes, _bound: bytes) -> bytes:
                return cipher.decrypt(nonce, sealed, bound)

        self._cipher = lambda _kid, _purpose: Cipher()  # type: ignore[assignment]


@each_row("vector", VECTORS, ids=[f"{one['tcId']} {one['comment']}" for one in VECTORS])
def test_the_vectors_of_wycheproof_open_or_are_refused_as_they_say(vector):
    blob = header_of("k1") + bytes.fromhex(vector["iv"] + vector["ct"] + vector["tag"])

    if vector["result"] == "valid":
        assert VectorSealer(vector).open("token", BINDING, blob) == bytes.fromhex(vector["msg"])
    else:
        assert refused(VectorSealer(vector), "token", BINDING, blob)


def test_there_are_vectors_of_both_results():
    results = [one["result"] for one in VECTORS]

    assert (results.count("valid"), results.count("invalid")) == (39, 27)


def test_thousands_of_hostile_blobs_are_refused_in_the_one_way():
    sealed = [BLOB, SEALER.seal("token", BINDING, b""), SEALER.seal("escrow", BINDING, b"another purpose")]

    for blob in make_hostile_blobs(5_000, sealed):
        assert refused(SEALER, "token", BINDING, blob), blob.hex()
