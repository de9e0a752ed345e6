"""The window after a share: what became of it for each recipient, and the link or passphrase for its sender."""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import ALREADY_SENT, DONE, NO_FORM, Link, Message, Modal, Note, Part, Revealed, Text
from bot.screen.pieces import Duration, HostName, Listing, Mark, Phrase, Piece, Plain, say
from bot.secret import Secret
from bot.sharing.create import Mail
from bot.status.words import DELIVERY_SIGNS, DONE_SIGN, WARNING_SIGN, recipient_name, sent_words
from bot.storage.shares.rows import Delivery

SHARED_FORM = "shared"
TITLE = say("Share a secret")
SHARED = say("Shared")
IN_HAND = ("waiting", "asking")


def one_moment() -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of(DONE_SIGN, say("The secret is made. One moment…")))


def window(
    deliveries: list[Delivery],
    *,
    asked: int | None,
    ttl: int | None,
    passphrase: Secret | None,
    mail: Mail | None = None,
) -> Modal:
    """What came of a share. It shows the `passphrase`, if there is one, and the link, if there is no recipient."""
    parts: list[Part] = []
    for delivery in deliveries:
        parts += link_parts(delivery) if delivery.recipient.is_nobody and delivery.state == "made" else [line(delivery)]
    if mail is not None:
        parts.append(Text.of(_mail_sign(mail), _mail_words(mail)))
    if passphrase is not None:
        parts += passphrase_parts(passphrase)
    if asked is not None and ttl is not None and ttl != asked:
        shortened = say(
            "{server} keeps it for {given}, not {asked}.",
            server=HostName(Host(deliveries[0].host).name),
            given=Duration(ttl),
            asked=Duration(asked),
        )
        parts.append(Text.of(Mark(":information_source: "), shortened))
    parts.append(Note.of(say("A message in our direct conversation shows its status from now on.")))
    return Modal.of(SHARED_FORM, SHARED, *parts, close=DONE)


def _mail_sign(mail: Mail) -> Mark:
    return Mark(":email: ") if mail.fits else WARNING_SIGN


def _mail_words(mail: Mail) -> Phrase:
    if not mail.sent_to:
        return say("The server ignored the e-mail address, so nobody got a mail. Send the link yourself.")
    addresses = Listing(tuple(Plain(one) for one in mail.sent_to))
    if mail.fits:
        return say("Onetime Secret sends the link to {address}.", address=addresses)
    return say(
        "The server says that it sends the link to {addresses}. That is not the address that you typed. If it is "
        "wrong, burn the secret.",
        addresses=addresses,
    )


def mail_message(mail: Mail, secret: Piece) -> Message:
    """What a window would have said about the mail, when that window is gone."""
    said = say("{secret}: {state}", secret=secret, state=_mail_words(mail))
    return Message.of(said, Text.of(_mail_sign(mail), said))


def already_shared(deliveries: list[Delivery]) -> Modal:
    """The window for a form that was submitted before: nothing is made again."""
    said = say("You sent this form already. This is the status:")
    if any(one.state in IN_HAND for one in deliveries):
        said = ALREADY_SENT
    return Modal.of(SHARED_FORM, SHARED, Text.of(said), *(line(delivery) for delivery in deliveries), close=DONE)


def line(delivery: Delivery) -> Text:
    """One delivery in a line."""
    name = recipient_name(delivery.recipient)
    return Text.of(
        DELIVERY_SIGNS[delivery.state], say("{recipient}: {status}.", recipient=name, status=sent_words(delivery))
    )


def link_parts(delivery: Delivery) -> list[Part]:
    """The link itself, to be copied. Anybody who has the link can open the secret, once."""
    return [
        Text.of(Mark(":link: "), say("*The link.* Anybody who has it can open the secret, once. Copy it now.")),
        Link(Host(delivery.host).secret_link(delivery.secret_key)),
    ]


def passphrase_parts(passphrase: Secret) -> list[Part]:
    return [
        Text.of(
            Mark(":key: "), say("*The passphrase.* It is shown only this once. Send it another way than the secret.")
        ),
        Revealed(passphrase),
    ]
