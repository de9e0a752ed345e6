"""What recipients see. The messages hold no key, no link and no content: only a button.

The one exception is a passphrase that the sender chose to have sent apart from the secret.
"""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import (
    Button,
    Buttons,
    Facts,
    HostName,
    Message,
    Note,
    Part,
    Passphrase,
    Piece,
    Plain,
    Text,
    When,
    Who,
)
from bot.sharing.form_state import MAX_NOTE
from bot.status.words import DELIVERY_SIGNS, delivery_over_words, delivery_summary, name_in_label
from bot.storage.shares.rows import Delivery, Share

SHARE_OPEN = "share_open"  # the button with which a recipient opens a delivery


def recipient_message(share: Share, delivery: Delivery) -> Message:
    """The message with the Open button of a delivery, as it is now. It is one message, updated in place."""
    sender = Who(delivery.sender.user_id)
    if delivery.is_over:
        return Message.of(
            Text.of("The one-time secret that ", sender, f" shared with you here: {delivery_summary(delivery)}."),
            Text.of(f"{DELIVERY_SIGNS[delivery.state]} ", *delivery_over_words(delivery)),
            Note.of("Shared by ", sender, ". There is nothing left to open here."),
        )
    first = ": whoever opens it first gets it." if delivery.recipient.channel else " with you."
    parts: list[Part] = [Text.of(":closed_lock_with_key: ", sender, f" shares a one-time secret{first}")]
    if share.note:
        parts.append(Text.of("> ", Plain(share.note, MAX_NOTE)))
    parts += [_facts(share, delivery), Buttons.of(_open_button(share, delivery)), Note.of(_promise(delivery))]
    note = (": “", Plain(share.note, MAX_NOTE), "”") if share.note else ()
    summary = Text.of(sender, " shares a one-time secret", first.rstrip("."), *note, ". Open this message in Slack.")
    return Message(summary, tuple(parts))


def _open_button(share: Share, delivery: Delivery) -> Button:
    label = f"Open {name_in_label(share.label, share.created_at)}, which works once"
    return Button("Open", SHARE_OPEN, delivery.id, "primary", accessibility_label=label)


def _promise(delivery: Delivery) -> str:
    who = "whoever of this channel is first" if delivery.recipient.channel else "you"
    return f"It works once, and only for {who}. There is nothing of it in this message."


def _facts(share: Share, delivery: Delivery) -> Facts:
    rows: list[tuple[str, Piece]] = [("Host", HostName(Host(delivery.host).name))]
    if delivery.expires_at:
        rows.append(("Expires", When(delivery.expires_at)))
    if delivery.passphrase_required:
        apart = share.passphrase_to == "recipient"
        rows.append(("Passphrase", "Needed: it comes in a message apart" if apart else "Needed: ask for it"))
    return Facts(tuple(rows))


def passphrase_message(share: Share, delivery: Delivery) -> Message:
    """The passphrase, apart from the secret. It is the only message that holds anything secret."""
    assert delivery.passphrase is not None
    return Message.of(
        Text.of("The passphrase of the one-time secret that ", Who(share.person.user_id), " shares with you."),
        Text.of(":key: This is the passphrase of the one-time secret that ", Who(share.person.user_id), " shares."),
        Passphrase(delivery.passphrase),
        Note.of("It opens nothing by itself. The secret is in a message of its own, with an Open button."),
    )


def reminder(share: Share, delivery: Delivery) -> Message:
    """The message to the recipient after Remind. It cannot open the delivery: only the first message can."""
    until: tuple[Piece, ...] = (" until ", When(delivery.expires_at)) if delivery.expires_at else ()
    said: tuple[Piece, ...] = (
        ":bell: The one-time secret that ", Who(share.person.user_id), " shares waits", *until,
        ". Its message is further up, with an *Open* button.",
    )  # fmt: skip
    summary = Text.of("A reminder: the one-time secret that ", Who(share.person.user_id), " shares waits to be opened.")
    return Message(summary, (Text(said),))
