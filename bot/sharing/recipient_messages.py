"""What recipients see. The messages hold no key, no link and no content: only a button.

The one exception is a passphrase that the sender chose to have sent apart from the secret.
"""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Confirm, Facts, Message, Note, Part, Passphrase, Text
from bot.screen.pieces import HostName, Mark, Phrase, Piece, Plain, SecretNamed, Sentences, When, Who, say
from bot.sharing.form_state import MAX_NOTE
from bot.status.names import note_in_label, quoted
from bot.status.words import (
    DELIVERY_SIGNS,
    GONE_SIGN,
    REMINDER_SIGN,
    delivery_over_words,
)
from bot.storage.shares.rows import Delivery, Share

# names of actions; the handlers are in features/retrieve
SHARE_OPEN = "share_open"  # shows the window that asks for a passphrase, or to show the link
SHARE_OPEN_NOW = "share_open_now"  # opens the delivery at once, after the confirm dialog of the button


def recipient_message(share: Share, delivery: Delivery, *, escrow: bool = True) -> Message:
    """The message with the Open button of a delivery, as it is now. It is one message, updated in place.

    `escrow` says whether a secret can be shown again whose window was closed too early.
    """
    if delivery.is_over:
        return _over_message(share, delivery)
    said = say("{person} shares a one-time secret with you.", person=Who(delivery.sender.user_id))
    if delivery.recipient.channel:
        said = say(
            "{person} shares a one-time secret: the first person who opens it gets it.",
            person=Who(delivery.sender.user_id),
        )
    return _with_open_button(share, delivery, Mark(":closed_lock_with_key: "), said, escrow=escrow)


def reminder(share: Share, delivery: Delivery, *, escrow: bool = True) -> Message:
    """The message to the recipient after Remind. It opens the delivery like the first message, and ends like it."""
    said = say(
        "A reminder: the one-time secret from {person} has not been opened yet.", person=Who(delivery.sender.user_id)
    )
    return _with_open_button(share, delivery, REMINDER_SIGN, said, escrow=escrow)


def _with_open_button(share: Share, delivery: Delivery, sign: Mark, said: Phrase, *, escrow: bool) -> Message:
    parts: list[Part] = [Text.of(sign, said)]
    if share.note:
        parts.append(Text.of(Mark("> "), Plain(share.note, MAX_NOTE)))
    parts += [
        _facts(share, delivery),
        Buttons(open_buttons(share, delivery, escrow=escrow)),
        Note.of(_promise(delivery)),
    ]
    summary: list[Piece] = [said, say("Open this message in Slack.")]
    if share.note:
        note = say("Note: {note}", note=quoted(share.note, MAX_NOTE))
        summary.insert(1, SecretNamed(note, instead=None))
    return Message(Sentences.of(*summary), tuple(parts))


def _over_message(share: Share, delivery: Delivery) -> Message:
    said = delivery_over_words(delivery, share.note)
    return Message.of(
        said,
        Text.of(DELIVERY_SIGNS[delivery.state], said),
        Note.of(say("Shared by {person}. There is nothing left to open here.", person=Who(delivery.sender.user_id))),
    )


def over_for_long() -> Message:
    """The message about a delivery that is over for so long that nothing is known of it any more."""
    said = say("This one-time secret cannot be opened any more.")
    return Message.of(said, Text.of(GONE_SIGN, said))


def open_buttons(share: Share, delivery: Delivery, *, escrow: bool) -> tuple[Button, ...]:
    """One button that opens at once where there surely is no passphrase, and one for the window that asks.

    Where there may be a passphrase, there is only the one for the window.
    """
    secret = note_in_label(share)
    label = say("Open {secret}, which works once", secret=secret)
    if delivery.passphrase_required is not False:
        return (Button(say("Open"), SHARE_OPEN, delivery.id, "primary", accessibility_label=label),)
    at_once = Button(say("Open"), SHARE_OPEN_NOW, delivery.id, "primary", open_confirm(escrow=escrow), label)
    label = say("Open in the browser: {secret}", secret=secret)
    return at_once, Button(say("Open in the browser…"), SHARE_OPEN, delivery.id, accessibility_label=label)


def open_confirm(*, escrow: bool) -> Confirm:
    """The question before a secret without a passphrase is opened."""
    once = say("This works once: after that nobody can open it again. It is shown in a window that only you see.")
    loses = () if escrow else (say("Closing that window before the secret is shown loses the secret."),)
    return Confirm(say("Open it now?"), Sentences.of(once, *loses), yes=say("Open"), no=say("Not now"))


def _promise(delivery: Delivery) -> Sentences:
    return Sentences.of(
        say("It works once, and only for the first full member of this workspace: no guests.")
        if delivery.recipient.channel
        else say("It works once, and only for you."),
        say("Nothing of it is in this message."),
    )


def _facts(share: Share, delivery: Delivery) -> Facts:
    rows: list[tuple[Piece, Piece]] = [(say("Server"), HostName(Host(delivery.host).name))]
    if delivery.expires_at:
        rows.append((say("Expires"), When(delivery.expires_at)))
    if delivery.passphrase_required:
        is_sent = share.passphrase_to == "recipient"
        needed = say("Needed: it comes in a separate message") if is_sent else say("Needed: ask for it")
        rows.append((say("Passphrase"), needed))
    return Facts(tuple(rows))


def passphrase_message(share: Share, delivery: Delivery) -> Message:
    """The passphrase, apart from the secret. It is the only message that holds anything secret."""
    assert delivery.passphrase is not None
    sender = Who(share.person.user_id)
    return Message.of(
        say("The passphrase of the one-time secret that {person} shares with you.", person=sender),
        Text.of(
            Mark(":key: "),
            say("This is the passphrase of the one-time secret that {person} shares with you.", person=sender),
        ),
        Passphrase(delivery.passphrase),
        Note.of(say("It opens nothing by itself. The secret is in a message of its own, with an Open button.")),
    )


def passphrase_over(share: Share, delivery: Delivery) -> Message:
    """In the place of the passphrase, when its secret was opened or is over."""
    said = say(
        "The passphrase of the one-time secret from {person} is no longer needed.", person=Who(share.person.user_id)
    )
    over = delivery_over_words(delivery, share.note)
    return Message.of(Sentences.of(said, over), Text.of(Mark(":key: "), said), Note.of(over))
