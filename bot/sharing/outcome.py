"""The window after a share: what became of it for each addressee, and what only its sender sees, once."""

from __future__ import annotations

from bot.card import in_words
from bot.onetime.links import Host
from bot.screen.parts import Link, Modal, Note, Part, Plain, Revealed, Text
from bot.secret import Secret
from bot.sharing.words import SIGNS, state_words, whom
from bot.storage.parcels import Parcel

TITLE = "Share a secret"
IN_HAND = ("waiting", "asking")
SENT = {"sent": "has a message with an Open button", "made": "gets a message with an Open button in a moment"}


def one_moment() -> Modal:
    return Modal.of("note", TITLE, Text.of(":white_check_mark: It is made. One moment…"))


def window(parcels: list[Parcel], *, asked: int | None, ttl: int | None, passphrase: Secret | None) -> Modal:
    """What came of it. `passphrase` if the sender is to see it now; links of parcels that are for nobody."""
    parts: list[Part] = []
    for parcel in parcels:
        parts += link(parcel) if parcel.to.is_nobody and parcel.state == "made" else [line(parcel)]
    if passphrase is not None:
        parts += passphrase_parts(passphrase)
    if asked is not None and ttl is not None and ttl != asked:
        host = Plain(Host(parcels[0].host).name)
        parts.append(Text.of(":information_source: ", host, f" keeps it for {in_words(ttl)}, not {in_words(asked)}."))
    parts.append(Note.of("A message in our direct conversation shows from now on what becomes of it."))
    return Modal.of("shared", "Shared", *parts, close="Done")


def earlier(parcels: list[Parcel]) -> Modal:
    """The same window was submitted before: nothing is made again."""
    said = "This was sent already"
    said += (
        ", and is being worked on." if any(one.state in IN_HAND for one in parcels) else ". This is what came of it:"
    )
    return Modal.of("shared", "Shared", Text.of(said), *(line(parcel) for parcel in parcels), close="Done")


def line(parcel: Parcel) -> Text:
    """One addressee."""
    sent = SENT.get(parcel.state) if not parcel.to.is_nobody else None
    words = (sent,) if sent else state_words(parcel)
    return Text.of(f"{SIGNS[parcel.state]} ", whom(parcel.to), ": ", *words, ".")


def link(parcel: Parcel) -> list[Part]:
    """The link itself, to be copied. Whoever has it can open it, once."""
    return [
        Text.of(":link: *The link.* Whoever has it can open the secret, once. Copy it now."),
        Link(Host(parcel.host).secret_link(parcel.secret_key)),
    ]


def passphrase_parts(passphrase: Secret) -> list[Part]:
    return [
        Text.of(":key: *The passphrase.* It is shown this once. Give it to them another way than the secret."),
        Revealed(passphrase),
    ]
