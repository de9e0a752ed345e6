"""A million inputs to the opening of sealed values, in minutes: it opens none and raises nothing but its own error."""

from __future__ import annotations

import base64

from bot.errors import Unsealable
from bot.person import Person
from bot.secret import Secret
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Binding, Sealer
from tests.support.hostile_blobs import make_hostile_blobs

INPUTS, QUICK = 1_000_000, 20_000


def run(*, quick: bool) -> bool:
    """Prints how many inputs there were. Whether all were refused in the one way."""
    ring = ",".join(f"{kid}:{base64.urlsafe_b64encode(bytes(range(at, at + 32))).decode()}" for kid, at in KEYS.items())
    sealer = Sealer(KeyRing.read(ring))
    binding = Binding.of("accounts", "token", Person(None, "T1", "U1"), "https://eu.onetimesecret.com", "row-1")
    sealed = [sealer.seal_text("token", binding, Secret(text)) for text in ("", "x", "a token " * 5)]
    others = [sealer.seal_with(kid, "escrow", binding, b"another purpose") for kid in KEYS]
    bad = 0
    for blob in make_hostile_blobs(QUICK if quick else INPUTS, [*sealed, *others]):
        try:
            sealer.open_text("token", binding, blob)
        except Unsealable:
            continue
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            print(f"{type(error).__name__} for {blob.hex()}")
        else:
            print(f"opened {blob.hex()}")
        bad += 1
    print(f"{QUICK if quick else INPUTS} inputs, {bad} not refused")
    return bad == 0


KEYS = {"k1": 1, "k2": 100}  # name -> the first of its bytes
