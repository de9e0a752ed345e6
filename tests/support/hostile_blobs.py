"""Bytes that nobody sealed: noise, and sealed values that were changed, cut, joined or given another header."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

MAX_LENGTH = 200  # bytes
EDGES = (0, 1, 2, 15, 16, 17, 127, 128, 255)  # bytes and lengths at which programs go wrong


def make_hostile_blobs(count: int, sealed: Sequence[bytes], seed: int = 1) -> Iterator[bytes]:
    """So many, the same for the same seed. None of them is one of those `sealed`."""
    source = random.Random(seed)
    ways = (_noise, _header_and_noise, _flip, _cut, _extend, _join, _other_header)
    while count:
        blob = source.choice(ways)(source, sealed)
        if blob not in sealed:
            yield blob
            count -= 1


def _noise(source: random.Random, _sealed: Sequence[bytes]) -> bytes:
    return source.randbytes(source.randrange(MAX_LENGTH))


def _header_and_noise(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    return source.choice(sealed)[:5] + _noise(source, sealed)


def _flip(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    blob = bytearray(source.choice(sealed))
    for _ in range(source.randint(1, 4)):
        blob[source.randrange(len(blob))] ^= 1 << source.randrange(8)
    return bytes(blob)


def _cut(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    blob = source.choice(sealed)
    start, end = sorted((source.randrange(len(blob) + 1), source.randrange(len(blob) + 1)))
    return source.choice((blob[:end], blob[start:], blob[:start] + blob[end:]))


def _extend(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    blob, more = source.choice(sealed), _noise(source, sealed)
    at = source.randrange(len(blob) + 1)
    return blob[:at] + more + blob[at:]


def _join(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    one, other = source.choice(sealed), source.choice(sealed)
    at = source.randrange(len(one) + 1)
    return one[:at] + other[at:]


def _other_header(source: random.Random, sealed: Sequence[bytes]) -> bytes:
    version = source.choice((b"O1", b"O0", b"O2", b"o1", bytes(2), b"\xff\xff"))
    name = source.choice((b"k1", b"k2", b"", b"k1\0", b"\xff\xfe", source.randbytes(source.randrange(20))))
    length = source.choice((len(name), *EDGES))
    return version + bytes([length]) + name + source.choice(sealed)[5:]
