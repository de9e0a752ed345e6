"""The window after a share: what became of it for each recipient, and what only its sender sees, once."""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import Link, Modal, Note, Part, Plain, Revealed, Text
from bot.screen.words import in_words
from bot.secret import Secret
from bot.sharing.words import SIGNS, state_words, whom
from bot.storage.shares.rows import Delivery

TITLE = "Share a secret"
IN_HAND = ("waiting", "asking")
SENT = {"sent": "has a message with an Open button", "made": "gets a message with an Open button in a moment"}


def one_moment() -> Modal:
    return Modal.of("note", TITLE, Text.of(":white_check_mark: It is made. One moment…"))


def window(deliveries: list[Delivery], *, asked: int | None, ttl: int | None, passphrase: Secret | None) -> Modal:
    """What came of it. `passphrase` if the sender is to see it now; links of deliveries that are for nobody."""
    parts: list[Part] = []
    for delivery in deliveries:
        parts += link(delivery) if delivery.recipient.is_nobody and delivery.state == "made" else [line(delivery)]
    if passphrase is not None:
        parts += passphrase_parts(passphrase)
    if asked is not None and ttl is not None and ttl != asked:
        host = Plain(Host(deliveries[0].host).name)
        parts.append(Text.of(":information_source: ", host, f" keeps it for {in_words(ttl)}, not {in_words(asked)}."))
    parts.append(Note.of("A message in our direct conversation shows from now on what becomes of it."))
    return Modal.of("shared", "Shared", *parts, close="Done")


def earlier(deliveries: list[Delivery]) -> Modal:
    """The same window was submitted before: nothing is made again."""
    said = "This was sent already"
    said += (
        ", and is being worked on." if any(one.state in IN_HAND for one in deliveries) else ". This is what came of it:"
    )
    return Modal.of("shared", "Shared", Text.of(said), *(line(delivery) for delivery in deliveries), close="Done")


def line(delivery: Delivery) -> Text:
    """One recipient."""
    sent = SENT.get(delivery.state) if not delivery.recipient.is_nobody else None
    words = (sent,) if sent else state_words(delivery)
    return Text.of(f"{SIGNS[delivery.state]} ", whom(delivery.recipient), ": ", *words, ".")


def link(delivery: Delivery) -> list[Part]:
    """The link itself, to be copied. Whoever has it can open it, once."""
    return [
        Text.of(":link: *The link.* Whoever has it can open the secret, once. Copy it now."),
        Link(Host(delivery.host).secret_link(delivery.secret_key)),
    ]


def passphrase_parts(passphrase: Secret) -> list[Part]:
    return [
        Text.of(":key: *The passphrase.* It is shown this once. Give it to them another way than the secret."),
        Revealed(passphrase),
    ]
