"""The window after a share: what became of it for each recipient, and the link or passphrase for its sender."""

from __future__ import annotations

from bot.onetime.links import Host
from bot.person import Person
from bot.screen.parts import ALREADY_SENT, DONE, NO_FORM, Copyable, Link, Message, Modal, Note, Part, Revealed, Text
from bot.screen.pieces import Duration, HostName, Listing, Mark, Phrase, Piece, Plain, Sentences, Who, say
from bot.secret import Secret
from bot.sharing.create import Mail
from bot.sharing.form_state import Original
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
    advice: tuple[Part, ...] = (),
) -> Modal:
    """What came of a share. It shows the `passphrase`, if there is one, and the link, if there is no recipient.

    `advice` is what to do next.
    """
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
    parts += advice
    parts.append(Note.of(say("A message in your direct messages with this app shows its status from now on.")))
    return Modal.of(SHARED_FORM, SHARED, *parts, close=DONE)


def _mail_sign(mail: Mail) -> Mark:
    return Mark(":email: ") if mail.fits else WARNING_SIGN


def _mail_words(mail: Mail) -> Phrase:
    if not mail.sent_to:
        return say("The server ignored the e-mail address, so nobody got an e-mail. Send the link yourself.")
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


ORIGINAL_IS_THERE = say("The message with the secret is still there.")
CHANGE_IT = say("Change the secret too: everybody in that conversation could read it.")


def original_parts(original: Original | None, sharer: Person) -> tuple[Part, ...]:
    """What to do with the message that the secret was taken from. The bot itself changes nothing there."""
    if original is None:
        return ()
    if original.author == sharer.user_id:
        return (_advise(say("Delete it."), CHANGE_IT),)
    if original.author is None:
        return (_advise(say("An app wrote it: ask whoever runs that app to delete it."), CHANGE_IT),)
    ask = say("Ask {person} to delete it and to change the secret, for example like this:", person=Who(original.author))
    words = Copyable.of(
        say("There is a secret in a message of yours. Please delete that message and change the secret."),
        say("Everybody in that conversation could read it. I am sharing it through a one-time link instead."),
    )
    return (_advise(ask), words)


def _advise(*what: Piece) -> Text:
    return Text.of(WARNING_SIGN, Sentences.of(ORIGINAL_IS_THERE, *what))


def original_message(advice: tuple[Part, ...]) -> Message:
    """The advice for somebody who closed the window before it could be shown there."""
    return Message(Sentences.of(ORIGINAL_IS_THERE, CHANGE_IT), advice)


def already_shared(deliveries: list[Delivery], advice: tuple[Part, ...] = ()) -> Modal:
    """The window for a form that was submitted before: nothing is made again. `advice` is what to do next."""
    said = say("You sent this form already. This is the status:")
    if any(one.state in IN_HAND for one in deliveries):
        said = ALREADY_SENT
    lines = (line(delivery) for delivery in deliveries)
    return Modal.of(SHARED_FORM, SHARED, Text.of(said), *lines, *advice, close=DONE)


def line(delivery: Delivery) -> Text:
    """One delivery in a line."""
    name = recipient_name(delivery.recipient)
    return Text.of(
        DELIVERY_SIGNS[delivery.state], say("{recipient}: {status}.", recipient=name, status=sent_words(delivery))
    )


def link_parts(delivery: Delivery) -> list[Part]:
    """The link itself, to be copied. Anybody who has the link can open the secret, once."""
    return [
        Text.of(Mark(":link: "), say("*The link.* Anybody who has it can open the secret, once.")),
        Link(Host(delivery.host).secret_link(delivery.secret_key)),
    ]


def passphrase_parts(passphrase: Secret) -> list[Part]:
    return [
        Text.of(
            Mark(":key: "), say("*The passphrase.* It is shown only this once. Send it another way than the secret.")
        ),
        Revealed(passphrase),
    ]
