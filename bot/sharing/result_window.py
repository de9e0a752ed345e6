"""The window after a share: what became of it for each recipient, and the link or passphrase for its sender."""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import NO_FORM, HostName, Link, Modal, Note, Part, Revealed, Text
from bot.screen.words import in_words
from bot.secret import Secret
from bot.status.words import DELIVERY_SIGNS, recipient_name, sent_words
from bot.storage.shares.rows import Delivery

SHARED_FORM = "shared"
TITLE = "Share a secret"
IN_HAND = ("waiting", "asking")


def one_moment() -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of(":white_check_mark: It is made. One moment…"))


def window(deliveries: list[Delivery], *, asked: int | None, ttl: int | None, passphrase: Secret | None) -> Modal:
    """What came of a share. It shows the `passphrase`, if there is one, and the link, if there is no recipient."""
    parts: list[Part] = []
    for delivery in deliveries:
        parts += link_parts(delivery) if delivery.recipient.is_nobody and delivery.state == "made" else [line(delivery)]
    if passphrase is not None:
        parts += passphrase_parts(passphrase)
    if asked is not None and ttl is not None and ttl != asked:
        host = HostName(Host(deliveries[0].host).name)
        parts.append(Text.of(":information_source: ", host, f" keeps it for {in_words(ttl)}, not {in_words(asked)}."))
    parts.append(Note.of("A message in our direct conversation shows from now on what becomes of it."))
    return Modal.of(SHARED_FORM, "Shared", *parts, close="Done")


def already_shared(deliveries: list[Delivery]) -> Modal:
    """The window for a form that was submitted before: nothing is made again."""
    said = "This was sent already"
    said += (
        ", and is being worked on." if any(one.state in IN_HAND for one in deliveries) else ". This is what came of it:"
    )
    return Modal.of(SHARED_FORM, "Shared", Text.of(said), *(line(delivery) for delivery in deliveries), close="Done")


def line(delivery: Delivery) -> Text:
    """One delivery in a line."""
    name = recipient_name(delivery.recipient)
    return Text.of(f"{DELIVERY_SIGNS[delivery.state]} ", name, ": ", *sent_words(delivery), ".")


def link_parts(delivery: Delivery) -> list[Part]:
    """The link itself, to be copied. Anybody who has the link can open the secret, once."""
    return [
        Text.of(":link: *The link.* Whoever has it can open the secret, once. Copy it now."),
        Link(Host(delivery.host).secret_link(delivery.secret_key)),
    ]


def passphrase_parts(passphrase: Secret) -> list[Part]:
    return [
        Text.of(":key: *The passphrase.* It is shown this once. Give it to them another way than the secret."),
        Revealed(passphrase),
    ]
